"""学时: rows follow the rules from a day on; a person's ledger adds up; the lists and the file."""

from datetime import date, timedelta
from fractions import Fraction
from io import BytesIO

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from attendance.models import Attendance, RosterEntry
from attendance.queries import hours
from attendance.services import recounting
from attendance.services.corrections import correct_session
from attendance.services.judging import MarkInput
from attendance.services.marks import record_marks
from campaigns.models import Campaign
from campaigns.services.freezing import freeze_unit
from campaigns.services.hours import set_hours_rule
from organizations.models import AuditEvent, Job
from organizations.services import jobs
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, once, query_count

pytestmark = pytest.mark.django_db
built, scene = once(Scene)


def today():
    return timezone.localdate()


def rule(scene, minutes, since, kind="OTHER"):
    return set_hours_rule(
        actor=scene.officer,
        campaign=scene.campaign,
        kind=kind,
        since=since,
        minutes=minutes,
        source="区委组织部通知",
    )


def recount(scene):
    """What the scheduled job does."""
    (pk,) = recounting.request_due()
    jobs.run(pk, recounting.recount_campaign)
    scene.campaign.refresh_from_db()


def with_minutes(scene, session, member, minutes):
    entry = scene.entry(member)
    row = Attendance.objects.filter(session=session, entry=entry).first()
    mark = MarkInput(entry.pk, "late", row.version if row else 0, minutes=minutes)
    return record_marks(
        actor=scene.north_organizer,
        session=session,
        batch=f"00000000-0000-4000-8000-{session.pk:06}{entry.pk:06}",
        marks=[mark],
        body_sha256="x",
    )


@pytest.fixture
def taught(scene):
    """Two classes of two hours: ten days ago and two days ago; li was late at the second, 70 minutes."""
    old, new = scene.session(days=-10), scene.session(days=-2)
    for session in (old, new):
        scene.mark(session, {scene.wang: "present", scene.li: "present", scene.zhao: "absent"})
    with_minutes(scene, new, scene.li, 70)
    return old, new


def minutes_of(scene, member):
    return dict(Attendance.objects.filter(entry=scene.entry(member)).values_list("session_id", "minutes"))


def test_the_recount_brings_classes_from_the_day_on_up_to_the_rule(scene, taught):
    old, new = taught
    rule(scene, 90, today() - timedelta(days=5))
    recount(scene)
    assert minutes_of(scene, scene.wang) == {old.pk: 120, new.pk: 90}
    assert minutes_of(scene, scene.li) == {old.pk: 120, new.pk: 70}
    assert minutes_of(scene, scene.zhao) == {old.pk: 0, new.pk: 0}
    assert scene.entry(scene.wang).standing.minutes == 210
    assert scene.campaign.recount_due_at is None
    assert_derived_rows_are_true(scene.campaign)


def test_a_default_moves_no_figure_and_an_earlier_day_gives_the_old_result_again(scene, taught):
    assert scene.entry(scene.wang).standing.minutes == 240
    first = today() - timedelta(days=5)
    rule(scene, 90, first)
    recount(scene)
    rule(scene, None, first)
    recount(scene)
    assert scene.entry(scene.wang).standing.minutes == 240
    assert_derived_rows_are_true(scene.campaign)


def test_while_a_unit_is_frozen_nothing_follows_and_the_job_says_why(scene, taught):
    rule(scene, 90, today() - timedelta(days=5))
    freeze_unit(actor=scene.officer, unit=scene.south_unit)
    recount(scene)
    assert "锁定" in Job.objects.latest("pk").reason
    assert minutes_of(scene, scene.wang)[taught[1].pk] == 120
    assert Campaign.objects.get(pk=scene.campaign.pk).recount_due_at is not None


def correct(scene, session, minutes):
    return correct_session(
        actor=scene.north_organizer,
        session=session,
        title=session.title,
        topics=[],
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        minutes=minutes,
    )


def test_a_corrected_length_is_typed_and_an_empty_one_goes_back_to_the_rule(scene, taught):
    session = correct(scene, taught[1], 100)
    assert session.hours_rule is None and minutes_of(scene, scene.wang)[session.pk] == 100
    assert rule(scene, 30, today() - timedelta(days=5))[1] == 0
    session = correct(scene, session, None)
    assert session.hours_rule.minutes == 30 and minutes_of(scene, scene.wang)[session.pk] == 30
    assert correct(scene, session, 30).hours_rule is not None


def ledger(scene, member):
    (found,) = hours.ledgers([scene.entry(member)])
    return found


def test_every_minute_has_its_day_class_rule_and_who_changed_it(scene, taught):
    found = ledger(scene, scene.li)
    assert [line.minutes for line in found.lines] == [120, 70]
    assert found.total.minutes == scene.entry(scene.li).standing.minutes == 190
    first, second = found.lines
    assert first.rule == "其他：按实际时长" and first.source and not first.set_by
    assert second.set_by == "北山组织员" and second.set_at is not None
    assert found.total.hours == Fraction(190, 45) and found.total.text == "4.2"


