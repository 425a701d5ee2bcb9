"""Frozen figures stay as they are, and what waits is let in when it may be."""

from uuid import uuid4

import pytest
from django.utils import timezone

from attendance.models import Attendance, Mark, MarkBatch, Tally
from attendance.services.closing import close_parts, reopen_part
from attendance.services.marks import BatchReused, undo_batch
from attendance.services.moving import move_member
from campaigns.services.freezing import freeze_unit, thaw_unit
from organizations.service import Refused
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return Scene()


def outcomes(answer):
    return [(mark.outcome, mark.code) for mark in answer.marks]


def figures(unit):
    return Tally.objects.filter(unit=unit).values().get()


def moved_away(scene):
    """A class before wang moved to the other branch, which is frozen since."""
    session = scene.session(days=-5)
    move_member(
        actor=scene.north_organizer,
        member=scene.wang,
        to_branch=scene.north_other_branch,
        day=timezone.localdate(),
    )
    return session


def freeze(scene, unit):
    freeze_unit(actor=scene.officer, unit=unit)
    return figures(unit)


def reopen(scene, session):
    return reopen_part(actor=scene.north_organizer, part=session.parts.get(), reason="补登")


def test_a_register_does_not_begin_while_it_would_change_frozen_figures(scene):
    session = moved_away(scene)
    before = freeze(scene, scene.north_other_unit)
    assert outcomes(scene.mark(session, {scene.li: "present"})) == [("held", "frozen")]
    assert figures(scene.north_other_unit) == before
    assert not Attendance.objects.filter(session=session).exists()
    with pytest.raises(Refused, match="锁定"):
        close_parts(actor=scene.north_organizer, session=session, rest="absent", batch=uuid4())


def test_what_waited_for_a_frozen_unit_is_let_in_after_it_was_unlocked(scene):
    session = moved_away(scene)
    freeze(scene, scene.north_other_unit)
    scene.mark(session, {scene.li: "present"})
    thaw_unit(actor=scene.officer, unit=scene.north_other_unit)
    assert outcomes(reopen(scene, session)) == [("applied", "")]
    assert Attendance.objects.get(session=session, entry__member=scene.li).status == "present"
    assert reopen(scene, session) is None
    assert_derived_rows_are_true(scene.campaign)


def test_undoing_does_not_take_a_row_out_of_frozen_figures(scene):
    session = moved_away(scene)
    batch = scene.mark(session, {scene.li: "present"}).batch
    before = freeze(scene, scene.north_other_unit)
    with pytest.raises(Refused, match="锁定"):
        undo_batch(actor=scene.north_organizer, batch=batch, uuid=uuid4())
    assert figures(scene.north_other_unit) == before


def closed_class(scene):
    session = scene.session()
    close_parts(actor=scene.north_organizer, session=session, rest="present", batch=uuid4())
    return session


def test_a_visitor_who_came_to_a_closed_sheet_is_let_in_when_it_opens(scene):
    session = closed_class(scene)
    assert outcomes(scene.mark(session, {scene.qian: "present"})) == [("held", "closed")]
    assert outcomes(reopen(scene, session)) == [("applied", "")]
    assert Attendance.objects.get(session=session, entry__member=scene.qian).part == "VISITOR"
    assert_derived_rows_are_true(scene.campaign)


def test_of_several_that_waited_for_one_person_the_last_counts_once_and_for_all(scene):
    session = closed_class(scene)
    scene.mark(session, {scene.wang: "absent"})
    scene.mark(session, {scene.wang: "late"})
    assert outcomes(reopen(scene, session)) == [("applied", "")]
    close_parts(actor=scene.north_organizer, session=session, rest="", batch=uuid4())
    assert reopen(scene, session) is None
    assert Attendance.objects.get(session=session, entry__member=scene.wang).status == "late"
    assert Mark.objects.filter(settles__isnull=False).count() == 1


def test_a_closing_page_sent_again_after_the_sheet_was_opened_is_refused_with_a_sentence(scene):
    session, number = scene.session(), uuid4()
    close_parts(actor=scene.north_organizer, session=session, rest="present", batch=number)
    reopen(scene, session)
    scene.mark(session, {scene.wang: "unmarked"})
    with pytest.raises(BatchReused, match="刷新"):
        close_parts(actor=scene.north_organizer, session=session, rest="present", batch=number)


def test_closing_under_the_number_of_another_sending_touches_neither(scene):
    first, second = scene.session(), scene.session(hour=14)
    batch = scene.mark(first, {scene.wang: "present"}).batch
    with pytest.raises(BatchReused):
        close_parts(actor=scene.officer, session=second, rest="present", batch=batch.uuid)
    assert MarkBatch.objects.get().marks.count() == 1
    assert second.parts.get().closed_at is None
