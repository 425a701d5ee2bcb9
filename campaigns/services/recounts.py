from datetime import datetime

from campaigns.models import Campaign
from organizations.service import service


@service(audited=False)
def clear_recount_due(*, campaign: Campaign, due: datetime | None) -> None:
    """The recount asked for at `due` is done. A rule changed since then keeps its own flag."""
    Campaign.objects.filter(pk=campaign.pk, recount_due_at=due).update(recount_due_at=None)
