"""A unit says: this is who takes part. What changes afterwards is listed beside it."""

from attendance.models import RosterConfirmation
from attendance.queries.confirming import Numbers, confirmations, numbers
from attendance.queries.differences import roster_differences
from attendance.services.exclusively import Also, lock_exactly, with_retry
from campaigns.models import Unit
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit


@service(atomic=False)
def confirm_roster(
    *, actor: User, unit: Unit, after: int = 0, seen: Numbers | None = None, knowing: int = 0
) -> RosterConfirmation:
    """Confirm the roster at and below `unit` as it stands. Doing it again later is a new confirmation.

    `after`: the confirmation the page showed (0 = none), so that a page sent twice makes one and a
    neighbour's is not covered up. `seen`: the numbers it showed; others by now are refused. `knowing`:
    how many differences from the member list are left out on purpose; without it there may be none.
    """
    if not Unit.objects.manageable_by(actor).filter(pk=unit.pk).exists():
        raise Refused("这个单位不在您管理的范围内。", code="scope")
    if unit.holds_people:
        raise Refused("党支部的名册由上级党组织一起确认。", code="branch")
    # Before the lock: comparing reads the whole member list, and figures do not hang on it.
    differing = roster_differences(unit).total
    if differing and differing != knowing:
        raise Refused(
            f"名册和党员名单有{differing}处不同。请先到“名册变动”里加入；要照现在的名册确认，请勾上“先不加入”。",
            code="differs",
        )
    return with_retry(lambda also: _confirm(actor, unit, after, seen, differing, also))


def _confirm(
    actor: User, unit: Unit, after: int, seen: Numbers | None, differing: int, also: Also
) -> RosterConfirmation:
    # Every branch below is held: nobody joins, leaves or moves between the numbers and their confirmation.
    lock_exactly(lambda: _below(unit.pk), also)
    unit = Unit.objects.select_related("campaign", "organization").get(pk=unit.pk)
    _refuse(unit)
    last = confirmations(unit).first()
    if last and last.pk != after:
        if last.confirmed_by_id == actor.pk:
            return last
        raise Refused(f"{last.confirmed_by.name}刚刚确认过了，请看过再决定要不要重新确认。", code="confirmed")
    found = numbers(unit)
    if not found.members:
        raise Refused("名册上还没有人，不用确认。", code="empty")
    if seen and seen != found:
        raise Refused(f"名册刚刚有变动，现在是{found.words}。请核对后再确认。", code="changed")
    confirmation = RosterConfirmation.objects.create(unit=unit, confirmed_by=actor, **vars(found))
    left = f"；和党员名单的{differing}处不同没有加入" if differing else ""
    audit.record(
        actor=actor,
        action="roster.confirmed",
        summary=f"确认名册：{unit.name}，{found.words}{left}",
        target=unit.campaign,
        organization=unit.organization,
        path=unit.path,
        details=vars(found) | {"left_out": differing},
    )
    return confirmation


def _below(pk: int) -> set[int]:
    unit = Unit.objects.get(pk=pk)
    return {pk, *Unit.objects.below(unit).with_people().values_list("pk", flat=True)}


def _refuse(unit: Unit) -> None:
    if not unit.campaign.is_open:
        raise Refused("这次冬训不在进行中，名册不用再确认。", code="stage")
    if unit.closed_on:
        raise Refused(f"{unit.name}已经撤销，名册不用再确认。", code="gone")
    if unit.frozen_at:
        raise Refused("本单位的数据已经上报锁定，名册不能再确认。要改，请先请上级解锁。", code="frozen")
