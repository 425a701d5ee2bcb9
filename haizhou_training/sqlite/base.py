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
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
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
        with turnstile(f"{self.settings_dict['NAME']}-queue", until):
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
def turnstile(path: str, until: float) -> Iterator[None]:
    """Inside in turn, or refused when `until` has passed."""
    # A file opened anew each time: threads of one process queue like processes do. To lock it one
    # needs to read it only, so that a file root made first does not keep the service out.
    file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stand_in_line(file, until)
    except OSError:
        os.close(file)
        raise
    try:
        yield
    finally:
        give_back(file)


def stand_in_line(file: int, until: float) -> None:
    """The kernel keeps the line but knows no timeout: a thread waits; who gave up lets the next one in."""
    turn: Future[None] = Future()

    def wait() -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
        if turn.set_running_or_notify_cancel():
            turn.set_result(None)
        else:
            give_back(file)

    threading.Thread(target=wait, daemon=True).start()
    try:
        turn.result(max(0.0, until - time.monotonic()))
    except TimeoutError:
        if turn.cancel():  # False: the turn came in this very moment
            raise OperationalError("database is locked") from locked()
    except BaseException:
        if not turn.cancel():
            give_back(file)
        raise


def give_back(file: int) -> None:
    # Not by closing alone: a process forked meanwhile has the same open file.
    fcntl.flock(file, fcntl.LOCK_UN)
    os.close(file)


def locked() -> sqlite3.OperationalError:
    """As SQLite says it itself."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def is_busy(error: BaseException) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
