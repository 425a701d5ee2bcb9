"""Adopting how today's member list differs from the roster. Nothing is adopted silently."""

from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError
from django.utils import timezone

from attendance.models import RosterEntry, RosterStay
from attendance.queries.differences import COPIED, SECRETARY_POSTS, RosterDifferences, roster_differences
from attendance.services.exclusively import Also, lock_exactly, with_retry
from attendance.services.stays import begin_again, end_stay, move_stay, recount_moved, units_behind
from campaigns.models import Campaign, Unit
from organizations.models import Member, User
from organizations.service import Refused, service
from organizations.services import audit


@dataclass(frozen=True)
class Adopted:
    joined: int
    left: int
    returned: int
    moved: int
    changed: int

    @property
    def total(self) -> int:
        return self.joined + self.left + self.returned + self.moved + self.changed

    @property
    def words(self) -> str:
        more = f"，回来{self.returned}人" if self.returned else ""
        more += f"，换支部{self.moved}人" if self.moved else ""
        return f"加入{self.joined}人，离册{self.left}人，更新{self.changed}人{more}"


@service(atomic=False)
def adopt_differences(*, actor: User, unit: Unit) -> Adopted:
    """Bring the roster at and below `unit` up to today's member list; adopting again changes nothing.

    Somebody new joins from the day they came to the branch, never before the
    campaign began; somebody gone leaves on the day they left, and their rows that
    nobody had marked since then are withdrawn; somebody back gets a new stay, and
    what they had attended counts again. Frozen units are refused.
    """
    if not Unit.objects.manageable_by(actor).filter(pk=unit.pk).exists():
        raise Refused("这个单位不在您管理的范围内。", code="scope")
    return with_retry(lambda also: _adopt(actor, unit, also))


def _adopt(actor: User, unit: Unit, also: Also) -> Adopted:
    # Where the unit is now: it may have moved since the page was opened, or while we waited.
    lock_exactly(lambda: _concerned(Unit.objects.get(pk=unit.pk)), also)
    unit = Unit.objects.select_related("organization").get(pk=unit.pk)
    campaign = Campaign.objects.get(pk=unit.campaign_id)
    if not campaign.is_open:
        raise Refused("这次冬训不在进行中，名册不能再改。", code="stage")
    if Unit.objects.filter(pk__in=_concerned(unit), frozen_at__isnull=False).exists():
        raise Refused("有支部的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")
    unit_of = {one.organization_id: one for one in Unit.objects.below(unit).with_people()}
    found = roster_differences(unit)
    adopted = _bring_up_to_date(campaign, found, unit_of)
    if adopted.total:
        audit.record(
            actor=actor,
            action="roster.adopted",
            summary=f"更新名册：{unit.name}（{adopted.words}）",
            target=campaign,
            organization=unit.organization,
            path=unit.path,
            details=vars(adopted),
        )
    return adopted


def _concerned(unit: Unit) -> set[int]:
    """Every branch at and below `unit`, and the units behind whoever leaves, comes back or moved."""
    found = roster_differences(unit)
    branches = Unit.objects.below(unit).with_people().values_list("pk", flat=True)
    return set(branches) | units_behind([*found.gone, *found.returned, *found.moved])


def _bring_up_to_date(campaign: Campaign, found: RosterDifferences, unit_of: dict[int, Unit]) -> Adopted:
    joined = _join(campaign, list(found.new), unit_of)
    gone, returned = list(found.gone), list(found.returned)
    # Members are not locked: who came back between two of these questions is gone first, and back next time.
    left = {entry.pk for entry in gone}
    moved = [entry for entry in found.moved if entry.pk not in left]
    changed = [entry for entry in found.changed if entry.pk not in left]
    before = {entry.unit_id for entry in (*gone, *returned, *moved)}
    parts: set[int] = set()
    for entry in gone:
        parts |= end_stay(entry, entry.member.left_on or timezone.localdate(), entry.member.left_reason)
    for entry in moved:
        parts |= move_stay(entry, unit_of[entry.member.branch_id], _since(campaign, entry.member))
    for entry in returned:
        begin_again(entry, unit_of[entry.member.branch_id], _since(campaign, entry.member))
    _refresh(campaign, [*changed, *returned, *moved])
    recount_moved(campaign, [*joined, *gone, *returned, *moved, *changed], parts, before)
    return Adopted(len(joined), len(gone), len(returned), len(moved), len(changed))


def _since(campaign: Campaign, member: Member) -> date:
    return max(campaign.starts_on, member.branch_since or campaign.starts_on)


def _target(campaign: Campaign, post: str) -> int:
    return campaign.hours_secretary if post in SECRETARY_POSTS else campaign.hours_member


def _join(campaign: Campaign, members: list[Member], unit_of: dict[int, Unit]) -> list[RosterEntry]:
    busy = RosterEntry.objects.filter(is_open=True, member__in=members).select_related("member").first()
    if busy:
        raise Refused(f"{busy.member.name}还在另一次进行中的冬训名册上，不能同时加入。", code="busy")
    today = timezone.localdate()
    entries = [
        RosterEntry(
            campaign=campaign,
            member=member,
            unit=unit_of[member.branch_id],
            hours_target=_target(campaign, member.post),
            joined_on=min(_since(campaign, member), today),
            **{name: getattr(member, name) for name in COPIED},
        )
        for member in members
    ]
    try:
        RosterEntry.objects.bulk_create(entries)
    except IntegrityError as clash:
        # Another campaign drew one of them in this very moment.
        raise Refused("有党员刚刚划进了另一次进行中的冬训，不能同时加入。", code="busy") from clash
    RosterStay.objects.bulk_create(
        [RosterStay(entry=entry, unit_id=entry.unit_id, since=entry.joined_on) for entry in entries]
    )
    return entries


def _refresh(campaign: Campaign, entries: list[RosterEntry]) -> None:
    for entry in entries:
        for name in COPIED:
            setattr(entry, name, getattr(entry.member, name))
        entry.hours_target = _target(campaign, entry.post)
    RosterEntry.objects.bulk_update(entries, [*COPIED, "hours_target"], batch_size=500)
