"""Roster import: check a workbook without storing anybody, then store exactly what was checked."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from operator import attrgetter

from django.db import IntegrityError, transaction
from django.utils import timezone

from organizations.fields import decrypt, decrypt_bytes, digest, encrypt, encrypt_bytes
from organizations.imports.annotate import annotate
from organizations.imports.checking import Verdict, check
from organizations.imports.choices import Choices
from organizations.imports.matching import changes_of, fingerprint, pieces
from organizations.imports.rows import RosterRow
from organizations.imports.template import XLSX
from organizations.models import (
    BRANCH_KINDS,
    ImportBatch,
    ImportState,
    Member,
    Organization,
    StoredFile,
    User,
)
from organizations.names import initials
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.writing import insert
from organizations.tree import holds

NOTHING_CHOSEN = Choices()
KEPT_FOR = timedelta(hours=24)
SECRET = {"id_number": "id_digest", "phone": "phone_digest"}  # and the digest beside each
DATES = ("birth_date", "joined_party_on")
COLUMNS = [f.attname for f in Member._meta.concrete_fields if not (f.primary_key or f.generated)]
AS_LINE = attrgetter(*COLUMNS)
CHANGED_SINCE = "检查之后，名册或支部有过改动，为免盖掉别人的修改，这次没有存。请重新上传检查。"


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

    Checking the same file again makes another batch with today's verdict.
    `actor` None is the system. Raises `FileRefused` where the file cannot be read.
    """
    require_scope(actor, organization)
    verdict = check(content, file_name, organization, timezone.localdate())
    batch = ImportBatch(
        organization=organization,
        uploaded_by=actor,
        file_name=re.sub(r"\d{9,}", "…", file_name)[-200:],
        file_sha256=hashlib.sha256(content).hexdigest(),
        header_row=verdict.layout.header_row,
        row_count=len(verdict.rows),
        rows=[row_as_json(row) for row in verdict.rows if row.action in ("create", "update")],
        verdict=verdict.as_json(),
    )
    # Hashing and encrypting are done: the transaction only writes.
    marked = marked_file(verdict) if verdict.errors or verdict.warnings else None
    with transaction.atomic():
        return keep_batch(actor, batch, marked, verdict)


def require_scope(actor: User | None, organization: Organization) -> None:
    if actor and not Organization.objects.manageable_by(actor).filter(pk=organization.pk).exists():
        raise Refused("只能为本单位和下级导入名册。", "scope")


