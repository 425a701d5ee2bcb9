"""What a phone may take along of a register, and how old a pack is.

As little as a roll-call needs: no ID number, no phone, no birth date, no 党小组, no reason why
somebody is missing or excused. docs/decisions/0018-offline-pack.md.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db.models import Exists, OuterRef
from django.utils import timezone

from attendance.models import Attendance, Mark, MarkBatch, Reason, Status
from attendance.queries.register import RegisterPart, RegisterPerson, RegisterView, held_on, parts_for
from campaigns.models import SessionUnit, TrainingSession
from organizations.models import User

PACK_HOURS = 72
# How long after it was made a pack still proves where left marks come from, and how many sendings.
LEFT_BEHIND = timedelta(days=30)
MOST_LEFT = 50
# Sendings of unknown people are stored, too; no honest phone sends so many.
MOST_IN_VAIN = 500
# Why marks wait that somebody has to look at, whatever becomes of the sheet.
LATE = ("late", "account_closed", "key_reuse")
SIGNER = TimestampSigner(salt="offline pack")


def pack(view: RegisterView, user: User, parts: list[RegisterPart], minutes: int) -> dict[str, Any]:
    """The pack of one session: the sheets among `parts` this account may write into."""
    session, now = view.session, timezone.now()
    return {
        "session": session.pk,
        "account": user.pk,
        "title": session.title,
        "day": held_on(session).isoformat(),
        "minutes": minutes,
        "token": SIGNER.sign(f"{user.pk}.{session.pk}"),
        "made": now.isoformat(),
        "expires": (now + timedelta(hours=PACK_HOURS)).isoformat(),
        "parts": [_part(part) for part in parts if part.can_mark],
    }


def _part(part: RegisterPart) -> dict[str, Any]:
    is_offered = not any(person.status for person in part.expected)
    people = [_person(person, "EXPECTED", is_offered) for person in part.expected]
    people += [_person(person, "OPTIONAL", False) for person in part.waived]
    people += [_person(person, "VISITOR", False) for person in part.visitors]
    return {"name": part.part.unit.name, "people": people}


def _person(person: RegisterPerson, part: str, is_offered: bool) -> dict[str, Any]:
    """`known`: `code` is what is stored, not only offered. Of reasons 外出 alone, and only where offered."""
    status = person.shown if is_offered else person.status
    is_away = not person.status and is_offered and person.preset_reason == Reason.AWAY
    code = f"{status}:{Reason.AWAY}" if is_away else status or Status.UNMARKED.value
    return {
        "entry": person.entry,
        "name": person.name,
        "initials": person.initials,
        "part": part,
        "version": person.version,
        "code": code,
        "known": bool(person.status) or code == Status.UNMARKED,
    }


def is_over(session: TrainingSession, user: User) -> bool:
    """Whether nothing can be marked in this session any more, so that no phone need keep it."""
    if not (session.is_valid and session.campaign.is_open):
        return True
    return all(part.closed_at for part in parts_for(session, user, to_write=True))


def over(asked: Collection[int], user: User) -> list[int]:
    """Those of these sessions whose packs are to be wiped; one the account no longer sees is among them."""
    found = TrainingSession.objects.visible_to(user).filter(pk__in=asked).select_related("campaign")
    kept = {session.pk for session in found if not is_over(session, user)}
    return sorted(set(asked) - kept)


def closed_account(token: str) -> tuple[User | None, TrainingSession | None]:
    """The account and session of a pack of ours whose account was closed since; else (None, None)."""
    try:
        account, _, session = SIGNER.unsign(token, max_age=LEFT_BEHIND).partition(".")
    except BadSignature:  # SignatureExpired among them
        return None, None
    if not (account.isdecimal() and session.isdecimal()):
        return None, None
    user = User.objects.filter(pk=account, is_active=False).select_related("organization").first()
    held = TrainingSession.objects.select_related("campaign", "host", "form").filter(pk=session).first()
    return (user, held) if user and held else (None, None)


def has_left_much(user: User) -> bool:
    """A bound on what a closed account can leave behind, and on what it sends that changes nothing."""
    left = Mark.objects.filter(batch__account=user, code="account_closed", outcome=Mark.Outcome.HELD)
    if left.order_by().values("batch").distinct().count() >= MOST_LEFT:
        return True
    applied = Mark.objects.filter(batch=OuterRef("pk"), outcome=Mark.Outcome.APPLIED)
    recent = MarkBatch.objects.filter(account=user, at__gte=timezone.now() - LEFT_BEHIND)
    return recent.filter(~Exists(applied)).count() >= MOST_IN_VAIN


def waiting_for_a_look(session: TrainingSession, parts: Collection[SessionUnit]) -> dict[int, list[Mark]]:
    """{part: marks that came too late, or from a closed account}; of several for one person the last."""
    held = Mark.objects.filter(
        batch__session=session, outcome=Mark.Outcome.HELD, code__in=LATE, settled_by__isnull=True
    ).select_related("entry__member", "batch__account")
    latest = {mark.entry_id: mark for mark in held.order_by("pk")}
    rows = Attendance.objects.filter(session=session, entry__in=latest)
    on = dict(rows.values_list("entry_id", "session_unit_id")) if latest else {}
    part_at = {part.unit_id: part.pk for part in parts}
    found: dict[int, list[Mark]] = {}
    for mark in latest.values():
        found.setdefault(on.get(mark.entry_id) or part_at.get(mark.entry.unit_id, 0), []).append(mark)
    return found


def hold_code(token: str, session: TrainingSession, user: User) -> str:
    """Why marks made on this pack wait: "late" after 72 hours, or for a pack that is none of ours."""
    if not token:
        return ""
    try:
        signed = SIGNER.unsign(token, max_age=timedelta(hours=PACK_HOURS))
    except (SignatureExpired, BadSignature):
        return "late"
    return "" if signed == f"{user.pk}.{session.pk}" else "late"
