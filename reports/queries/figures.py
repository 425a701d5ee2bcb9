"""The sums behind the indicators: each source is one query grouped by a prefix of the tree path.

So a district of 23 townships costs the same number of queries as a township of
three branches, and nothing is added up from rates.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum, Value
from django.db.models.functions import Substr
from django.utils import timezone

from attendance.models import Tally
from attendance.queries.people import TALLY_COLUMNS
from campaigns.models import ServiceTask, SessionUnit, Topic, Unit
from campaigns.queries import OVERDUE, RESOLVED, VALID, held, inside, sessions_of, took_place, unrecorded
from organizations.models import BRANCH_KINDS
from organizations.tree import STEP, within
from reports import indicators
from reports.indicators import Sums, Values

Groups = dict[str, Sums]


@dataclass(frozen=True)
class Reach:
    """What is summed: everything at or below `unit`, grouped by the first `width` characters of the path."""

    unit: Unit
    width: int
    now: datetime
    using: str = "default"

    @property
    def is_own(self) -> bool:
        """One sum for the whole unit."""
        return self.width == len(self.unit.path)

    def rows(self, model, field: str = "unit__path", **more):
        found = model.objects.using(self.using).filter(**more).order_by()
        if self.is_own and self.unit.is_top:
            # All of the campaign lies below: nothing has to be looked up in the tree.
            return found.annotate(place=Value(self.unit.path)).values("place")
        here = within("path", self.unit.path) if field == "path" else inside(self.unit)
        return found.filter(here).annotate(place=Substr(field, 1, self.width)).values("place")

    def grouped(self, rows, **sums) -> Groups:
        found = rows.annotate(**{f"sum_{name}": value for name, value in sums.items()})
        return {row["place"]: {name: row[f"sum_{name}"] or 0 for name in sums} for row in found}


def _people(reach: Reach) -> Groups:
    rows = reach.rows(Tally, "path", campaign_id=reach.unit.campaign_id)
    return reach.grouped(rows, **{name: Sum(name) for name in TALLY_COLUMNS})


def _units(reach: Reach) -> Groups:
    rows = reach.rows(Unit, "path", campaign_id=reach.unit.campaign_id, closed_on__isnull=True)
    return reach.grouped(rows.filter(kind__in=BRANCH_KINDS), branches=Count("pk"))


def _sessions(reach: Reach) -> Groups:
    """Distinct sessions: one held for eighteen branches is one for their township."""
    if reach.is_own:
        planned = sessions_of(reach.unit, "planned", reach.now).using(reach.using)
        over = Count("pk", filter=took_place(reach.unit, reach.now))
        return {reach.unit.path: planned.aggregate(planned=Count("pk"), held=over)}
    rows = reach.rows(SessionUnit, session__campaign_id=reach.unit.campaign_id)
    return reach.grouped(
        rows,
        planned=Count("session", filter=VALID, distinct=True),
        held=Count("session", filter=held(reach.now), distinct=True),
    )


def _unrecorded(reach: Reach) -> Groups:
    """Distinct sessions, too; only parts without a register are read."""
    rows = reach.rows(SessionUnit, unit__campaign_id=reach.unit.campaign_id).filter(unrecorded(reach.now))
    return reach.grouped(rows, unrecorded=Count("session", distinct=True))


def _topics(reach: Reach) -> Groups:
    """Which compulsory topics have a stored register: the OR of the branches' masks, a handful of them."""
    topics = Topic.objects.using(reach.using).filter(campaign_id=reach.unit.campaign_id, is_compulsory=True)
    masks = [topic.mask for topic in topics]
    taught: dict[str, int] = {}
    rows = reach.rows(Tally, "path", campaign_id=reach.unit.campaign_id)
    for place, mask in rows.values_list("place", "taught_mask").distinct():
        taught[place] = taught.get(place, 0) | mask
    groups = {
        place: {"topics_covered": sum(1 for one in masks if mask & one), "topics_all": len(masks)}
        for place, mask in taught.items()
    }
    groups[""] = {"topics_covered": 0, "topics_all": len(masks)}
    return groups


