"""What happened to a campaign, as its readers may know it."""

from django.db.models import QuerySet

from campaigns.models import Campaign
from organizations.models import AuditEvent, User

# Settings and programme are the same for everybody below and stand on the page anyway.
SHARED = ("campaign.create", "campaign.change", "campaign.programme", "campaign.topics")


def campaign_history(campaign: Campaign, user: User) -> QuerySet[AuditEvent]:
    """Changes of settings and programme; of other acts those of the reader's scope. Newest first."""
    return AuditEvent.objects.about(campaign, user, shared=SHARED)
