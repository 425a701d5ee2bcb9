"""Checking a roster that is too long for a page to wait for: the file is kept, a job checks it."""

import hashlib
import re
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from organizations.fields import encrypt_bytes
from organizations.imports.preflight import FileRefused
from organizations.models import ImportBatch, ImportState, Job, Organization, StoredFile, User
from organizations.service import Refused, service
from organizations.services import audit, imports, jobs
from organizations.services.import_probing import note_probing

KIND = "organizations.tasks.check_roster"
# A file up to here is checked within two seconds, so the page waits for it.
AT_ONCE_BYTES = 200 * 1024
OCTETS = "application/octet-stream"


def is_long(size: int) -> bool:
    return size > AT_ONCE_BYTES


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
        batch = ImportBatch.objects.select_for_update(no_key=True, of=("self",)).get(pk=batch.pk)
        imports.require_going_on(batch)
        if batch.state == ImportState.CHECKING and not is_check_over(batch):
            raise Refused("上一份还在检查，请等它检查完再传。", "checking")
        batch.source, batch.file_name, batch.state = file, file.name, ImportState.CHECKING
        batch.save(update_fields=["source", "file_name", "state"])
        ask_for_check(actor, batch)
    return batch


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
    return f"check:{batch.pk}:{batch.source_id}"


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
    note_probing(actor=actor)
    jobs.publish(job)


def teller(job: Job) -> Callable[[int, int, str], None]:
    return lambda done, total, text: jobs.progress(job, done=done, total=total, text=text)


@service
def refuse_file(*, actor: User, batch: ImportBatch, refusal: FileRefused) -> None:
    """The file cannot be read, and no answer would help: why is kept with the batch."""
    why = {"code": refusal.code, "message": refusal.message}
    batch = ImportBatch.objects.select_for_update(no_key=True, of=("self",)).get(pk=batch.pk)
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
