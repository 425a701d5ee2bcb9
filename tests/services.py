"""Real programs for tests: redis-server, Celery worker."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import kombu.pools
import redis
from celery import Celery
from django.conf import settings
from django.db import connection


def wait_until(condition: Callable[[], object], *, seconds: float = 20, what: str = "condition") -> object:
    """Poll until `condition()` is true; its value. Waiting for a fact, never for a guessed time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [shutil.which("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(folder), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_until(lambda: answers(url), what="redis-server")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def answers(url: str) -> bool:
    with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(url) as client:
        return client.ping()
    return False


def flush(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushall()


@contextlib.contextmanager
def broker(app: Celery, url: str) -> Iterator[None]:
    """Point an already configured Celery app at another broker."""
    before = app.conf.broker_url
    try:
        point_to(app, url)
        yield
    finally:
        point_to(app, before)


def point_to(app: Celery, url: str) -> None:
    app.conf.broker_url = url
    app.amqp._producer_pool = None
    app._pool = None
    kombu.pools.reset()


def flush_past_triggers(connection) -> None:
    """Append-only tables refuse the DELETE that empties them after a transactional test; on
    PostgreSQL that is a TRUNCATE, which their row triggers let pass."""
    flush = type(connection.ops).execute_sql_flush

    def flush_without_triggers(operations, sql_list):
        with operations.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f'DROP TRIGGER "{name}"')
            try:
                flush(operations, sql_list)
            finally:
                for _, create in triggers:
                    cursor.execute(create)

    type(connection.ops).execute_sql_flush = flush_without_triggers


def environment_of_test_database() -> dict[str, str]:
    """What another process needs to open the database this test writes to, with the same keys."""
    env = os.environ | {
        "DATA_DIR": str(settings.DATA_DIR),
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_KEYS": ",".join(settings.FIELD_KEYS),
        "DEMO": "0",
        "DJANGO_SETTINGS_MODULE": "tests.process_settings",
    }
    env.pop("DATABASE_URL", None)
    env.pop("REDIS_URL", None)
    if connection.vendor == "postgresql":
        env["DATABASE_URL"] = postgres_url(connection.settings_dict)
    return env


def postgres_url(database: dict) -> str:
    account = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
    return f"postgresql://{account}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


class CeleryWorker:
    """A real worker process on the test database; ready when the constructor returns."""

    def __init__(self, broker_url: str, log: Path, *options: str):
        command = [sys.executable, "-m", "celery", "-A", "haizhou_training", "worker"]
        command += ["--concurrency", "1", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        env = environment_of_test_database() | {"REDIS_URL": broker_url, "C_FORCE_ROOT": "1"}
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *options],
                env=env,
                cwd=settings.BASE_DIR,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until(self.is_ready, seconds=60, what=f"Celery worker ({log})")

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the Celery worker ended at once:\n{self.log.read_text()}")
        return "ready." in self.log.read_text()

    def kill(self) -> None:
        """kill -9, children included: what a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        self.kill()
