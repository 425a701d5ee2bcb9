"""The main pages as an organizer and the district's officer open them, on a phone and at a desk.

Each is whole (200), fits a screen of 360 pixels, and axe-core finds nothing serious;
`open_page` fails the test on a console error.
"""

import pytest
from django.urls import reverse

from organizations.models import Role
from tests.browser import helpers
from tests.reports.scene import Winter

pytestmark = pytest.mark.django_db(transaction=True)

SHARED = [
    "/",
    "/sessions/",
    "/sessions/?state=all",
    "/sessions/new/",
    "/sessions/{joint}/",
    "/sessions/{joint}/register/",
    "/sessions/{joint}/rows/",
    "/sessions/{coming}/sheet/",
    "/campaigns/",
    "/campaigns/{campaign}/",
    "/campaigns/{campaign}/board/",
    "/campaigns/{campaign}/makeup/",
    "/campaigns/{campaign}/roster/",
    "/campaigns/{campaign}/roster/confirm/",
    "/campaigns/{campaign}/roster/history/",
    "/campaigns/{campaign}/heads/",
    "/campaigns/{campaign}/home/",
    "/campaigns/{campaign}/home/new/?entry={entry}",
    "/campaigns/{campaign}/contacts/",
    "/campaigns/{campaign}/late/",
    "/entries/{entry}/",
    "/entries/{entry}/hours/",
    "/campaigns/{campaign}/hours/",
    "/service/",
    "/service/new/",
    "/dashboard/{campaign}/{unit}/",
    "/dashboard/definitions/",
    "/reports/",
    "/members/",
    "/members/{member}/",
    "/organizations/",
    "/accounts/",
    "/jobs/",
    "/import/",
    "/admin/",
    "/admin/organizations/member/",
    "/admin/organizations/user/",
    "/admin/organizations/bulkact/",
    "/admin/campaigns/trainingsession/",
    "/admin/campaigns/trainingsession/{coming}/change/",
    "/admin/campaigns/servicetask/add/",
]
# Where an account's colours are looked at: those of a page both see, once on each size.
COLOURS = {Role.ORGANIZER: helpers.PHONE, Role.OFFICER: helpers.DESKTOP}
SHEETS = [
    f"/sessions/{{joint}}/{page}/"
    for page in ("batches", "many", "together", "paste", "sheet/tick", "sheet/upload")
]
ENDING = ["/campaigns/{campaign}/hours/rules/", "/campaigns/{campaign}/end/"]
AROUND = [
    "/campaigns/{campaign}/guests/",
    "/campaigns/{campaign}/leaves/?state=all",
    "/sessions/{joint}/guests/",
    "/sessions/{joint}/others/",
]
PAGES = {
    Role.ORGANIZER: [
        *SHARED,
        "/campaigns/{campaign}/roster/changes/",
        "/members/new/",
        "/accounts/bulk/",
        *SHEETS,
        *AROUND,
    ],
    Role.OFFICER: [
        *SHARED,
        "/campaigns/{campaign}/doubts/",
        "/audit/",
        "/campaigns/new/",
        "/admin/organizations/auditevent/",
        *ENDING,
    ],
}


def addresses(winter, user):
    """The pages of this account with rows it may see, and whether another account sees them too."""
    is_officer = user.role == Role.OFFICER
    rows = {
        "joint": winter.joint.pk,
        "coming": winter.coming.pk if is_officer else winter.forgotten.pk,
        "campaign": winter.campaign.pk,
        "entry": winter.entry(winter.wang).pk,
        "unit": (winter.district_unit if is_officer else winter.north_unit).pk,
        "member": winter.wang.pk,
    }
    return [(pattern.format(**rows), pattern in SHARED) for pattern in PAGES[user.role]]


def faults(page, coloured) -> list[str]:
    """What is wrong with the page as it stands, at either size."""
    found = []
    for size in (helpers.SMALLEST_PHONE, helpers.PHONE, helpers.DESKTOP):
        page.set_viewport_size(size)
        found += [f"scrolls sideways at {size['width']}px"] if helpers.overflows(page) else []
        if size is not helpers.SMALLEST_PHONE:
            violations = helpers.serious_violations(page, contrast=size in coloured)
            found += [f"{size['width']}px {words}" for words in violations]
    return found


@pytest.mark.parametrize("account", ["north_organizer", "officer"])
def test_every_page_is_whole_fits_and_can_be_read_aloud(open_page, account):
    winter = Winter()
    user = getattr(winter, account)
    page = open_page(helpers.PHONE, user=user)
    wrong = {}
    for address, is_shared in addresses(winter, user):
        status = page.goto(address).status
        coloured = [COLOURS[user.role]] if is_shared else COLOURS.values()
        found = faults(page, coloured) if status == 200 else [f"answers {status}"]
        if found:
            wrong[address] = found
    assert not wrong, "\n".join(f"{address}: {'; '.join(found)}" for address, found in wrong.items())


@pytest.mark.parametrize("account", ["north_organizer", "officer"])
def test_every_list_kept_rarely_is_in_the_menu(open_page, account):
    user = getattr(Winter(), account)
    page = open_page(helpers.DESKTOP, user=user)
    page.goto("/")
    menu = page.locator(".account")
    menu.locator("summary").click()
    for name in ("campaign_list", "organization_list", "account_list", "job_list"):
        app = "campaigns" if name == "campaign_list" else "organizations"
        assert menu.locator(f'a[href="{reverse(f"{app}:{name}")}"]').is_visible(), name


def test_a_lists_button_stands_in_the_head_at_a_desk(open_page):
    page = open_page(helpers.DESKTOP, user=Winter().north_organizer)
    page.goto("/sessions/?state=all")
    heading = page.locator("h1").bounding_box()
    button = page.locator(".sticky-bar .btn-primary").bounding_box()
    assert button["y"] < heading["y"] + heading["height"] and button["x"] > heading["x"]
