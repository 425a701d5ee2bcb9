"""Home, dashboard, the lists behind figures, the report page: who sees what, and at what cost."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.models import Campaign
from organizations.models import Job, Role
from reports.queries import figures
from reports.services import reports
from tests.base import fixture_writes, make_organization, make_user, once
from tests.reports.scene import Winter
from tests.reports.test_figures import add_townships
from tests.reports.test_jobs import at_clock

pytestmark = pytest.mark.django_db


built, winter = once(Winter)


def page(unit):
    return reverse("reports:unit_dashboard", args=[unit.campaign_id, unit.pk])


def as_user(client, user):
    client.force_login(user)
    return client


def test_the_dashboard_opens_at_the_accounts_own_unit(client, winter):
    for user, unit in (
        (winter.officer, winter.district_unit),
        (winter.north_organizer, winter.north_unit),
        (winter.inspector, winter.district_unit),
    ):
        answer = as_user(client, user).get(reverse("reports:dashboard"))
        assert answer.headers["Location"] == page(unit)


def test_the_dashboard_shows_the_three_rates_with_their_lists(client, winter):
    answer = as_user(client, winter.officer).get(page(winter.district_unit))
    values = figures.values(winter.district_unit)
    html = answer.content.decode()
    for code in ("RATE_DUE", "ATT_RATE", "DONE_RATE"):
        assert values[code].text in html
        assert f"{values[code].n} / {values[code].d}" in html
    roster = reverse("attendance:roster_list", args=[winter.campaign.pk])
    assert f"{roster}?unit={winter.district_unit.pk}&amp;state=not&amp;why=ABSENT" in html
    assert "怎么算的" in html and "截至" in html


def test_units_stand_in_their_fixed_order_not_by_rate(client, winter):
    html = as_user(client, winter.officer).get(page(winter.district_unit)).content.decode()
    assert html.index("北山镇党委") < html.index("南河镇党委")


def test_a_branch_shows_its_people(client, winter):
    html = as_user(client, winter.north_organizer).get(page(winter.north_branch_unit)).content.decode()
    assert all(name in html for name in ("王北甲", "李北乙", "赵北丙")) and "不作硬性要求" in html
    assert "钱北丁" not in html


@pytest.mark.parametrize("code", ["ATT_RATE", "UNMARKED", "TOPIC_COV", "ORG_N", "NOT_YET", "TASK_DONE"])
def test_every_figure_opens(client, winter, code):
    url = reverse("reports:indicator_list", args=[winter.campaign.pk, winter.north_unit.pk, code])
    answer = as_user(client, winter.north_organizer).get(url, follow=True)
    assert answer.status_code == 200


def test_an_unknown_figure_is_not_found(client, winter):
    url = reverse("reports:indicator_list", args=[winter.campaign.pk, winter.north_unit.pk, "SCORE"])
    assert as_user(client, winter.north_organizer).get(url).status_code == 404


def test_the_other_township_is_not_found(client, winter):
    as_user(client, winter.north_organizer)
    for unit in (winter.south_unit, winter.south_branch_unit, winter.district_unit):
        assert client.get(page(unit)).status_code == 404
        url = reverse("reports:indicator_list", args=[unit.campaign_id, unit.pk, "ATT_RATE"])
        assert client.get(url).status_code == 404
        asked = client.post(
            reverse("reports:report_request"),
            {"unit": unit.pk, "form": "11111111-2222-3333-4444-555555555555"},
        )
        assert asked.status_code == 404
    assert not Job.objects.exists()


def test_the_breadcrumb_ends_at_the_own_scope(client, winter):
    html = as_user(client, winter.north_organizer).get(page(winter.north_branch_unit)).content.decode()
    crumbs = html[html.index('class="breadcrumb"') : html.index("</ol>")]
    assert "北山镇党委" in crumbs and "海州区委" not in crumbs


def test_a_practice_campaign_is_labelled(client, winter):
    with fixture_writes():
        Campaign.objects.update(kind="PRACTICE")
    html = as_user(client, winter.officer).get(page(winter.district_unit)).content.decode()
    assert "练习" in html and "不计入任何正式统计" in html


def test_stale_figures_say_so(client, winter):
    with fixture_writes():
        winter.campaign.recount_due_at = winter.campaign.created_at
        winter.campaign.save()
    assert "正在重算" in as_user(client, winter.officer).get(page(winter.district_unit)).content.decode()


def test_the_dashboard_costs_the_same_with_two_units_and_with_five(client, winter):
    as_user(client, winter.officer).get(page(winter.district_unit))
    with CaptureQueriesContext(connection) as few:
        client.get(page(winter.district_unit))
    add_townships(winter, 3)
    with CaptureQueriesContext(connection) as many:
        client.get(page(winter.district_unit))
    assert len(many) == len(few) <= 16


def test_home_is_the_accounts_own(client, winter):
    home = reverse("reports:home")
    html = as_user(client, winter.north_organizer).get(home).content.decode()
    assert "北山镇党委" in html and "1场课上过了未点名" in html and "南河" not in html
    assert as_user(client, winter.inspector).get(home).headers["Location"] == page(winter.district_unit)
    audit = reverse("organizations:audit_list")
    assert as_user(client, winter.auditor).get(home).headers["Location"] == audit


def test_a_recorder_finds_the_registers_to_mark(client, winter, time_machine):
    time_machine.move_to(at_clock(0, 10, 0), tick=True)
    today = winter.session(days=0, hour=0, title="今天凌晨的课")
    html = as_user(client, winter.north_recorder).get(reverse("reports:home")).content.decode()
    assert reverse("attendance:register", args=[today.pk]) in html
    assert "没有点名的课" not in html, "another branch's"
    # The class of this morning stands under a title that is true of it, with the word of every other page.
    assert "本周的场次" in html and "未点名" in html and "没点名" not in html


def test_without_a_campaign_the_first_page_says_what_to_do(client, db):
    county = make_organization(None, "GY", "灌云县委", "COMMITTEE")
    town = make_organization(county, "GY01", "圩丰镇党委", "COMMITTEE")
    officer, organizer = make_user("gy", county, Role.OFFICER), make_user("gy1", town, Role.ORGANIZER)
    assert "新建冬训" in as_user(client, officer).get(reverse("reports:home")).content.decode()
    html = as_user(client, organizer).get(reverse("reports:dashboard")).content.decode()
    assert "上级还没有开始冬训" in html
    assert as_user(client, officer).get(reverse("reports:report_list")).status_code == 200


def test_pages_answer_only_their_method(client, winter):
    as_user(client, winter.officer)
    for url in (reverse("reports:home"), page(winter.district_unit), reverse("reports:report_list")):
        assert client.post(url).status_code == 405
    assert client.get(reverse("reports:report_request")).status_code == 405


def test_a_report_is_asked_for_once_however_often_it_is_sent(client, winter):
    as_user(client, winter.north_organizer)
    form = {"unit": winter.north_unit.pk, "form": "11111111-2222-3333-4444-555555555555"}
    first = client.post(reverse("reports:report_request"), form)
    again = client.post(reverse("reports:report_request"), form)
    job = Job.objects.get()
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["Location"] == reverse("organizations:job_detail", args=[job.uuid])
    assert (job.kind, job.requested_by, job.organization) == (
        reports.KIND,
        winter.north_organizer,
        winter.north,
    )
    assert set(job.params) == {"campaign", "unit"}
    html = client.get(reverse("reports:report_list")).content.decode()
    assert job.title in html


def test_the_picker_of_units_shows_one_level_and_finds_the_rest(client, winter):
    as_user(client, winter.officer)
    url = reverse("reports:report_list")

    def offered(**asked):
        return [unit.name for unit in client.get(url, asked).context["units"]]

    assert offered() == ["海州区委", "北山镇党委", "南河镇党委"]
    assert offered(unit=winter.north_unit.pk) == ["北山镇党委"]
    assert offered(q="南河") == ["南河镇党委"] and offered(q="没有这个") == []
    as_user(client, winter.north_organizer)
    assert offered(q="镇") == ["北山镇党委"]
    assert client.get(url, {"unit": winter.south_unit.pk}).status_code == 404
    for nonsense in ("²", "9" * 30, "9" * 5000):
        assert client.get(url, {"campaign": nonsense}).status_code == 200


def test_a_recorder_exports_nothing(client, winter):
    as_user(client, winter.north_recorder)
    form = {"unit": winter.north_branch_unit.pk, "form": "11111111-2222-3333-4444-555555555555"}
    client.post(reverse("reports:report_request"), form)
    assert not Job.objects.exists()
