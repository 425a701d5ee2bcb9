"""Moving members between branches, and taking back somebody who had left.

Both sides must lie in the account's scope; between two places nobody below their
common level holds both, so that level does it.
"""

from collections.abc import Sequence
from datetime import date

from django.db.models import Max
from django.utils import timezone

from organizations.models import Member, Organization, Transfer, User
from organizations.service import Refused, service
from organizations.services import audit, changes


@service
def transfer_members(
    *, actor: User, members: Sequence[Member], to_branch: Organization, day: date
) -> list[Transfer]:
    """These members belong to `to_branch` from `day` on; whoever is there already stays as they are.

    One act, however many. Repeating it changes nothing.
    """
    to_branch, found = _locked(actor, [member.pk for member in members], to_branch)
    moving = [member for member in found if member.branch_id != to_branch.pk]
    if not moving:
        return []
    for member in moving:
        _refuse(member, day)
    transfers = Transfer.objects.bulk_create(
        [
            Transfer(
                member=member,
                from_branch_id=member.branch_id,
                to_branch=to_branch,
                day=day,
                asked_by=actor,
                accepted_by=actor,
            )
            for member in moving
        ]
    )
    names = "、".join(member.name for member in moving[:3])
    names += f"等{len(moving)}人" if len(moving) > 3 else ""
    left = "、".join(dict.fromkeys(member.branch.name for member in moving))
    _place(moving, to_branch, day)
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
    branch, found = _locked(actor, [member.pk], branch)
    member = found[0]
    if member.left_on is None:
        return member
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


def _locked(actor: User, ids: Sequence[int], branch: Organization) -> tuple[Organization, list[Member]]:
    """The branch and the members as stored now, locked in that order, all in the actor's scope."""
    to_branch = (
        Organization.objects.manageable_by(actor).select_for_update(no_key=True).filter(pk=branch.pk).first()
    )
    if to_branch is None:
        raise Refused("转入的支部不在您的管理范围内，请由上级办理。", code="scope")
    if not to_branch.holds_people:
        raise Refused(f"{to_branch.name}下面没有直接的党员，请选具体的党支部。", code="kind")
    if to_branch.closed_on:
        raise Refused(f"{to_branch.name}已经撤销，请选现在的党支部。", code="closed")
    mine = Member.objects.manageable_by(actor)
    rows = Member.objects.select_for_update(no_key=True, of=("self",)).select_related("branch").order_by("pk")
    found = list(rows.filter(pk__in=mine.values("pk")).filter(pk__in=ids))
    if len(found) != len(set(ids)) or not found:
        raise Refused("有党员不在您的管理范围内，请由上级办理。", code="scope")
    return to_branch, found


def _refuse(member: Member, day: date) -> None:
    if member.left_on:
        raise Refused(f"{member.name}已经登记离开，请先登记回来。", code="left")
    if day > timezone.localdate():
        raise Refused("转接日期不能晚于今天，到了那天再办。", code="future")
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
