"""What drawing the roster would take from the tree of organizations as it is today."""

from dataclasses import dataclass

from django.db.models import Count
from django.db.models.functions import Substr

from campaigns.models import Campaign
from organizations.models import BRANCH_KINDS, Member, Organization
from organizations.tree import STEP, within


@dataclass(frozen=True)
class DrawPreview:
    units: int
    branches: int
    members: int
    empty_branches: int
    lines: list[tuple[Organization, int, int]]  # child, branches, members


def preview(campaign: Campaign) -> DrawPreview:
    """Counts by the level directly below the owner. Four queries whatever the size."""
    owner = campaign.organization
    tree = Organization.objects.below(owner).open()
    branches = tree.filter(kind__in=BRANCH_KINDS)
    people = Member.objects.present().filter(
        within("branch__path", owner.path), branch__closed_on__isnull=True
    )
    length = len(owner.path) + STEP
    branch_counts = _by_child(branches, "path", length)
    people_counts = _by_child(people, "branch__path", length)
    children = list(tree.filter(depth=owner.depth + 1)) or [owner]
    with_people = people.order_by().values("branch_id").distinct().count()
    return DrawPreview(
        units=tree.count(),
        branches=sum(branch_counts.values()),
        members=sum(people_counts.values()),
        empty_branches=sum(branch_counts.values()) - with_people,
        lines=[(c, branch_counts.get(c.path, 0), people_counts.get(c.path, 0)) for c in children],
    )


def _by_child(found, field: str, length: int) -> dict[str, int]:
    rows = found.order_by().annotate(child=Substr(field, 1, length)).values("child")
    return {row["child"]: row["n"] for row in rows.annotate(n=Count("pk"))}
