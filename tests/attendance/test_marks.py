from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, Mark, MarkBatch
from attendance.services.closing import close_parts, reopen_part
from attendance.services.marks import BatchReused, undo_batch
from attendance.services.recount import rebuild
from attendance.services.roster import set_waiver
from campaigns.models import Unit
from campaigns.services.sessions import cancel_session
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db


built, scene = once(Scene)


def outcomes(answer):
    return [mark.outcome for mark in answer.marks]


def test_the_first_mark_writes_a_row_for_everybody_expected(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "absent"})
    stored = dict(Attendance.objects.filter(session=session).values_list("entry__member__name", "status"))
    assert stored == {"王北甲": "absent", "李北乙": "unmarked", "赵北丙": "unmarked"}
    assert_derived_rows_are_true(scene.campaign)


def test_a_register_moves_every_figure(scene):
    session = scene.session(topics=scene.topics(0))
    scene.mark(session, {scene.wang: "present", scene.li: "late", scene.zhao: ("leave", "ILL")})
    tally = scene.north_branch_unit.tally
    assert (tally.due, tally.trained, tally.first, tally.attended, tally.leave) == (3, 2, 2, 2, 1)
    assert (tally.owing, tally.why_leave) == (1, 1)
    assert_derived_rows_are_true(scene.campaign)


def test_the_same_sending_again_changes_nothing(scene):
    session, uuid = scene.session(), uuid4()
    first = scene.mark(session, {scene.wang: "absent"}, batch=uuid, body="a")
    again = scene.mark(session, {scene.wang: "absent"}, batch=uuid, body="a")
    assert outcomes(first) == ["applied"] and outcomes(again) == ["duplicate"]
    assert again.marks[0].status == "absent" and again.marks[0].version == 1
    assert MarkBatch.objects.count() == Mark.objects.count() == 1


def test_the_same_uuid_with_another_body_is_refused(scene):
    session, uuid = scene.session(), uuid4()
    scene.mark(session, {scene.wang: "absent"}, batch=uuid, body="a")
    with pytest.raises(BatchReused):
        scene.mark(session, {scene.wang: "present"}, batch=uuid, body="b")
    assert Attendance.objects.get(entry=scene.entry(scene.wang)).status == "absent"


def test_a_stale_mark_is_a_conflict_that_names_who_came_first(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "absent", scene.li: "present"})
    stale = scene.mark(
        session, {scene.wang: "present", scene.zhao: "present"}, base=0, actor=scene.north_recorder
    )
    assert outcomes(stale) == ["conflict", "applied"]
    assert stale.marks[0].status == "absent" and stale.marks[0].by == "北山组织员"
    assert Attendance.objects.get(entry=scene.entry(scene.wang)).status == "absent"


def test_an_equal_value_is_the_same_whatever_its_base(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "absent"})
    assert outcomes(scene.mark(session, {scene.wang: "absent"}, base=0)) == ["same"]


def test_a_mark_for_a_closed_sheet_waits_and_is_let_in_on_reopening(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "present"})
    close_parts(actor=scene.north_organizer, session=session, rest="absent", batch=uuid4())
    held = scene.mark(session, {scene.li: "present"})
    assert outcomes(held) == ["held"]
    assert Attendance.objects.get(entry=scene.entry(scene.li)).status == "absent"
    part = session.parts.get()
    released = reopen_part(actor=scene.north_organizer, part=part, reason="补登")
    assert outcomes(released) == ["applied"]
    assert Attendance.objects.get(entry=scene.entry(scene.li)).status == "present"
    assert_derived_rows_are_true(scene.campaign)


def test_closing_asks_what_becomes_of_the_rest(scene):
    session = scene.session()
    with pytest.raises(Refused):
        close_parts(actor=scene.north_organizer, session=session, rest="unmarked", batch=uuid4())
    close_parts(
        actor=scene.north_organizer, session=session, rest="unmarked", note="签到表丢了", batch=uuid4()
    )
    assert set(Attendance.objects.values_list("status", flat=True)) == {"unmarked"}
    assert session.parts.get().closed_at
    assert_derived_rows_are_true(scene.campaign)


def test_undo_takes_the_last_sending_back(scene):
    session = scene.session()
    first = scene.mark(session, {scene.wang: "present", scene.li: "absent"})
    undone = undo_batch(actor=scene.north_organizer, batch=first.batch, uuid=uuid4())
    assert outcomes(undone) == ["applied", "applied"]
    assert not Attendance.objects.exists() and session.parts.get().recorded_at is None
    assert scene.north_branch_unit.tally.expected == 0
    again = undo_batch(actor=scene.north_organizer, batch=first.batch, uuid=uuid4())
    assert outcomes(again) == ["duplicate", "duplicate"]
    assert_derived_rows_are_true(scene.campaign)


def test_undo_refuses_by_name_who_was_changed_since(scene):
    session = scene.session()
    first = scene.mark(session, {scene.wang: "present", scene.li: "absent"})
    scene.mark(session, {scene.li: "late"}, actor=scene.north_recorder)
    undone = undo_batch(actor=scene.north_organizer, batch=first.batch, uuid=uuid4())
    assert outcomes(undone) == ["applied", "conflict"]
    assert Attendance.objects.get(entry=scene.entry(scene.li)).status == "late"


