"""Judging marks: what a sending needs to know, read under the lock, and what becomes of each mark."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from attendance.models import (
    ATTENDED,
    Attendance,
    Mark,
    Part,
    Reason,
    RosterEntry,
    RosterStay,
    SessionTally,
    Status,
)
from attendance.queries import audience, belonged, held_on, parts_for
from attendance.services.exclusively import lock_exactly
from campaigns.models import Round, SessionUnit, Stage, TrainingForm, TrainingSession, Unit
from campaigns.services.registers import set_recorded, set_unrecorded
from organizations.models import User
from organizations.service import Refused

MISSING = (Status.LEAVE, Status.ABSENT)
EntryIds = Callable[[list[SessionUnit]], Iterable[int]]


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
    """Everything one sending needs, read after the lock.

    `parts` are those the account keeps, by pk; `homes` says on whose sheet an
    entry belongs by where the person was on the day of the class.
    """

    actor: User
    session: TrainingSession
    parts: dict[int, SessionUnit]
    entries: dict[int, RosterEntry]
    rows: dict[int, Attendance]
    homes: dict[int, int]
    visible: set[int]
    touched_parts: set[int] = field(default_factory=set)
    touched_entries: set[int] = field(default_factory=set)

    @property
    def guest_part(self) -> SessionUnit:
        """On whose sheet a visitor stands: the host's, else the first the account keeps."""
        return _guest_part(self.session, self.parts.values())

    def part_of(self, entry: int) -> SessionUnit | None:
        """The sheet this entry stands or would stand on; None = on one this account does not keep."""
        row = self.rows.get(entry)
        if row is not None:
            return self.parts.get(row.session_unit_id)
        return self.parts.get(self.homes.get(entry, 0)) or self.guest_part

    def is_locked(self, part: SessionUnit) -> bool:
        closed = self.session.campaign.stage == Stage.CLOSED
        return closed or part.closed_at is not None or part.unit.frozen_at is not None


def _guest_part(session: TrainingSession, parts: Iterable[SessionUnit]) -> SessionUnit:
    parts = list(parts)
    return next((part for part in parts if part.unit_id == session.host_id), parts[0])


# --- Under the lock -----------------------------------------------------------------------
def lock_sheet(actor: User, session: TrainingSession, entry_ids: EntryIds) -> Sheet:
    """Lock every unit these marks concern, then read everything again.

    Concerned are the parts' units, the units of the rows, and where each person
    counts now, everybody on a sheet that opens included.
    """
    lock_exactly(lambda: _concerned(actor, session, entry_ids))
    session = TrainingSession.objects.select_related("campaign", "form", "host__organization").get(
        pk=session.pk
    )
    refuse_session(session)
    parts = _kept(actor, session)
    ids = list(entry_ids(parts))
    entries = RosterEntry.objects.filter(campaign=session.campaign_id, pk__in=ids).select_related("unit")
    visible = Unit.objects.visible_to(actor).filter(campaign=session.campaign_id)
    return Sheet(
        actor=actor,
        session=session,
        parts={part.pk: part for part in parts},
        entries={entry.pk: entry for entry in entries},
        rows={row.entry_id: row for row in Attendance.objects.filter(session=session, entry__in=ids)},
        homes=_homes(session, parts, ids),
        visible=set(visible.values_list("pk", flat=True)),
    )


def _kept(actor: User, session: TrainingSession) -> list[SessionUnit]:
    parts = parts_for(session, actor, to_write=True)
    if not parts:
        raise Refused("您不负责登记这个场次。", code="scope")
    return parts


def _homes(session: TrainingSession, parts: list[SessionUnit], ids: list[int]) -> dict[int, int]:
    """By entry: the part of the unit it belonged to on the day of the class."""
    by_unit = {part.unit_id: part.pk for part in parts}
    stays = RosterStay.objects.filter(belonged(held_on(session)), entry__in=ids, unit__in=by_unit)
    return {entry: by_unit[unit] for entry, unit in stays.values_list("entry_id", "unit_id")}


def _concerned(actor: User, session: TrainingSession, entry_ids: EntryIds) -> set[int]:
    parts = _kept(actor, session)
    by_pk = {part.pk: part for part in parts}
    ids = list(entry_ids(parts))
    rows = Attendance.objects.filter(session=session, entry__in=ids)
    standing = dict(rows.values_list("session_unit_id", "unit_id"))
    touched = {*standing, *_homes(session, parts, ids).values(), _guest_part(session, parts).pk}
    kept = [by_pk[pk] for pk in touched if pk in by_pk]
    opening = [part.unit_id for part in kept if not part.recorded_at]
    there = RosterStay.objects.filter(belonged(held_on(session)), unit__in=opening)
    now = RosterEntry.objects.filter(campaign=session.campaign_id, pk__in=ids)
    return {
        *(part.unit_id for part in kept),
        *rows.values_list("unit_id", flat=True),
        *now.values_list("unit_id", flat=True),
        *(there.values_list("entry__unit_id", flat=True) if opening else ()),
    }


