"""One moment of the database: everything a report reads agrees, and nobody waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction

ALIAS = "snapshot"


@contextmanager
def snapshot() -> Iterator[str]:
    """Yields the alias to read through. Nothing may be written while it is open, on this alias.

    PostgreSQL: one REPEATABLE READ READ ONLY transaction. SQLite: the alias opens
    DEFERRED transactions, which in WAL read the moment of their first query and
    block no writer. Inside another transaction (tests) the moment is that one's.
    """
    connection = connections[ALIAS]
    outermost = not connection.in_atomic_block
    with transaction.atomic(using=ALIAS):
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield ALIAS
