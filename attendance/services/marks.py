"""Marks: the one way in which anything is written into a register.

A sending is a MarkBatch with the client's UUID. Every mark in it is judged for
itself: applied, same, conflict, held or rejected; one never refuses the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from attendance.models import ATTENDED, Attendance, Mark, MarkBatch, Part, Reason, RosterEntry, Status
from attendance.queries import audience, held_on, parts_for
from attendance.services.recount import recount
from campaigns.models import Round, SessionUnit, Stage, TrainingForm, TrainingSession, Unit
from campaigns.services.locking import lock_units
from campaigns.services.registers import set_counted_heads, set_recorded
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit

DUPLICATE = "duplicate"
MISSING = (Status.LEAVE, Status.ABSENT)


class BatchReused(Refused):
    """The same UUID came with another body or another account: a fault of the client, nothing is stored."""


class _Moved(Exception):
    """Somebody on the list changed units while we waited for the lock."""


@dataclass(frozen=True)
class MarkInput:
    """One mark as sent. `base_version` 0 = the sender saw no row yet; `marked_at` is evidence only."""

    entry: int
    status: str
    base_version: int
    reason: str = ""
    minutes: int | None = None
    marked_at: datetime | None = None
    settles: Mark | None = None


@dataclass
class MarkAnswer:
    """What became of one mark, and what is stored now."""

    entry: int
    outcome: str
    code: str = ""
    status: str = ""
    reason: str = ""
    minutes: int | None = None
    version: int = 0
    by: str = ""
    at: datetime | None = None

    def as_json(self) -> dict:
        answer = {"entry": self.entry, "outcome": self.outcome, "code": self.code, "version": self.version}
        value = {"status": self.status, "reason": self.reason, "minutes": self.minutes}
        who = {"by": self.by, "at": self.at.isoformat() if self.at else None}
        return answer | {"value": value} | who


@dataclass
class BatchAnswer:
    batch: MarkBatch
    marks: list[MarkAnswer]

    def of(self, outcome: str) -> list[MarkAnswer]:
        return [mark for mark in self.marks if mark.outcome == outcome]


@dataclass
class _Sheet:
    """Everything one sending needs, read after the lock."""

    actor: User
    session: TrainingSession
    parts: dict[int, SessionUnit]  # by unit
    entries: dict[int, RosterEntry]
    rows: dict[int, Attendance]
    allowed_entries: set[int]
    touched_parts: set[int] = field(default_factory=set)
    touched_units: set[int] = field(default_factory=set)
    touched_entries: set[int] = field(default_factory=set)

    @property
    def guest_part(self) -> SessionUnit | None:
        """On whose sheet a visitor stands: the host's, else the first the account keeps."""
        return self.parts.get(self.session.host_id) or next(iter(self.parts.values()), None)


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
        except _Moved:
            if attempt == 2:
                raise Refused("名册正在变动，请过一会儿再提交一次。", code="moving") from None
    raise AssertionError("unreachable")


def _record(actor, session, uuid, marks, body_sha256, kind, heads, undoes) -> BatchAnswer:
    stored = MarkBatch.objects.select_related("account").filter(uuid=uuid).first()
    if stored is None:
        sheet = _lock_sheet(actor, session, [mark.entry for mark in marks])
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


# --- Before writing ------------------------------------------------------------------------
def _lock_sheet(actor: User, session: TrainingSession, entry_ids: Sequence[int]) -> _Sheet:
    """Lock all three kinds of unit of these marks, then read everything again."""
    parts = parts_for(session, actor, to_write=True)
    if not parts:
        raise Refused("您不负责登记这个场次。", code="scope")
    before = _units_of(session, entry_ids)
    rows = Attendance.objects.filter(session=session, entry__in=entry_ids)
    lock_units(
        {part.unit_id for part in parts} | set(before.values()) | set(rows.values_list("unit_id", flat=True))
    )
    if before != _units_of(session, entry_ids):
        raise _Moved
    session = TrainingSession.objects.select_related("campaign", "form", "host").get(pk=session.pk)
    _refuse_session(session)
    parts = parts_for(session, actor, to_write=True)
    entries = RosterEntry.objects.filter(pk__in=before).select_related("unit")
    visible = Unit.objects.visible_to(actor).filter(campaign=session.campaign).values_list("pk", flat=True)
    allowed = {part.unit_id for part in parts} | set(visible)
    return _Sheet(
        actor=actor,
        session=session,
        parts={part.unit_id: part for part in parts},
        entries={entry.pk: entry for entry in entries},
        rows={row.entry_id: row for row in rows.all()},
        allowed_entries={entry.pk for entry in entries if entry.unit_id in allowed},
    )