def test_a_class_that_does_not_count_gives_nothing_and_says_so(scene):
    session = scene.session(form="SERVICE")
    scene.mark(session, {scene.wang: "present"})
    (line,) = ledger(scene, scene.wang).lines
    assert (line.minutes, line.rule) == (0, "这种形式不计学时")


def test_a_winter_counts_in_both_its_years_by_the_day_of_the_class(scene, taught):
    with fixture_writes():
        Campaign.objects.filter(pk=scene.campaign.pk).update(starts_on=date(today().year - 1, 12, 1))
        Attendance.objects.filter(session=taught[0]).update(held_on=date(today().year - 1, 12, 31))
    sums = hours.years([ledger(scene, scene.wang)], today())
    assert {year: one.minutes for year, one in sums.items()} == {today().year - 1: 120, today().year: 120}
    assert sums[today().year].target == 32 and not sums[today().year].is_met


def test_practice_counts_in_no_year(scene, taught):
    with fixture_writes():
        Campaign.objects.filter(pk=scene.campaign.pk).update(kind="PRACTICE")
    assert hours.years([ledger(scene, scene.wang)], today()) == {}
    assert hours.hours_of_year([scene.entry(scene.wang)], today().year, scene.officer) == {
        scene.entry(scene.wang).pk: 0
    }


def test_exactly_the_target_is_enough_and_a_minute_less_is_not():
    assert hours.Sum(1440, Fraction(1440, 45), 32).is_met
    short = hours.Sum(1439, Fraction(1439, 45), 32)
    assert (short.is_met, short.text, short.missing) == (False, "31.9", "0.1")


def test_the_pages_of_a_person_and_the_list_open_in_scope_only(client, scene, taught):
    entry = scene.entry(scene.li)
    pages = [
        reverse("attendance:entry_hours", args=[entry.pk]),
        reverse("attendance:member_hours", args=[scene.li.pk]),
    ]
    client.force_login(scene.north_organizer)
    for page in pages:
        text = client.get(page).content.decode()
        assert "4.2" in text and "190分钟" in text and "北山组织员" in text and "按实际时长" in text
        assert client.post(page).status_code == 405
    assert "学时" in client.get(reverse("attendance:entry_detail", args=[entry.pk])).content.decode()
    client.force_login(scene.south_organizer)
    assert [client.get(page).status_code for page in pages] == [404, 404]
    listed = reverse("attendance:hours_list", args=[scene.campaign.pk])
    assert client.get(listed, {"unit": scene.north_unit.pk}).status_code == 404
    assert "李北乙" not in client.get(listed).content.decode()


def test_the_list_is_as_long_as_its_figure_and_costs_the_same_for_more_people(client, scene, taught):
    page = reverse("attendance:hours_list", args=[scene.campaign.pk])
    client.force_login(scene.north_organizer)
    answer = client.get(page)
    assert answer.context["page"].total == 4 == scene.north_branch_unit.tally.due + 1
    assert client.get(page, {"state": "enough"}).context["page"].total == 0
    assert client.get(page, {"state": "short", "q": "王"}).context["page"].total == 1
    few = query_count(client, page, unit=scene.north_other_unit.pk)
    assert query_count(client, page, unit=scene.north_branch_unit.pk) == few
    with fixture_writes():
        RosterEntry.objects.filter(member=scene.wang).update(hours_target=1)
    assert client.get(page, {"state": "enough"}).context["page"].total == 1


def test_the_file_holds_every_minute_of_the_scope_and_is_an_event(client, scene, taught):
    page = reverse("attendance:hours_export", args=[scene.campaign.pk])
    client.force_login(scene.north_organizer)
    assert client.post(page, {"unit": scene.south_unit.pk}).status_code == 404
    assert client.get(page).status_code == 405
    book = load_workbook(BytesIO(client.post(page, {"unit": scene.north_unit.pk}).content))
    sums = {row[1]: row for row in book["汇总"].iter_rows(min_row=3, values_only=True)}
    assert sums["李北乙"][5:7] == (190, 4.2) and sums["赵北丙"][5] == 0 and len(sums) == 4
    lines = list(book["明细"].iter_rows(min_row=3, values_only=True))
    assert sum(line[7] for line in lines) == 190 + 240
    assert [line[6][:5] for line in lines if line[6]] == ["北山组织员"]
    assert AuditEvent.objects.get(action="ledger.exported").details == {"count": 4}
    client.force_login(scene.north_recorder)
    assert client.post(page).status_code == 403


def test_a_name_like_a_formula_stays_text(client, scene):
    make_member(scene.north_branch, "=1+1")
    client.force_login(scene.north_organizer)
    assert client.post(reverse("attendance:hours_export", args=[scene.campaign.pk])).status_code == 200
