"""Marks: the one way in which anything is written into a register.

A sending is a MarkBatch with the client's UUID. Every mark in it is judged for
itself: applied, same, conflict, held or rejected; one never refuses the rest.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from uuid import UUID

from attendance.models import Attendance, Mark, MarkBatch, Status
from attendance.queries import parts_for
from attendance.queries.sendings import standing
from attendance.services.exclusively import Also, with_retry
from attendance.services.judging import (
    ROW_FIELDS,
    MarkAnswer,
    MarkInput,
    Sheet,
    Value,
    answer_of,
    hold_marks,
    judge,
    lock_sheet,
    open_registers,
    shut_parts,
)
from attendance.services.recount import recount
from campaigns.models import SessionUnit, TrainingSession
from campaigns.services.registers import set_counted_heads, set_part_heads
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.writing import insert, insert_once, upsert

DUPLICATE = "duplicate"
UNREAD = MarkBatch._meta.get_field("unread").max_length
MARKED = ("status", "reason", "minutes", "minutes_set", "version")


class BatchReused(Refused):
    """The same UUID came with another body or another account: a fault of the client, nothing is stored."""


@dataclass
class BatchAnswer:
    batch: MarkBatch
    marks: list[MarkAnswer]

    def of(self, outcome: str) -> list[MarkAnswer]:
        return [mark for mark in self.marks if mark.outcome == outcome]


@service(atomic=False)
def record_marks(
    *,
    actor: User,
    session: TrainingSession,
    batch: UUID,
    marks: Sequence[MarkInput],
    body_sha256: str,
    kind: str = MarkBatch.Kind.REGISTER,
    counted_heads: int | None = None,
    undoes: MarkBatch | None = None,
    hold: str = "",
    part: SessionUnit | None = None,
    unread: str = "",
) -> BatchAnswer:
    """Store one sending of marks for one session; a phone sends at most 500 at a time.

    The same UUID and body again changes nothing: the stored answer comes back,
    each mark `duplicate`. The same UUID with another body raises BatchReused. With `hold`, a code,
    every mark waits for whoever may open the sheet again, who then sees it beside what is stored.
    `part`: the one branch the counted heads are of. `unread`: what of a text nobody was found for.
    """
    facts: dict[str, Any] = {"body_sha256": body_sha256, "kind": kind, "counted_heads": counted_heads}
    facts |= {"undoes": undoes, "part": part, "unread": unread[:UNREAD]}

    def act(also: Also) -> BatchAnswer:
        # The first write: whoever sends the same at this moment waits here, then gets the stored answer.
        stored = MarkBatch(uuid=batch, session=session, account=actor, **facts)
        if not insert_once(stored):
            return replay(actor, session, batch, body_sha256, undoes)
        sheet = lock_sheet(actor, session, also, [mark.entry for mark in marks])
        sheet.hold_code = hold
        answer = apply_batch(sheet, stored, marks)
        _audit(sheet, answer)
        return answer

    return with_retry(act)


# --- Writing ----------------------------------------------------------------------------------
def apply_batch(sheet: Sheet, batch: MarkBatch, marks: Sequence[MarkInput]) -> BatchAnswer:
    """Judge and store these marks under the sheet's lock; the caller audits the act."""
    hold_marks(sheet, marks)
    if not sheet.hold_code:
        open_registers(sheet, marks)
    judged = [judge(sheet, mark) for mark in marks]
    answers = [answer for answer, _, _ in judged]
    if batch.kind == MarkBatch.Kind.UNDO and any(answer.outcome == Mark.Outcome.HELD for answer in answers):
        raise Refused("登记已经完成或锁定，不能撤销。请先重新打开登记。", code="closed")
    store_rows(sheet, [row for _, _, row in judged if row is not None])
    log = (_log(batch, mark, *told[:2]) for told, mark in zip(judged, marks, strict=True))
    insert(Mark, LOG, log)
    if batch.counted_heads is not None and not sheet.hold_code:
        _keep_heads(sheet, batch, batch.counted_heads)
    if batch.kind == MarkBatch.Kind.UNDO:
        _take_heads_back(sheet, batch)
        shut_parts(sheet)
    recount_touched(sheet)
    _name_the_others(sheet.session, batch, answers)
    return BatchAnswer(batch, answers)


def _take_heads_back(sheet: Sheet, batch: MarkBatch) -> None:
    """What was counted before, unless somebody has counted since."""
    undone = batch.undoes
    if undone is None or undone.counted_heads is None:
        return
    counted = MarkBatch.objects.filter(
        session=undone.session_id, part=undone.part_id, counted_heads__isnull=False, undone_by__isnull=True
    )
    if counted.filter(pk__gt=undone.pk).exists():
        return
    earlier = counted.filter(pk__lt=undone.pk).order_by("-pk").first()
    _keep_heads(sheet, undone, earlier.counted_heads if earlier else None)


def _keep_heads(sheet: Sheet, batch: MarkBatch, heads: int | None) -> None:
    """What was counted, of one branch or of the whole class; a sheet that is locked keeps what it says."""
    if batch.part_id is None:
        if not all(map(sheet.is_locked, sheet.parts.values())):
            set_counted_heads(session=sheet.session, heads=heads)
        return
    part = sheet.parts.get(batch.part_id)
    if part is None:
        raise Refused("您不负责登记这个支部。", code="scope")
    sheet.hold([part.unit_id])
    if not sheet.is_locked(part):
        set_part_heads(part=part, heads=heads)


