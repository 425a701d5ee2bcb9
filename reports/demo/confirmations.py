"""Most townships have confirmed the roster of the running winter; the others still have it to do."""

from datetime import datetime, time, timedelta

from django.utils import timezone

from attendance.models import RosterConfirmation
from attendance.queries.confirming import numbers, to_confirm
from campaigns.models import Campaign
from organizations.models import Role, User
from reports.demo import bulk

EVERY = 5  # one in five has not
DAYS = 3  # after the roster was drawn


def store(campaign: Campaign) -> None:
    """By the township's own organizer, some days after the roster was drawn."""
    top = campaign.units.get(organization=campaign.organization)
    authors = dict(User.objects.filter(role=Role.ORGANIZER).values_list("organization_id", "pk"))
    day = timezone.make_aware(datetime.combine(campaign.starts_on + timedelta(days=DAYS), time(16)))
    rows = [
        (unit.pk, *vars(numbers(unit)).values(), authors.get(unit.organization_id), day)
        for place, unit in enumerate(to_confirm(top))
        if place % EVERY != EVERY - 1
    ]
    columns = ["unit_id", "members", "floating", "waived", "confirmed_by_id", "confirmed_at"]
    bulk.write(RosterConfirmation, columns, [row for row in rows if row[4]])
