"""The recount a changed trained rule, topic list or hours rule asks for: found each minute, done as a job."""

from attendance.services.hours import follow_rules
from attendance.services.recount import is_true, rebuild
from campaigns.models import Campaign, Unit
from campaigns.queries.hours import behind
from campaigns.services.recounts import clear_recount_due
from organizations.models import Job
from organizations.service import Refused, service
from organizations.services import jobs


@service(audited=False)
def request_due() -> list[int]:
    """One job for each campaign that waits for its recount; asking again finds the same job.

    A failed job is followed by a new one. While a unit is frozen there is one look
    only: what would change figures that were reported fails, until they are unlocked.
    """
    waiting = Campaign.objects.filter(recount_due_at__isnull=False)
    found = [_request(campaign) for campaign in waiting.select_related("organization")]
    return [pk for pk in found if pk is not None]


def _request(campaign: Campaign) -> int | None:
    first = f"recount:{campaign.pk}:{campaign.recount_due_at}"
    key = jobs.next_key(first)
    if key is None or (key != first and _frozen(campaign)):
        return None
    job = jobs.enqueue(
        kind="attendance.tasks.recount_campaign",
        title=f"重算统计数：{campaign.label}",
        requested_by=None,
        organization=campaign.organization,
        params={"campaign": campaign.pk},
        key=key,
    )
    return job.pk


def _frozen(campaign: Campaign) -> bool:
    return Unit.objects.filter(campaign=campaign, frozen_at__isnull=False).exists()


@service(atomic=False, audited=False)
def recount_campaign(job: Job) -> None:
    """Bring classes up to their hours rules, recount all, then clear the flag unless a rule changed again.

    With a frozen unit nothing is written: what an update filled in is found true, anything else refused.
    """
    campaign = Campaign.objects.get(pk=job.params["campaign"])

    def progress(done: int, total: int) -> None:
        jobs.progress(job, done=done, total=total, text="正在重算")

    due = campaign.recount_due_at
    if not _frozen(campaign):
        follow_rules(campaign=campaign, progress=progress)
        rebuild(campaign=campaign, progress=progress)
    elif behind(campaign.pk) or not is_true(campaign=campaign, progress=progress):
        raise Refused("有单位的数据已经上报锁定，暂不能重算。请先由上级解锁。", code="frozen")
    clear_recount_due(campaign=campaign, due=due)
    jobs.publish(job)
