"""How a campaign's units differ from today's tree of organizations: what somebody may adopt."""

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from campaigns.models import SessionUnit, Unit
from organizations.models import BRANCH_KINDS, Organization
from organizations.tree import within


@dataclass(frozen=True)
class TreeDifferences:
    """At or below one unit, in the fixed order. `moved` have another parent or place than adopted, or
    are back below the campaign's owner; `gone` lie no longer below it."""

    new: QuerySet[Organization]
    renamed: QuerySet[Unit]
    moved: QuerySet[Unit]
    closed: QuerySet[Unit]
    gone: QuerySet[Unit]

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(found.count() for found in (self.new, self.renamed, self.moved, self.closed, self.gone))

    @property
    def total(self) -> int:
        return sum(self.counts)


def tree_differences(unit: Unit) -> TreeDifferences:
    """A unit whose organization was closed keeps its name and kind: it is history."""
    # Two ranges of two tables, each by its index; an OR of them would look at every unit of the campaign.
    adopted = Unit.objects.below(unit).order_by().values("pk")
    today = Unit.objects.filter(
        within("organization__path", unit.organization.path), campaign=unit.campaign_id
    )
    known = Unit.objects.filter(campaign=unit.campaign_id, organization=OuterRef("pk"))
    here = Unit.objects.filter(pk__in=adopted.union(today.order_by().values("pk")))
    everywhere = here.select_related("organization").order_by("path")
    of_owner = within("organization__path", unit.campaign.organization.path)
    # What went beyond the owner keeps its last name and place here, and is closed.
    units = everywhere.filter(of_owner)
    alive = units.filter(organization__closed_on__isnull=True)
    is_back = Q(closed_on__isnull=False, organization__closed_on__isnull=True)
    return TreeDifferences(
        new=Organization.objects.below(unit.organization).open().filter(~Exists(known)).order_by("path"),
        renamed=alive.filter(~Q(name=F("organization__name")) | _other_kind()),
        moved=units.filter(~Q(path=F("organization__path")) | is_back),
        closed=units.filter(closed_on__isnull=True, organization__closed_on__isnull=False),
        gone=everywhere.exclude(of_owner).filter(closed_on__isnull=True),
    )


def _other_kind() -> Q:
    """Another kind, unless it would take people or classes from a unit that holds some."""
    held_people = Q(kind__in=BRANCH_KINDS) & ~Q(organization__kind__in=BRANCH_KINDS)
    has_parts = Exists(SessionUnit.objects.filter(unit=OuterRef("pk")))
    # Written as text: campaigns does not know the roster.
    return ~Q(kind=F("organization__kind")) & ~(held_people & (has_parts | Q(entries__isnull=False)))
