"""Judging marks: what a sending needs to know, read under the lock, and what becomes of each mark."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import Exists, FilteredRelation, Max, OuterRef, Q, QuerySet, Subquery
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
from attendance.queries import audience, belonged, held_on, parts_kept
from attendance.services.exclusively import Also, Moved
from campaigns.models import Round, SessionUnit, Stage, TrainingForm, TrainingSession, Unit
from campaigns.services.locking import lock_units
from campaigns.services.registers import set_recorded, set_unrecorded
from organizations.models import User
from organizations.service import Refused

MISSING = (Status.LEAVE, Status.ABSENT)


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


class Entry(NamedTuple):
    """A roster entry: the unit where it counts, and the one it belonged to on the day of the class (home).

    `is_seen`: the account sees the unit where it counts.
    """

    unit: int
    home: int | None
    is_seen: bool


@dataclass
class Sheet:
    """Everything one sending needs, read after the lock.

    `parts` are those the account keeps, by pk. `locked`: units as they are now;
    whatever is judged or written must concern no other (`hold`). `opened`: rows
    of registers that begin with this sending, not stored yet. `barred`: parts that
    cannot begin, because somebody on the sheet counts in a frozen unit by now.
    `hold_code`: why every mark of this sending waits, open sheet or not.
    """

    actor: User
    session: TrainingSession
    parts: dict[int, SessionUnit]
    entries: dict[int, Entry]
    rows: dict[int, Attendance]
    locked: dict[int, Unit]
    visible: QuerySet[Unit]
    opened: list[Attendance] = field(default_factory=list)
    barred: set[int] = field(default_factory=set)
    hold_code: str = ""
    touched_parts: set[int] = field(default_factory=set)
    touched_entries: set[int] = field(default_factory=set)
    part_at: dict[int, SessionUnit] = field(init=False)

    def __post_init__(self) -> None:
        self.part_at = {part.unit_id: part for part in self.parts.values()}

    def part_of(self, entry: int) -> SessionUnit | None:
        """The sheet this entry stands or would stand on; None = on one this account does not keep.

        A visitor stands on the host's, else on the first the account keeps.
        """
        row = self.rows.get(entry)
        if row is not None:
            return self.parts.get(row.session_unit_id)
        return self.part_at.get(self.entries[entry].home or 0) or self.guest_part

    @property
    def guest_part(self) -> SessionUnit:
        return self.part_at.get(self.session.host_id) or next(iter(self.parts.values()))

    @cached_property
    def last_versions(self) -> dict[int, int]:
        """How far the rows of this session ever got, also those an undo took away again.

        A row written anew goes on from there: the version a phone still holds never comes back.
        """
        applied = Mark.objects.filter(batch__session=self.session, outcome=Mark.Outcome.APPLIED)
        last = applied.order_by().values_list("entry").annotate(Max("version_after"))
        return {entry: version or 0 for entry, version in last}

    def is_locked(self, part: SessionUnit) -> bool:
        closed = self.session.campaign.stage == Stage.CLOSED
        return closed or part.closed_at is not None or self.is_frozen(part)

    def is_frozen(self, part: SessionUnit) -> bool:
        return part.unit.frozen_at is not None or part.pk in self.barred

    def hold(self, units: Iterable[int]) -> None:
        """Moved unless these units are locked: the next attempt locks them before it reads anything."""
        if missing := set(units) - set(self.locked):
            raise Moved(missing)


# --- Under the lock -----------------------------------------------------------------------
def lock_sheet(
    actor: User,
    session: TrainingSession,
    also: Also,
    entries: Collection[int] | None = None,
    parts: QuerySet[SessionUnit] | None = None,
) -> Sheet:
    """Lock the units these entries concern (None: everybody on the account's sheets), then read everything.

    Nearly always that is where each person counts and on whose sheet they stand;
    what else the sending turns out to concern comes back in `also`.
    """
    visible = Unit.objects.visible_to(actor)
    # Whoever claims a guest writes that one line on a sheet others keep.
    parts = parts_kept(session, actor, visible, to_write=True) if parts is None else parts
    rows = Attendance.objects.filter(session=session)
    if entries is None:
        rows = rows.filter(session_unit__in=parts.order_by().values("pk"))
        units: QuerySet = parts.order_by().values("unit").union(rows.values("entry__unit"))
    else:
        rows = rows.filter(entry__in=entries)
        now = RosterEntry.objects.filter(campaign=session.campaign_id, pk__in=entries)
        units = now.values("unit").union(rows.values("unit"), rows.values("session_unit__unit"))
    locked = lock_units(units, also)
    kept = list(parts.select_related("session__campaign", "session__form", "session__host__organization"))
    if not kept:
        raise Refused("您不负责登记这个场次。", code="scope")
    refuse_session(kept[0].session)
    sheet = Sheet(
        actor=actor,
        session=kept[0].session,
        parts={part.pk: part for part in kept},
        entries={},
        rows={},
        locked={unit.pk: unit for unit in locked},
        visible=visible,
    )
    read_people(sheet, rows.values("entry") if entries is None else entries)
    return sheet


ROW_FIELDS = [field.attname for field in Attendance._meta.concrete_fields]


def read_people(sheet: Sheet, entries: Any) -> None:
    """These entries and what is stored of them in this session, in one query."""
    stay = RosterStay.objects.filter(belonged(held_on(sheet.session)), entry=OuterRef("pk"))
    # Whose record gave way to another is nobody any more: a page from before says "unknown".
    people = (
        RosterEntry.objects.filter(
            campaign=sheet.session.campaign_id, pk__in=entries, merged_into__isnull=True
        )
        .annotate(
            home=Subquery(stay.values("unit")[:1]),
            is_seen=Exists(sheet.visible.filter(pk=OuterRef("unit"))),
            row=FilteredRelation("rows", condition=Q(rows__session=sheet.session.pk)),
        )
        .values_list("pk", "unit", "home", "is_seen", *(f"row__{name}" for name in ROW_FIELDS))
    )
    for pk, unit, home, is_seen, *row in people:
        sheet.entries[pk] = Entry(unit, home, is_seen)
        if row[0] is not None:
            sheet.rows[pk] = Attendance.from_db(None, ROW_FIELDS, row)


def refuse_session(session: TrainingSession) -> None:
    """No register before the day of the class, before the roster, or of a class that is off."""
    if not session.is_valid:
        raise Refused("这个场次已经取消或作废，不能点名。", code="cancelled")
    if session.campaign.stage == Stage.PREPARING:
        raise Refused("这次冬训的名册还没有划定，暂时不能点名。", code="preparing")
    if held_on(session) > timezone.localdate():
        raise Refused("还没到上课的日子，不能提前点名。", code="future")


# --- Opening a register ----------------------------------------------------------------------
def hold_marks(sheet: Sheet, marks: Sequence[MarkInput]) -> None:
    """Locked is all these marks are judged by: where each person counts, the row, the sheet."""
    units = set()
    for mark in marks:
        if entry := sheet.entries.get(mark.entry):
            units.add(entry.unit)
            if row := sheet.rows.get(mark.entry):
                units.add(row.unit_id)
            if part := sheet.part_of(mark.entry):
                units.add(part.unit_id)
    sheet.hold(units)


def open_registers(sheet: Sheet, marks: Sequence[MarkInput]) -> None:
    """The first mark of a part writes a row for everybody it expects; a locked part stays shut."""
    known = [mark for mark in marks if mark.entry in sheet.entries]
    wanted = {part.pk: part for mark in known if (part := sheet.part_of(mark.entry))}
    opening = [part for part in wanted.values() if not part.recorded_at and not sheet.is_locked(part)]
    open_parts(sheet, opening)


def open_parts(sheet: Sheet, parts: Sequence[SessionUnit]) -> None:
    """Put who is expected on the sheets. From then on no move, waiver or import changes it.

    Somebody already marked as a visitor elsewhere in this session keeps that row.
    """
    if not parts:
        return
    session, day = sheet.session, held_on(sheet.session)
    part_at = {part.unit_id: part for part in parts}
    elsewhere = Attendance.objects.filter(session=session, entry=OuterRef("pk"))
    found = audience(parts, day).filter(~Exists(elsewhere))
    people = list(found.values_list("pk", "unit", "home", "is_waived"))
    sheet.hold(unit for _, unit, _, _ in people)
    sheet.barred |= {part_at[home].pk for _, unit, home, _ in people if sheet.locked[unit].frozen_at}
    parts = [part for part in parts if part.pk not in sheet.barred]
    for pk, unit, home, is_waived in people:
        if part_at[home].pk in sheet.barred:
            continue
        sheet.entries.setdefault(pk, Entry(unit, home, is_seen=False))
        sheet.rows[pk] = Attendance(
            session=session,
            session_unit=part_at[home],
            entry_id=pk,
            unit_id=home,
            part=Part.OPTIONAL if is_waived else Part.EXPECTED,
            held_on=day,
            topic_mask=session.topic_mask,
            round=session.round,
            counts=session.counts,
            version=sheet.last_versions.get(pk, 0),
        )
        sheet.opened.append(sheet.rows[pk])
        sheet.touched_entries.add(pk)
    sheet.touched_parts |= {part.pk for part in parts}
    set_recorded(parts=parts)


def shut_parts(sheet: Sheet) -> None:
    """After an undo, a sheet on which nobody is marked was never opened: its rows go again."""
    touched = [part for pk, part in sheet.parts.items() if pk in sheet.touched_parts]
    rows = Attendance.objects.filter(session_unit__in=touched)
    known = set(rows.exclude(status=Status.UNMARKED).values_list("session_unit_id", flat=True))
    empty = [part for part in touched if part.pk not in known]
    nobody = rows.filter(session_unit__in=empty)
    for entry, unit in nobody.values_list("entry_id", "entry__unit_id"):
        sheet.entries.setdefault(entry, Entry(unit, None, is_seen=False))
        sheet.touched_entries.add(entry)
    units = {sheet.entries[pk].unit for pk in sheet.touched_entries}
    sheet.hold(units)
    if any(sheet.locked[unit].frozen_at for unit in units):
        raise Refused("有人所在单位的数据已经上报锁定，不能撤销。要撤，请先请上级解锁。", code="frozen")
    nobody.delete()
    SessionTally.objects.filter(session_unit__in=empty).delete()
    set_unrecorded(parts=empty)


# --- One mark ----------------------------------------------------------------------------------
class Value(NamedTuple):
    """What a row said before a mark."""

    status: str = ""
    reason: str = ""
    minutes: int | None = None
    minutes_set: bool = False


NOTHING = Value()


def judge(sheet: Sheet, mark: MarkInput) -> tuple[MarkAnswer, Value, Attendance | None]:
    """(answer, what the row said before, the row to store or None)."""
    row = sheet.rows.get(mark.entry)
    if refused := _rejection(sheet, mark, row):
        return MarkAnswer(mark.entry, Mark.Outcome.REJECTED, refused), NOTHING, None
    before = Value(row.status, row.reason, row.minutes, row.minutes_set) if row else NOTHING
    reason, minutes = _effective(sheet.session, mark)
    if row and (row.status, row.reason, row.minutes) == (mark.status, reason, minutes):
        return answer_of(row, mark.entry, Mark.Outcome.SAME), before, None
    if locked := _lock_code(sheet, mark.entry):
        return answer_of(row, mark.entry, Mark.Outcome.HELD, locked), before, None
    if mark.base_version not in _current(row):
        return answer_of(row, mark.entry, Mark.Outcome.CONFLICT, "changed"), before, None
    row = row or _visitor_row(sheet, mark.entry)
    row.status, row.reason, row.minutes = mark.status, reason, minutes
    row.minutes_set = mark.minutes is not None
    row.version += 1
    sheet.rows[mark.entry] = row
    sheet.touched_entries.add(mark.entry)
    sheet.touched_parts.add(row.session_unit_id)
    return answer_of(row, mark.entry, Mark.Outcome.APPLIED), before, row


def _current(row: Attendance | None) -> tuple[int, ...]:
    """Versions a sender may have seen: a row that begins with this sending was none until now."""
    if row is None:
        return (0,)
    return (row.version,) if row.pk else (row.version, 0)


def _rejection(sheet: Sheet, mark: MarkInput, row: Attendance | None) -> str:
    """Why this mark cannot stand here at all, or "". A foreign person is as unknown as nobody."""
    entry = sheet.entries.get(mark.entry)
    if entry is None:
        return "unknown"
    if row is not None:
        return "" if row.session_unit_id in sheet.parts else "other_part"
    if not (entry.is_seen or entry.unit in sheet.part_at or entry.home in sheet.part_at):
        return "unknown"
    part = sheet.part_of(mark.entry)
    is_shut = bool(sheet.hold_code) or (part is not None and sheet.is_locked(part))
    waits_for_its_rows = part is not None and not part.recorded_at and is_shut
    return "" if mark.status in ATTENDED or waits_for_its_rows else "not_expected"


def _effective(session: TrainingSession, mark: MarkInput) -> tuple[str, int]:
    """Reason and effective minutes: what a person set, else the whole class for whoever came."""
    reason = mark.reason if mark.status in MISSING else Reason.NONE
    if mark.status not in ATTENDED or session.form.hours_rule == TrainingForm.HoursRule.NONE:
        return reason, 0
    # Nobody is credited more than the whole class, whatever a phone or an old sheet says.
    return reason, session.minutes if mark.minutes is None else min(mark.minutes, session.minutes)


def _lock_code(sheet: Sheet, entry: int) -> str:
    """Why this mark must wait for whoever may unlock, or ""."""
    part = sheet.part_of(entry)
    # First what somebody has to look at: a lock that goes lets in whatever waited for nothing else.
    if sheet.hold_code:
        return sheet.hold_code
    if sheet.session.campaign.stage == Stage.CLOSED:
        return "campaign_closed"
    if part is None or part.closed_at:
        return "closed"
    if sheet.is_frozen(part) or sheet.locked[sheet.entries[entry].unit].frozen_at:
        return "frozen"
    return ""


def _visitor_row(sheet: Sheet, entry: int) -> Attendance:
    """Somebody nobody expected came: the row stands on the host's sheet and makes up what they missed."""
    return Attendance(
        session=sheet.session,
        session_unit=sheet.part_of(entry),
        entry_id=entry,
        unit_id=sheet.entries[entry].unit,
        part=Part.VISITOR,
        held_on=held_on(sheet.session),
        topic_mask=sheet.session.topic_mask,
        round=Round.HOME if sheet.session.round == Round.HOME else Round.MAKE_UP,
        counts=sheet.session.counts,
        version=sheet.last_versions.get(entry, 0),
    )


def answer_of(row: Attendance | None, entry: int, outcome: str, code: str = "") -> MarkAnswer:
    if row is None:
        return MarkAnswer(entry, outcome, code)
    minutes = row.minutes if row.minutes_set else None
    return MarkAnswer(entry, outcome, code, row.status, row.reason, minutes, row.version)
