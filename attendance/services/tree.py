"""Adopting how today's tree of organizations differs from a campaign's units."""

from dataclasses import dataclass

from django.utils import timezone

from attendance.models import RosterEntry, Tally
from attendance.services.exclusively import Also, lock_exactly, with_retry
from attendance.services.moving import leave_roster
from attendance.services.recount import recount
from attendance.services.stays import units_behind
from campaigns.models import Campaign, Unit
from campaigns.queries.tree import TreeDifferences, tree_differences
from campaigns.services.units import follow_organizations
from organizations.models import BRANCH_KINDS, User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.tree import ancestors


@dataclass(frozen=True)
class TreeAdopted:
    new: int
    renamed: int
    moved: int
    closed: int
    gone: int

    @property
    def total(self) -> int:
        return self.new + self.renamed + self.moved + self.closed + self.gone

    @property
    def words(self) -> str:
        more = f"，划走{self.gone}个" if self.gone else ""
        return f"新设{self.new}个，改名{self.renamed}个，换上级{self.moved}个，撤销{self.closed}个{more}"


@service(atomic=False)
def adopt_tree(*, actor: User, unit: Unit) -> TreeAdopted:
    """Units at and below `unit` follow today's tree, and their tallies with them. Again changes nothing.

    A unit that went to another parent concerns both, so only the campaign's own
    top adopts it. One that lies no longer below the owner is closed, and its people
    leave the roster. Frozen units are refused.
    """
    if not Unit.objects.manageable_by(actor).filter(pk=unit.pk).exists():
        raise Refused("这个单位不在您管理的范围内。", code="scope")
    return with_retry(lambda also: _adopt(actor, unit, also))


def _adopt(actor: User, unit: Unit, also: Also) -> TreeAdopted:
    # Paths of a whole subtree may change: every unit of the campaign at or below it is held.
    lock_exactly(lambda: _below(unit.pk) | units_behind(_people_gone(unit)), also)
    unit = Unit.objects.select_related("campaign__organization", "organization").get(pk=unit.pk)
    if not unit.campaign.is_open:
        raise Refused("这次冬训不在进行中，参训单位不能再改。", code="stage")
    found = tree_differences(unit)
    adopted = TreeAdopted(*found.counts)
    if not adopted.total:
        return adopted
    _refuse(unit, found)
    leave_roster(_people_gone(unit), unit.campaign, timezone.localdate(), actor)
    touched = follow_organizations(actor=actor, unit=unit)
    Tally.objects.filter(unit__in=touched).exclude(unit__kind__in=BRANCH_KINDS).delete()
    recount(campaign=unit.campaign, entries=[], parts=[], units=touched)
    audit.record(
        actor=actor,
        action="units.adopted",
        summary=f"党组织变动加入名册：{unit.name}（{adopted.words}）",
        target=unit.campaign,
        organization=unit.organization,
        path=unit.path,
        details=vars(adopted),
    )
    return adopted


def _below(pk: int) -> set[int]:
    """By the unit's path of this moment: it may have moved since the page was opened, or while we waited."""
    unit = Unit.objects.get(pk=pk)
    return set(Unit.objects.below(unit).values_list("pk", flat=True))


def _people_gone(unit: Unit) -> list[RosterEntry]:
    """On the roster, of places that lie no longer below the campaign's owner."""
    units = tree_differences(Unit.objects.select_related("campaign__organization").get(pk=unit.pk)).gone
    here = RosterEntry.objects.present().filter(unit__in=units.order_by().values("pk"))
    return list(here.select_related("unit").order_by("pk"))


def _refuse(unit: Unit, found: TreeDifferences) -> None:
    campaign: Campaign = unit.campaign
    top = campaign.organization
    if (found.moved.exists() or found.gone.exists()) and unit.organization_id != top.pk:
        raise Refused(f"有单位换了上级，两边都要动，请由{top.name}加入名册。", code="moved")
    known = (*found.renamed, *found.moved, *found.closed, *found.gone)
    places = {path for one in known for path in ancestors(one.path)}
    places |= {path for one in found.new for path in ancestors(one.path)}
    places |= {path for one in found.moved for path in ancestors(one.organization.path)}
    frozen = Unit.objects.filter(campaign=campaign, path__in=places, frozen_at__isnull=False).first()
    if frozen:
        raise Refused(f"“{frozen.name}”的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")