def _tasks(reach: Reach) -> Groups:
    rows = reach.rows(ServiceTask, campaign_id=reach.unit.campaign_id)
    late = OVERDUE(timezone.localdate(reach.now))
    return reach.grouped(rows, tasks_done=Count("pk", filter=RESOLVED), tasks_late=Count("pk", filter=late))


# name: (query, the sums it yields, whether a parent is the sum of its children)
SOURCES: dict[str, tuple[Callable[[Reach], Groups], tuple[str, ...], bool]] = {
    "people": (_people, TALLY_COLUMNS, True),
    "units": (_units, ("branches",), True),
    "sessions": (_sessions, ("planned", "held"), False),
    "unrecorded": (_unrecorded, ("unrecorded",), False),
    "topics": (_topics, ("topics_covered", "topics_all"), False),
    "tasks": (_tasks, ("tasks_done", "tasks_late"), True),
}


class Level:
    """The sums of every unit of one level; a unit nothing is known of has zeros, not a gap."""

    def __init__(self, reach: Reach, codes: Iterable[str] | None, known: "Level | None" = None):
        """`known`: the level below, already read; what adds up is then taken from there."""
        self.reach, self.codes = reach, None if codes is None else tuple(codes)
        self.groups: dict[str, Groups] = {}
        for name in dict.fromkeys(indicator.source for indicator in indicators.chosen(self.codes)):
            query, _, adds_up = SOURCES[name]
            below = known.groups.get(name) if known and adds_up else None
            self.groups[name] = query(reach) if below is None else {reach.unit.path: _added(below)}

    def of(self, path: str) -> Values:
        campaign = self.reach.unit.campaign
        sums = {"target": campaign.target_percent, "minutes_per_hour": campaign.minutes_per_hour}
        for name, groups in self.groups.items():
            sums |= groups.get(path) or groups.get("") or dict.fromkeys(SOURCES[name][1], 0)
        return indicators.of(sums, self.codes)


def _added(groups: Groups) -> Sums:
    total: Sums = {}
    for sums in groups.values():
        for name, number in sums.items():
            total[name] = total.get(name, 0) + number
    return total


def by_level(
    unit: Unit, width: int, codes: Iterable[str] | None = None, *, using: str = "default", now=None
) -> Level:
    """Sums of everything at or below `unit`, by the first `width` characters of the path."""
    return Level(Reach(unit, width, now or timezone.now(), using), codes)


def values(unit: Unit, codes: Iterable[str] | None = None, *, using: str = "default", now=None):
    """The indicators of one unit: {code: value}."""
    return by_level(unit, len(unit.path), codes, using=using, now=now).of(unit.path)


@dataclass(frozen=True)
class Table:
    """One unit and the units directly below it, in the fixed order, at one moment."""

    unit: Unit
    values: Values
    children: list[tuple[Unit, Values]]
    now: datetime


def table(
    unit: Unit,
    codes: Iterable[str] | None = None,
    child_codes: Iterable[str] | None = None,
    *,
    using: str = "default",
    now: datetime | None = None,
) -> Table:
    """The unit's own figures and its children's; the number of queries does not depend on theirs."""
    now = now or timezone.now()
    below = list(Unit.objects.using(using).children(unit).order_by("path"))
    if not below:
        return Table(unit, values(unit, codes, using=using, now=now), [], now)
    level = by_level(unit, len(unit.path) + STEP, child_codes, using=using, now=now)
    own = Level(Reach(unit, len(unit.path), now, using), codes, known=level)
    return Table(unit, own.of(unit.path), [(child, level.of(child.path)) for child in below], now)


def children(unit: Unit, codes: Iterable[str] | None = None) -> list[tuple[Unit, Values]]:
    """The same indicators for each unit directly below."""
    return table(unit, codes, codes).children
