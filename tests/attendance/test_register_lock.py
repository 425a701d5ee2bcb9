"""What a sending locks, how it finds out that it needs more, and how few statements that takes."""

from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.models import Attendance, MarkBatch, RosterEntry
from attendance.services import exclusively, marks
from attendance.services.adopting import adopt_differences
from attendance.services.exclusively import Moved, lock_exactly, with_retry
from attendance.services.judging import MarkInput
from attendance.services.marks import record_marks
from attendance.services.moving import move_member
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member

pytestmark = pytest.mark.django_db
NOT_QUERIES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
MOST = 15


@pytest.fixture
def scene():
    return Scene()


@pytest.fixture
def attempts(monkeypatch):
    """The units each attempt had locked, in order."""
    tried = []

    def lock_sheet(*arguments):
        sheet = real(*arguments)
        tried.append(set(sheet.locked))
        return sheet

    real = marks.lock_sheet
    monkeypatch.setattr(marks, "lock_sheet", lock_sheet)
    return tried


@pytest.mark.parametrize(("more", "branches"), [(0, 1), (30, 1), (30, 3)])
def test_a_sending_takes_a_handful_of_statements_whatever_its_size(scene, more, branches):
    units = [scene.north_branch_unit, scene.north_other_unit, scene.south_branch_unit][:branches]
    with fixture_writes():
        for unit in units:
            for number in range(more):
                make_member(unit.organization, f"众{unit.pk}之{number}")
    adopt_differences(actor=scene.officer, unit=scene.district_unit)
    session = scene.session(scene.district_unit, units=units, topics=scene.topics(0))
    people = RosterEntry.objects.filter(unit__in=units)
    sent = [MarkInput(pk, "present", 0) for pk in people.values_list("pk", flat=True)]
    facts = {"actor": scene.officer, "session": session, "body_sha256": "0" * 64}
    with CaptureQueriesContext(connection) as captured:
        answer = record_marks(batch=uuid4(), marks=sent, **facts)
    assert {mark.outcome for mark in answer.marks} == {"applied"} and len(
        sent
    ) == people.count() > more * branches
    asked = [query["sql"] for query in captured if not query["sql"].startswith(NOT_QUERIES)]
    assert len(asked) <= MOST


def test_a_visitor_makes_the_sending_lock_the_hosts_branch_too(scene, attempts):
    session = scene.session()
    scene.mark(session, {scene.qian: "present"})
    assert attempts[0] == {scene.entry(scene.qian).unit_id}
    assert attempts[1] == {scene.entry(scene.qian).unit_id, scene.north_branch_unit.pk}
    assert MarkBatch.objects.count() == 1
    assert AuditEvent.objects.filter(action="register.register").count() == 1
    assert_derived_rows_are_true(scene.campaign)


def test_who_was_expected_and_has_moved_since_is_counted_where_he_is_now(scene, attempts):
    session = scene.session(days=-5)
    move_member(
        actor=scene.north_organizer,
        member=scene.wang,
        to_branch=scene.north_other_branch,
        day=timezone.localdate(),
    )
    scene.mark(session, {scene.li: "present"})
    assert attempts[-1] == {scene.north_branch_unit.pk, scene.north_other_unit.pk}
    assert Attendance.objects.get(session=session, entry__member=scene.wang).unit == scene.north_branch_unit
    assert_derived_rows_are_true(scene.campaign)


def test_an_attempt_that_found_more_leaves_nothing_behind():
    tried = []

    def act(also):
        tried.append(set(also))
        lock_exactly(lambda: {1, 2} if len(tried) > 1 else {1}, also)
        if len(tried) == 1:
            raise Moved({2})
        return "done"

    assert with_retry(act) == "done"
    assert tried == [set(), {2}]


def test_it_gives_up_with_a_sentence_when_everybody_keeps_moving():
    def act(also):
        raise Moved({len(also) + 1})

    with pytest.raises(Refused, match="过一会儿"):
        with_retry(act)


@pytest.mark.parametrize("code", exclusively.TRY_AGAIN)
def test_a_deadlock_is_never_shown_but_tried_again(code):
    class Cause(Exception):
        pgcode = code

    tried = []

    def act(also):
        tried.append(also)
        if len(tried) == 1:
            raise OperationalError from Cause()
        return "done"

    assert with_retry(act) == "done"


def test_any_other_failure_of_the_database_is_not_swallowed():
    def act(also):
        raise OperationalError("disk full")

    with pytest.raises(OperationalError):
        with_retry(act)
