"""Adopting how today's member list differs from the roster. Nothing is adopted silently."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError
from django.utils import timezone

from attendance.models import RosterChange, RosterEntry, RosterStay
from attendance.queries.differences import COPIED, SECRETARY_POSTS, RosterDifferences, roster_differences
from attendance.queries.known import Known, known
from attendance.services.exclusively import Also, lock_exactly, with_retry
from attendance.services.roster_changes import note
from attendance.services.stays import begin_again, end_stay, move_stay, recount_moved, units_behind
from campaigns.models import Campaign, Unit
from organizations.models import Member, User
from organizations.service import Refused, service
from organizations.services import audit, changes

Kind = RosterChange.Kind
REFRESHED = (*COPIED, "hours_target")


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
def adopt_differences(*, actor: User, unit: Unit, members: Collection[int] | None = None) -> Adopted:
    """Bring the roster at and below `unit` up to today's member list; adopting again changes nothing.

    `members`: only these of them; whoever of these does not differ (any more) is left as they are.
    Somebody new joins from the day they came to the branch, never before the
    campaign began; somebody gone leaves on the day they left, and their rows that
    nobody had marked since then are withdrawn; somebody back gets a new stay, and
    what they had attended counts again. Frozen units are refused.
    """
    if not Unit.objects.manageable_by(actor).filter(pk=unit.pk).exists():
        raise Refused("这个单位不在您管理的范围内。", code="scope")
    return with_retry(lambda also: _adopt(actor, unit, members, also))


def _adopt(actor: User, unit: Unit, members: Collection[int] | None, also: Also) -> Adopted:
    # Where the unit is now: it may have moved since the page was opened, or while we waited.
    lock_exactly(lambda: _concerned(Unit.objects.get(pk=unit.pk), members), also)
    unit = Unit.objects.select_related("organization").get(pk=unit.pk)
    campaign = Campaign.objects.get(pk=unit.campaign_id)
    if not campaign.is_open:
        raise Refused("这次冬训不在进行中，名册不能再改。", code="stage")
    if Unit.objects.filter(pk__in=_concerned(unit, members), frozen_at__isnull=False).exists():
        raise Refused("有支部的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")
    unit_of = {one.organization_id: one for one in Unit.objects.below(unit).with_people()}
    adopted = _bring_up_to_date(actor, campaign, _found(unit, members), unit_of)
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


def _found(unit: Unit, members: Collection[int] | None) -> RosterDifferences:
    found = roster_differences(unit)
    return found if members is None else found.only(members)


def _concerned(unit: Unit, members: Collection[int] | None) -> set[int]:
    """The branches at and below `unit`, or those of the chosen members, and the units behind whoever
    leaves, comes back or moved."""
    found = _found(unit, members)
    behind = units_behind([*found.gone, *found.returned, *found.moved])
    branches = Unit.objects.below(unit).with_people()
    if members is not None:
        behind |= {entry.unit_id for entry in found.changed}
        homes = Member.objects.filter(pk__in=members).values("branch")
        branches = branches.filter(organization__in=homes)
    return set(branches.values_list("pk", flat=True)) | behind


def _bring_up_to_date(
    actor: User, campaign: Campaign, found: RosterDifferences, unit_of: dict[int, Unit]
) -> Adopted:
    joined = _join(campaign, list(found.new), unit_of)
    gone, returned = list(found.gone), list(found.returned)
    # Members are not locked: who came back between two of these questions is gone first, and back next time.
    left = {entry.pk for entry in gone}
    moved = [entry for entry in found.moved if entry.pk not in left]
    changed = [entry for entry in found.changed if entry.pk not in left]
    before = {entry.unit_id for entry in (*gone, *returned, *moved)}
    told = known(actor, [*joined, *gone, *returned, *moved, *changed])
    _note_joining(told, joined)
    parts = _let_go(told, gone)
    parts |= _move(told, campaign, moved, unit_of)
    _take_back(told, campaign, returned, unit_of)
    _refresh(told, campaign, [*changed, *returned, *moved])
    recount_moved(campaign, [*joined, *gone, *returned, *moved, *changed], parts, before)
    return Adopted(len(joined), len(gone), len(returned), len(moved), len(changed))


def _note_joining(told: Known, joined: list[RosterEntry]) -> None:
    came = {entry.pk: told.move(entry.member) for entry in joined}
    why = {pk: f"由{move.from_branch.name}转来" if move else "新登记" for pk, move in came.items()}
    days = {entry.pk: entry.joined_on for entry in joined}
    note(joined, Kind.JOINED, days, told.by(joined, "member.created"), why)


def _let_go(told: Known, gone: list[RosterEntry]) -> set[int]:
    days = {entry.pk: entry.member.left_on or timezone.localdate() for entry in gone}
    why = {entry.pk: entry.member.left_reason for entry in gone}
    parts: set[int] = set()
    for entry in gone:
        parts |= end_stay(entry, days[entry.pk], why[entry.pk])
    note(gone, Kind.LEFT, days, told.by(gone, "member.left"), why)
    return parts


def _move(told: Known, campaign: Campaign, moved: list[RosterEntry], unit_of: dict[int, Unit]) -> set[int]:
    days = {entry.pk: _since(campaign, entry.member) for entry in moved}
    to = {entry.pk: unit_of[entry.member.branch_id] for entry in moved}
    left = {entry.pk: f"由{entry.unit.name}转来{told.request_note(entry.member)}" for entry in moved}
    went = {entry.pk: f"转到{to[entry.pk].name}{told.request_note(entry.member)}" for entry in moved}
    note(moved, Kind.MOVED_OUT, days, told.by(moved), went)
    parts: set[int] = set()
    for entry in moved:
        parts |= move_stay(entry, to[entry.pk], days[entry.pk])
    note(moved, Kind.MOVED_IN, days, told.by(moved), left)
    return parts


def _take_back(
    told: Known, campaign: Campaign, returned: list[RosterEntry], unit_of: dict[int, Unit]
) -> None:
    for entry in returned:
        begin_again(entry, unit_of[entry.member.branch_id], _since(campaign, entry.member))
    days = {entry.pk: min(_since(campaign, entry.member), timezone.localdate()) for entry in returned}
    note(returned, Kind.RETURNED, days, told.by(returned, "member.returned"))


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


def _refresh(told: Known, campaign: Campaign, entries: list[RosterEntry]) -> None:
    """Copies as on the member's record; whoever moved and changed is one of these, and the later one."""
    fresh = {entry.pk: entry for entry in entries}
    why: dict[int, str] = {}
    for entry in fresh.values():
        before = changes.facts(entry, REFRESHED)
        for name in COPIED:
            setattr(entry, name, getattr(entry.member, name))
        entry.hours_target = _target(campaign, entry.post)
        why[entry.pk] = changes.told(changes.between(before, changes.facts(entry, REFRESHED)))
    RosterEntry.objects.bulk_update(fresh.values(), REFRESHED, batch_size=500)
    really = [entry for entry in fresh.values() if why[entry.pk]]
    note(really, Kind.CHANGED, timezone.localdate(), told.by(really, "member.changed"), why)
