"""What waits to be done about people of the account's own unit."""

from django.urls import reverse

from attendance.queries.differences import roster_differences
from attendance.queries.people import tally_sums
from campaigns.models import Stage
from campaigns.queries import current_campaign, home_unit
from campaigns.queries.tree import tree_differences
from organizations.models import User
from organizations.queries import Todo


def todos(user: User) -> list[Todo]:
    """Open lists of the account's own unit in the current campaign."""
    campaign = current_campaign(user)
    if campaign is None or campaign.stage != Stage.OPEN:
        return []
    unit = home_unit(user, campaign)
    if unit is None:
        return []
    people = tally_sums(unit, ("owing", "never", "home_waiting"))

    def link(name: str, state: str = "") -> str:
        query = f"?unit={unit.pk}" + (f"&state={state}" if state else "")
        return reverse(f"attendance:{name}", args=[campaign.pk]) + query

    owing, home, never = people["owing"], people["home_waiting"], people["never"]
    lines = [
        Todo(text=f"{owing}人待补课", count=owing, url=link("makeup_list"), level="warn"),
        Todo(text=f"{home}人居家待送学", count=home, url=link("roster_list", "home_waiting")),
        Todo(text=f"{never}人一次都没参加", count=never, url=link("roster_list", "never")),
    ]
    if user.keeps_records:
        roster = roster_differences(unit)
        new = roster.new.count()
        other = roster.total - new + tree_differences(unit).total
        changes = link("roster_changes")
        lines.append(Todo(text=f"{new}人还没进冬训名册", count=new, url=changes, level="warn"))
        lines.append(Todo(text=f"{other}处名册变动还没加入", count=other, url=changes, level="warn"))
    return [line for line in lines if line.count]
