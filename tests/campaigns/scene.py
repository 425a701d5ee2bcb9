"""A campaign on the fixed cast: drawn units, opened, without a roster (that is attendance's)."""

from datetime import date, datetime, timedelta

from django.utils import timezone

from campaigns.models import Unit
from campaigns.services.campaigns import create_campaign, draw_units, mark_open
from campaigns.services.sessions import Plan, plan_session


def make_campaign(cast, label="2026—2027年度党员冬训", *, opened=True, **facts):
    today = timezone.localdate()
    facts = {"starts_on": today - timedelta(days=30), "ends_on": today + timedelta(days=90), **facts}
    campaign = create_campaign(
        actor=cast.officer, organization=cast.district, preset="siwuliu", label=label, **facts
    )
    if opened:
        draw_units(actor=cast.officer, campaign=campaign)
        campaign = mark_open(actor=cast.officer, campaign=campaign)
    return campaign


def unit_of(campaign, organization):
    return Unit.objects.get(campaign=campaign, organization=organization)


def at(day: date, hour: int = 9) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day, hour))


def make_session(
    actor,
    campaign,
    host,
    *,
    title="冬训第一课",
    form="LECTURE",
    days=1,
    units=None,
    request_uuid=None,
    **plan,
):
    start = at(timezone.localdate() + timedelta(days=days))
    plan = Plan(
        title=title,
        form=campaign.forms.get(code=form),
        starts_at=start,
        ends_at=start + timedelta(hours=2),
        units=units or [host],
        **plan,
    )
    return plan_session(actor=actor, campaign=campaign, host=host, plan=plan, request_uuid=request_uuid)
