"""Rows by the hundred thousand, the same way for 300 members and for a million.

`write` sends rows made in Python: COPY on PostgreSQL, one prepared INSERT on
SQLite. `insert_select` makes rows inside the database, and `dice` gives both
databases the same chance numbers, so that what is made there is repeatable too.
Values are those of the columns: no field is prepared, no signal sent.
`bare` lets the large tables do without indexes and foreign keys meanwhile.
"""
# ruff: noqa: S608 - every name in a statement is a column of ours, never input

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from io import StringIO
from itertools import islice

from django.core.management.color import no_style
from django.db import connection, models
from django.utils import timezone

CHUNK = 20_000
PRIME = 2_147_483_647  # products of two remainders stay below 2^63 in both databases


def dice(one: str, other: str, salt: int) -> str:
    """SQL for a number 0–999 that depends on two integer columns and a salt, and looks like chance."""
    mixed = f"(({one} * 48271 + {other} * 69621 + {salt % PRIME}) %% {PRIME})"
    return f"(({mixed} * {mixed} + {mixed} * 31) %% {PRIME} %% 1000)"


def moment(day: date, hour: int, minute: int = 0) -> str:
    """Local time of that day as both databases store it: UTC."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=timezone.get_default_timezone())
    return local.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def write(model: type[models.Model], names: list[str], rows: Iterable[tuple]) -> int:
    """Store rows of these columns; every other column gets its field's default. Returns how many."""
    rest = defaults(model, names)
    columns = [model._meta.get_field(name).column for name in (*names, *rest)]
    fixed = tuple(rest.values())
    send = _copy if connection.vendor == "postgresql" else _insert
    stored, stream = 0, iter(rows)
    with connection.cursor() as cursor:
        while chunk := [(*row, *fixed) for row in islice(stream, CHUNK)]:
            send(cursor, model, columns, chunk)
            stored += len(chunk)
    return stored


def insert_select(model: type[models.Model], columns: dict[str, str], source: str, params: dict) -> int:
    """INSERT … SELECT: `columns` says by which SQL expression each is made."""
    rest = defaults(model, list(columns))
    names = ", ".join(_quoted(model, name) for name in (*columns, *rest))
    values = ", ".join([*columns.values(), *(f"%({name})s" for name in rest)])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(model)} ({names}) SELECT {values} {source}",
            {**params, **rest},
        )
        return cursor.rowcount


def fence() -> str:
    """Ends a subquery whose columns must be computed once, not wherever they are used (PostgreSQL)."""
    return "OFFSET 0" if connection.vendor == "postgresql" else ""


def execute(sql: str, params: dict | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or {})
        return cursor.rowcount


def defaults(model: type[models.Model], names: list[str]) -> dict[str, object]:
    """Columns nobody named, with what their field would have stored."""
    named = {model._meta.get_field(name).column for name in names}
    return {
        field.name: field.get_db_prep_save(_default(field), connection)
        for field in model._meta.concrete_fields
        if field.column not in named
        and not field.generated
        and not (field.primary_key and isinstance(field, models.AutoField))
    }


def _default(field: models.Field) -> object:
    return timezone.now() if getattr(field, "auto_now_add", False) else field.get_default()


def reset_sequences(*used: type[models.Model]) -> None:
    """Rows came with their ids: the next id must lie above them (PostgreSQL)."""
    for statement in connection.ops.sequence_reset_sql(no_style(), used):
        execute(statement)


def patience() -> None:
    """More time than any page may take and more memory, until the transaction ends (PostgreSQL)."""
    if connection.vendor == "postgresql":
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            execute(f"SET LOCAL {name} = 0")
        execute("SET LOCAL work_mem = '256MB'")
        execute("SET LOCAL maintenance_work_mem = '512MB'")
    else:
        execute(f"PRAGMA cache_size = {-512 * 1024}")


@contextmanager
def bare(*used: type[models.Model]) -> Iterator[None]:
    """These tables without foreign keys and indexes, but their primary keys, while rows pour in (PostgreSQL).

    An index built over all rows, a foreign key checked by one join, cost a fraction of
    doing it row by row. All come back as they were, every row checked, in the same
    transaction: nobody ever sees a table without them.
    """
    if connection.vendor != "postgresql":
        yield
        return
    check_now()
    with connection.cursor() as cursor:
        cursor.execute(BELONGINGS, {"tables": [model._meta.db_table for model in used]})
        found = cursor.fetchall()
    for drop, _ in reversed(found):
        execute(drop)
    execute("SET LOCAL enable_nestloop = off")  # no index to look rows up one by one
    yield
    execute("SET LOCAL enable_nestloop = on")
    check_now()
    for _, create in found:
        execute(create)


def check_now() -> None:
    """Deferred checks still waiting would forbid ALTER TABLE."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("SET CONSTRAINTS ALL DEFERRED")


# How each is dropped and made again; indexes come before the foreign keys whose check may use them.
BELONGINGS = """SELECT dropped, created FROM (
    SELECT 1 AS place, format('DROP INDEX %%s', indexrelid::regclass) AS dropped,
           pg_get_indexdef(indexrelid) AS created
      FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
     WHERE t.relname = ANY(%(tables)s) AND t.relnamespace = current_schema()::regnamespace
       AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype <> 'f')
    UNION ALL
    SELECT CASE contype WHEN 'u' THEN 2 ELSE 3 END,
           format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
           format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
                  pg_get_constraintdef(c.oid))
      FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
     WHERE t.relname = ANY(%(tables)s) AND t.relnamespace = current_schema()::regnamespace
       AND contype IN ('u', 'f')) belongings ORDER BY place, created"""


def analyze(*used: type[models.Model]) -> None:
    """The planner has not seen the new rows yet (PostgreSQL)."""
    if connection.vendor == "postgresql":
        for model in used:
            execute(f"ANALYZE {_table(model)}")


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _quoted(model: type[models.Model], name: str) -> str:
    return connection.ops.quote_name(model._meta.get_field(name).column)


def _insert(cursor, model: type[models.Model], columns: list[str], rows: list[tuple]) -> None:
    marks = ", ".join(["%s"] * len(columns))
    names = ", ".join(map(connection.ops.quote_name, columns))
    cursor.executemany(f"INSERT INTO {_table(model)} ({names}) VALUES ({marks})", rows)


def _copy(cursor, model: type[models.Model], columns: list[str], rows: list[tuple]) -> None:
    """All text is quoted: an empty one means NULL only in the columns that have it."""
    names = ", ".join(map(connection.ops.quote_name, columns))
    empty = [_quoted(model, f.name) for f in model._meta.concrete_fields if f.null and f.column in columns]
    options = f", FORCE_NULL ({', '.join(empty)})" if empty else ""
    text = StringIO()
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows(rows)
    text.seek(0)
    cursor.cursor.copy_expert(f"COPY {_table(model)} ({names}) FROM STDIN (FORMAT csv{options})", text)


def local_day(column: str) -> str:
    """SQL for the local day of a moment."""
    if connection.vendor == "postgresql":
        return f"({column} AT TIME ZONE '{timezone.get_default_timezone_name()}')::date"
    hours = int(timezone.get_default_timezone().utcoffset(datetime(2026, 1, 1)).total_seconds() // 3600)
    return f"date({column}, '+{hours} hours')"
