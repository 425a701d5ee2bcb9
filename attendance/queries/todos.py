"""What waits to be done about people of the account's own unit."""

from django.urls import reverse
from django.utils import timezone

from attendance.queries.confirming import confirmations, to_confirm, unconfirmed
from attendance.queries.contacts import count_due
from attendance.queries.differences import roster_differences
from attendance.queries.ending import waiting_marks
from attendance.queries.guests import claimable
from attendance.queries.heads import waiting_for_names
from attendance.queries.people import tally_sums
from campaigns.models import Stage, Unit
from campaigns.queries import current_campaign, home_unit
from campaigns.queries.tree import tree_differences
from organizations.models import User
from organizations.queries import Todo

# Comparing the roster with the member list reads both whole: beyond this the page does not wait for it.
MOST_COMPARED = 3_000
MOST_CLAIMED = 200


def todos(user: User) -> list[Todo]:
    """Open lists of the account's own unit in the current campaign."""
    unit = _unit(user)
    if unit is None:
        return []
    sums = tally_sums(unit, ("owing", "home_waiting", "never", "floating", "members"))
    owing, home, never = sums["owing"], sums["home_waiting"], sums["never"]
    lines = [
        Todo(text=f"{owing}人待补课", count=owing, url=_link("makeup_list", unit), level="warn"),
        Todo(f"{home}人还没送学上门", home, _link("home_list", unit, "waiting")),
        Todo(f"{never}人一次都没参加", never, _link("never_list", unit)),
    ]
    if user.marks_registers:
        heads = waiting_for_names(unit).count()
        lines.append(Todo(f"{heads}场课只报了人数，待补名单", heads, _link("heads_list", unit), "warn"))
    # Beyond that nobody calls each of them from here.
    if 0 < sums["floating"] <= MOST_COMPARED:
        due = count_due(unit, unit.campaign, timezone.localdate())
        lines.append(Todo(f"{due}名流动党员该联系了", due, _link("contact_list", unit, "due")))
    if user.keeps_records:
        lines += _looking(unit)
        lines += _confirming(unit, sums["members"])
        lines += _claiming(user, unit)
        later = sums["members"] > MOST_COMPARED
        lines += [_comparing(unit)] if later else roster_todos(unit)
    return [line for line in lines if line.count]


def roster_todos(unit: Unit) -> list[Todo]:
    """What today's member list and tree say that the roster does not."""
    roster = roster_differences(unit)
    new = roster.new.count()
    other = roster.total - new + tree_differences(unit).total
    changes = _link("roster_changes", unit)
    lines = [
        Todo(text=f"{new}人还没进冬训名册", count=new, url=changes, level="warn"),
        Todo(text=f"{other}处名册变动还没加入", count=other, url=changes, level="warn"),
    ]
    return [line for line in lines if line.count]


def _looking(unit: Unit) -> list[Todo]:
    """Marks that came too late, from a closed account, or met another value: they wait for a person."""
    page = reverse("attendance:waiting_marks", args=[unit.campaign_id])
    held, lost = (waiting_marks(what, unit).count() for what in ("held", "conflict"))
    return [
        Todo(f"{held}人次的登记送来晚了，等您看", held, f"{page}?what=held", "warn"),
        Todo(f"{lost}人次的登记两边不一样", lost, f"{page}?what=conflict", "warn"),
    ]


def _confirming(unit: Unit, members: int) -> list[Todo]:
    """Above others that confirm for themselves: how many have not. Else whether this unit has."""
    if unit.holds_people or unit.frozen_at or not members:
        return []
    page = _link("roster_confirm", unit)
    below = to_confirm(unit)
    if below.exists():
        waiting = unconfirmed(below).count()
        return [Todo(f"{waiting}个单位没有确认名册", waiting, page)]
    return [] if confirmations(unit).exists() else [Todo("还没有确认名册", 1, page)]


def _claiming(user: User, unit: Unit) -> list[Todo]:
    """Somebody of ours was written down at another unit's class."""
    waiting = claimable(user, unit.campaign)[:MOST_CLAIMED].count()
    page = reverse("attendance:guest_list", args=[unit.campaign_id])
    return [Todo(f"{waiting}人到外单位听课，等认领", waiting, page)]


def _comparing(unit: Unit) -> Todo:
    """Stands there until the page has loaded what `roster_todos` finds."""
    return Todo("名册变动", 1, _link("roster_changes", unit), later=_link("roster_waiting", unit))


def _unit(user: User) -> Unit | None:
    campaign = current_campaign(user)
    return home_unit(user, campaign) if campaign and campaign.stage == Stage.OPEN else None


def _link(name: str, unit: Unit, state: str = "") -> str:
    query = f"?unit={unit.pk}" + (f"&state={state}" if state else "")
    return reverse(f"attendance:{name}", args=[unit.campaign_id]) + query
