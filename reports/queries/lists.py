"""The lists behind the figures that are not persons. Each uses the predicate its figure is counted by."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from attendance.models import SessionTally
from campaigns.models import Topic, TrainingSession, Unit
from campaigns.queries import RECORDED, VALID, inside, midnight_after, parts_of
from organizations.models import BRANCH_KINDS

# Only what a register says something about: a part nobody recorded has no tally.
SHEETS = {"UNMARKED": Q(counts=True, unmarked__gt=0), "ATT_RATE": Q(counts=True)}
SUMS = {
    "sheets": Count("pk"),
    "expected": Sum("expected", default=0),
    "attended": Sum("attended", default=0),
    "missed": Sum("leave", default=0) + Sum("absent", default=0),
    "unmarked": Sum("unmarked", default=0),
}


def sheets_of(unit: Unit, code: str) -> QuerySet[SessionTally]:
    """The feet of the sheets a figure of this unit is counted from."""
    return SessionTally.objects.filter(SHEETS[code], Q() if unit.is_top else inside(unit))


def sessions_behind(unit: Unit, code: str) -> QuerySet[TrainingSession]:
    """Sessions with such a sheet: none before its day, so those to come need not be asked."""
    sheets = sheets_of(unit, code)
    few = Q(pk__in=sheets.values("session"))  # see sessions_of
    listed = Exists(sheets.filter(session=OuterRef("pk"))) if unit.is_top else few
    begun = TrainingSession.objects.filter(starts_at__lt=midnight_after(timezone.now()))
    return begun.filter(listed, campaign_id=unit.campaign_id).select_related("host")


def sheets_summed(sessions: Iterable[TrainingSession], unit: Unit, code: str) -> list[dict[str, Any]]:
    """One line per session of a page, the feet of its sheets summed over this unit's parts."""
    shown = list(sessions)
    rows = sheets_of(unit, code).filter(session__in=[one.pk for one in shown]).order_by().values("session")
    found: Any = rows.annotate(**{f"sum_{name}": value for name, value in SUMS.items()})
    sums = {row["session"]: {name: row[f"sum_{name}"] for name in SUMS} for row in found}
    return [{"session": one, **sums[one.pk]} for one in shown if one.pk in sums]


def topics_behind(unit: Unit) -> list[tuple[Topic, int]]:
    """Each compulsory topic and in how many recorded sessions of this unit it was taught."""
    parts = parts_of(unit).filter(VALID, RECORDED, session__form__counts=True)
    masks = [mask for _, mask in parts.values_list("session_id", "session__topic_mask").distinct()]
    topics = Topic.objects.compulsory().filter(campaign_id=unit.campaign_id)
    return [(topic, sum(1 for mask in masks if mask & topic.mask)) for topic in topics]


def branches_behind(unit: Unit) -> QuerySet[Unit]:
    return Unit.objects.below(unit).filter(kind__in=BRANCH_KINDS, closed_on__isnull=True).order_by("path")
