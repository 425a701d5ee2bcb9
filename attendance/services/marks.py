"""Marks: the one way in which anything is written into a register.

A sending is a MarkBatch with the client's UUID. Every mark in it is judged for
itself: applied, same, conflict, held or rejected; one never refuses the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from attendance.models import Attendance, Mark, MarkBatch, RosterEntry, Status
from attendance.services.judging import (
    MarkAnswer,
    MarkInput,
    Moved,
    Sheet,
    answer_of,
    judge,
    lock_sheet,
    open_registers,
)
from attendance.services.recount import recount
from campaigns.models import TrainingSession
from campaigns.services.registers import set_counted_heads
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit

DUPLICATE = "duplicate"


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
) -> BatchAnswer:
    """Store one sending of marks (at most 500) for one session.

    The same UUID and body again changes nothing: the stored answer comes back,
    each mark `duplicate`. The same UUID with another body raises BatchReused.
    """
    for attempt in (1, 2):
        try:
            with transaction.atomic():
                return _record(actor, session, batch, marks, body_sha256, kind, counted_heads, undoes)
        except Moved:
            if attempt == 2:
                raise Refused("名册正在变动，请过一会儿再提交一次。", code="moving") from None
    raise AssertionError("unreachable")


def _record(actor, session, uuid, marks, body_sha256, kind, heads, undoes) -> BatchAnswer:
    stored = MarkBatch.objects.select_related("account").filter(uuid=uuid).first()
    if stored is None:
        sheet = lock_sheet(actor, session, [mark.entry for mark in marks])
        stored, is_new = MarkBatch.objects.get_or_create(
            uuid=uuid,
            defaults={
                "session": session,
                "account": actor,
                "kind": kind,
                "body_sha256": body_sha256,
                "counted_heads": heads,
                "undoes": undoes,
            },
        )
        if is_new:
            return _apply(sheet, stored, marks)
    if stored.body_sha256 != body_sha256 or stored.account_id != actor.pk or stored.session_id != session.pk:
        raise BatchReused("这个提交编号已经用过，请刷新页面后重新登记。", code="key_reuse")
    return _replay(stored)


# --- Writing ----------------------------------------------------------------------------------
def _apply(sheet: Sheet, batch: MarkBatch, marks: Sequence[MarkInput]) -> BatchAnswer:
    open_registers(sheet, marks)
    judged = [judge(sheet, mark) for mark in marks]
    changed = [row for _, _, row in judged if row is not None]
    _store_rows(changed)
    logs = [
        _log(batch, mark, answer, before) for (answer, before, _), mark in zip(judged, marks, strict=True)
    ]
    Mark.objects.bulk_create(logs)
    if batch.counted_heads is not None:
        set_counted_heads(session=sheet.session, heads=batch.counted_heads)
    _recount(sheet)
    answers = [answer for answer, _, _ in judged]
    _name_the_others(sheet.session, batch, answers)
    _audit(sheet, batch, answers)
    return BatchAnswer(batch, answers)


def _store_rows(rows: list[Attendance]) -> None:
    if rows:
        Attendance.objects.bulk_create(
            [_without_key(row) for row in rows],
            update_conflicts=True,
            unique_fields=["session", "entry"],
            update_fields=["status", "reason", "minutes", "minutes_set", "version"],
        )


def _without_key(row: Attendance) -> Attendance:
    # The pair (session, entry) is the key of the upsert; a primary key in the row would be a second one.
    row.pk = None
    return row


def _log(batch: MarkBatch, mark: MarkInput, answer: MarkAnswer, before: Attendance | None) -> Mark:
    applied = answer.outcome == Mark.Outcome.APPLIED
    return Mark(
        batch=batch,
        entry_id=mark.entry,
        status=mark.status,
        reason=mark.reason,
        minutes=mark.minutes,
        before_status=before.status if before else "",
        before_reason=before.reason if before else "",
        before_minutes=before.minutes if before else None,
        before_minutes_set=before.minutes_set if before else False,
        base_version=mark.base_version,
        version_after=answer.version if applied else None,
        outcome=answer.outcome,
        code=answer.code,
        marked_at=mark.marked_at,
        settles=mark.settles,
    )


def _recount(sheet: Sheet) -> None:
    units = {part.unit_id for part in sheet.parts.values() if part.pk in sheet.touched_parts}
    units |= {sheet.entries[pk].unit_id for pk in sheet.touched_entries if pk in sheet.entries}
    elsewhere = [pk for pk in sheet.touched_entries if pk not in sheet.entries]
    units |= set(RosterEntry.objects.filter(pk__in=elsewhere).values_list("unit_id", flat=True))
    recount(
        campaign=sheet.session.campaign,
        entries=sheet.touched_entries,
        parts=sheet.touched_parts,
        units=units,
    )


def _name_the_others(session: TrainingSession, batch: MarkBatch, answers: list[MarkAnswer]) -> None:
    """For each conflict: who stored the value that stands, and when."""
    lost = [answer.entry for answer in answers if answer.outcome == Mark.Outcome.CONFLICT]
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


def _audit(sheet: Sheet, batch: MarkBatch, answers: list[MarkAnswer]) -> None:
    counts: dict[str, int] = {}
    for answer in answers:
        counts[answer.outcome] = counts.get(answer.outcome, 0) + 1
    labels = dict(Mark.Outcome.choices)
    words = "，".join(f"{labels[outcome]}{number}人" for outcome, number in counts.items())
    audit.record(
        actor=sheet.actor,
        action=f"register.{batch.kind}",
        summary=f"{batch.get_kind_display()}：{sheet.session.title}（{words or '没有改动'}）",
        target=sheet.session,
        organization=sheet.session.host.organization,
        path=sheet.session.host.path,
        details={"batch": str(batch.uuid), **counts},
    )


def _replay(batch: MarkBatch) -> BatchAnswer:
    """The stored answer of a sending that came before."""
    rows = {row.entry_id: row for row in Attendance.objects.filter(session=batch.session_id)}
    marks = batch.marks.order_by("pk")
    answers = [answer_of(rows.get(mark.entry_id), mark.entry_id, DUPLICATE, mark.outcome) for mark in marks]
    return BatchAnswer(batch, answers)


# --- Undo -------------------------------------------------------------------------------------
@service(atomic=False)
def undo_batch(*, actor: User, batch: MarkBatch, uuid: UUID) -> BatchAnswer:
    """Take one sending back by inverse marks; who was changed since is refused by name (conflict).

    Undoing it again gives the stored answer.
    """
    already = MarkBatch.objects.filter(undoes=batch).first()
    if already:
        return _replay(already)
    inverse = [
        MarkInput(
            entry=mark.entry_id,
            status=mark.before_status or Status.UNMARKED,
            base_version=mark.version_after or 0,
            reason=mark.before_reason,
            minutes=mark.before_minutes if mark.before_minutes_set else None,
        )
        for mark in batch.marks.filter(outcome=Mark.Outcome.APPLIED).order_by("pk")
    ]
    return record_marks(
        actor=actor,
        session=batch.session,
        batch=uuid,
        marks=inverse,
        body_sha256=f"undo:{batch.uuid}",
        kind=MarkBatch.Kind.UNDO,
        undoes=batch,
    )
