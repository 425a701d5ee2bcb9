"""What each account reads on its pages is what its own rows give: an oracle counts them apart."""

import io
import re

import pytest
from openpyxl import load_workbook

from attendance.models import Attendance
from attendance.services.adopting import adopt_differences
from attendance.services.recount import rebuild
from campaigns.services.service_tasks import open_task, resolve_task
from organizations.models import Member
from reports.queries import figures
from reports.services.reports import build_report
from tests.base import fixture_writes, make_member, once
from tests.prying.forms import pages
from tests.prying.walk import Pryer
from tests.reports.oracle import recount
from tests.reports.scene import Winter

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
TAGS, CLOCK = re.compile(r"<[^>]*>"), re.compile(r"\d\d:\d\d")
READERS = ["officer", "north_organizer", "south_organizer", "inspector", "north_recorder"]


built, winter = once(Winter)


class Door:
    """What Pryer needs of a world, around the winter scene."""

    def __init__(self, winter):
        self.canaries, self.numbers = [], []
        self.actors = {name: getattr(winter, name) for name in [*READERS, "auditor"]}


def home(winter, user):
    return winter.campaign.units.get(organization=user.organization)


@pytest.mark.parametrize("name", READERS)
def test_every_indicator_of_the_own_unit_is_the_recount_of_the_own_rows(winter, name):
    user = getattr(winter, name)
    expected = recount(winter.campaign, user.organization.code)
    found = figures.values(home(winter, user), list(expected))
    assert {code: plain(value) for code, value in found.items()} == {
        code: plain(value) for code, value in expected.items()
    }


def plain(value):
    """Fractions as pairs, whatever class carries them."""
    if hasattr(value, "n") and hasattr(value, "d"):
        return {"n": value.n, "d": value.d}
    return value


@pytest.mark.parametrize("name", READERS)
def test_the_dashboard_shows_the_own_numbers(winter, name):
    user = getattr(winter, name)
    answer = Pryer(Door(winter), name).client.get(f"/dashboard/{winter.campaign.pk}/{home(winter, user).pk}/")
    expected = recount(winter.campaign, user.organization.code)
    context = answer.context
    assert (plain(context["due"]), plain(context["missing"])) == (expected["MEM_DUE"], expected["NOT_YET"])


@pytest.mark.parametrize("name", READERS)
def test_lists_of_people_hold_the_own_people_and_all_of_them(winter, name):
    user = getattr(winter, name)
    client = Pryer(Door(winter), name).client
    mine = Member.objects.filter(branch__code__startswith=user.organization.code)
    shown = client.get("/members/").content.decode()
    assert {m.name for m in mine if m.name in shown} == {m.name for m in mine}
    assert not [m.name for m in Member.objects.exclude(pk__in=mine) if m.name in shown]
    total = client.get(f"/campaigns/{winter.campaign.pk}/roster/").context["total"]
    assert int(total) == recount(winter.campaign, user.organization.code)["MEM_ALL"]


@pytest.mark.parametrize("name", ["officer", "north_organizer", "inspector"])
def test_the_workbook_holds_the_own_numbers(winter, name):
    user = getattr(winter, name)
    unit = home(winter, user)
    content = build_report(unit, exporter=user.name)
    cells = [
        cell
        for sheet in load_workbook(io.BytesIO(content), data_only=True)
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if cell is not None
    ]
    words = "\n".join(str(cell) for cell in cells)
    outside = Member.objects.exclude(branch__code__startswith=user.organization.code)
    assert not [member.name for member in outside if member.name in words]
    assert recount(winter.campaign, user.organization.code)["MEM_DUE"] in cells


def everything_shown(pryer) -> dict[str, str]:
    """The words and numbers of every kind of page, without what differs from one minute to the next."""
    texts = {reader.page: answer.content.decode() for reader, answer in pages(pryer, most=90)}
    return {page: CLOCK.sub("", TAGS.sub(" ", text)) for page, text in texts.items()}


def test_the_neighbours_people_change_nothing_i_read(winter):
    """Every page again after the south has doubled: not one figure or word of the north differs."""
    pryer, codes = Pryer(Door(winter), "north_organizer"), list(recount(winter.campaign, "HZ01"))
    figures_before, before = figures.values(winter.north_unit, codes), everything_shown(pryer)
    task = open_task(actor=winter.south_organizer, unit=winter.south_branch_unit, title="南边修路")
    resolve_task(actor=winter.south_organizer, task=task, result="修好了")
    winter.session(winter.south_branch_unit, days=-3, hour=15, title="南边的课")
    for number in range(3):
        make_member(winter.south_branch, f"南新{number}")
    with fixture_writes():
        Attendance.objects.filter(entry__unit=winter.south_branch_unit).update(status="absent")
    adopt_differences(actor=winter.south_organizer, unit=winter.south_branch_unit)
    rebuild(campaign=winter.campaign)
    assert figures.values(winter.north_unit, codes) == figures_before
    after = everything_shown(pryer)
    assert len(before) > 30 and set(after) == set(before)
    assert [page for page in before if after[page] != before[page]] == []
