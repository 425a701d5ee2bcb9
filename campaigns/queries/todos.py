"""What waits for this account in campaigns."""

from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign, SessionUnit, Stage
from campaigns.queries.campaigns import current_campaign, scope_unit
from campaigns.queries.service import OVERDUE, tasks_of
from campaigns.queries.sessions import parts_of, unrecorded
from organizations.models import User
from organizations.queries import Todo


def todos(user: User) -> list[Todo]:
    """Past sessions without register, overdue service tasks, campaigns not begun or not ended."""
    campaign = current_campaign(user)
    own = [*preparing(user), *past_their_end(user)]
    # Nothing can be done about what a campaign left open when it ended.
    if campaign is None or not campaign.is_open or not user.marks_registers:
        return own
    return [todo for todo in [*own, missing(user, campaign), overdue(user, campaign)] if todo.count]


def missing(user: User, campaign: Campaign) -> Todo:
    scope = scope_unit(user, campaign)
    # As many as the list has sessions; the parts are fewer than the sessions among which to look for them.
    late = parts_of(scope).filter(unrecorded(timezone.now())) if scope else SessionUnit.objects.none()
    count = late.aggregate(n=Count("session", distinct=True))["n"]
    url = f"{reverse('campaigns:session_list')}?{urlencode({'campaign': campaign.pk, 'state': 'missing'})}"
    return Todo(f"{count}场课上过了未点名", count, url, "warn")


def overdue(user: User, campaign: Campaign) -> Todo:
    scope = scope_unit(user, campaign)
    count = tasks_of(scope).filter(OVERDUE(timezone.localdate())).count() if scope else 0
    url = f"{reverse('campaigns:service_list')}?{urlencode({'campaign': campaign.pk, 'state': 'overdue'})}"
    return Todo(f"{count}件实事过了期限还没办结", count, url, "warn")


def preparing(user: User) -> list[Todo]:
    campaigns = Campaign.objects.manageable_by(user).filter(
        stage=Stage.PREPARING, roster_drawn_on__isnull=True
    )
    return [
        Todo(f"“{campaign.label}”还没划定名册", 1, reverse("campaigns:campaign_detail", args=[campaign.pk]))
        for campaign in campaigns[:5]
    ]


def past_their_end(user: User) -> list[Todo]:
    """Open campaigns whose last day is over, for who runs them."""
    campaigns = Campaign.objects.manageable_by(user).filter(
        stage=Stage.OPEN, ends_on__lt=timezone.localdate()
    )
    return [
        Todo(
            f"“{campaign.label}”过了结束日期，还没结束",
            1,
            reverse("attendance:campaign_end", args=[campaign.pk]),
        )
        for campaign in campaigns[:5]
    ]