def refuse_session(session: TrainingSession) -> None:
    """No register before the day of the class, before the roster, or of a class that is off."""
    if not session.is_valid:
        raise Refused("这个场次已经取消或作废，不能点名。", code="cancelled")
    if session.campaign.stage == Stage.PREPARING:
        raise Refused("这次冬训的名册还没有划定，暂时不能点名。", code="preparing")
    if held_on(session) > timezone.localdate():
        raise Refused("还没到上课的日子，不能提前点名。", code="future")


# --- Opening a register ----------------------------------------------------------------------
def open_registers(sheet: Sheet, marks: Sequence[MarkInput]) -> None:
    """The first mark of a part writes a row for everybody it expects; a locked part stays shut."""
    known = [mark for mark in marks if mark.entry in sheet.entries]
    wanted = {part.pk: part for mark in known if (part := sheet.part_of(mark.entry))}
    opening = [part for part in wanted.values() if not part.recorded_at and not sheet.is_locked(part)]
    open_parts(sheet, opening)


def open_parts(sheet: Sheet, parts: Sequence[SessionUnit]) -> None:
    """Write who is expected as rows. From then on no move, waiver or import changes it."""
    if not parts:
        return
    session, day = sheet.session, held_on(sheet.session)
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
            counts=session.counts,
        )
        for part, entry in people
    ]
    # Somebody already marked as a visitor elsewhere in this session keeps that row.
    Attendance.objects.bulk_create(rows, ignore_conflicts=True)
    set_recorded(parts=parts)
    sheet.touched_parts |= {part.pk for part in parts}
    for row in Attendance.objects.filter(session=session, session_unit__in=parts):
        sheet.rows[row.entry_id] = row
        sheet.touched_entries.add(row.entry_id)


def shut_parts(sheet: Sheet) -> None:
    """After an undo, a sheet on which nobody is marked was never opened: its rows go again."""
    touched = [part for pk, part in sheet.parts.items() if pk in sheet.touched_parts]
    rows = Attendance.objects.filter(session_unit__in=touched)
    known = set(rows.exclude(status=Status.UNMARKED).values_list("session_unit_id", flat=True))
    empty = [part for part in touched if part.pk not in known]
    nobody = rows.filter(session_unit__in=empty)
    sheet.touched_entries |= set(nobody.values_list("entry_id", flat=True))
    nobody.delete()
    SessionTally.objects.filter(session_unit__in=empty).delete()
    set_unrecorded(parts=empty)


def everyone_on(session: TrainingSession, parts: list[SessionUnit]) -> set[int]:
    """Everybody who stands, or will stand, on these sheets."""
    rows = Attendance.objects.filter(session=session, session_unit__in=parts)
    found = set(rows.values_list("entry_id", flat=True))
    for part in parts:
        if not part.recorded_at:
            found |= set(audience(part, held_on(session)).values_list("pk", flat=True))
    return found


# --- One mark ----------------------------------------------------------------------------------
def judge(sheet: Sheet, mark: MarkInput) -> tuple[MarkAnswer, Attendance | None, Attendance | None]:
    """(answer, the row before as a copy, the row to store or None)."""
    row = sheet.rows.get(mark.entry)
    if refused := _rejection(sheet, mark, row):
        return MarkAnswer(mark.entry, Mark.Outcome.REJECTED, refused), None, None
    before = _copy(row) if row else None
    reason, minutes = _value(sheet.session, mark)
    if row and (row.status, row.reason, row.minutes) == (mark.status, reason, minutes):
        return answer_of(row, mark.entry, Mark.Outcome.SAME), before, None
    if locked := _lock_code(sheet, mark.entry):
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


def _rejection(sheet: Sheet, mark: MarkInput, row: Attendance | None) -> str:
    """Why this mark cannot stand here at all, or "". A foreign person is as unknown as nobody."""
    entry = sheet.entries.get(mark.entry)
    if entry is None:
        return "unknown"
    if row is not None:
        return "" if row.session_unit_id in sheet.parts else "other_part"
    own = {part.unit_id for part in sheet.parts.values()}
    if entry.unit_id not in sheet.visible | own and mark.entry not in sheet.homes:
        return "unknown"
    part = sheet.part_of(mark.entry)
    waits_for_its_rows = part is not None and not part.recorded_at and sheet.is_locked(part)
    return "" if mark.status in ATTENDED or waits_for_its_rows else "not_expected"


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


def _lock_code(sheet: Sheet, entry: int) -> str:
    """Why this mark must wait for whoever may unlock, or ""."""
    part = sheet.part_of(entry)
    if sheet.session.campaign.stage == Stage.CLOSED:
        return "campaign_closed"
    if part is None or part.closed_at:
        return "closed"
    if part.unit.frozen_at or sheet.entries[entry].unit.frozen_at:
        return "frozen"
    return ""


def _visitor_row(sheet: Sheet, entry: RosterEntry) -> Attendance:
    """Somebody nobody expected came: the row stands on the host's sheet and makes up what they missed."""
    return Attendance(
        session=sheet.session,
        session_unit=sheet.part_of(entry.pk),
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
