"""Moving people to another branch: the member on the left, then the roster, in one act."""

from collections.abc import Sequence
from datetime import date

from attendance.models import RosterEntry
from attendance.services.exclusively import Also, lock_exactly, with_retry
from attendance.services.stays import move_stay, recount_moved, units_behind
from campaigns.models import Campaign, Unit
from organizations.models import Member, Organization, User
from organizations.service import Refused, service
from organizations.services.transfers import transfer_members


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
def merge_branch(*, actor: User, branch: Organization, to_branch: Organization, day: date) -> int:
    """Everybody of `branch` belongs to `to_branch` from `day` on; returns how many moved.

    The empty branch is then closed on its own page. Repeating it changes nothing.
    """
    if branch.pk == to_branch.pk:
        raise Refused("请选择另一个党支部。", code="same")
    people = list(Member.objects.present().filter(branch=branch))
    if not people:
        return 0
    return move_members(actor=actor, members=people, to_branch=to_branch, day=day)


def _move(actor: User, members: Sequence[Member], to_branch: Organization, day: date, also: Also) -> int:
    transfers = transfer_members(actor=actor, members=members, to_branch=to_branch, day=day)
    entries = RosterEntry.objects.present().filter(
        is_open=True, member__in=[transfer.member_id for transfer in transfers]
    )
    campaigns = list(Campaign.objects.filter(pk__in=entries.values("campaign")))
    units = {campaign.pk: _unit_of(campaign, to_branch) for campaign in campaigns}
    lock_exactly(lambda: {unit.pk for unit in units.values()} | units_behind(entries.all()), also)
    for campaign in campaigns:
        here = entries.filter(campaign=campaign).select_related("unit").order_by("pk")
        _move_entries(campaign, list(here), units[campaign.pk], day)
    return len(transfers)


def _unit_of(campaign: Campaign, branch: Organization) -> Unit:
    unit = Unit.objects.filter(campaign=campaign, organization=branch, closed_on__isnull=True).first()
    if unit is None:
        raise Refused(
            f"“{branch.name}”还不是“{campaign.label}”的参训单位。新设的支部，请先在“名册变动”里按“全部加入名册”；"
            "不在这次冬训范围内的，请由上级办理。",
            code="no_unit",
        )
    return unit


def _move_entries(campaign: Campaign, entries: list[RosterEntry], unit: Unit, day: date) -> None:
    """Under the lock of every unit concerned."""
    before = {entry.unit_id for entry in entries}
    if Unit.objects.filter(pk__in=before | {unit.pk}, frozen_at__isnull=False).exists():
        raise Refused("有支部的数据已经上报锁定，现在不能转。要转，请先请上级解锁。", code="frozen")
    parts: set[int] = set()
    for entry in entries:
        if entry.unit_id != unit.pk:
            parts |= move_stay(entry, unit, day)
    recount_moved(campaign, entries, parts, before)
