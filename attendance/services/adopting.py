"""Adopting how today's member list differs from the roster. Nothing is adopted silently."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils import timezone

from attendance.models import Attendance, RosterEntry, RosterStay, Status
from attendance.queries.differences import COPIED, roster_differences
from attendance.services.recount import recount
from attendance.services.roster import SECRETARY_POSTS
from campaigns.models import Campaign, Unit
from campaigns.services.locking import lock_units
from organizations.models import Member, User
from organizations.service import Refused, service
from organizations.services import audit


@dataclass(frozen=True)
class Adopted:
    joined: int
    left: int
    changed: int

    @property
    def total(self) -> int:
        return self.joined + self.left + self.changed


@service
def adopt_differences(*, actor: User, unit: Unit) -> Adopted:
    """Bring the roster at and below `unit` up to today's member list; adopting again changes nothing.

    Somebody new joins from the day they came to the branch, never before the
    campaign began; somebody gone leaves on the day they left, and their rows that
    nobody had marked since then are withdrawn. Frozen units are refused.
    """
    if not Unit.objects.manageable_by(actor).filter(pk=unit.pk).exists():
        raise Refused("这个单位不在您管理的范围内。", code="scope")
    branches = Unit.objects.below(unit).with_people()
    locked = lock_units(branches.values_list("pk", flat=True))
    campaign = Campaign.objects.get(pk=unit.campaign_id)
    if not campaign.is_open:
        raise Refused("这次冬训不在进行中，名册不能再改。", code="stage")
    if any(branch.frozen_at for branch in locked):
        raise Refused("有支部的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")
    found = roster_differences(unit)
    joined = _join(campaign, list(found.new), {branch.organization_id: branch.pk for branch in locked})
    gone = list(found.gone)
    _leave(gone)
    changed = list(found.changed)
    _refresh(campaign, changed)
    _recount(campaign, [*joined, *gone, *changed])
    adopted = Adopted(len(joined), len(gone), len(changed))
    if adopted.total:
        words = f"加入{adopted.joined}人，离册{adopted.left}人，更新{adopted.changed}人"
        audit.record(
            actor=actor,
            action="roster.adopted",
            summary=f"采纳名册变动：{unit.name}（{words}）",
            target=campaign,
            organization=unit.organization,
            path=unit.path,
            details={"joined": adopted.joined, "left": adopted.left, "changed": adopted.changed},
        )
    return adopted


def _since(campaign: Campaign, member: Member) -> date:
    return max(campaign.starts_on, member.branch_since or campaign.starts_on)


def _target(campaign: Campaign, post: str) -> int:
    return campaign.hours_secretary if post in SECRETARY_POSTS else campaign.hours_member


def _join(campaign: Campaign, members: list[Member], unit_of: dict[int, int]) -> list[RosterEntry]:
    busy = RosterEntry.objects.filter(is_open=True, member__in=members).select_related("member").first()
    if busy:
        raise Refused(f"{busy.member.name}还在另一次进行中的冬训名册上，不能同时加入。", code="busy")
    today = timezone.localdate()
    entries = RosterEntry.objects.bulk_create(
        [
            RosterEntry(
                campaign=campaign,
                member=member,
                unit_id=unit_of[member.branch_id],
                hours_target=_target(campaign, member.post),
                joined_on=min(_since(campaign, member), today),
                **{name: getattr(member, name) for name in COPIED},
            )
            for member in members
        ]
    )
    RosterStay.objects.bulk_create(
        [RosterStay(entry=entry, unit_id=entry.unit_id, since=entry.joined_on) for entry in entries]
    )
    return entries


def _leave(entries: list[RosterEntry]) -> None:
    for entry in entries:
        left_on = entry.member.left_on or timezone.localdate()
        entry.left_on, entry.left_reason = left_on, entry.member.left_reason
        stay = entry.stays.filter(until__isnull=True).first()
        if stay:
            stay.until = max(left_on, stay.since)
            # A stay that ended before it began never was one.
            stay.delete() if stay.until == stay.since else stay.save(update_fields=["until"])
        unknown = Q(status=Status.UNMARKED, held_on__gte=left_on)
        Attendance.objects.filter(unknown, entry=entry).delete()
    RosterEntry.objects.bulk_update(entries, ["left_on", "left_reason"], batch_size=500)


def _refresh(campaign: Campaign, entries: list[RosterEntry]) -> None:
    for entry in entries:
        for name in COPIED:
            setattr(entry, name, getattr(entry.member, name))
        entry.hours_target = _target(campaign, entry.post)
    RosterEntry.objects.bulk_update(entries, [*COPIED, "hours_target"], batch_size=500)


def _recount(campaign: Campaign, entries: list[RosterEntry]) -> None:
    units = {entry.unit_id for entry in entries}
    parts = Unit.objects.filter(pk__in=units).values_list("parts", flat=True)
    recount(
        campaign=campaign,
        entries=[entry.pk for entry in entries],
        parts=[part for part in parts if part],
        units=units,
    )
