"""The job ledger: enqueue, claim, progress, publish, fail, sweep.

A job run twice publishes once: whoever publishes must still hold the lease it
claimed (`attempts` is the fencing number).
"""

import hashlib
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from haizhou_training.celery import app
from organizations.models import (
    ImportBatch,
    ImportPiece,
    ImportState,
    Job,
    Organization,
    StoredFile,
    User,
)
from organizations.service import Refused, service
from organizations.services import audit

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
# Work the program asks for by itself each minute: after its second failure no more often than this.
REST = timedelta(hours=1)
# Titles and file names are put together from names people gave; both columns are this long.
NAME_LENGTH = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class LeaseLost(Exception):
    """Another worker took the job over; this run must publish nothing."""


@service
def enqueue(
    *,
    kind: str,
    title: str,
    requested_by: User | None,
    organization: Organization | None,
    params: dict,
    key: str | None = None,
) -> Job:
    """Put a job into the ledger and ring the worker once the transaction is committed.

    With a `key`, asking again returns the job that is already there, also when
    both ask in the same moment.
    """
    if key and (existing := keyed(key)):
        return existing
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind,
                title=title[:NAME_LENGTH],
                requested_by=requested_by,
                organization=organization,
                params=params,
                key=key,
            )
    except IntegrityError:
        # Between the look and the insert somebody else's insert was committed.
        if key and (existing := keyed(key)):
            return existing
        raise
    audit.record(
        actor=requested_by,
        action="job.requested",
        summary=f"申请：{title}",
        target=job,
        organization=organization,
    )
    transaction.on_commit(partial(ring, job.pk), robust=True)
    return job


def next_key(key: str) -> str | None:
    """The key to ask under for work that must be done in the end: a failed job is followed by a new one.

    None while there have been two failures or more and the last is younger than REST.
    """
    failed = Job.objects.filter(Q(key=key) | Q(key__startswith=f"{key}:"), state=Job.State.FAILED)
    tries = failed.count()
    if tries > 1 and failed.filter(finished_at__gt=timezone.now() - REST).exists():
        return None
    return f"{key}:{tries}" if tries else key


def keyed(key: str) -> Job | None:
    return Job.objects.filter(key=key).first()


def ring(job_pk: int) -> None:
    """Tell a Celery worker that a job waits. Without a broker the runner polls; a lost ring is re-rung."""
    kind = Job.objects.filter(pk=job_pk).values_list("kind", flat=True).first()
    if not settings.REDIS_URL or kind is None:
        return
    try:
        app.send_task(kind, [job_pk], retry=False)
    except OperationalError:
        logger.warning("broker unreachable, job %s waits for the sweeper", job_pk)


@service(audited=False)
def claim(job_pk: int) -> Job | None:
    """Take the job by one conditional UPDATE; None when it is over or somebody else holds its lease."""
    now = timezone.now()
    taken = (
        Job.objects.filter(pk=job_pk, attempts__lt=MAX_ATTEMPTS)
        .filter(Q(state=Job.State.PENDING) | Q(state=Job.State.RUNNING, lease_until__lt=now))
        .update(
            state=Job.State.RUNNING,
            attempts=F("attempts") + 1,
            lease_until=now + timedelta(seconds=settings.JOB_LEASE_SECONDS),
            heartbeat_at=now,
            done=0,
            reason="",
        )
    )
    return (
        Job.objects.select_related("requested_by__organization", "organization").get(pk=job_pk)
        if taken
        else None
    )


def _held(job: Job):
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts)


@service(audited=False)
def progress(job: Job, *, done: int, total: int, text: str = "") -> None:
    """Show how far the job is and extend its lease. Never call it inside an open transaction."""
    now = timezone.now()
    lease = now + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    if not _held(job).update(done=done, total=total, progress_text=text, heartbeat_at=now, lease_until=lease):
        raise LeaseLost