def marked_file(verdict: Verdict) -> StoredFile:
    """The annotated workbook, not saved yet. It shows whole ID numbers, so its bytes are encrypted."""
    content = annotate(verdict)
    return StoredFile(
        content_type=XLSX,
        content=encrypt_bytes(content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        expires_at=timezone.now() + KEPT_FOR,
    )


def keep_batch(
    actor: User | None, batch: ImportBatch, marked: StoredFile | None, verdict: Verdict
) -> ImportBatch:
    batch.save()
    if marked:
        marked.name = f"名册标注-{batch.pk}.xlsx"
        marked.save()
        batch.annotated = marked
        batch.save(update_fields=["annotated"])
    audit.record(
        actor=actor,
        action="roster.checked",
        summary=f"检查名册：{batch.row_count} 行",
        target=batch,
        organization=batch.organization,
        details=verdict.counts() | {"review": sum(w.code == "REVIEW" for w in verdict.warnings)},
    )
    return batch


def row_as_json(row: RosterRow) -> dict:
    """What storing this line writes, ready to be applied: nothing is parsed or decided again."""
    assert row.branch is not None  # a row without one has an error
    if row.member:
        writes = changes_of(row)
    else:
        writes = row.derived | row.values | ({"place_in_list": row.place} if row.place else {})
    birth = writes.pop("birth_date", None)
    if birth:
        writes |= {"birth_date": birth[0], "birth_precision": birth[1]}
    for name in DATES:
        if name in writes:
            writes[name] = writes[name].isoformat()
    for name in SECRET:
        if name in writes:
            writes[name] = encrypt(writes[name])
    return {
        "row": row.number,
        "branch": row.branch.pk,
        "member": row.member.pk if row.member else None,
        "state": fingerprint(row.member) if row.member else row.namesakes,
        "writes": writes,
    }


@service(atomic=False)
def store_batch(
    *, actor: User | None, batch: ImportBatch, partial: bool = False, version: int | None = None
) -> dict:
    """Store what the check of this batch showed, in one transaction. Storing again returns the first result.

    With errors nothing is stored unless `partial` asks for the good rows alone. Refused when a
    member or branch concerned has changed since the check.
    """
    require_scope(actor, batch.organization)
    # Decrypting and pinyin take longer than writing; on SQLite every other writer would wait for them.
    ready = [] if batch.state == ImportState.STORED else [as_read(row) for row in batch.rows]
    with transaction.atomic():
        return store_ready(actor, batch, ready, partial)


def store_ready(actor: User | None, batch: ImportBatch, ready: list[dict], partial: bool) -> dict:
    """`ready`: the batch's rows, which nobody changes once they are checked."""
    branches = lock_branches(batch.organization_id, ready)
    batch = (
        ImportBatch.objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization")
        .defer("rows")
        .get(pk=batch.pk)
    )
    if batch.state == ImportState.STORED:
        return batch.result
    counts = batch.verdict["counts"]
    if counts["error_rows"] and not partial:
        raise Refused(
            f"还有 {counts['error_rows']} 行有错误，没有存。请改好再上传，或只存正确的行。", "has_errors"
        )
    require_open(batch.organization_id, ready, branches)
    store_members(ready)
    result = {name: counts[name] for name in ("created", "updated", "unchanged")}
    result |= {"skipped": counts["skipped"] + counts["error_rows"], "partial": bool(counts["error_rows"])}
    batch.state, batch.stored_at, batch.result = ImportState.STORED, timezone.now(), result
    batch.save(update_fields=["state", "stored_at", "result"])
    audit.record(
        actor=actor,
        action="roster.stored",
        summary=f"导入名册：新增 {result['created']} 人，更新 {result['updated']} 人",
        target=batch,
        organization=batch.organization,
        details=result,
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


def as_read(row: dict) -> dict:
    """A checked row with all that its `writes` put on a member; for somebody new the `line` to store."""
    writes = dict(row["writes"])
    for name, beside in SECRET.items():
        if name in writes:
            clear = decrypt(writes[name])
            writes[beside] = digest(clear)
            if name == "phone":
                writes["phone_tail"] = clear[-4:]
            # A changed member is saved, which encrypts; a line is stored as it is.
            writes[name] = clear if row["member"] else writes[name]
    for name in DATES:
        if name in writes:
            writes[name] = date.fromisoformat(writes[name])
    if "name" in writes:
        writes["initials"] = initials(writes["name"])
    line = None if row["member"] else AS_LINE(Member(branch_id=row["branch"], **writes))
    return row | {"writes": writes, "line": line}


def lock_branches(root: int, rows: list[dict]) -> dict[int, Organization]:
    """Organizations are locked first, then members; two storings of one branch come one after the other."""
    wanted = sorted({row["branch"] for row in rows} | {root})
    locked = Organization.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    return {branch.pk: branch for branch in locked}


def require_open(root: int, rows: list[dict], branches: dict[int, Organization]) -> None:
    for pk in {row["branch"] for row in rows}:
        branch = branches[pk]
        if branch.closed_on or branch.kind not in BRANCH_KINDS or not holds(branches[root].path, branch.path):
            raise Refused(CHANGED_SINCE, "changed_since")


def store_members(rows: list[dict]) -> None:
    new = [row for row in rows if row["member"] is None]
    known = {row["member"]: row for row in rows if row["member"] is not None}
    require_new(new)
    try:
        insert(Member, COLUMNS, (row["line"] for row in new))
        update_members(known)
    except IntegrityError as error:  # the same ID number came in elsewhere this very moment
        raise Refused(CHANGED_SINCE, "changed_since") from error


def require_new(rows: list[dict]) -> None:
    """Nobody of these has come in since the check: by ID number anywhere, by name in the branch."""
    digests = [row["writes"]["id_digest"] for row in rows if "id_digest" in row["writes"]]
    for piece in pieces(digests):
        if Member.objects.filter(id_digest__in=piece).exists():
            raise Refused(CHANGED_SINCE, "changed_since")
    now = Counter(names_in({row["branch"] for row in rows}, sorted({row["writes"]["name"] for row in rows})))
    if any(now[row["branch"], row["writes"]["name"]] != row["state"] for row in rows):
        raise Refused(CHANGED_SINCE, "changed_since")


def names_in(branches: set[int], names: list[str]) -> Iterator[tuple[int, str]]:
    for piece in pieces(names):
        found = Member.objects.present().filter(name__in=piece).order_by()
        yield from (pair for pair in found.values_list("branch_id", "name") if pair[0] in branches)


def update_members(rows: dict[int, dict]) -> None:
    for piece in pieces(sorted(rows), 500):
        members = list(
            Member.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=piece).order_by("pk")
        )
        if len(members) != len(piece) or any(fingerprint(m) != rows[m.pk]["state"] for m in members):
            raise Refused(CHANGED_SINCE, "changed_since")
        changed: set[str] = set()
        for member in members:
            writes = rows[member.pk]["writes"]
            for name, value in writes.items():
                setattr(member, name, value)
            changed |= set(writes)
        Member.objects.bulk_update(members, sorted(changed), batch_size=100)
