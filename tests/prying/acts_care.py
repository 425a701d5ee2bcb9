"""An example call of every service around the lists that shrink to nothing: visits, contacts, doubts."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from attendance.models import DoubtNote
from attendance.queries.doubts import DOUBTS
from attendance.services import contacts, doubts, home_lessons
from campaigns.services.registers import set_counted_heads
from tests.base import fixture_writes
from tests.campaigns.scene import at

TODAY = timezone.localdate


def nothing(w):
    return None


def taught(w):
    entry, start = w.entry(w.qian), at(TODAY() - timedelta(days=1), 14)
    [lesson] = home_lessons.record_home_lesson(
        actor=w.north_organizer,
        entries=[entry],
        topics=w.topics(0),
        teacher="老书记",
        starts_at=start,
        ends_at=start + timedelta(hours=1),
        request_uuid=uuid4(),
        wishes={entry.pk: "想修一修门前的路"},
    )
    return lesson


def away(w):
    entry = w.entry(w.qian)
    with fixture_writes():
        entry.is_floating = True
        entry.save()
    return entry


def doubted(w):
    """More heads were counted than marked."""
    session = w.session(w.north_branch_unit, days=-3, title="清点过的课", hour=15)
    w.mark(session, {w.wang: "present"})
    set_counted_heads(session=session, heads=9)
    return DOUBTS[DoubtNote.Kind.HEADS].rows(w.north_unit).get(pk=session.pk).key


# name → (what has to be there before, the act itself on what that gave).
CARE = {
    "attendance.services.home_lessons.record_home_lesson": (nothing, lambda w, _: taught(w)),
    "attendance.services.home_lessons.wish_to_task": (
        taught,
        lambda w, lesson: home_lessons.wish_to_task(actor=w.north_organizer, lesson=lesson),
    ),
    "attendance.services.contacts.log_contact": (
        away,
        lambda w, entry: contacts.log_contact(
            actor=w.north_organizer, entry=entry, how="PHONE", day=TODAY(), request_uuid=uuid4()
        ),
    ),
    "attendance.services.doubts.note_doubt": (
        doubted,
        lambda w, key: doubts.note_doubt(
            actor=w.officer, unit=w.north_unit, kind=DoubtNote.Kind.HEADS, key=key, note="已核对"
        ),
    ),
}
