"""The recount: derived rows from stored rows, set-based, one statement for a register or a province.

`queries/derived.py` says what each derived row must be. One SELECT finds those
that are not: `recount` and `rebuild` write what it finds, `differences` prints
it. Callers of `recount` hold the unit locks.
"""
# ruff: noqa: S608 - tables and columns are ours, ids are parameters

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from attendance.models import RosterEntry, SessionTally, Standing, Tally
from attendance.queries.derived import (
    Rule,
    Some,
    Wanted,
    rule_of,
    session_tally_rows,
    standing_rows,
    table,
    tally_rows,
)
from campaigns.models import Campaign, SessionUnit, Unit
from campaigns.services.locking import lock_units
from organizations.models import BRANCH_KINDS
from organizations.service import service

MOST = 10_000  # ids in one statement; SQLite takes 32,766
CHUNK = 100  # branch units recounted under one lock: about a quarter of a second
# Seconds between chunks, on SQLite. Writers queue for its lock, but one sending takes it twice, for the marks
# and for the session, and would wait for a chunk each time: beside chunks of 0.6 s for 1.3 s instead of 0.7.
PAUSE = 0.12
# Hears done and total between the transactions.
Progress = Callable[[int, int], None]


def recount(
    *, campaign: Campaign, entries: Iterable[int], parts: Iterable[int], units: Iterable[int]
) -> None:
    """Write what these entries, parts and branch units must be. Repeating changes nothing."""
    if chosen := list(entries):
        rule = rule_of(campaign.pk)
        for _, some in _chunks(chosen, MOST):
            _write(standing_rows(rule, Some("id", some)))
    for _, some in _chunks(list(parts), MOST):
        _write(session_tally_rows(Some("id", some)))
    for _, some in _chunks(list(units), MOST):
        _write(tally_rows(Some("id", some)))


@service(atomic=False, audited=False)
def rebuild(*, campaign: Campaign, progress: Progress | None = None) -> int:
    """Recount everything of one campaign, a few branches at a time under their lock.

    Marking may go on meanwhile. Returns the number of units recounted.
    """
    ids = _units(campaign)
    for done, chunk in _chunks(ids, CHUNK):
        if progress:
            progress(done, len(ids))
        with transaction.atomic():
            lock_units(chunk)
            for wanted in _of_branches(rule_of(campaign.pk), chunk):
                _write(wanted)
        _let_others_write()
    for orphans in _orphans(campaign):
        orphans.delete()
    return len(ids)


def differences(*, campaign: Campaign) -> list[str]:
    """Every derived row that is not what a recount would write, as lines to print.

    Marking may go on meanwhile: each statement sees one moment.
    """
    return list(_differences(campaign))


def is_true(*, campaign: Campaign, progress: Progress | None = None) -> bool:
    """Whether a recount would change nothing; the first difference ends the look."""
    return next(_differences(campaign, progress), None) is None


def _differences(campaign: Campaign, progress: Progress | None = None) -> Iterator[str]:
    rule, ids = rule_of(campaign.pk), _units(campaign)
    for done, chunk in _chunks(ids, CHUNK):
        if progress:
            progress(done, len(ids))
        for wanted in _of_branches(rule, chunk):
            yield from _lines(wanted)
    for orphans in _orphans(campaign):
        yield from (f"{orphans.model._meta.label} 多出：{row}" for row in orphans.values())


def _units(campaign: Campaign) -> list[int]:
    """Units that hold people, or did when they were given some or a sheet."""
    people = RosterEntry.objects.filter(unit=OuterRef("pk"))
    sheets = SessionUnit.objects.filter(unit=OuterRef("pk"))
    found = Unit.objects.filter(Q(kind__in=BRANCH_KINDS) | Exists(people) | Exists(sheets), campaign=campaign)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _chunks(ids: Sequence[int], size: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    for start in range(0, len(ids), size):
        yield start, tuple(ids[start : start + size])


def _of_branches(rule: Rule, units: tuple[int, ...]) -> Iterator[Wanted]:
    """In this order: tallies are sums of the other two as stored."""
    yield standing_rows(rule, Some("unit_id", units))
    yield session_tally_rows(Some("unit_id", units))
    yield tally_rows(Some("id", units))


def _let_others_write() -> None:
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(PAUSE)


# --- Writing and comparing ---------------------------------------------------------------
def _not_as_stored(wanted: Wanted) -> str:
    """Of these rows those that are missing or stored otherwise."""
    key, *_ = wanted.columns
    new, old = (", ".join(f'{side}."{name}"' for name in wanted.columns) for side in ("w", "o"))
    stored = f'{table(wanted.model)} o ON o."{key}" = w."{key}"'
    differ = "IS NOT"
    if connection.vendor == "postgresql":
        # By index for the same reason as in `_counted`; LIMIT keeps the planner from making it a plain join.
        stored = f'LATERAL (SELECT * FROM {table(wanted.model)} WHERE "{key}" = w."{key}" LIMIT 1) o ON TRUE'
        differ = "IS DISTINCT FROM"
    return f"SELECT {new} FROM ({wanted.sql}) w LEFT JOIN {stored} WHERE ({new}) {differ} ({old})"


def _write(wanted: Wanted) -> None:
    key, *rest = wanted.columns
    names = ", ".join(f'"{name}"' for name in wanted.columns)
    sets = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in rest)
    statement = (
        f"INSERT INTO {table(wanted.model)} ({names}) {_not_as_stored(wanted)} "
        f'ON CONFLICT ("{key}") DO UPDATE SET {sets}'
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, wanted.params)


def _lines(wanted: Wanted) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_not_as_stored(wanted), wanted.params)
        rows = cursor.fetchall()
    label = wanted.model._meta.label
    return [f"{label} 缺少或不符：应为{dict(zip(wanted.columns, row, strict=True))}" for row in rows]


def _orphans(campaign: Campaign) -> Iterator[QuerySet]:
    """Derived rows whose source is gone, or no longer asks for one."""
    entry = RosterEntry.objects.filter(pk=OuterRef("entry_id"), campaign=campaign)
    yield Standing.objects.filter(~Exists(entry), campaign=campaign)
    part = SessionUnit.objects.filter(pk=OuterRef("session_unit_id"), recorded_at__isnull=False)
    yield SessionTally.objects.filter(~Exists(part), unit__campaign=campaign)
    people = Unit.objects.filter(pk=OuterRef("unit_id"), kind__in=BRANCH_KINDS)
    yield Tally.objects.filter(~Exists(people), campaign=campaign)
