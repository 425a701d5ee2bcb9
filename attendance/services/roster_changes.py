"""名册变动: what every service that changes who is on a roster writes down, in its own transaction."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TypeVar

from attendance.models import RosterChange, RosterEntry
from organizations.id_number import without_numbers
from organizations.models import User

T = TypeVar("T")
LONGEST = 200


def note(
    entries: Iterable[RosterEntry],
    kind: str,
    day: date | Mapping[int, date],
    by: User | Mapping[int, User | None] | None,
    why: str | Mapping[int, str] = "",
) -> None:
    """One line for each entry, at the unit it counts in at this moment: a move is noted before and after.

    `day`, `by` and `why` hold for all of them, or are told apart by the key of the entry.
    One statement, however many; repeating it writes again, so the caller leaves out whoever
    did not change. Never at the first drawing.
    """
    RosterChange.objects.bulk_create(
        [
            RosterChange(
                unit_id=entry.unit_id,
                entry=entry,
                kind=kind,
                day=_of(entry, day),
                by=_of(entry, by),
                why=without_numbers(_of(entry, why))[:LONGEST],
            )
            for entry in entries
        ],
        batch_size=500,
    )


def _of(entry: RosterEntry, value: T | Mapping[int, T]) -> T:
    return value[entry.pk] if isinstance(value, Mapping) else value