def store_rows(sheet: Sheet, changed: Sequence[Attendance] = ()) -> None:
    """Rows of registers that open now, with what is marked in them already, and the changed ones."""
    rows = {row.entry_id: row for row in (*sheet.opened, *changed)}
    read = attrgetter(*ROW_FIELDS[1:])
    upsert(
        Attendance, ROW_FIELDS[1:], map(read, rows.values()), key=("session_id", "entry_id"), update=MARKED
    )
    sheet.opened.clear()


LOG = (
    *("batch", "entry", "status", "reason", "minutes"),
    *("before_status", "before_reason", "before_minutes", "before_minutes_set"),
    *("base_version", "version_after", "outcome", "code", "marked_at", "settles"),
)


def _log(batch: MarkBatch, mark: MarkInput, answer: MarkAnswer, before: Value) -> tuple:
    applied = answer.outcome == Mark.Outcome.APPLIED
    return (
        *(batch.pk, mark.entry, mark.status, mark.reason, mark.minutes),
        *before,
        *(mark.base_version, answer.version if applied else None, answer.outcome, answer.code),
        *(mark.marked_at, mark.settles.pk if mark.settles else None),
    )


def recount_touched(sheet: Sheet) -> None:
    units = {sheet.parts[pk].unit_id for pk in sheet.touched_parts if pk in sheet.parts}
    units |= {sheet.entries[pk].unit for pk in sheet.touched_entries}
    sheet.hold(units)
    recount(
        campaign=sheet.session.campaign,
        entries=sheet.touched_entries,
        parts=sheet.touched_parts,
        units=units,
    )


def _name_the_others(session: TrainingSession, batch: MarkBatch, answers: list[MarkAnswer]) -> None:
    """For each conflict: who stored the value that stands, and when."""
    # Sent again, its outcome is `duplicate` and what became of it the first time is in the code.
    lost = [answer.entry for answer in answers if Mark.Outcome.CONFLICT in (answer.outcome, answer.code)]
    if not lost:
        return
    stored = (
        Mark.objects.filter(batch__session=session, entry__in=lost, outcome=Mark.Outcome.APPLIED)
        .exclude(batch=batch)
        .select_related("batch__account")
        .order_by("pk")
    )
    last = {mark.entry_id: mark for mark in stored}
    for answer in answers:
        if mark := last.get(answer.entry):
            answer.by, answer.at = mark.batch.account.name, mark.batch.at


def words_of(answer: BatchAnswer) -> str:
    """已登记44人，没有变化2人: what a sending did, for the audit."""
    counts = Counter(mark.outcome for mark in answer.marks)
    labels = dict(Mark.Outcome.choices)
    return "，".join(f"{labels[outcome]}{number}人" for outcome, number in counts.items()) or "没有改动"


def _audit(sheet: Sheet, answer: BatchAnswer) -> None:
    batch = answer.batch
    audit.record(
        actor=sheet.actor,
        action=f"register.{batch.kind}",
        summary=f"{batch.get_kind_display()}：{sheet.session.title}（{words_of(answer)}）",
        target=sheet.session,
        organization=sheet.session.host.organization,
        path=sheet.session.host.path,
        details={"batch": str(batch.uuid), **Counter(mark.outcome for mark in answer.marks)},
    )


def replay(
    actor: User, session: TrainingSession, uuid: UUID, body_sha256: str, undoes: MarkBatch | None
) -> BatchAnswer:
    """The stored answer of a sending that came before, as far as this account keeps the sheets today.

    Of a sending that was taken back before, under whatever UUID: that of the first undoing.
    """
    stored = MarkBatch.objects.filter(uuid=uuid).first() or MarkBatch.objects.get(undoes=undoes)
    same = (stored.body_sha256, stored.account_id, stored.session_id) == (body_sha256, actor.pk, session.pk)
    if not same:
        raise BatchReused("这个提交编号已经用过，请刷新页面后重新登记。", code="key_reuse")
    kept = parts_for(session, actor, to_write=True)
    rows = {row.entry_id: row for row in Attendance.objects.filter(session=session, session_unit__in=kept)}
    answers = [
        answer_of(
            None if mark.outcome == Mark.Outcome.REJECTED else rows.get(mark.entry_id),
            mark.entry_id,
            DUPLICATE,
            mark.outcome,
        )
        for mark in stored.marks.order_by("pk")
    ]
    _name_the_others(session, stored, answers)
    return BatchAnswer(stored, answers)


# --- Undo -------------------------------------------------------------------------------------
@service(atomic=False)
def undo_batch(*, actor: User, batch: MarkBatch, uuid: UUID) -> BatchAnswer:
    """Take one sending back by inverse marks; who was changed since is refused by name (conflict).

    Undoing it again gives the stored answer.
    """
    if batch.kind == MarkBatch.Kind.MERGE:
        raise Refused("两条记录已经合成一条，不能拆开。登记有误，请在登记表上更正。", code="merged")
    return record_marks(
        actor=actor,
        session=batch.session,
        batch=uuid,
        marks=inverse_of(batch),
        body_sha256=f"undo:{batch.uuid}",
        kind=MarkBatch.Kind.UNDO,
        undoes=batch,
    )


def inverse_of(batch: MarkBatch) -> list[MarkInput]:
    """The marks that put back what each person had before; only of what the sending did change."""
    stands = standing(batch)
    return [
        MarkInput(
            entry=mark.entry_id,
            status=mark.before_status or Status.UNMARKED,
            base_version=stands.get(mark.entry_id, mark.version_after or 0),
            reason=mark.before_reason,
            minutes=mark.before_minutes if mark.before_minutes_set else None,
        )
        for mark in batch.marks.filter(outcome=Mark.Outcome.APPLIED).order_by("pk")
    ]
