"""Checking a roster that is too long for a page to wait for: the file is kept, a job checks it."""

import hashlib
import re
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from organizations.fields import encrypt_bytes
from organizations.imports.choices import Choices
from organizations.imports.preflight import FileRefused
from organizations.models import ImportBatch, ImportState, Job, Organization, StoredFile, User
from organizations.service import Refused, service
from organizations.services import audit, imports, jobs

KIND = "organizations.tasks.check_roster"
# A file up to here is checked within two seconds, so the page waits for it.
AT_ONCE_BYTES = 200 * 1024
OCTETS = "application/octet-stream"


def is_long(size: int) -> bool:
    return size > AT_ONCE_BYTES


def is_source_long(batch: ImportBatch) -> bool:
    return StoredFile.objects.filter(pk=batch.source_id, size__gt=AT_ONCE_BYTES).exists()


def kept_name(file_name: str) -> str:
    """As long as its column, without a number that could be somebody's."""
    return re.sub(r"\d{9,}", "…", file_name)[-200:]


def kept_file(file_name: str, content: bytes) -> StoredFile:
    """The upload, encrypted, for a day; not saved yet."""
    return StoredFile(
        name=kept_name(file_name),
        content_type=OCTETS,
        content=encrypt_bytes(content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        expires_at=timezone.now() + imports.KEPT_FOR,
    )


@service(atomic=False)
def receive_roster(*, actor: User, organization: Organization, file_name: str, content: bytes) -> ImportBatch:
    """Keep a long upload and ask for its check. Each call makes a batch of its own."""
    imports.require_scope(actor, organization)
    file = kept_file(file_name, content)
    with transaction.atomic():
        file.save()
        batch = ImportBatch.objects.create(
            organization=organization,
            uploaded_by=actor,
            file_name=file.name,
            file_sha256=file.sha256,
            source=file,
            state=ImportState.CHECKING,
            version=0,
        )
        ask_for_check(actor, batch)
    return batch


@service(atomic=False)
def receive_corrected(*, actor: User, batch: ImportBatch, file_name: str, content: bytes) -> ImportBatch:
    """A corrected workbook too long to wait for, into the same batch. What was stored stays stored."""
    imports.require_scope(actor, batch.organization)
    file = kept_file(file_name, content)
    with transaction.atomic():
        file.save()
        batch = imports.locked(batch.pk)
        imports.require_going_on(batch)
        require_no_check(batch)
        batch.source, batch.file_name = file, file.name
        begin_check(actor, batch, "source", "file_name")
    return batch


@service
def receive_answers(*, actor: User, batch: ImportBatch, choices: Choices) -> ImportBatch:
    """Answers about a kept file too long to wait for: they are kept, a job checks it with them.

    `batch` as it was read with the questions; refused where it has gone on since.
    """
    imports.require_scope(actor, batch.organization)
    now = imports.lock_unchanged(batch)
    require_no_check(now)
    imports.source_of(now)
    now.choices = choices.as_json()
    begin_check(actor, now, "choices")
    return now


def require_no_check(batch: ImportBatch) -> None:
    if batch.state == ImportState.CHECKING and not is_check_over(batch):
        raise Refused("上一份还在检查，请等它检查完再办。", "checking")


def begin_check(actor: User, batch: ImportBatch, *written: str) -> None:
    """A new version: a check that began before must not write over what this one is about."""
    batch.state = ImportState.CHECKING
    batch.version += 1
    batch.save(update_fields=[*written, "state", "version"])
    ask_for_check(actor, batch)


def ask_for_check(actor: User, batch: ImportBatch) -> Job:
    return jobs.enqueue(
        kind=KIND,
        title=f"检查名册：{batch.file_name}",
        requested_by=actor,
        organization=batch.organization,
        params={"batch": batch.pk},
        key=key_of(batch),
    )


def key_of(batch: ImportBatch) -> str:
    return f"check:{batch.pk}:{batch.version}"


def job_of(batch: ImportBatch) -> Job | None:
    return Job.objects.filter(key=key_of(batch)).first()


def is_check_over(batch: ImportBatch) -> bool:
    """True also where the check broke, which leaves the batch waiting for another file."""
    job = job_of(batch)
    return job is None or job.is_over


def run_check(job: Job) -> None:
    """The work of one job: the kept file is checked; why it cannot be read is kept with the batch."""
    actor = job.requested_by
    assert actor is not None
    batch = ImportBatch.objects.manageable_by(actor).filter(pk=job.params["batch"]).first()
    if batch is None:
        raise Refused("申请人现在无权导入这份名册。")
    try:
        imports.check_again(actor=actor, batch=batch, tell=teller(job))
    except FileRefused as refusal:
        refuse_file(actor=actor, batch=batch, refusal=refusal)
    jobs.publish(job)


def teller(job: Job) -> Callable[[int, int, str], None]:
    return lambda done, total, text: jobs.progress(job, done=done, total=total, text=text)


@service
def refuse_file(*, actor: User, batch: ImportBatch, refusal: FileRefused) -> None:
    """The file cannot be read, and no answer would help: why is kept with the batch.

    Refused where the batch, read before its file was, has gone on since: it is about another file.
    """
    why = {"code": refusal.code, "message": refusal.message}
    batch = imports.lock_unchanged(batch)
    batch.state, batch.verdict = ImportState.REFUSED, {"refused": why, "asks": []}
    batch.version += 1
    batch.save(update_fields=["state", "verdict", "version"])
    batch.pieces.all().delete()
    audit.record(
        actor=actor,
        action="roster.refused",
        summary=f"名册读不出来：{refusal.message}",
        target=batch,
        organization=batch.organization,
    )
