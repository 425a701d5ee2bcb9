"""An example call of every service around the rows of a register: leave, guests, who is no member."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from attendance.models import Guest
from attendance.services import guests, leaves
from campaigns.services import trainees

TODAY = timezone.localdate


def nothing(w):
    return None


def asked(w):
    return leaves.set_leave(
        actor=w.north_organizer,
        entry=w.entry(w.qian),
        reason="PRIVATE",
        since=TODAY() + timedelta(days=5),
        until=TODAY() + timedelta(days=9),
        request_uuid=uuid4(),
    )


def held(w):
    session = w.session(w.south_branch_unit, days=-3, title="南边的课", hour=15)
    w.mark(session, {w.sun: "present"}, actor=w.south_organizer)
    return session


def noted(w) -> Guest:
    """Somebody of the north came to the south and said where from."""
    return guests.note_guest(
        actor=w.south_organizer,
        session=held(w),
        name=w.qian.name,
        says_from=w.north_other_branch.name,
        request_uuid=uuid4(),
    )


def named(w, session):
    return trainees.note_trainees(
        actor=w.south_organizer,
        part=session.parts.get(),
        category="ACTIVIST",
        names=["周积极"],
        request_uuid=uuid4(),
    )[0]


# name → (what has to be there before, the act itself on what that gave).
ROWS = {
    "attendance.services.leaves.set_leave": (nothing, lambda w, _: asked(w)),
    "attendance.services.leaves.end_leave": (
        asked,
        lambda w, leave: leaves.end_leave(actor=w.north_organizer, leave=leave),
    ),
    "attendance.services.guests.note_guest": (
        held,
        lambda w, session: guests.note_guest(
            actor=w.south_organizer,
            session=session,
            name="外来甲",
            says_from="外县党支部",
            request_uuid=uuid4(),
        ),
    ),
    "attendance.services.guests.drop_guest": (
        noted,
        lambda w, guest: guests.drop_guest(actor=w.south_organizer, guest=guest),
    ),
    "attendance.services.guests.claim_guest": (
        noted,
        lambda w, guest: guests.claim_guest(actor=w.north_organizer, guest=guest, entry=w.entry(w.qian)),
    ),
    "campaigns.services.trainees.note_trainees": (held, named),
    "campaigns.services.trainees.drop_trainee": (
        lambda w: named(w, held(w)),
        lambda w, one: trainees.drop_trainee(actor=w.south_organizer, trainee=one),
    ),
    "campaigns.services.trainees.count_heads": (
        held,
        lambda w, session: trainees.count_heads(
            actor=w.south_organizer, part=session.parts.get(), heads={"RESIDENT": 12}
        ),
    ),
}
