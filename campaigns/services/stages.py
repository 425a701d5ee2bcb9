"""The end of a campaign, and its reopening. Called by attendance, which holds every unit and audits it."""

from django.utils import timezone

from campaigns.models import Campaign, Stage
from organizations.service import service


@service(audited=False)
def mark_closed(*, campaign: Campaign) -> Campaign:
    """Nothing of the campaign is written from now on. Idempotent."""
    campaign.stage = Stage.CLOSED
    campaign.save(update_fields=["stage"])
    return campaign


@service(audited=False)
def mark_reopened(*, campaign: Campaign) -> Campaign:
    """Open again; every figure is counted once more, whatever happened to it meanwhile."""
    campaign.stage, campaign.recount_due_at = Stage.OPEN, timezone.now()
    campaign.save(update_fields=["stage", "recount_due_at"])
    return campaign
