"""Counts what an import may not become: a way to find out whose ID number is registered where (INV-7)."""

from organizations.models import AuditEvent, User
from organizations.queries.probing import ACTION, USUAL, WORDS, looked_up_today, since_midnight
from organizations.service import service
from organizations.services import audit


@service(audited=False)
def note_probing(*, actor: User) -> int:
    """The end of each check. Beyond 20 numbers in a day it is an event, once a day, for those above."""
    count = looked_up_today(actor)
    known = AuditEvent.objects.filter(actor=actor, action=ACTION, at__gte=since_midnight())
    if count > USUAL and not known.exists():
        audit.record(
            actor=actor,
            action=ACTION,
            summary=f"{actor.name}今天在名册里查到 {count} 个{WORDS}",
            target=actor,
            organization=actor.organization,
            details={"count": count},
        )
    return count
