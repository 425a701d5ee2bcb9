"""How a campaign's roster differs from today's member list: what somebody may adopt."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from attendance.models import RosterEntry
from campaigns.models import Unit
from campaigns.queries import inside
from organizations.models import Member, Post

# 32 / 56: 全国党员教育培训工作规划; kept on the campaign as settings.
SECRETARY_POSTS = (Post.SECRETARY, Post.DEPUTY_SECRETARY, Post.COMMITTEE_MEMBER)
COPIED = ("category", "post", "is_floating", "is_home_bound")


@dataclass(frozen=True)
class RosterDifferences:
    """Members not on the roster; entries whose member has left, came back, went to another branch;
    entries whose copies are out of date."""

    new: QuerySet[Member]
    gone: QuerySet[RosterEntry]
    returned: QuerySet[RosterEntry]
    moved: QuerySet[RosterEntry]
    changed: QuerySet[RosterEntry]

    @property
    def total(self) -> int:
        return sum(found.count() for found in (self.new, self.gone, self.returned, self.moved, self.changed))

    def only(self, members: Collection[int]) -> "RosterDifferences":
        """Those of these members; whoever no longer differs is simply not among them."""
        entries = (self.gone, self.returned, self.moved, self.changed)
        return RosterDifferences(
            self.new.filter(pk__in=members), *(found.filter(member__in=members) for found in entries)
        )


def roster_differences(unit: Unit) -> RosterDifferences:
    """At or below `unit`, each in the fixed order of branches and their lists."""
    branches = Unit.objects.below(unit).with_people().filter(closed_on__isnull=True)
    listed = RosterEntry.objects.filter(campaign=unit.campaign_id, member=OuterRef("pk"))
    everybody = RosterEntry.objects.select_related("member__branch", "unit").order_by(
        "unit__path", "member__place_in_list", "pk"
    )
    entries = everybody.filter(inside(unit), left_on__isnull=True)
    # Of people who belong here now, wherever the roster has them.
    of_here = everybody.filter(
        campaign=unit.campaign_id,
        member__left_on__isnull=True,
        member__branch__in=branches.values("organization"),
    )
    differs = _hours_differ(unit)
    for name in COPIED:
        differs |= ~Q(**{name: F(f"member__{name}")})
    return RosterDifferences(
        new=Member.objects.present()
        .filter(~Exists(listed), branch__in=branches.values("organization"))
        .select_related("branch")
        .order_by("branch__path", "place_in_list", "pk"),
        gone=entries.filter(member__left_on__isnull=False),
        returned=of_here.filter(left_on__isnull=False),
        moved=of_here.filter(left_on__isnull=True).exclude(member__branch=F("unit__organization")),
        changed=entries.filter(differs, member__left_on__isnull=True),
    )


def _hours_differ(unit: Unit) -> Q:
    """The hours target is no longer the campaign's for this post."""
    leads = Q(member__post__in=SECRETARY_POSTS)
    return leads & ~Q(hours_target=unit.campaign.hours_secretary) | ~leads & ~Q(
        hours_target=unit.campaign.hours_member
    )
