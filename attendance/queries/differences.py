"""How a campaign's roster differs from today's member list: what somebody may adopt."""

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from attendance.models import RosterEntry
from campaigns.models import Unit
from organizations.models import Member
from organizations.tree import within

COPIED = ("category", "post", "is_floating", "is_home_bound")


@dataclass(frozen=True)
class RosterDifferences:
    """Members not on the roster, entries whose member has left, entries whose copies are out of date."""

    new: QuerySet[Member]
    gone: QuerySet[RosterEntry]
    changed: QuerySet[RosterEntry]

    @property
    def total(self) -> int:
        return self.new.count() + self.gone.count() + self.changed.count()


def roster_differences(unit: Unit) -> RosterDifferences:
    """At or below `unit`, each in the fixed order of branches and their lists."""
    here = within("unit__path", unit.path)
    branches = Unit.objects.below(unit).with_people().filter(closed_on__isnull=True)
    listed = RosterEntry.objects.filter(campaign=unit.campaign_id, member=OuterRef("pk"))
    entries = (
        RosterEntry.objects.present()
        .filter(here, campaign=unit.campaign_id)
        .select_related("member", "unit")
        .order_by("unit__path", "member__place_in_list", "pk")
    )
    differs = Q()
    for name in COPIED:
        differs |= ~Q(**{name: F(f"member__{name}")})
    return RosterDifferences(
        new=Member.objects.present()
        .filter(~Exists(listed), branch__in=branches.values("organization"))
        .select_related("branch")
        .order_by("branch__path", "place_in_list", "pk"),
        gone=entries.filter(member__left_on__isnull=False),
        changed=entries.filter(differs, member__left_on__isnull=True),
    )
