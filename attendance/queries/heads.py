"""待补名单: how many came is known, who came is not."""

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from attendance.models import SessionTally
from campaigns.models import SessionUnit, Unit
from campaigns.queries.sessions import VALID, parts_of

# The latest class first; of one class the branches in their fixed order.
HEADS_ORDER = ("-session__starts_at", "unit__path", "id")


def waiting_for_names(unit: Unit, text: str = "") -> QuerySet[SessionUnit]:
    """Parts at or below this unit whose heads were counted and on which somebody is not marked yet."""
    unknown = SessionTally.objects.filter(session_unit=OuterRef("pk"), unmarked__gt=0)
    found = parts_of(unit).filter(VALID, counted_heads__isnull=False, closed_at__isnull=True)
    found = found.filter(Q(recorded_at__isnull=True) | Exists(unknown))
    if text:
        found = found.filter(Q(session__title__contains=text) | Q(unit__name__contains=text))
    return found


def with_sums(parts: QuerySet[SessionUnit]) -> QuerySet[SessionUnit]:
    """How many are marked as there, and how many not at all, where the register is begun."""
    tally = SessionTally.objects.filter(session_unit=OuterRef("pk"))
    return parts.select_related("session", "unit").annotate(
        names=tally.annotate(n=F("attended") + F("optional") + F("visitors")).values("n")[:1],
        unknown=tally.values("unmarked")[:1],
    )
