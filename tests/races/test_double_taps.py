"""The same thing sent at the same moment, by one hand or by two: it counts once, nobody sees an error."""

from collections import Counter
from functools import partial
from itertools import repeat
from uuid import uuid4

import pytest
from django.utils import timezone

from attendance.models import Attendance, Mark, MarkBatch, RosterEntry
from attendance.services.closing import close_parts
from attendance.services.marks import undo_batch
from attendance.services.moving import move_member
from attendance.services.roster import end_waiver, set_waiver
from campaigns.models import TrainingSession
from campaigns.services.freezing import freeze_unit
from campaigns.services.sessions import Plan, cancel_session, plan_session
from organizations.models import AuditEvent, Job, Transfer
from reports.services.reports import request_report
from tests.campaigns.scene import at
from tests.races.crowd import all_at_once, surprises
from tests.races.scene import RaceScene, body_of, logged_in, send, versions
from tests.races.truth import assert_everything_is_true

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene():
    return RaceScene()


def outcomes(answers):
    """By answer: how many marks became what."""
    assert surprises(answers) == []
    assert [answer.status_code for answer in answers] == [200] * len(answers), [a.content for a in answers]
    return [Counter(mark["outcome"] for mark in answer.json()["marks"]) for answer in answers]


def sheet(scene, unit, status="present"):
    return {entry.pk: status for entry in scene.entries(unit=unit)}


def sent_by(session, body, *users):
    return [partial(send, logged_in(user), session, body) for user in users]


@pytest.mark.parametrize("times", [2, 5])
def test_one_sending_that_arrives_several_times_at_once_counts_once(scene, times):
    session, batch = scene.joint[0], uuid4()
    body = body_of(sheet(scene, scene.units[0]), {}, batch)
    answers = all_at_once(sent_by(session, body, *repeat(scene.organizers[0], times)))
    people = len(sheet(scene, scene.units[0]))
    assert sorted(outcomes(answers), key=str) == sorted(
        [Counter(applied=people), *repeat(Counter(duplicate=people), times - 1)], key=str
    )
    assert MarkBatch.objects.get(uuid=batch).marks.count() == people
    assert AuditEvent.objects.filter(action="register.register").count() == 1
    assert_everything_is_true(scene.campaign)


def test_of_two_organizers_on_one_register_the_second_sees_both_values(scene):
    session, unit = scene.joint[0], scene.units[0]
    both = zip(scene.organizers[:2], ("absent", "present"), strict=True)
    answers = all_at_once(
        [
            partial(send, logged_in(user), session, body_of(sheet(scene, unit, status), {}))
            for user, status in both
        ]
    )
    people = len(sheet(scene, unit))
    assert sorted(outcomes(answers), key=str) == [Counter(applied=people), Counter(conflict=people)]
    lost = next(answer.json() for answer in answers if answer.json()["marks"][0]["outcome"] == "conflict")
    stored = set(Attendance.objects.filter(session=session, unit=unit).values_list("status", flat=True))
    assert {mark["value"]["status"] for mark in lost["marks"]} == stored
    assert all(mark["by"].startswith("organizer0") for mark in lost["marks"])
    assert_everything_is_true(scene.campaign)


def test_two_who_open_overlapping_sheets_at_once_lose_no_mark(scene):
    """Each marks other people of the same sheets, which open in this moment."""
    session = scene.joint[0]
    people = [entry.pk for entry in scene.entries(unit__in=scene.units[:4])]
    acts = [
        partial(send, logged_in(user), session, body_of(dict.fromkeys(people[twin::2], "present"), {}))
        for twin, user in enumerate(scene.organizers[:2])
    ]
    assert [set(answer) for answer in outcomes(all_at_once(acts))] == [{"applied"}, {"applied"}]
    assert Attendance.objects.filter(session=session, status="present").count() == 24
    assert_everything_is_true(scene.campaign)


def test_one_undo_tapped_twice_takes_back_once(scene):
    session, batch = scene.joint[0], uuid4()
    send(logged_in(scene.officer), session, body_of(sheet(scene, scene.units[0]), {}, batch))
    stored = MarkBatch.objects.get(uuid=batch)
    answers = all_at_once(
        [lambda: undo_batch(actor=scene.officer, batch=stored, uuid=uuid4()) for _ in range(3)]
    )
    assert surprises(answers) == []
    assert len({answer.batch.pk for answer in answers}) == 1
    assert not Attendance.objects.filter(session=session).exists()
    assert_everything_is_true(scene.campaign)


