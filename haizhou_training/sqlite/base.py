"""Django's SQLite, but whoever waits for the write lock stands in a queue.

SQLite itself looks at a taken lock after 1, 2, 5 … and in the end every 100 ms.
While many write, newcomers find it free in between and somebody who has waited
for seconds goes on waiting, until the timeout says "database is locked". Here a
file lock is the turnstile: one at a time tries to begin, the kernel wakes the next.
It is given back as soon as the transaction has begun, and when a process dies.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError
from django.db.backends.sqlite3 import base

LOOK_AGAIN = 0.002  # seconds; only who is next looks


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self):
        """BEGIN IMMEDIATE in turn, refused after `timeout`. Single statements wait as SQLite does."""
        if self.transaction_mode != "IMMEDIATE" or self.is_in_memory_db():
            return super()._start_transaction_under_autocommit()
        timeout = self.settings_dict["OPTIONS"].get("timeout", 5)
        until = time.monotonic() + timeout
        with turnstile(f"{self.settings_dict['NAME']}-queue"):
            self.connection.execute("PRAGMA busy_timeout = 0")
            try:
                self._begin(until)
            finally:
                self.connection.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")

    def _begin(self, until: float) -> None:
        while True:
            try:
                return super()._start_transaction_under_autocommit()
            except OperationalError as error:
                if not is_busy(error) or time.monotonic() > until:
                    raise
            time.sleep(LOOK_AGAIN)


@contextmanager
def turnstile(path: str) -> Iterator[None]:
    # A file opened anew each time: threads of one process queue like processes do.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def is_busy(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
