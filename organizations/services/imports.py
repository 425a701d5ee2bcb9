"""Roster import: check a workbook without storing anybody, then store exactly what was checked."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from organizations.fields import decrypt_bytes, encrypt_bytes
from organizations.imports.annotate import annotate
from organizations.imports.checking import Tell, check
from organizations.imports.choices import Choices
from organizations.imports.collecting import no_collecting
from organizations.imports.lines import KEYS
from organizations.imports.preflight import FileRefused
from organizations.imports.template import XLSX
from organizations.imports.verdict import Verdict
from organizations.models import (
    ImportBatch,
    ImportPiece,
    ImportState,
    Organization,
    StoredFile,
    User,
)
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.import_columns import remembered
from organizations.services.import_probing import note_probing
from organizations.services.import_writes import Ready, lock_branches, require_open, write_members
from organizations.services.writing import insert

NOTHING_CHOSEN = Choices()
KEPT_FOR = timedelta(hours=24)
# What a check writes: never what was stored, or taken back.
VERDICT = (
    *("file_name", "file_sha256", "source", "annotated", "choices", "verdict", "state"),
    *("header_row", "row_count", "version"),
)
PIECES_AT_ONCE = 10  # some three megabytes
KEY = 8  # bytes of each digest in ImportBatch.settled
MARK = 6  # hex digits: 24 bits tell two people apart, and find nobody
MAY_GO_ON = (ImportState.CHECKING, ImportState.CHECKED, ImportState.REFUSED, ImportState.PARTIAL)
OVER = "这份名册已经办完了，不能再检查。要再导入，请另外上传。"
LOOK_AGAIN = "您打开这一页以后，这份名册又检查过。请重新看过再存。"
STORED_BEFORE = (
    "这份名册在系统升级以前存了一部分，接不上了。请另外上传改好的表：已经存的人会列为不变或更新，看过再存。"
)
EXPIRED = "上传的名册只保留一天。请把名册再上传一次。"


@dataclass
class Examined:
    """A file looked at, with all that is to be kept of it; nothing of it is stored yet."""

    source: StoredFile
    choices: Choices
    verdict: dict[str, Any]
    state: ImportState = ImportState.REFUSED
    header_row: int | None = None
    row_count: int = 0
    marked: StoredFile | None = None
    pieces: list[bytes] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


@service(atomic=False)
def check_roster(
    *,
    actor: User | None,
    organization: Organization,
    file_name: str,
    content: bytes,
    choices: Choices = NOTHING_CHOSEN,
) -> ImportBatch:
    """Read a workbook and say what storing it would do. Stores no member.

    Checking the same file again makes another batch with today's verdict. `actor` None is the
    system. Raises `FileRefused` where the file cannot be read; where an answer of a person would
    help, the batch is kept, REFUSED, with the question.
    """
    require_scope(actor, organization)
    batch = ImportBatch(organization=organization, uploaded_by=actor, version=0)
    return conclude(actor, batch, examine(batch, content, file_name, choices, may_ask=actor is not None))


@service(atomic=False)
def check_again(
    *,
    actor: User | None,
    batch: ImportBatch,
    choices: Choices | None = None,
    content: bytes | None = None,
    file_name: str = "",
    tell: Tell | None = None,
) -> ImportBatch:
    """The same import once more: with other answers about the kept file, or with a corrected workbook.

    Lines that this batch has stored are not touched again, whatever became of the members.
    Each call is a new version of the verdict, refused where the batch went on in the meantime.
    `tell` hears how far a long check is.
    """
    require_scope(actor, batch.organization)
    batch = ImportBatch.objects.select_related("organization", "source").get(pk=batch.pk)
    require_going_on(batch)
    require_known_lines(batch)
    examined = examine(
        batch,
        content if content is not None else kept_content(batch),
        file_name or batch.file_name,
        Choices.from_json(batch.choices) if choices is None else choices,
        may_ask=actor is not None,
        tell=tell,
    )
    return conclude(actor, batch, examined)


def conclude(actor: User | None, batch: ImportBatch, examined: Examined) -> ImportBatch:
    """The end of every check: the verdict is kept, and whose numbers it met is counted.

    Counted after the commit, so that of two checks at once the later one sees both.
    """
    with transaction.atomic():
        kept = keep(actor, lock_unchanged(batch) if batch.pk else batch, examined)
    if actor:
        note_probing(actor=actor)
    return kept


def lock_unchanged(batch: ImportBatch) -> ImportBatch:
    """The row as it is now, where nobody has checked, stored or replaced it since `batch` was read."""
    now = locked(batch.pk)
    require_going_on(now)
    if now.version != batch.version:
        raise Refused(LOOK_AGAIN, "stale")
    return now


def locked(pk: int) -> ImportBatch:
    rows = ImportBatch.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organization").get(pk=pk)


def require_scope(actor: User | None, organization: Organization) -> None:
    if actor and not Organization.objects.manageable_by(actor).filter(pk=organization.pk).exists():
        raise Refused("只能为本单位和下级导入名册。", "scope")


def require_going_on(batch: ImportBatch) -> None:
    if batch.state not in MAY_GO_ON:
        raise Refused(OVER, "state")


def require_known_lines(batch: ImportBatch) -> None:
    """Which lines it has stored must be known again, or they would be written over what came after."""
    if batch.settled and batch.result.get("keys") != KEYS:
        raise Refused(STORED_BEFORE, "older")


def kept_content(batch: ImportBatch) -> bytes:
    return decrypt_bytes(bytes(source_of(batch).content))


def source_of(batch: ImportBatch) -> StoredFile:
    file = batch.source
    if file is None or (file.expires_at and file.expires_at < timezone.now()):
        raise Refused(EXPIRED, "expired")
    return file


def examine(
    batch: ImportBatch,
    content: bytes,
    file_name: str,
    choices: Choices,
    *,
    may_ask: bool,
    tell: Tell | None = None,
) -> Examined:
    """Read, judge, hash and encrypt, so that the transaction only writes."""
    organization = batch.organization
    told = replace(choices, columns=remembered(organization) | dict(choices.columns))
    settled = bytes(batch.settled)
    known = frozenset(settled[at : at + KEY] for at in range(0, len(settled), KEY))
    source = encrypted(re.sub(r"\d{9,}", "…", file_name)[-200:], "application/octet-stream", content)
    try:
        verdict = check(content, file_name, organization, timezone.localdate(), told, known, tell)
    except FileRefused as refusal:
        if not (refusal.ask and may_ask):
            raise
        why = {"code": refusal.code, "message": refusal.message}
        # The choices as given: what is remembered may be said otherwise tomorrow.
        return Examined(source, choices, {"refused": why, "asks": [refusal.ask]}, details=why)
    return Examined(
        source=source,
        choices=choices,
        verdict=verdict.as_json(),
        state=ImportState.CHECKED,
        header_row=verdict.layout.header_row,
        row_count=len(verdict.rows),
        marked=encrypted("", XLSX, annotate(verdict)) if verdict.needs_copy else None,
        pieces=list(verdict.pieces()),
        details=details_of(verdict),
    )


def details_of(verdict: Verdict) -> dict[str, Any]:
    """The counts; of people registered elsewhere also marks that tell different ones apart, and no more."""
    review = [row for row in verdict.rows if any(w.code == "REVIEW" for w in row.warnings)]
    marks = sorted({row.id_digest[:MARK] for row in review})
    return verdict.counts() | {"review": len(review), "review_marks": marks}


def encrypted(name: str, content_type: str, content: bytes) -> StoredFile:
    """A file for a day, not saved yet. Rosters hold whole ID numbers, so its bytes are encrypted."""
    return StoredFile(
        name=name,
        content_type=content_type,
        content=encrypt_bytes(content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        expires_at=timezone.now() + KEPT_FOR,
    )


def keep(actor: User | None, batch: ImportBatch, examined: Examined) -> ImportBatch:
    """Write the verdict; what an earlier check of this batch left gives way, what was stored stays.

    `batch` is new, or the locked row: never a copy that was read before the check.
    """
    is_new = batch.pk is None
    old = [pk for pk in (batch.source_id, batch.annotated_id) if pk]
    batch.file_name, batch.file_sha256 = examined.source.name, examined.source.sha256
    batch.choices, batch.verdict, batch.state = examined.choices.as_json(), examined.verdict, examined.state
    batch.header_row, batch.row_count = examined.header_row, examined.row_count
    batch.version += 1
    examined.source.save()
    batch.source, batch.annotated = examined.source, None
    batch.save(update_fields=None if is_new else VERDICT)
    if examined.marked:
        examined.marked.name = f"名册标注-{batch.pk}.xlsx"
        examined.marked.save()
        batch.annotated = examined.marked
        batch.save(update_fields=["annotated"])
    StoredFile.objects.filter(pk__in=old).delete()
    batch.pieces.all().delete()
    number = 0
    while examined.pieces:  # given up as they are written: long rosters are not held twice
        some = [examined.pieces.pop(0) for _ in range(min(PIECES_AT_ONCE, len(examined.pieces)))]
        numbered = ((batch.pk, at, piece) for at, piece in enumerate(some, start=number))
        insert(ImportPiece, ("batch_id", "number", "lines"), numbered)
        number += len(some)
    record_check(actor, batch, examined.details)
    return batch


def record_check(actor: User | None, batch: ImportBatch, details: Mapping[str, Any]) -> None:
    is_refused = batch.state == ImportState.REFUSED
    audit.record(
        actor=actor,
        action="roster.checked",
        summary="检查名册：读不出来，等待回答" if is_refused else f"检查名册：{batch.row_count} 行",
        target=batch,
        organization=batch.organization,
        details=dict(details),
    )


@service(atomic=False)
def store_batch(
    *, actor: User | None, batch: ImportBatch, partial: bool = False, version: int | None = None
) -> dict:
    """Store what the check of this batch showed, in one transaction. Storing again returns the first result.

    With errors nothing is stored unless `partial` asks for the good rows alone; the batch then
    waits for the corrected workbook. Refused when a member or branch concerned has changed since
    the check, or when `version`, the check that somebody has seen, is not the last.
    """
    require_scope(actor, batch.organization)
    now = ImportBatch.objects.only("state", "version", "verdict").get(pk=batch.pk)
    # Unpacking takes longer than writing; on SQLite every other writer would wait for it.
    with no_collecting():
        ready = Ready.of(now) if now.state == ImportState.CHECKED else Ready()
    with no_collecting(), transaction.atomic():
        return store_ready(actor, batch.pk, ready, partial, (now.version, version))


def store_ready(
    actor: User | None, pk: int, ready: Ready, partial: bool, versions: tuple[int, int | None]
) -> dict:
    root = ImportBatch.objects.only("organization").get(pk=pk).organization_id
    branches = lock_branches(root, ready)
    batch = locked(pk)
    # Before the versions: storing raised it, and a second tap still shows the one before.
    if batch.state in (ImportState.STORED, ImportState.PARTIAL):
        return batch.result
    read, seen = versions
    if batch.version != read or (seen is not None and batch.version != seen):
        raise Refused(LOOK_AGAIN, "stale")
    require_storable(actor, batch, partial)
    require_open(root, ready, branches)
    write_members(batch, ready)
    return close_storing(actor, batch, ready)


def require_storable(actor: User | None, batch: ImportBatch, partial: bool) -> None:
    if batch.state != ImportState.CHECKED:
        raise Refused("这份名册现在不能存。请先上传能读的名册，检查后再存。", "state")
    if actor and batch.verdict.get("asks"):
        raise Refused("这份名册还有要您说一声的（隐藏的行，或认不准的列）。请先在页面上回答，再存。", "asks")
    wrong = batch.verdict["counts"]["error_rows"]
    if wrong and not partial:
        raise Refused(f"还有 {wrong} 行有错误，没有存。请改好再上传，或只存正确的行。", "has_errors")


def close_storing(actor: User | None, batch: ImportBatch, ready: Ready) -> dict:
    """After partial storing what is stored is known again by its digests; the rest may be mended.

    A new version: a check that began before must not write over it.
    """
    counts, before = batch.verdict["counts"], batch.result
    created, updated = counts["created"], counts["updated"]
    result = {
        "created": created + before.get("created", 0),
        "updated": updated + before.get("updated", 0),
        "unchanged": counts["unchanged"],
        "skipped": counts["skipped"] + counts["error_rows"],
        "partial": bool(counts["error_rows"]),
        "keys": KEYS,
    }
    batch.state = ImportState.PARTIAL if counts["error_rows"] else ImportState.STORED
    batch.settled = bytes(batch.settled) + b"".join(ready.keys) if counts["error_rows"] else b""
    batch.stored_at, batch.result = timezone.now(), result
    batch.version += 1
    batch.save(update_fields=["state", "settled", "stored_at", "result", "version"])
    batch.pieces.all().delete()
    audit.record(
        actor=actor,
        action="roster.stored",
        summary=f"导入名册：新增 {created} 人，更新 {updated} 人",
        target=batch,
        organization=batch.organization,
        details=result | {"created": created, "updated": updated},
    )
    return result


@service
def fetch_annotated(*, actor: User, batch: ImportBatch) -> bytes:
    """The annotated sheet in clear. It holds people's data: every download is an event."""
    file = batch.annotated
    if file is None or (file.expires_at and file.expires_at < timezone.now()):
        raise Refused("标注表只保留一天。请把名册重新上传，检查后再下载。", "expired")
    audit.record(
        actor=actor,
        action="roster.downloaded",
        summary=f"下载标注表：{batch.file_name}",
        target=batch,
        organization=batch.organization,
    )
    return decrypt_bytes(bytes(file.content))