def test_a_move_and_a_mark_of_the_same_person_leave_the_person_in_one_place(scene):
    session, entry = scene.joint[0], scene.entries()[0]
    member, today = entry.member, timezone.localdate()
    client = logged_in(scene.officer)
    for turn in range(4):
        to_branch = scene.branches[(turn + 1) % 8]
        body = body_of({entry.pk: ["present", "absent"][turn % 2]}, versions(session, [entry.pk]))
        answers = all_at_once(
            [
                lambda to=to_branch: move_member(actor=scene.officer, member=member, to_branch=to, day=today),
                lambda body=body: send(client, session, body),
            ]
        )
        assert surprises(answers) == []
        assert answers[1].json()["marks"][0]["outcome"] == "applied"
    assert RosterEntry.objects.get(pk=entry.pk).unit.organization == to_branch
    assert_everything_is_true(scene.campaign)


def test_a_waiver_and_a_move_of_the_same_person_are_both_counted(scene):
    entry, today = scene.entries()[0], timezone.localdate()
    for turn in range(4):
        stale = RosterEntry.objects.select_related("unit", "member").get(pk=entry.pk)
        waiver = (
            (lambda e=stale: set_waiver(actor=scene.officer, entry=e, reason="OLD_AGE", since=today))
            if turn % 2 == 0
            else (lambda e=stale: end_waiver(actor=scene.officer, entry=e, until=today))
        )
        to_branch = scene.branches[(turn + 1) % 8]
        answers = all_at_once(
            [
                lambda to=to_branch: move_member(
                    actor=scene.officer, member=entry.member, to_branch=to, day=today
                ),
                waiver,
            ]
        )
        assert surprises(answers) == []
    assert_everything_is_true(scene.campaign)


def test_a_mark_while_the_sheet_closes_or_freezes_is_stored_or_waits(scene):
    session = scene.joint[0]
    for turn, unit in enumerate(scene.units[:4]):
        close = (
            (lambda u=unit: freeze_unit(actor=scene.officer, unit=u))
            if turn % 2
            else (
                lambda u=unit: close_parts(
                    actor=scene.officer,
                    session=session,
                    rest="absent",
                    batch=uuid4(),
                    only=[session.parts.get(unit=u).pk],
                )
            )
        )
        body = body_of(sheet(scene, unit), {})
        answers = all_at_once([close, *sent_by(session, body, scene.officer)])
        assert set(outcomes(answers[1:])[0]) in ({"applied"}, {"held"}), "the same for everybody"
        assert surprises(answers) == []
    assert_everything_is_true(scene.campaign)


def test_a_class_is_either_cancelled_or_marked(scene):
    for turn in range(4):
        session = scene.plan(scene.units[turn], [scene.units[turn]], 5)
        body = body_of(sheet(scene, scene.units[turn]), {})
        cancelled, marked = all_at_once(
            [
                lambda s=session: cancel_session(actor=scene.officer, session=s, reason="停电"),
                *sent_by(session, body, scene.officer),
            ]
        )
        assert surprises([cancelled, marked]) == []
        session = TrainingSession.objects.get(pk=session.pk)
        marks = Mark.objects.filter(batch__session=session).count()
        assert (session.cancelled_at is None) == (marked.status_code == 200) == bool(marks)
    assert_everything_is_true(scene.campaign)


def test_one_class_planned_by_two_taps_is_one_class(scene):
    uuid, start = uuid4(), at(timezone.localdate(), 1)
    plan = Plan(
        title="同一场",
        form=scene.campaign.forms.get(code="LECTURE"),
        starts_at=start,
        ends_at=start + timezone.timedelta(hours=2),
        units=[scene.unit],
        lecturer_names=["王老师"],
    )
    answers = all_at_once(
        [
            lambda: plan_session(
                actor=scene.officer, campaign=scene.campaign, host=scene.unit, plan=plan, request_uuid=uuid
            )
        ]
        * 3
    )
    assert surprises(answers) == []
    assert len({session.pk for session in answers}) == 1


def test_the_same_move_tapped_twice_is_one_transfer(scene):
    member, today = scene.entries()[0].member, timezone.localdate()
    move = partial(move_member, actor=scene.officer, member=member, to_branch=scene.branches[5], day=today)
    assert surprises(all_at_once([move] * 4)) == []
    assert Transfer.objects.filter(member=member).count() == 1
    assert_everything_is_true(scene.campaign)


def test_a_report_asked_for_five_times_at_once_is_one_job(scene):
    form = uuid4()
    answers = all_at_once([lambda: request_report(actor=scene.officer, unit=scene.unit, form=form)] * 5)
    assert surprises(answers) == []
    assert Job.objects.filter(kind="reports.tasks.build_report").count() == 1
