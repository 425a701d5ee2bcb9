"""The report job, the nightly figures, and the moment a report is read from."""

import io
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone
from openpyxl import load_workbook

from campaigns.models import Campaign, Unit
from organizations.models import Job, Role, User
from organizations.services import jobs
from reports import tasks
from reports.models import DailyFigure
from reports.queries import figures, trend
from reports.services import daily, reports
from reports.snapshot import snapshot
from tests.base import fixture_writes, make_member
from tests.reports.oracle import recount
from tests.reports.scene import Winter

pytestmark = pytest.mark.django_db


@pytest.fixture
def winter():
    return Winter()


def asked(winter, actor=None, unit=None):
    return reports.request_report(
        actor=actor or winter.north_organizer, unit=unit or winter.north_unit, form=uuid4()
    )


def test_the_job_publishes_the_workbook_once(winter):
    job = asked(winter)
    tasks.build_report(job.pk)
    tasks.build_report(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.done) == (Job.State.READY, 1, job.total)
    assert job.file.name.startswith("北山镇党委_") and job.file.name.endswith(".xlsx")
    book = load_workbook(io.BytesIO(bytes(job.file.content)))
    assert book["情况统计表"]["A2"].value == "填报单位：北山镇党委"
    assert "金丝雀" not in str([[*sheet.values] for sheet in book])


