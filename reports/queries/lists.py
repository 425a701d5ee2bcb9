"""The lists behind the figures that are not persons. Each uses the predicate its figure is counted by."""

from django.db.models import Count, Q, QuerySet, Sum

from campaigns.models import Topic, Unit
from campaigns.queries import RECORDED, VALID, parts_of
from organizations.models import BRANCH_KINDS

COUNTED = Q(tally__counts=True)


# Only what a register says something about: a part nobody recorded has no tally.
SHEETS = {"UNMARKED": COUNTED & Q(tally__unmarked__gt=0), "ATT_RATE": COUNTED}


SUMS = {
    "expected": Sum("tally__expected", default=0),
    "attended": Sum("tally__attended", default=0),
    "missed": Sum("tally__leave", default=0) + Sum("tally__absent", default=0),
    "unmarked": Sum("tally__unmarked", default=0),
}


def sessions_behind(unit: Unit, code: str) -> QuerySet:
    """One line per session, newest first, with the foot of its sheets summed over this unit's parts."""
    fields = ("session_id", "session__title", "session__starts_at", "session__host__name")
    rows = parts_of(unit).filter(SHEETS[code]).values(*fields)
    rows = rows.annotate(sheets=Count("pk"), **SUMS)
    return rows.order_by("-session__starts_at", "-session_id")


def topics_behind(unit: Unit) -> list[tuple[Topic, int]]:
    """Each compulsory topic and in how many recorded sessions of this unit it was taught."""
    parts = parts_of(unit).filter(VALID, RECORDED, session__form__counts=True)
    masks = [mask for _, mask in parts.values_list("session_id", "session__topic_mask").distinct()]
    topics = Topic.objects.compulsory().filter(campaign_id=unit.campaign_id)
    return [(topic, sum(1 for mask in masks if mask & topic.mask)) for topic in topics]


def branches_behind(unit: Unit) -> QuerySet[Unit]:
    return Unit.objects.below(unit).filter(kind__in=BRANCH_KINDS, closed_on__isnull=True).order_by("path")
