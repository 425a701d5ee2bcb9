"""What is stored today of the people a file names: the old beside the new."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from attendance.models import Attendance, Mark, RosterEntry, Status
from campaigns.models import TrainingSession


@dataclass(frozen=True)
class Stored:
    """One person as stored now; `by`, `at`: the last sending that changed the row."""

    name: str
    unit: str
    status: str = ""
    reason: str = ""
    minutes: int | None = None
    version: int = 0
    is_locked: bool = False
    by: str = ""
    at: datetime | None = None


def stored_of(session: TrainingSession, entries: Collection[int]) -> dict[int, Stored]:
    """Three queries, whoever and however many they are."""
    people = RosterEntry.objects.filter(pk__in=entries).values_list("pk", "member__name", "unit__name")
    rows = {
        row.entry_id: row
        for row in Attendance.objects.filter(session=session, entry__in=entries).select_related(
            "session_unit", "unit"
        )
    }
    last = _last_marks(session, [row.entry_id for row in rows.values() if row.version])
    return {pk: _stored(name, unit, rows.get(pk), last.get(pk)) for pk, name, unit in people}


def _stored(name: str, unit: str, row: Attendance | None, mark: Mark | None) -> Stored:
    if row is None:
        return Stored(name, unit)
    return Stored(
        name=name,
        unit=row.unit.name,
        status="" if row.status == Status.UNMARKED else row.status,
        reason=row.reason,
        minutes=row.minutes if row.minutes_set else None,
        version=row.version,
        is_locked=row.session_unit.closed_at is not None,
        by=mark.batch.account.name if mark else "",
        at=mark.batch.at if mark else None,
    )


def _last_marks(session: TrainingSession, entries: Collection[int]) -> dict[int, Mark]:
    applied = Mark.objects.filter(batch__session=session, entry__in=entries, outcome=Mark.Outcome.APPLIED)
    return {mark.entry_id: mark for mark in applied.select_related("batch__account").order_by("pk")}
