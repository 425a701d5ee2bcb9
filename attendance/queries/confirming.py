"""Who has confirmed the roster, what was confirmed, and what changed on it since."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat

from attendance.models import RosterChange, RosterConfirmation, Tally
from attendance.queries.people import tally_sums
from campaigns.models import Unit
from campaigns.queries import inside
from organizations.models import BRANCH_KINDS, named
from organizations.tree import ancestors


@dataclass(frozen=True)
class Numbers:
    """What somebody confirms: how many take part, how many of them are away, of how many nothing is asked."""

    members: int
    floating: int
    waived: int

    @property
    def words(self) -> str:
        return f"党员{self.members}人，流动{self.floating}人，不作硬性要求{self.waived}人"


@dataclass(frozen=True)
class RosterState:
    """How a unit's roster stands: who answers for it, the confirmation that holds, what changed after it.

    Without a confirmation `changes` are those since the roster was drawn. `below`: how many units
    directly below confirm for themselves, `waiting` how many of them have not.
    """

    confirmer: Unit
    confirmation: RosterConfirmation | None
    changes: int
    below: int = 0
    waiting: int = 0

    @property
    def done(self) -> int:
        return self.below - self.waiting


def numbers(unit: Unit) -> Numbers:
    return Numbers(**tally_sums(unit, ("members", "floating", "waived")))


def confirmations(unit: Unit) -> QuerySet[RosterConfirmation]:
    """Newest first: the first one holds."""
    return RosterConfirmation.objects.filter(unit=unit).select_related("confirmed_by").order_by("-pk")


def confirmer_of(unit: Unit) -> Unit:
    """A branch is confirmed by the nearest unit above it; everybody else by themselves."""
    if not unit.holds_people:
        return unit
    above = Unit.objects.filter(campaign=unit.campaign_id, path__in=ancestors(unit.path)[:-1])
    return above.exclude(kind__in=BRANCH_KINDS).order_by("-path").first() or unit


def roster_state(unit: Unit) -> RosterState:
    confirmer = confirmer_of(unit)
    confirmation = confirmations(confirmer).first()
    changes = roster_history(unit, since=confirmation.confirmed_at if confirmation else None)
    if unit.holds_people:
        return RosterState(confirmer, confirmation, changes.count())
    below = to_confirm(unit)
    # The dashboard shows it at every look: all three numbers by one query.
    counts = Unit.objects.filter(pk=unit.pk).values_list(
        counted(changes), counted(below), counted(unconfirmed(below))
    )
    return RosterState(confirmer, confirmation, *counts.get())


def counted(rows: QuerySet) -> Coalesce:
    """How many rows, as a part of another query."""
    number = rows.order_by().values(everything=Value(1)).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)


def roster_history(
    unit: Unit, *, since: datetime | None = None, kind: str = "", text: str = ""
) -> QuerySet[RosterChange]:
    """What happened to the roster at or below `unit`: after a moment, of one kind, of people by name."""
    found = RosterChange.objects.filter(inside(unit))
    if since:
        found = found.filter(at__gt=since)
    if kind:
        found = found.filter(kind=kind)
    if text:
        found = found.filter(named(text, "entry__member__"))
    return found.select_related("entry__member", "unit", "by")


def to_confirm(unit: Unit) -> QuerySet[Unit]:
    """Units directly below that confirm for themselves: above the branches, with somebody on the roster."""
    people = Tally.objects.filter(
        campaign=OuterRef("campaign"),
        path__gte=OuterRef("path"),
        path__lt=Concat(OuterRef("path"), Value("~")),
        members__gt=0,
    )
    below = Unit.objects.children(unit).exclude(kind__in=BRANCH_KINDS)
    return below.filter(Exists(people), closed_on__isnull=True)


def unconfirmed(units: QuerySet[Unit]) -> QuerySet[Unit]:
    return units.exclude(Exists(RosterConfirmation.objects.filter(unit=OuterRef("pk"))))


def with_confirmations(units: QuerySet[Unit]) -> QuerySet[Unit]:
    """Adds `confirmed_at` of the confirmation that holds and `changes` after it: in one query, for a page."""
    last = RosterConfirmation.objects.filter(unit=OuterRef("pk")).order_by("-pk")
    after = RosterChange.objects.filter(
        at__gt=OuterRef("confirmed_at"),
        unit__campaign=OuterRef("campaign"),
        unit__path__gte=OuterRef("path"),
        unit__path__lt=Concat(OuterRef("path"), Value("~")),
    )
    named_by = last.annotate(who=F("confirmed_by__name")).values("who")[:1]
    return units.annotate(
        confirmed_at=Subquery(last.values("confirmed_at")[:1]),
        confirmed_by_name=Subquery(named_by),
        changes=counted(after),
    )


def with_people_now(unit: Unit, filled: list[str]) -> QuerySet[Unit]:
    """The lines of the page: units directly below, a closed one only while somebody still counts there."""
    return Unit.objects.children(unit).filter(Q(closed_on__isnull=True) | Q(path__in=filled))
