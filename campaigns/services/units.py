"""Bringing a campaign's units up to today's tree. Called by attendance, which locks and recounts."""

from collections.abc import Sequence

from django.utils import timezone

from campaigns.models import Unit
from campaigns.queries.tree import TreeDifferences, tree_differences
from campaigns.services.campaigns import as_unit, follow_tree
from organizations.models import User
from organizations.service import service


@service(audited=False)
def follow_organizations(*, actor: User, unit: Unit) -> Sequence[int]:
    """Take over new, renamed, moved and closed organizations at and below `unit`; the units touched.

    A unit that lies no longer below the campaign's owner is closed where it was.
    A step of an act that is audited where it starts. Repeating it changes nothing.
    """
    found: TreeDifferences = tree_differences(unit)
    closed, gone = list(found.closed), list(found.gone)
    renamed, moved = list(found.renamed), list(found.moved)
    for one in moved:
        # Only the place is taken over here: of a closed unit, or one whose people forbid another kind.
        one.organization.name, one.organization.kind = one.name, one.kind
    followed = {one.pk: one for one in (*moved, *renamed)}
    new = [as_unit(unit.campaign, organization) for organization in found.new]
    for one in closed:
        one.closed_on = one.organization.closed_on
    for one in gone:
        one.closed_on = timezone.localdate()
    back = [one for one in moved if one.closed_on and not one.organization.closed_on]
    for one in back:
        one.closed_on = None
    Unit.objects.bulk_update([*closed, *gone, *back], ["closed_on"], batch_size=500)
    follow_tree(unit.campaign, [(one, one.organization) for one in followed.values()])
    created = Unit.objects.bulk_create(new, batch_size=500)
    return [one.pk for one in (*closed, *gone, *followed.values(), *created)]