@service(audited=False)
def publish(job: Job, *, name: str = "", content: bytes = b"", content_type: str = XLSX) -> None:
    """Store the file and mark the job ready, in one transaction that checks the lease."""
    now = timezone.now()
    stored = None
    if content:
        stored = StoredFile.objects.create(
            name=fitting(name),
            content_type=content_type,
            content=content,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            expires_at=now + timedelta(hours=settings.JOB_FILE_HOURS),
        )
    updated = _held(job).update(
        state=Job.State.READY,
        file=stored,
        finished_at=now,
        done=F("total"),
        progress_text="",
        lease_until=None,
    )
    if not updated:
        raise LeaseLost


def fitting(name: str) -> str:
    """A file name as long as its column, with its ending."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem[: NAME_LENGTH - len(dot + ending)]}{dot}{ending}" if dot else name[:NAME_LENGTH]


@service(audited=False)
def fail(job: Job, reason: str) -> None:
    """End the job with a Chinese sentence that says why and what to do."""
    _held(job).update(
        state=Job.State.FAILED, reason=reason[:300], finished_at=timezone.now(), lease_until=None
    )


@service(audited=False)
def release(job: Job) -> None:
    """Put a job whose run broke back into the queue; after the last attempt it fails."""
    if job.attempts >= MAX_ATTEMPTS:
        fail(job, "连续三次没有做成，请联系管理员查看日志后重新申请。")
    else:
        _held(job).update(state=Job.State.PENDING, lease_until=None)


def run(job_pk: int, work: Callable[[Job], None]) -> None:
    """The frame of every job task: claim, work, fail with a sentence or go back to the queue."""
    job = claim(job_pk)
    if job is None:
        return
    try:
        require_requester(job)
        work(job)
    except Refused as refusal:
        fail(job, refusal.message)
    except LeaseLost:
        logger.warning("job %s was taken over", job_pk)
    except Exception:
        release(job)
        logger.exception("job %s broke on attempt %s", job_pk, job.attempts)


def require_requester(job: Job) -> None:
    """Role and scope of the requester are read again when the job runs."""
    user = job.requested_by
    if user is None:
        return
    if (
        not user.is_active
        or not Organization.objects.visible_to(user).filter(pk=job.organization_id).exists()
    ):
        raise Refused("申请人的权限已经变化，任务已取消。")


@service(audited=False)
def sweep() -> list[int]:
    """Fail what lost its lease three times, queue the rest again, drop expired files and checks.

    Returns the jobs to ring: everything that still waits.
    """
    now = timezone.now()
    lost = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=now)
    lost.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=Job.State.FAILED,
        finished_at=now,
        lease_until=None,
        reason="处理程序三次中断，请重新申请；仍不行请联系管理员。",
    )
    lost.filter(attempts__lt=MAX_ATTEMPTS).update(state=Job.State.PENDING, lease_until=None)
    # A Celery worker drops messages of kinds it does not know: asked for before an update took the kind away.
    long_ago = now - timedelta(seconds=settings.JOB_LEASE_SECONDS)
    Job.objects.filter(state=Job.State.PENDING, created_at__lt=long_ago).exclude(
        kind__in=list(app.tasks)
    ).update(state=Job.State.FAILED, finished_at=now, reason="现在没有这种任务了，请重新申请。")
    drop_expired_checks()
    StoredFile.objects.filter(expires_at__lt=now).delete()
    return list(Job.objects.filter(state=Job.State.PENDING).order_by("pk").values_list("pk", flat=True)[:500])


def drop_expired_checks() -> None:
    """What was checked and not stored lives as long as the upload it was read from: a day.

    A batch somebody is storing or checking again at this moment is locked, and passed over.
    """
    gone = Q(source=None) | Q(source__expires_at__lt=timezone.now())
    free = ImportBatch.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    pks = list(
        free.filter(gone, state__in=(ImportState.CHECKED, ImportState.CHECKING))
        .order_by()
        .values_list("pk", flat=True)
    )
    ImportBatch.objects.filter(pk__in=pks).update(state=ImportState.DROPPED)
    ImportPiece.objects.filter(batch__in=pks).delete()