def _units_of(session: TrainingSession, entry_ids: Sequence[int]) -> dict[int, int]:
    found = RosterEntry.objects.filter(campaign=session.campaign_id, pk__in=entry_ids)
    return dict(found.values_list("pk", "unit_id"))


def _refuse_session(session: TrainingSession) -> None:
    if not session.is_valid:
        raise Refused("这个场次已经取消或作废，不能点名。", code="cancelled")
    if session.campaign.stage == Stage.PREPARING:
        raise Refused("这次冬训的名册还没有划定，暂时不能点名。", code="preparing")
    if held_on(session) > timezone.localdate():
        raise Refused("还没到上课的日子，不能提前点名。", code="future")


# --- Writing ----------------------------------------------------------------------------------
def _apply(sheet: _Sheet, batch: MarkBatch, marks: Sequence[MarkInput]) -> BatchAnswer:
    _open_registers(sheet, marks)
    judged = [_judge(sheet, mark) for mark in marks]
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


def _open_registers(sheet: _Sheet, marks: Sequence[MarkInput]) -> None:
    """The first mark of a part writes a row for everybody it expects."""
    units = {sheet.entries[m.entry].unit_id for m in marks if m.entry in sheet.entries}
    wanted = [part for unit, part in sheet.parts.items() if unit in units]
    wanted += [
        part
        for part in sheet.parts.values()
        if part not in wanted and any(_stands_on(sheet, mark.entry, part) for mark in marks)
    ]
    open_parts(sheet.session, [part for part in wanted if not part.recorded_at and not part.closed_at])
    sheet.touched_parts |= {part.pk for part in wanted}
    fresh = Attendance.objects.filter(session=sheet.session, session_unit__in=wanted)
    for row in fresh:
        sheet.rows[row.entry_id] = row
        if row.version == 0:
            sheet.touched_entries.add(row.entry_id)


def _stands_on(sheet: _Sheet, entry: int, part: SessionUnit) -> bool:
    """Whether this mark belongs on the part's sheet: its row stands there, or its person came as a guest."""
    row = sheet.rows.get(entry)
    if row is not None:
        return row.session_unit_id == part.pk
    person = sheet.entries.get(entry)
    return person is not None and person.unit_id not in sheet.parts and part == sheet.guest_part


def open_parts(session: TrainingSession, parts: Sequence[SessionUnit]) -> None:
    """Write who is expected as rows. From then on no move, waiver or import changes it."""
    day, counts = held_on(session), session.counts
    rows = [
        Attendance(
            session=session,
            session_unit=part,
            entry_id=entry.pk,
            unit_id=part.unit_id,
            part=Part.OPTIONAL if entry.is_waived else Part.EXPECTED,
            held_on=day,
            topic_mask=session.topic_mask,
            round=session.round,
            counts=counts,
        )
        for part in parts
        for entry in audience(part, day).only("pk")
    ]
    # Somebody already marked as a visitor elsewhere in this session keeps that row.
    Attendance.objects.bulk_create(rows, ignore_conflicts=True)
    set_recorded(parts=parts)