def test_a_visitor_of_the_own_scope_counts_at_home_and_not_in_the_hosts_rate(scene):
    session = scene.session(topics=scene.topics(0))
    answer = scene.mark(session, {scene.wang: "present", scene.qian: "present"})
    assert outcomes(answer) == ["applied", "applied"]
    row = Attendance.objects.get(entry=scene.entry(scene.qian))
    assert (row.part, row.round, row.unit) == ("VISITOR", "MAKE_UP", scene.north_other_unit)
    assert scene.north_other_unit.tally.trained == 1
    assert scene.north_branch_unit.tally.expected == 3
    assert scene.north_branch_unit.tally.visitors == 1
    assert_derived_rows_are_true(scene.campaign)


def test_a_visit_taken_back_leaves_no_trace_in_the_reasons(scene):
    session = scene.session(topics=scene.topics(0))
    answer = scene.mark(session, {scene.qian: "present"})
    undo_batch(actor=scene.north_organizer, batch=answer.batch, uuid=uuid4())
    assert scene.entry(scene.qian).standing.why == "NO_SESSION"
    assert_derived_rows_are_true(scene.campaign)


def test_people_of_another_township_are_unknown(scene):
    session = scene.session()
    answer = scene.mark(session, {scene.sun: "present"})
    assert [(m.outcome, m.code) for m in answer.marks] == [("rejected", "unknown")]
    assert not Attendance.objects.filter(entry=scene.entry(scene.sun)).exists()


def test_the_other_township_may_not_mark_at_all(scene):
    with pytest.raises(Refused):
        scene.mark(scene.session(), {scene.wang: "absent"}, actor=scene.south_organizer)
    with pytest.raises(Refused):
        scene.mark(scene.session(), {scene.wang: "absent"}, actor=scene.inspector)


def test_in_a_joint_session_a_recorder_keeps_only_the_own_sheet(scene):
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    answer = scene.mark(session, {scene.wang: "absent", scene.qian: "absent"}, actor=scene.north_recorder)
    assert outcomes(answer) == ["applied", "rejected"]
    assert session.parts.get(unit=scene.north_other_unit).recorded_at is None
    answer = scene.mark(session, {scene.qian: "absent"})
    assert outcomes(answer) == ["applied"]
    assert_derived_rows_are_true(scene.campaign)


def test_nobody_is_marked_before_the_day(scene):
    with pytest.raises(Refused):
        scene.mark(scene.session(days=2), {scene.wang: "present"})


def test_a_make_up_class_settles_the_debt_and_a_correction_reopens_it(scene):
    first = scene.session(days=-5, topics=scene.topics(0))
    scene.mark(first, {scene.wang: "present", scene.li: "absent", scene.zhao: "present"})
    li = scene.entry(scene.li)
    assert li.standing.makeup_mask == scene.topics(0)[0].mask and li.standing.why == "ABSENT"
    makeup = scene.session(days=-1, form="MAKEUP", topics=scene.topics(0), round="MAKE_UP")
    scene.mark(makeup, {scene.li: "present"})
    li.standing.refresh_from_db()
    assert li.standing.makeup_mask == 0 and li.standing.trained_on and li.standing.first_on is None
    scene.mark(makeup, {scene.li: "absent"})
    li.standing.refresh_from_db()
    assert li.standing.makeup_mask == scene.topics(0)[0].mask and li.standing.trained_on is None
    assert_derived_rows_are_true(scene.campaign)


def test_one_sending_is_one_audit_event(scene):
    session = scene.session()
    before = AuditEvent.objects.count()
    scene.mark(session, {scene.wang: "present", scene.li: "absent", scene.zhao: "present"})
    assert AuditEvent.objects.count() == before + 1


# --- What a closed campaign, a closed sheet and a stranger may not do -----------------------


def end_the_campaign(scene):
    with fixture_writes():
        scene.campaign.stage = "CLOSED"
        scene.campaign.save()


def test_a_mark_in_a_closed_campaign_opens_no_register_and_moves_no_figure(scene):
    session = scene.session()
    end_the_campaign(scene)
    answer = scene.mark(session, {scene.wang: "present"}, counted_heads=40)
    assert outcomes(answer) == ["held"]
    assert not Attendance.objects.exists() and session.parts.get().recorded_at is None
    session.refresh_from_db()
    assert session.counted_heads is None
    assert scene.north_branch_unit.tally.expected == 0


def test_a_frozen_unit_is_not_opened_by_a_mark(scene):
    session = scene.session()
    with fixture_writes():
        Unit.objects.filter(pk=scene.north_branch_unit.pk).update(frozen_at=timezone.now())
    assert outcomes(scene.mark(session, {scene.wang: "absent"})) == ["held"]
    assert not Attendance.objects.exists()


