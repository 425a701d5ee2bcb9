"""This week's work that concerns make-up."""

from django.contrib import admin
from django.urls import reverse

from attendance.queries.people import tally_sums
from campaigns.models import Stage
from campaigns.queries import current_campaign, home_unit
from organizations.admin_site import WeekTile
from organizations.models import User


def tiles(user: User) -> list[WeekTile]:
    campaign = current_campaign(user)
    unit = home_unit(user, campaign) if campaign and campaign.stage == Stage.OPEN else None
    if unit is None:
        return []
    address = f"{reverse('attendance:makeup_list', args=[unit.campaign_id])}?unit={unit.pk}"
    owing = tally_sums(unit, ("owing",))["owing"]
    return [WeekTile(3, "补课", "arrow-repeat", address, [(f"{owing}人待补课", address)])]


admin.site.week.append(tiles)