def test_names_at_their_longest_make_a_title_and_a_file(winter):
    with fixture_writes():
        Unit.objects.filter(pk=winter.north_unit.pk).update(name="镇" * 100)
        Campaign.objects.filter(pk=winter.campaign.pk).update(label="冬" * 100)
    job = asked(winter, unit=Unit.objects.select_related("campaign").get(pk=winter.north_unit.pk))
    assert len(job.title) == 200
    tasks.build_report(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.READY
    assert len(job.file.name) == 200 and job.file.name.endswith(".xlsx")


def test_one_page_may_ask_for_several_units(winter):
    form = uuid4()
    ask = {"actor": winter.officer, "form": form}
    north = reports.request_report(unit=winter.north_unit, **ask)
    south = reports.request_report(unit=winter.south_unit, **ask)
    assert north != south and reports.request_report(unit=winter.north_unit, **ask) == north


def test_progress_is_never_written_inside_the_snapshot(winter):
    seen = []

    def progress(done, total, text):
        seen.append(text)

    reports.build_report(winter.north_unit, exporter="x", progress=progress)
    assert seen == ["正在读取数据", "正在生成表格和4人的名单", "正在保存"]


@pytest.mark.parametrize("change", ["role", "scope", "closed"])
def test_a_requester_who_lost_the_right_gets_nothing(winter, change):
    job = asked(winter)
    facts = {
        "role": {"role": Role.RECORDER},
        "scope": {"organization": winter.south},
        "closed": {"is_active": False},
    }[change]
    with fixture_writes():
        User.objects.filter(pk=winter.north_organizer.pk).update(**facts)
    tasks.build_report(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED and job.file is None and job.reason


def test_a_run_that_lost_its_lease_publishes_nothing(winter):
    job = asked(winter)
    claimed = jobs.claim(job.pk)
    with fixture_writes():
        Job.objects.filter(pk=job.pk).update(attempts=2)
    with pytest.raises(jobs.LeaseLost):
        reports.build(claimed)
    job.refresh_from_db()
    assert job.file is None


@pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
def test_a_report_reads_one_moment_and_blocks_nobody(own_snapshot):
    winter = Winter()
    with snapshot() as alias:
        before = figures.values(winter.north_unit, using=alias)
        # A register sent meanwhile is stored at once, and is not in this report.
        winter.mark(winter.joint, {winter.qian: "present"})
        assert figures.values(winter.north_unit, using=alias) == before
    after = figures.values(winter.north_unit)
    assert after["RATE_DUE"].n == before["RATE_DUE"].n + 1
    assert not connections["snapshot"].in_atomic_block


def test_the_evenings_figures_are_written_for_every_unit_above_the_branches(winter):
    day = timezone.localdate()
    assert daily.write_daily(day=day) == 3
    stored = {row.unit.organization.code: row.values for row in DailyFigure.objects.all()}
    assert stored == {code: recount(winter.campaign, code) for code in ("HZ", "HZ01", "HZ02")}


def test_what_was_known_that_evening_is_never_rewritten(winter):
    day = timezone.localdate()
    daily.write_daily(day=day)
    before = DailyFigure.objects.get(unit=winter.north_unit).values
    winter.mark(winter.joint, {winter.qian: "present"})
    daily.write_daily(day=day)
    assert DailyFigure.objects.get(unit=winter.north_unit).values == before
    assert DailyFigure.objects.count() == 3


def test_practice_is_not_kept():
    Winter(kind="PRACTICE")
    assert daily.write_daily(day=timezone.localdate()) == 0


def at_clock(days: int, hour: int, minute: int):
    day = timezone.localdate() + timedelta(days=days)
    return timezone.make_aware(datetime(day.year, day.month, day.day, hour, minute))


@pytest.mark.parametrize(("days", "hour", "minute"), [(0, 23, 50), (1, 0, 10), (1, 8, 0), (1, 23, 49)])
def test_an_evening_is_asked_for_once_and_keeps_its_day_when_it_comes_late(winter, days, hour, minute):
    """At ten to midnight as a rule; after a night without power the next morning, never as the new day's."""
    today = timezone.localdate()
    job = daily.request_evening(now=at_clock(0, 23, 50))
    assert daily.request_evening(now=at_clock(days, hour, minute)) == job
    tasks.nightly_figures(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.READY
    assert set(DailyFigure.objects.values_list("day", flat=True)) == {today}


def test_an_evening_that_failed_is_asked_for_again_and_later_less_often(winter):
    def fail(job):
        with fixture_writes():
            Job.objects.filter(pk=job.pk).update(state="FAILED", finished_at=timezone.now())

    evening = at_clock(0, 23, 50)
    first = daily.request_evening(now=evening)
    fail(first)
    second = daily.request_evening(now=evening)
    assert second != first and daily.request_evening(now=evening) == second
    fail(second)
    assert daily.request_evening(now=evening) is None
    with fixture_writes():
        Job.objects.update(finished_at=timezone.now() - timedelta(hours=2))
    third = daily.request_evening(now=evening)
    tasks.nightly_figures(third.pk)
    assert DailyFigure.objects.filter(day=timezone.localdate()).count() == 3
    assert daily.request_evening(now=evening) == third


def test_no_evening_before_the_roster_was_drawn(winter):
    assert daily.request_evening(now=at_clock(0, 23, 49)) is None, "last evening there was no roster yet"
    assert daily.write_daily(day=timezone.localdate() - timedelta(days=1)) == 0


def test_the_look_of_each_minute_asks_for_the_evening(winter, time_machine):
    time_machine.move_to(at_clock(0, 23, 51))
    tasks.evening_due()
    tasks.evening_due()
    assert Job.objects.filter(kind=daily.KIND).count() == 1


def test_the_change_is_measured_against_an_evening_a_week_ago(winter):
    today = timezone.localdate()
    with fixture_writes():
        Campaign.objects.update(roster_drawn_on=today - timedelta(days=9))
    daily.write_daily(day=today - timedelta(days=8))
    winter.mark(winter.joint, {winter.qian: "present"})
    rate = figures.values(winter.north_unit)["RATE_DUE"]
    earlier = trend.week_ago(winter.north_unit, today)
    assert trend.change(rate, "RATE_DUE", earlier).text.endswith("高 33.3 个百分点")
    assert trend.week_ago(winter.north_unit, today + timedelta(days=9)) is None, "too long ago"


def test_a_member_of_nowhere_in_the_campaign_changes_no_figure(winter):
    before = figures.values(winter.north_unit)
    make_member(winter.north_branch, "刚来的人")
    assert figures.values(winter.north_unit) == before
