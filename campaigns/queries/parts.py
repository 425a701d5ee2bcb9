"""Whose sheets of a class an account sees, and which of them it keeps."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.models import SessionUnit, TrainingSession, Unit
from organizations.models import User


def parts_for(session: TrainingSession, user: User, *, to_write: bool = False) -> list[SessionUnit]:
    """The parts an account may see, or mark: the host's side all of them, else those of its own scope."""
    return list(parts_kept(session, user, Unit.objects.visible_to(user), to_write=to_write))


def parts_kept(
    session: TrainingSession, user: User, visible: QuerySet[Unit], *, to_write: bool
) -> QuerySet[SessionUnit]:
    """`parts_for` as a query, for callers that have the units the account sees at hand."""
    if to_write and not user.marks_registers:
        return session.parts.none()
    kept = Q(Exists(visible.filter(pk=OuterRef("unit"))))
    # A recorder keeps the sheets of its own branch only, whoever hosts.
    if user.role != "RECORDER":
        kept |= Q(Exists(visible.filter(pk=session.host_id)))
    return session.parts.filter(kept).select_related("unit").order_by("unit__path")
