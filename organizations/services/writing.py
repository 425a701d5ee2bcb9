# ruff: noqa: S608 - statements are made of names of our own columns, never of input
"""Rows by the hundred in one statement, at a fraction of the cost of `bulk_create`.

A register of five hundred is two such statements: its rows and its log. Values
are checked by the database's constraints only.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from django.db import connection, models

MOST_VALUES = 30_000  # SQLite takes 32,766 in one statement
# These need the database's own form; numbers, words and yes/no go as they are.
PREPARED = (models.DateField, models.UUIDField)
# Of days both take the text as well.
PLAIN_DAYS = {str, type(None)}
Model = type[models.Model]


def insert(model: Model, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Store new rows; each gives a value for each of `columns` (names of fields)."""
    for chunk in _chunks(rows, len(columns)):
        _execute(model, columns, chunk, "")


def upsert(
    model: Model,
    columns: Sequence[str],
    rows: Iterable[Sequence],
    *,
    key: Sequence[str],
    update: Sequence[str],
) -> None:
    """Store rows; where the `key` columns are taken, only the `update` columns of that row change."""
    sets = ", ".join(f"{_quoted(name)} = EXCLUDED.{_quoted(name)}" for name in update)
    ending = f"ON CONFLICT ({', '.join(map(_quoted, key))}) DO UPDATE SET {sets}"
    for chunk in _chunks(rows, len(columns)):
        _execute(model, columns, chunk, ending)


def insert_and_tell(model: Model, columns: Sequence[str], rows: Iterable[Sequence]) -> list[int]:
    """Store new rows and give their keys, in the same order."""
    keys: list[int] = []
    for chunk in _chunks(rows, len(columns)):
        if connection.vendor == "sqlite":
            _execute(model, columns, chunk, "")
            keys += _last_keys(len(chunk))
        else:
            keys += [pk for (pk,) in _execute(model, columns, chunk, "RETURNING id")]
    return keys


def _last_keys(number: int) -> range:
    """Keys of the rows just stored: SQLite counts on, and nobody else writes meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_insert_rowid()")
        (last,) = cursor.fetchone()
    return range(last - number + 1, last + 1)


def amend(model: Model, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Change columns of rows that exist: each gives its key, then a value for each column, never null."""
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    table = _quoted(model._meta.db_table)
    # What stands in VALUES is text to PostgreSQL; SQLite takes it as it is.
    cast = "{} = CAST(new.column{} AS {})" if connection.vendor == "postgresql" else "{} = new.column{}"
    fields = [by_name[name] for name in columns]
    sets = ", ".join(
        cast.format(_quoted(str(field.column)), n, field.db_type(connection))
        for n, field in enumerate(fields, start=2)
    )
    for chunk in _chunks(rows, len(columns) + 1):
        line = f"({', '.join(['%s'] * (len(columns) + 1))})"
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {sets} FROM (VALUES {', '.join([line] * len(chunk))}) AS new "
                f"WHERE {table}.id = new.column1",
                list(chain.from_iterable(chunk)),
            )


def insert_once(row: models.Model) -> bool:
    """Store a row unless a unique value of it is taken: then False, and nothing is stored.

    Waits for whoever is storing the same value at this moment.
    """
    fields = [field for field in row._meta.concrete_fields if not field.primary_key]
    values = [field.pre_save(row, add=True) for field in fields]
    found = _execute(type(row), [f.name for f in fields], [values], "ON CONFLICT DO NOTHING RETURNING id")
    row.pk = found[0][0] if found else None
    return bool(found)


def _chunks(rows: Iterable[Sequence], width: int) -> Iterator[list[Sequence]]:
    stream = iter(rows)
    while chunk := list(islice(stream, MOST_VALUES // width)):
        yield chunk


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _execute(model: Model, columns: Sequence[str], rows: Sequence[Sequence], ending: str) -> Any:
    fields = _fields(model, columns)
    values = _prepared(fields, rows)
    begun, line = _begun(model, fields)
    with connection.cursor() as cursor:
        # A row at a time costs SQLite half of what it takes to read one statement of thousands.
        if connection.vendor == "sqlite" and "RETURNING" not in ending:
            cursor.executemany(f"{begun} {line} {ending}", values)
            return None
        cursor.execute(f"{begun} {', '.join([line] * len(rows))} {ending}", list(chain.from_iterable(values)))
        return cursor.fetchall() if "RETURNING" in ending else None


def _fields(model: Model, columns: Sequence[str]) -> list[models.Field]:
    by_name = {name: f for f in model._meta.concrete_fields for name in (f.name, f.attname)}
    return [by_name[name] for name in columns]


def _begun(model: Model, fields: list[models.Field]) -> tuple[str, str]:
    names = ", ".join(_quoted(str(field.column)) for field in fields)
    return (
        f"INSERT INTO {_quoted(model._meta.db_table)} ({names}) VALUES",
        f"({', '.join(['%s'] * len(fields))})",
    )


def _prepared(fields: list[models.Field], rows: Sequence[Sequence]) -> Sequence[Sequence]:
    special = [(i, field) for i, field in enumerate(fields) if isinstance(field, PREPARED)]
    special = [(i, f) for i, f in special if not (type(f) is models.DateField and _are_plain(rows, i))]
    if not special:
        return rows
    values = [list(row) for row in rows]
    for i, field in special:
        for row in values:
            row[i] = field.get_db_prep_save(row[i], connection)
    return values


def _are_plain(rows: Sequence[Sequence], column: int) -> bool:
    return PLAIN_DAYS.issuperset([row[column].__class__ for row in rows])
