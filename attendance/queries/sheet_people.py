"""Who a file can be about: the audience of a session, and by name or phone the rest of the scope."""

from collections.abc import Collection

from django.db.models import Q

from attendance.models import RosterEntry
from attendance.queries.register import parts_for
from campaigns.models import TrainingSession, Unit
from organizations.fields import digest
from organizations.models import User


def entries_by_phone(
    session: TrainingSession, user: User, here: Collection[int], phones: Collection[str]
) -> dict[str, int]:
    """phone → entry, of the audience or of the scope, where exactly one person has it; whole numbers only."""
    phone_of = {digest(phone): phone for phone in phones if phone}
    found = (
        RosterEntry.objects.present()
        .filter(Q(pk__in=here) | _allowed(session, user), campaign=session.campaign_id)
        .filter(member__phone_digest__in=phone_of)
        .values_list("member__phone_digest", "pk")
    )
    entries: dict[str, set[int]] = {}
    for number, entry in found:
        entries.setdefault(phone_of[number], set()).add(entry)
    # A phone two share (an old couple) tells nobody's name.
    return {phone: next(iter(of)) for phone, of in entries.items() if len(of) == 1}


def others_named(
    session: TrainingSession, user: User, here: Collection[int], names: Collection[str], also: Collection[int]
) -> list[tuple[int, str, str]]:
    """(entry, name, unit) of people of the scope who are not of the audience: so named, or `also`."""
    found = (
        RosterEntry.objects.present()
        .filter(_allowed(session, user), campaign=session.campaign_id)
        .filter(Q(member__name__in=names) | Q(pk__in=also))
        .exclude(pk__in=here)
        .order_by("unit__path", "member__place_in_list", "pk")
    )
    return list(found.values_list("pk", "member__name", "unit__name"))


def _allowed(session: TrainingSession, user: User) -> Q:
    """As visitors are looked for: of the own scope, or of the session's parts."""
    parts = [part.unit_id for part in parts_for(session, user, to_write=True)]
    return Q(unit__in=Unit.objects.visible_to(user)) | Q(unit__in=parts)
