"""Judging marks: what a sending needs to know, read under the lock, and what becomes of each mark."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from attendance.models import ATTENDED, Attendance, Mark, Part, Reason, RosterEntry, Status
from attendance.queries import audience, held_on, parts_for
from campaigns.models import Round, SessionUnit, Stage, TrainingForm, TrainingSession, Unit
from campaigns.services.locking import lock_units
from campaigns.services.registers import set_recorded
from organizations.models import User
from organizations.service import Refused

MISSING = (Status.LEAVE, Status.ABSENT)


class Moved(Exception):
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
class Sheet:
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


# --- Under the lock
def lock_sheet(actor: User, session: TrainingSession, entry_ids: Sequence[int]) -> Sheet:
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
        raise Moved
    session = TrainingSession.objects.select_related("campaign", "form", "host").get(pk=session.pk)
    _refuse_session(session)
    parts = parts_for(session, actor, to_write=True)
    entries = RosterEntry.objects.filter(pk__in=before).select_related("unit")
    visible = Unit.objects.visible_to(actor).filter(campaign=session.campaign).values_list("pk", flat=True)
    allowed = {part.unit_id for part in parts} | set(visible)
    return Sheet(
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


# --- Opening a register
def open_registers(sheet: Sheet, marks: Sequence[MarkInput]) -> None:
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


def _stands_on(sheet: Sheet, entry: int, part: SessionUnit) -> bool:
    """Whether this mark belongs on the part's sheet: its row stands there, or its person came as a guest."""
    row = sheet.rows.get(entry)
    if row is not None:
        return row.session_unit_id == part.pk
    person = sheet.entries.get(entry)
    return person is not None and person.unit_id not in sheet.parts and part == sheet.guest_part


def open_parts(session: TrainingSession, parts: Sequence[SessionUnit]) -> None:
    """Write who is expected as rows. From then on no move, waiver or import changes it."""
    day, counts = held_on(session), session.counts
    people: list[tuple[SessionUnit, Any]] = [
        (part, entry) for part in parts for entry in audience(part, day).only("pk")
    ]
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
        for part, entry in people
    ]
    # Somebody already marked as a visitor elsewhere in this session keeps that row.
    Attendance.objects.bulk_create(rows, ignore_conflicts=True)
    set_recorded(parts=parts)


# --- One mark
def judge(sheet: Sheet, mark: MarkInput) -> tuple[MarkAnswer, Attendance | None, Attendance | None]:
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
        return answer_of(row, mark.entry, Mark.Outcome.SAME), before, None
    if locked := _lock_code(sheet, mark.entry, row):
        return answer_of(row, mark.entry, Mark.Outcome.HELD, locked), before, None
    if mark.base_version != (row.version if row else 0):
        return answer_of(row, mark.entry, Mark.Outcome.CONFLICT, "changed"), before, None
    row = row or _visitor_row(sheet, sheet.entries[mark.entry])
    row.status, row.reason, row.minutes = mark.status, reason, minutes
    row.minutes_set = mark.minutes is not None
    row.version += 1
    sheet.rows[mark.entry] = row
    sheet.touched_entries.add(mark.entry)
    sheet.touched_parts.add(row.session_unit_id)
    return answer_of(row, mark.entry, Mark.Outcome.APPLIED), before, row


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


def _lock_code(sheet: Sheet, entry_id: int, row: Attendance | None) -> str:
    """Why this mark must wait for whoever may unlock, or ""."""
    part = next((p for p in sheet.parts.values() if row and p.pk == row.session_unit_id), sheet.guest_part)
    if sheet.session.campaign.stage == Stage.CLOSED:
        return "campaign_closed"
    if part is None or part.closed_at:
        return "closed"
    if part.unit.frozen_at or sheet.entries[entry_id].unit.frozen_at:
        return "frozen"
    return ""


def _visitor_row(sheet: Sheet, entry: RosterEntry) -> Attendance:
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


def answer_of(row: Attendance | None, entry: int, outcome: str, code: str = "") -> MarkAnswer:
    if row is None:
        return MarkAnswer(entry, outcome, code)
    minutes = row.minutes if row.minutes_set else None
    return MarkAnswer(entry, outcome, code, row.status, row.reason, minutes, row.version)