@pytest.mark.parametrize("trouble", ["future", "cancelled", "closed"])
def test_a_register_that_may_not_be_kept_may_not_be_closed_either(scene, trouble):
    session = scene.session(days=2 if trouble == "future" else -1)
    if trouble == "cancelled":
        cancel_session(actor=scene.north_organizer, session=session, reason="停电")
    if trouble == "closed":
        end_the_campaign(scene)
    with pytest.raises(Refused):
        close_parts(actor=scene.north_organizer, session=session, rest="unmarked", note="没开", batch=uuid4())
    assert not Attendance.objects.exists() and session.parts.get().closed_at is None


def test_a_closed_campaign_reopens_no_sheet(scene):
    session = scene.session()
    close_parts(actor=scene.north_organizer, session=session, rest="present", batch=uuid4())
    end_the_campaign(scene)
    with pytest.raises(Refused):
        reopen_part(actor=scene.north_organizer, part=session.parts.get(), reason="补登")


def test_closing_without_a_word_for_the_rest_is_refused_while_there_is_a_rest(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "present"})
    with pytest.raises(Refused):
        close_parts(actor=scene.north_organizer, session=session, rest="", batch=uuid4())
    scene.mark(session, {scene.li: "present", scene.zhao: "absent"})
    assert close_parts(actor=scene.north_organizer, session=session, rest="", batch=uuid4())


def test_a_sheet_with_only_waived_people_is_counted_when_it_closes(scene):
    set_waiver(
        actor=scene.north_organizer,
        entry=scene.entry(scene.qian),
        reason="OLD_AGE",
        since=timezone.localdate() - timedelta(days=9),
    )
    session = scene.session(scene.north_other_unit)
    close_parts(actor=scene.north_organizer, session=session, rest="present", batch=uuid4())
    assert_derived_rows_are_true(scene.campaign)


def test_closing_and_reopening_are_one_event_each(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "present"})
    before = AuditEvent.objects.count()
    close_parts(actor=scene.north_organizer, session=session, rest="absent", batch=uuid4())
    scene.mark(session, {scene.li: "present"})
    reopen_part(actor=scene.north_organizer, part=session.parts.get(), reason="补登")
    assert AuditEvent.objects.count() == before + 3


def test_a_closed_sheet_cannot_be_undone_behind_its_back(scene):
    session = scene.session()
    first = scene.mark(session, {scene.wang: "present"})
    close_parts(actor=scene.north_organizer, session=session, rest="absent", batch=uuid4())
    with pytest.raises(Refused):
        undo_batch(actor=scene.north_organizer, batch=first.batch, uuid=uuid4())
    assert Attendance.objects.get(entry=scene.entry(scene.wang)).status == "present"


def test_resending_tells_a_recorder_nothing_about_the_other_branch(scene):
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    scene.mark(session, {scene.qian: ("absent", "ILL")})
    uuid = uuid4()
    for _ in range(2):
        answer = scene.mark(
            session, {scene.qian: "present"}, actor=scene.north_recorder, batch=uuid, body="x"
        )
        assert answer.marks[0].status == "" and answer.marks[0].reason == ""


def test_a_guessed_entry_does_not_tell_its_name(scene, client):
    session, uuid = scene.session(), uuid4()
    scene.mark(session, {scene.sun: "present"}, batch=uuid)
    client.force_login(scene.north_organizer)
    page = client.get(reverse("attendance:register", args=[session.pk]), {"batch": str(uuid)})
    assert page.status_code == 200 and "金丝雀" not in page.content.decode()


def test_somebody_who_moved_on_is_still_expected_where_they_belonged_that_day(scene):
    session = scene.session(days=-3)
    wang, today = scene.entry(scene.wang), timezone.localdate()
    with fixture_writes():
        wang.stays.update(until=today)
        wang.stays.create(unit=scene.north_other_unit, since=today)
        wang.unit = scene.north_other_unit
        wang.save()
        rebuild(campaign=scene.campaign)
    answer = scene.mark(session, {scene.wang: "absent"})
    assert outcomes(answer) == ["applied"]
    row = Attendance.objects.get(entry=wang)
    assert (row.part, row.unit) == ("EXPECTED", scene.north_branch_unit)
    assert_derived_rows_are_true(scene.campaign)


def test_undoing_a_correction_leaves_the_register_open(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "present", scene.li: "present"})
    second = scene.mark(session, {scene.li: "absent"})
    undo_batch(actor=scene.north_organizer, batch=second.batch, uuid=uuid4())
    assert session.parts.get().recorded_at
    assert Attendance.objects.get(entry=scene.entry(scene.li)).status == "present"
    assert_derived_rows_are_true(scene.campaign)


def test_one_branch_of_a_joint_class_is_closed_alone(scene):
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    scene.mark(session, {scene.wang: "present", scene.li: "present", scene.zhao: "absent"})
    part = session.parts.get(unit=scene.north_branch_unit)
    close_parts(actor=scene.north_organizer, session=session, rest="", batch=uuid4(), only={part.pk})
    closed = dict(session.parts.values_list("unit__name", "closed_at"))
    assert closed["北山村党支部"] and closed["北坡村党支部"] is None
