"""Moving people to another branch: the member on the left, then the roster, in one act."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from attendance.models import RosterChange, RosterEntry
from attendance.services.exclusively import Also, lock_exactly, with_retry
from attendance.services.roster_changes import note
from attendance.services.stays import end_stay, move_stay, recount_moved, units_behind
from campaigns.models import Campaign, Unit
from organizations.models import Member, Organization, Transfer, TransferRequest, User
from organizations.service import Refused, service
from organizations.services.organizations import close_organization, lock_organizations
from organizations.services.transfer_requests import accept_request
from organizations.services.transfers import transfer_members

BEYOND = "转到这次冬训以外的党支部"


@service(atomic=False)
def move_member(*, actor: User, member: Member, to_branch: Organization, day: date) -> int:
    """One member belongs, and counts, in `to_branch` from `day` on. Repeating it changes nothing."""
    return move_members(actor=actor, members=[member], to_branch=to_branch, day=day)


@service(atomic=False)
def move_members(*, actor: User, members: Sequence[Member], to_branch: Organization, day: date) -> int:
    """These members belong, and count, in `to_branch` from `day` on; returns how many moved.

    What they attended comes along. A row nobody had marked yet, of a class on or
    after that day, is withdrawn; a row with a status stays. Repeating it changes nothing.
    """
    return with_retry(lambda also: _move(actor, members, to_branch, day, also))


@service(atomic=False)
def merge_branch(
    *, actor: User, branch: Organization, to_branch: Organization, day: date, close: bool = False
) -> int:
    """Everybody of `branch` belongs to `to_branch` from `day` on; returns how many moved.

    With `close` the empty branch is closed in the same act, or nothing is done at all; without,
    on its own page. Repeating it changes nothing.
    """
    if branch.pk == to_branch.pk:
        raise Refused("请选择另一个党支部。", code="same")
    return with_retry(lambda also: _merge(actor, branch, to_branch, day, close, also))


def _merge(
    actor: User, branch: Organization, to_branch: Organization, day: date, close: bool, also: Also
) -> int:
    # Both, in one order, whichever is emptied: two merges may cross.
    lock_organizations([branch.pk, to_branch.pk])
    people = list(Member.objects.present().filter(branch=branch))
    moved = _move(actor, people, to_branch, day, also) if people else 0
    if close:
        close_organization(actor=actor, organization=branch)
    return moved


@service(atomic=False)
def accept_transfer(*, actor: User, request: TransferRequest, to_branch: Organization) -> bool:
    """Take over somebody from outside the scope: the member, then the roster, in one act.

    The other side asked for it; `accept_request` says when it may still be done. False where it
    was done before: a second click moves nobody, also when the person has moved on since.
    """
    return with_retry(lambda also: _accept(actor, request, to_branch, also))


def _accept(actor: User, request: TransferRequest, to_branch: Organization, also: Also) -> bool:
    transfer = accept_request(actor=actor, request=request, to_branch=to_branch)
    if transfer:
        # Who let go is the one who asked; where the member went is the receiving side's to know.
        told = Told(transfer.asked_by, "转组织关系，对方已接收", actor, f"由{transfer.from_branch.name}转来")
        follow([transfer], to_branch, transfer.day, told, also)
    return transfer is not None


def _move(actor: User, members: Sequence[Member], to_branch: Organization, day: date, also: Also) -> int:
    transfers = transfer_members(actor=actor, members=members, to_branch=to_branch, day=day)
    told = Told(actor, f"转到{to_branch.name}", actor, "转支部")
    follow(transfers, to_branch, day, told, also)
    return len(transfers)


@dataclass(frozen=True)
class Told:
    """Who let go and who took over, and why, for 名册变动 on either side."""

    out_by: User
    out_why: str
    in_by: User
    in_why: str


def follow(
    transfers: Sequence[Transfer],
    to_branch: Organization,
    day: date,
    told: Told,
    also: Also,
    more: Iterable[int] = (),
) -> None:
    """The rosters of the open campaigns go along, under the lock of every unit concerned, and of `more`."""
    entries = RosterEntry.objects.present().filter(
        is_open=True, member__in=[transfer.member_id for transfer in transfers]
    )
    opened = Campaign.objects.select_related("organization")
    campaigns = list(opened.filter(pk__in=entries.values("campaign")))
    units = {campaign.pk: _unit_of(campaign, to_branch) for campaign in campaigns}
    known = {unit.pk for unit in units.values() if unit} | set(more)
    lock_exactly(lambda: known | units_behind(entries.all()), also)
    for campaign in campaigns:
        here = list(entries.filter(campaign=campaign).select_related("unit").order_by("pk"))
        unit = units[campaign.pk]
        _refuse_frozen(here, unit)
        if unit is None:
            leave_roster(here, campaign, day, told.out_by)
        else:
            _move_entries(campaign, here, unit, day, told)


def _unit_of(campaign: Campaign, branch: Organization) -> Unit | None:
    """Where people of `branch` count; None where the campaign's owner has nothing to do with the branch."""
    unit = Unit.objects.filter(campaign=campaign, organization=branch, closed_on__isnull=True).first()
    if unit is None and campaign.organization.contains(branch):
        raise Refused(
            f"“{branch.name}”还不是“{campaign.label}”的参训单位。请先在“名册变动”里按“全部加入名册”，再转人进来。",
            code="no_unit",
        )
    return unit


def _refuse_frozen(entries: list[RosterEntry], unit: Unit | None) -> None:
    concerned = {entry.unit_id for entry in entries} | ({unit.pk} if unit else set())
    if Unit.objects.filter(pk__in=concerned, frozen_at__isnull=False).exists():
        raise Refused("有支部的数据已经上报锁定，现在不能转。要转，请先请上级解锁。", code="frozen")


def _move_entries(campaign: Campaign, entries: list[RosterEntry], unit: Unit, day: date, told: Told) -> None:
    moving = [entry for entry in entries if entry.unit_id != unit.pk]
    before = {entry.unit_id for entry in moving}
    note(moving, RosterChange.Kind.MOVED_OUT, day, told.out_by, told.out_why)
    parts: set[int] = set()
    for entry in moving:
        parts |= move_stay(entry, unit, day)
    note(moving, RosterChange.Kind.MOVED_IN, day, told.in_by, told.in_why)
    recount_moved(campaign, moving, parts, before)


def leave_roster(entries: list[RosterEntry], campaign: Campaign, day: date, by: User) -> None:
    """Who goes beyond the campaign leaves its roster; the campaign of the new place may then take them.

    The caller holds every unit concerned.
    """
    parts: set[int] = set()
    for entry in entries:
        parts |= end_stay(entry, day, BEYOND)
    note(entries, RosterChange.Kind.LEFT, day, by, BEYOND)
    RosterEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(is_open=False)
    recount_moved(campaign, entries, parts, {entry.unit_id for entry in entries})
