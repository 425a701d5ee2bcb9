"""An example call of the services around sheets that come back and sendings that are taken back."""

from uuid import uuid4

from attendance.imports.deciding import Mark
from attendance.models import MarkBatch, SheetReading
from attendance.services import closing, sheet_readings, undoing
from tests.attendance.sheets import plain
from tests.base import fixture_writes


def held(w):
    session = w.session(w.north_branch_unit, days=-3, title="带表的课", hour=16)
    w.mark(session, {w.wang: "present"})
    return session


def kept(w) -> SheetReading:
    """What the north's organizer uploaded, as a row alone: nothing has to be parsed for it."""
    with fixture_writes():
        return SheetReading.objects.create(
            uuid=uuid4(),
            session=held(w),
            account=w.north_organizer,
            kind=MarkBatch.Kind.SHEET,
            file_name="签到表.xlsx",
            lines=sheet_readings.Reading([], [], []).as_bytes(),
        )


def closed(w) -> MarkBatch:
    batch = uuid4()
    closing.close_parts(actor=w.north_organizer, session=held(w), rest="absent", batch=batch)
    return MarkBatch.objects.get(uuid=batch)


def read(w):
    content = plain(["姓名"], [w.wang.name])
    return sheet_readings.keep_reading(
        actor=w.north_organizer, session=w.session(days=-3), content=content, file_name="名单.xlsx"
    )


# name → (what has to be there before, the act itself on what that gave).
SHEETS = {
    "attendance.services.sheet_readings.send_reading": (
        kept,
        lambda w, reading: sheet_readings.send_reading(
            actor=w.north_organizer, reading=reading, marks=[Mark(w.entry(w.li).pk, 0, "late")]
        ),
    ),
    "attendance.services.undoing.take_back": (
        lambda w: w.mark(held(w), {w.li: "late"}).batch,
        lambda w, batch: undoing.take_back(actor=w.north_organizer, batch=batch, uuid=uuid4()),
    ),
    "attendance.services.undoing.undo_closing": (
        closed,
        lambda w, batch: undoing.undo_closing(actor=w.north_organizer, batch=batch, uuid=uuid4()),
    ),
}
