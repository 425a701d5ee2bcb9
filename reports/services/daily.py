"""The figures of each evening, kept for ever: the source of 比上周."""

from datetime import date

from django.utils import timezone

from campaigns.models import Campaign, CampaignKind, Stage, Unit
from organizations.models import BRANCH_KINDS
from organizations.service import service
from reports import indicators
from reports.models import DailyFigure
from reports.queries import figures


@service(audited=False)
def write_daily(*, day: date | None = None) -> int:
    """Write the day's figures of every unit above the branches of every open campaign.

    A unit that already has its row for the day keeps it: what was known that
    evening is never rewritten. Returns the number of units.
    """
    day = day or timezone.localdate()
    campaigns = Campaign.objects.filter(stage=Stage.OPEN, kind=CampaignKind.REGULAR).order_by("pk")
    rows = [row for campaign in campaigns for row in _figures(campaign, day)]
    DailyFigure.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


def _figures(campaign: Campaign, day: date) -> list[DailyFigure]:
    """One pass over the tallies per level of the tree, whatever the number of units."""
    upper = Unit.objects.filter(campaign=campaign).exclude(kind__in=BRANCH_KINDS).order_by("path")
    units = list(upper.select_related("campaign"))
    levels: dict[tuple[int, int], figures.Level] = {}
    rows = []
    for unit in units:
        width = len(unit.path)
        root = next(one for one in units if unit.path.startswith(one.path))
        key = (root.pk, width)
        if key not in levels:
            levels[key] = figures.by_level(root, width)
        values = indicators.as_json(levels[key].of(unit.path))
        rows.append(DailyFigure(unit=unit, day=day, values=values))
    return rows
