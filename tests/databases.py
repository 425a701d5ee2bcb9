"""The migrations run once: later runs, and the other workers of this one, start from a copy.

On SQLite the copy is kept in var/ under a hash of all migrations; on PostgreSQL it
is a database of the same server that lives as long as the worker that made it.
`migrate` runs on each copy, so a migration the copy does not know is applied.
"""

import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager

from django import VERSION
from django.conf import settings

FOLDER = settings.BASE_DIR / "var" / "tests"
# What the migrations are made of.
SOURCES = ("*/migrations/*.py", "organizations/triggers.py", "organizations/fields.py")


def fingerprint() -> str:
    files = sorted(path for pattern in SOURCES for path in settings.BASE_DIR.glob(pattern))
    said = hashlib.sha256(repr(VERSION).encode())
    for path in files:
        said.update(f"{path.name} {path.parent.parent.name}\n".encode() + path.read_bytes())
    return said.hexdigest()[:16]


@contextmanager
def one_at_a_time():
    """Whoever comes first migrates; the others wait for its copy."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class SQLiteCopy:
    def __init__(self, connection):
        self.connection = connection
        self.path = FOLDER / f"{fingerprint()}.sqlite3"

    def take(self) -> bool:
        """Put the copy where the test database will be looked for."""
        if not self.path.exists():
            return False
        shutil.copyfile(self.path, self.connection.settings_dict["TEST"]["NAME"])
        return True

    def keep(self) -> None:
        for path in FOLDER.glob("*.*"):  # of other migrations, or left behind half-made
            path.unlink(missing_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        self.connection.cursor().execute("VACUUM INTO %s", [str(fresh)])
        fresh.rename(self.path)

    def drop(self) -> None:
        """The next run takes it."""


class PostgresCopy:
    def __init__(self, connection):
        self.connection = connection
        self.name = f"migrated_{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
        self.is_ours = False

    def take(self) -> bool:
        with self.connection._nodb_cursor() as server:
            server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.name])
            if server.fetchone():
                self.connection.settings_dict["TEST"]["TEMPLATE"] = self.name
        return False  # Django makes the database, from this template

    def keep(self) -> None:
        if "PYTEST_XDIST_WORKER" not in os.environ or self.connection.settings_dict["TEST"].get("TEMPLATE"):
            return
        source = self.connection.settings_dict["NAME"]
        self.connection.close()  # a template has no guests
        with self.connection._nodb_cursor() as server:
            server.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{source}"')
        self.is_ours = True

    def drop(self) -> None:
        if self.is_ours:
            with self.connection._nodb_cursor() as server:
                server.execute(f'DROP DATABASE IF EXISTS "{self.name}"')


def copy_of(connection):
    return (SQLiteCopy if connection.vendor == "sqlite" else PostgresCopy)(connection)
