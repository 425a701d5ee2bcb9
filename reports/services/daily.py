"""The figures of each evening, kept for ever: the source of 比上周."""

from datetime import date, datetime, timedelta

from django.utils import timezone

from campaigns.models import Campaign, CampaignKind, Stage, Unit
from organizations.models import BRANCH_KINDS, Job
from organizations.service import service
from organizations.services import jobs
from reports import indicators
from reports.models import DailyFigure
from reports.queries import figures

KIND = "reports.tasks.nightly_figures"
EVENING = timedelta(hours=23, minutes=50)


def last_evening(now: datetime) -> date:
    """The day whose evening came last: from 23:50 on today, before that yesterday."""
    return timezone.localdate(now - EVENING)


@service(audited=False)
def request_evening(*, now: datetime | None = None) -> Job | None:
    """One job for the figures of the last evening; asking again finds the same job, or follows a failed one.

    Asked each minute, so an evening on which nothing ran is made up for as soon as
    something does, still under its own day.
    """
    day = last_evening(now or timezone.now())
    key = jobs.next_key(f"evening:{day}")
    if key is None or not _kept(day).exists():
        return None
    return jobs.enqueue(
        kind=KIND,
        title=f"每日数据：{day:%Y年%-m月%-d日}",
        requested_by=None,
        organization=None,
        params={"day": day.isoformat()},
        key=key,
    )


def write_evening(job: Job) -> None:
    """The work of one job. The day is the job's own: a run that comes back after midnight still means it."""
    write_daily(day=date.fromisoformat(job.params["day"]))
    jobs.publish(job)


def _kept(day: date):
    """Campaigns whose figures of this day are kept: open, for real, with a roster by then."""
    kept = Campaign.objects.filter(stage=Stage.OPEN, kind=CampaignKind.REGULAR)
    return kept.filter(roster_drawn_on__lte=day).order_by("pk")


@service(audited=False)
def write_daily(*, day: date) -> int:
    """Write the day's figures of every unit above the branches of every open campaign.

    A unit that already has its row for the day keeps it: what was known that
    evening is never rewritten. Returns the number of units.
    """
    rows = [row for campaign in _kept(day) for row in _figures(campaign, day)]
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