def _judge(sheet: _Sheet, mark: MarkInput) -> tuple[MarkAnswer, Attendance | None, Attendance | None]:
    """(answer, the row before as a copy, the row to store or None)."""
    if mark.entry not in sheet.entries:
        return MarkAnswer(mark.entry, Mark.Outcome.REJECTED, "unknown"), None, None
    row = sheet.rows.get(mark.entry)
    if row is None and mark.entry not in sheet.allowed_entries:
        return MarkAnswer(mark.entry, Mark.Outcome.REJECTED, "unknown"), None, None
    if row is not None and row.session_unit_id not in {part.pk for part in sheet.parts.values()}:
        return MarkAnswer(mark.entry, Mark.Outcome.REJECTED, "other_part"), None, None
    if row is None and mark.status not in ATTENDED:
        return MarkAnswer(mark.entry, Mark.Outcome.REJECTED, "not_expected"), None, None
    before = _copy(row) if row else None
    reason, minutes = _value(sheet.session, mark)
    if row and (row.status, row.reason, row.minutes) == (mark.status, reason, minutes):
        return _answer(row, mark.entry, Mark.Outcome.SAME), before, None
    if locked := _lock_code(sheet, mark.entry, row):
        return _answer(row, mark.entry, Mark.Outcome.HELD, locked), before, None
    if mark.base_version != (row.version if row else 0):
        return _answer(row, mark.entry, Mark.Outcome.CONFLICT, "changed"), before, None
    row = row or _visitor_row(sheet, sheet.entries[mark.entry])
    row.status, row.reason, row.minutes = mark.status, reason, minutes
    row.minutes_set = mark.minutes is not None
    row.version += 1
    sheet.rows[mark.entry] = row
    sheet.touched_entries.add(mark.entry)
    sheet.touched_parts.add(row.session_unit_id)
    return _answer(row, mark.entry, Mark.Outcome.APPLIED), before, row


def _copy(row: Attendance) -> Attendance:
    return Attendance(
        status=row.status,
        reason=row.reason,
        minutes=row.minutes,
        minutes_set=row.minutes_set,
        version=row.version,
    )


def _value(session: TrainingSession, mark: MarkInput) -> tuple[str, int]:
    """Reason and effective minutes: what a person set, else the whole class for whoever came."""
    reason = mark.reason if mark.status in MISSING else Reason.NONE
    if mark.status not in ATTENDED or session.form.hours_rule == TrainingForm.HoursRule.NONE:
        return reason, 0
    return reason, mark.minutes if mark.minutes is not None else session.minutes


def _lock_code(sheet: _Sheet, entry_id: int, row: Attendance | None) -> str:
    """Why this mark must wait for whoever may unlock, or ""."""
    part = next((p for p in sheet.parts.values() if row and p.pk == row.session_unit_id), sheet.guest_part)
    if sheet.session.campaign.stage == Stage.CLOSED:
        return "campaign_closed"
    if part is None or part.closed_at:
        return "closed"
    if part.unit.frozen_at or sheet.entries[entry_id].unit.frozen_at:
        return "frozen"
    return ""


def _visitor_row(sheet: _Sheet, entry: RosterEntry) -> Attendance:
    """Somebody nobody expected came: the row stands on the host's sheet and makes up what they missed."""
    return Attendance(
        session=sheet.session,
        session_unit=sheet.guest_part,
        entry=entry,
        unit_id=entry.unit_id,
        part=Part.VISITOR,
        held_on=held_on(sheet.session),
        topic_mask=sheet.session.topic_mask,
        round=Round.HOME if sheet.session.round == Round.HOME else Round.MAKE_UP,
        counts=sheet.session.counts,
        version=0,
    )


def _answer(row: Attendance | None, entry: int, outcome: str, code: str = "") -> MarkAnswer:
    if row is None:
        return MarkAnswer(entry, outcome, code)
    minutes = row.minutes if row.minutes_set else None
    return MarkAnswer(entry, outcome, code, row.status, row.reason, minutes, row.version)


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


def _recount(sheet: _Sheet) -> None:
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


def _audit(sheet: _Sheet, batch: MarkBatch, answers: list[MarkAnswer]) -> None:
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
    answers = [_answer(rows.get(mark.entry_id), mark.entry_id, DUPLICATE, mark.outcome) for mark in marks]
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
