"""Moving members between branches, and taking back somebody who had left.

Both sides must lie in the account's scope. Between two places nobody below their
common level holds both: that level does it, or the one side asks and the other
accepts (`transfer_requests`).
"""

from collections.abc import Sequence
from datetime import date

from django.db.models import Max
from django.utils import timezone

from organizations.models import Member, Organization, Transfer, User
from organizations.service import Refused, service
from organizations.services import audit, changes
from organizations.services.member_dates import FIRST_YEAR


@service
def transfer_members(
    *, actor: User, members: Sequence[Member], to_branch: Organization, day: date
) -> list[Transfer]:
    """These members belong to `to_branch` from `day` on; whoever is there already stays as they are.

    One act, however many. Repeating it changes nothing.
    """
    to_branch = locked_branch(actor, to_branch)
    found = locked_members(actor, [member.pk for member in members])
    moving = [member for member in found if member.branch_id != to_branch.pk]
    if not moving:
        return []
    left = changes.names(dict.fromkeys(member.branch.name for member in moving))
    transfers = place_members(members=moving, to_branch=to_branch, day=day, asked_by=actor, accepted_by=actor)
    names = "、".join(member.name for member in moving[:3])
    names += f"等{len(moving)}人" if len(moving) > 3 else ""
    audit.record(
        actor=actor,
        action="member.transferred",
        summary=f"{names}由{left}转到{to_branch.name}，{changes.words(day)}起",
        target=moving[0] if len(moving) == 1 else to_branch,
        organization=to_branch,
        details={"members": [member.pk for member in moving]},
    )
    return transfers


@service
def transfer_member(*, actor: User, member: Member, to_branch: Organization, day: date) -> Transfer | None:
    """One member belongs to `to_branch` from `day` on. Repeating it changes nothing."""
    moved = transfer_members(actor=actor, members=[member], to_branch=to_branch, day=day)
    return moved[0] if moved else None


@service
def return_member(*, actor: User, member: Member, branch: Organization, day: date) -> Member:
    """Somebody who had left belongs to `branch` again from `day` on. Somebody present is left as they are."""
    branch = locked_branch(actor, branch)
    member = locked_members(actor, [member.pk])[0]
    if member.left_on is None:
        return member
    if member.merged_into_id:
        raise Refused("这条记录是重复登记，已经并入另一条，请到那一条上办理。", code="merged")
    if day > timezone.localdate():
        raise Refused("回来的日期不能晚于今天，到了那天再登记。", code="future")
    if day < member.left_on:
        raise Refused(f"回来的日期不能早于离开的日期（{member.left_on:%Y-%m-%d}）。", code="date")
    before = {"left_on": str(member.left_on), "left_reason": member.left_reason}
    if member.branch_id == branch.pk:
        member.branch_since = day
    else:
        _place([member], branch, day)
    member.left_on, member.left_reason = None, ""
    member.save(update_fields=["left_on", "left_reason", "branch_since"])
    audit.record(
        actor=actor,
        action="member.returned",
        summary=f"{member.name}回到{branch.name}，{changes.words(day)}起",
        target=member,
        organization=branch,
        details={"before": before},
    )
    return member


def locked_branch(actor: User, branch: Organization) -> Organization:
    """The branch people are to belong to, as stored now, locked; the members come after it."""
    rows = Organization.objects.manageable_by(actor).select_for_update(no_key=True)
    found = rows.filter(pk=branch.pk).first()
    if found is None:
        raise Refused("转入的支部不在您的管理范围内，请由上级办理。", code="scope")
    if not found.holds_people:
        raise Refused(f"{found.name}下面没有直接的党员，请选具体的党支部。", code="kind")
    if found.closed_on:
        raise Refused(f"{found.name}已经撤销，请选现在的党支部。", code="closed")
    return found


def locked_members(actor: User, ids: Sequence[int]) -> list[Member]:
    """These members as stored now, locked in one order, all in the actor's scope."""
    mine = Member.objects.manageable_by(actor)
    rows = Member.objects.select_for_update(no_key=True, of=("self",)).select_related("branch").order_by("pk")
    found = list(rows.filter(pk__in=mine.values("pk")).filter(pk__in=ids))
    if len(found) != len(set(ids)) or not found:
        raise Refused("有党员不在您的管理范围内，请由上级办理。", code="scope")
    return found


def place_members(
    *, members: list[Member], to_branch: Organization, day: date, asked_by: User, accepted_by: User
) -> list[Transfer]:
    """A step of an act that holds all of them locked and is audited where it starts."""
    for member in members:
        refuse_day(member, day)
    transfers = Transfer.objects.bulk_create(
        [
            Transfer(
                member=member,
                from_branch_id=member.branch_id,
                to_branch=to_branch,
                day=day,
                asked_by=asked_by,
                accepted_by=accepted_by,
            )
            for member in members
        ]
    )
    _place(members, to_branch, day)
    return transfers


def refuse_day(member: Member, day: date) -> None:
    """Nobody goes who has left, in the future, or before they came."""
    if member.left_on:
        raise Refused(f"{member.name}已经登记离开，请先登记回来。", code="left")
    if day > timezone.localdate():
        raise Refused("转接日期不能晚于今天，到了那天再办。", code="future")
    if day.year < FIRST_YEAR:
        raise Refused("转接日期不合理，请核对年份。", code="date")
    if member.branch_since and day < member.branch_since:
        raise Refused(
            f"{member.name}是 {member.branch_since:%Y-%m-%d} 转入现在的支部的，转出日期不能早于那天。",
            code="date",
        )


def _place(members: list[Member], branch: Organization, day: date) -> None:
    """At the end of the branch's list. The old branch's 党小组 and post there do not come along."""
    last = Member.objects.filter(branch=branch).aggregate(last=Max("place_in_list"))["last"] or 0
    for place, member in enumerate(members, start=last + 1):
        member.branch, member.branch_since, member.place_in_list = branch, day, place
        member.party_group, member.post = "", ""
    columns = ["branch", "branch_since", "place_in_list", "party_group", "post"]
    Member.objects.bulk_update(members, columns, batch_size=500)
