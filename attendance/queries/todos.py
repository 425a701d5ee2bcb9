"""What waits to be done about people of the account's own unit."""

from django.db.models import Count

from attendance.models import Standing
from attendance.queries.differences import roster_differences
from attendance.queries.people import HOME_BOUND_WAITING, NEVER_CAME, OWING
from campaigns.models import Stage
from campaigns.queries import current_campaign, home_unit
from organizations.models import User
from organizations.queries import Todo
from organizations.tree import within


def todos(user: User) -> list[Todo]:
    """Open lists of the account's own unit in the current campaign."""
    campaign = current_campaign(user)
    if campaign is None or campaign.stage != Stage.OPEN:
        return []
    unit = home_unit(user, campaign)
    if unit is None:
        return []
    people = Standing.objects.filter(within("unit__path", unit.path), campaign=campaign).aggregate(
        owing=Count("pk", filter=OWING),
        never=Count("pk", filter=NEVER_CAME),
        home=Count("pk", filter=HOME_BOUND_WAITING),
    )
    here = f"/campaigns/{campaign.pk}"
    lines = [
        Todo(
            text=f"{people['owing']}人待补课",
            count=people["owing"],
            url=f"{here}/makeup/?unit={unit.pk}",
            level="warn",
        ),
        Todo(
            text=f"{people['home']}人居家待送学",
            count=people["home"],
            url=f"{here}/roster/?unit={unit.pk}&state=home_waiting",
        ),
        Todo(
            text=f"{people['never']}人一次都没参加",
            count=people["never"],
            url=f"{here}/roster/?unit={unit.pk}&state=never",
        ),
    ]
    if user.keeps_records:
        differences = roster_differences(unit).total
        changes = f"{here}/roster/changes/?unit={unit.pk}"
        lines.append(
            Todo(text=f"{differences}处名册变动待采纳", count=differences, url=changes, level="warn")
        )
    return [line for line in lines if line.count]
