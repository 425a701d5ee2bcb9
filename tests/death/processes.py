"""An installation in processes of its own: `manage.py serve`, and PostgreSQL where it is killed too.

`kill` is kill -9 of one process and comes back when that process is gone; `wait_back`
when another one does its work. Who starts it again is who does so in production:
gunicorn its worker, Celery its child, `serve` the rest.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from tests import services

LEASE, SWEEP = 5, 1  # seconds; a quarter of an hour and a minute in production
PATIENCE = float(os.environ.get("DEATH_PATIENCE", "60"))


def parents() -> dict[int, int]:
    """pid -> pid of its parent, of all that run; not of the dead whose parent has not looked yet."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(path.parent.name)] = int(parent)
    return found


def children(pid: int) -> list[int]:
    return sorted(child for child, parent in parents().items() if parent == pid)


def command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def is_alive(pid: int) -> bool:
    return pid in parents()


@dataclass
class Kill:
    """One verified kill: which process it was, and where the log stood."""

    victim: str
    pid: int
    log_at: int
    at: float


class House:
    """`broker` is a Redis of the test's own, `with_redis` the one of `serve`; else the built-in runner."""

    def __init__(
        self, folder: Path, *, with_redis: bool = False, broker: str = "", postgres=None, lease=LEASE
    ):
        self.postgres, self.log = postgres, folder / "serve.log"
        self.port = services.free_port()
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port), "--workers", "1"]
        env = services.environment_of_test_database() | {
            "DJANGO_SETTINGS_MODULE": "tests.death.settings",
            "JOB_LEASE_SECONDS": str(lease),
            "JOB_SWEEP_SECONDS": str(SWEEP),
        }
        env |= {"REDIS_URL": broker} if broker else {}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--with-redis"] if with_redis else command,
                env=env,
                cwd=settings.BASE_DIR,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait(self.web_answers, "web")
        first_words = "ready." if with_redis or broker else "looking for jobs"
        self._wait(lambda: self._said(0, first_words), "worker")

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        services.wait_until(condition, seconds=PATIENCE, what=f"{what} ({self.log})")

    def _said(self, since: int, words: str) -> bool:
        with self.log.open("rb") as log:
            log.seek(since)
            return words.encode() in log.read()

    def web_answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(self.log.read_text())
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    # --- Who is who -----------------------------------------------------------------------
    def _part(self, *words: str) -> int | None:
        """The direct child of `serve` with all these words in its command line."""
        for pid in children(self.process.pid):
            if all(word in command_of(pid) for word in words):
                return pid
        return None

    def _child_of(self, pid: int | None) -> int | None:
        return next(iter(children(pid)), None) if pid else None

    def pid_of(self, victim: str) -> int | None:
        if victim == "postgres":
            return self.postgres.process.pid
        return {
            "web": lambda: self._child_of(self._part("gunicorn")),
            "worker": lambda: self._part("celery", "worker"),
            "child": lambda: self._child_of(self._part("celery", "worker")),
            "beat": lambda: self._part("celery", "beat"),
            "redis": lambda: self._part("redis-server"),
            "runner": lambda: self._part("run_jobs"),
        }[victim]()

    # --- Killing --------------------------------------------------------------------------
    def kill(self, victim: str) -> Kill:
        pid = services.wait_until(lambda: self.pid_of(victim), what=victim)
        kill = Kill(victim, pid, self.log.stat().st_size, time.monotonic())
        # PostgreSQL's own processes would notice and end by themselves: a power cut leaves no time for that.
        for one in [pid, *(children(pid) if victim == "postgres" else ())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        services.wait_until(lambda: not is_alive(pid), what=f"death of {victim} {pid}")
        return kill

    def wait_back(self, kill: Kill) -> float:
        """Seconds until another process of its kind does its work."""
        if kill.victim == "postgres":
            self.postgres.process.wait()
            self.postgres.start()
        self._wait(lambda: self.pid_of(kill.victim) not in (None, kill.pid), f"a new {kill.victim}")
        self._wait(lambda: self._works(kill), f"work of the new {kill.victim}")
        return time.monotonic() - kill.at

    def _works(self, kill: Kill) -> bool:
        return {
            "web": self.web_answers,
            "worker": lambda: self._said(kill.log_at, "ready."),
            "child": lambda: True,
            "beat": lambda: self._said(kill.log_at, "beat: Starting"),
            "redis": self.broker_answers,
            "runner": lambda: self._said(kill.log_at, "looking for jobs"),
            "postgres": database_answers,
        }[kill.victim]()

    # --- The private Redis ----------------------------------------------------------------
    @property
    def broker_url(self) -> str:
        """As `serve` told its worker; nobody else knows the password."""
        environment = Path(f"/proc/{self.pid_of('worker')}/environ").read_bytes().split(b"\0")
        return next(line for line in environment if line.startswith(b"REDIS_URL=")).decode().partition("=")[2]

    def broker_answers(self) -> bool:
        with contextlib.suppress(redis.RedisError, OSError):
            return services.answers(self.broker_url)
        return False

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return True
    except DatabaseError:
        connection.close()
        return False
