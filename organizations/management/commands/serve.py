"""The whole system on one machine: web server, worker and beat, each restarted when it dies."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

SECONDS_TO_STOP = 7
LONGEST_PAUSE = 10


class Child:
    """One program under our care, in its own process group so that nothing it started outlives it."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], stdin: bytes = b""):
        self.name, self.command, self.env, self.stdin = name, command, env, stdin
        self.process: subprocess.Popen | None = None
        self.started_at = 0.0
        self.pause = 0.0

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command, env=self.env, stdin=subprocess.PIPE, start_new_session=True, cwd=settings.BASE_DIR
        )
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(self.stdin)
            self.process.stdin.close()

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def restart(self, stopped: threading.Event) -> None:
        """Start again: at once after a long life, ever later while it keeps dying."""
        self.signal(signal.SIGKILL)  # what the dead parent left behind
        lived = time.monotonic() - self.started_at
        self.pause = 0.0 if lived > LONGEST_PAUSE else min(LONGEST_PAUSE, self.pause * 2 or 1)
        if not stopped.wait(self.pause):
            self.start()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def terminate(self) -> None:
        """Ask the program itself; it ends its own children in order."""
        if not self.has_died():
            self.process.terminate()

    def finish(self, deadline: float) -> None:
        try:
            self.process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        self.signal(signal.SIGKILL)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 to be reached from other machines")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2, help="web processes of 4 threads each")
        parser.add_argument(
            "--with-redis",
            action="store_true",
            help="without REDIS_URL: start a private redis-server and a Celery worker, if it is installed",
        )

    def handle(self, *args, host, port, workers, with_redis, **options):
        refuse_taken(host, port)
        if not settings.DEBUG:
            call_command("collectstatic", interactive=False, verbosity=0)
        self.children = []
        env = self.broker(with_redis)
        self.children += self.workers(env)
        self.children.append(web(host, port, workers, env))
        self.watch(host, port)

    def broker(self, with_redis: bool) -> dict[str, str]:
        """The environment of web and worker; adds the private Redis to the children when asked for."""
        env = dict(os.environ)
        if settings.REDIS_URL or not with_redis:
            return env
        program = shutil.which("redis-server")
        if not program:
            return env
        port, password = free_port(), secrets.token_urlsafe(24)
        self.children.append(Child("redis", [program, "-"], env, redis_config(port, password)))
        return env | {"REDIS_URL": f"redis://:{password}@127.0.0.1:{port}/0"}

    def workers(self, env: dict[str, str]) -> list[Child]:
        if "REDIS_URL" not in env and not settings.REDIS_URL:
            self.stdout.write("Worker: built-in runner (no REDIS_URL, no redis-server started)")
            return [Child("worker", [sys.executable, "manage.py", "run_jobs"], env)]
        where = "REDIS_URL" if settings.REDIS_URL else "a private redis-server"
        self.stdout.write(f"Worker: Celery with beat, broker is {where}")
        return [celery_worker(env), celery_beat(env)]

    def watch(self, host: str, port: int) -> None:
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        for child in self.children:
            child.start()
        announced = False
        while not stopped.wait(0.2):
            if not announced and answers(host, port):
                self.stdout.write(f"海州冬训: http://{host}:{port}/  (Ctrl-C ends it)")
                announced = True
            for child in self.children:
                if child.has_died():
                    self.stderr.write(f"{child.name} ended ({child.process.returncode}); starting it again")
                    child.restart(stopped)
        self.stop()

    def stop(self) -> None:
        """Web and worker first and together, the broker they speak to after them."""
        brokers = [child for child in self.children if child.name == "redis"]
        users = [child for child in self.children if child not in brokers]
        for group, seconds in ((users, SECONDS_TO_STOP), (brokers, 1)):
            deadline = time.monotonic() + seconds
            for child in group:
                child.terminate()
            for child in group:
                child.finish(deadline)


def web(host: str, port: int, workers: int, env: dict[str, str]) -> Child:
    command = [sys.executable, "-m", "gunicorn", "haizhou_training.wsgi", "--bind", f"{host}:{port}"]
    command += ["--worker-class", "gthread", "--workers", str(workers), "--threads", "4"]
    command += ["--timeout", "120", "--graceful-timeout", "5", "--keep-alive", "5"]
    command += ["--max-requests", "5000", "--max-requests-jitter", "500"]
    command += ["--no-control-socket", "--log-level", "warning"]
    if Path("/dev/shm").is_dir():  # noqa: S108 the heartbeat file must not wait for a disk
        command += ["--worker-tmp-dir", "/dev/shm"]  # noqa: S108
    return Child("web", command, env)


def celery_worker(env: dict[str, str]) -> Child:
    # An intranet demo may well run as root; the unit files in deploy/ do not.
    as_root = ["-W", "ignore:You're running the worker with superuser"] if os.geteuid() == 0 else []
    command = [sys.executable, *as_root, "-m", "celery", "--quiet", "-A", "haizhou_training", "worker"]
    command += ["--concurrency", "1", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    return Child("worker", command, env)


def celery_beat(env: dict[str, str]) -> Child:
    """A program of its own: a beat inside the worker (--beat) that dies is never started again."""
    folder = settings.DATA_DIR / "beat"
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "haizhou_training", "beat"]
    command += ["--schedule", str(folder / "schedule"), "--pidfile", "", "--loglevel", "INFO"]
    return Child("beat", command, env)


def redis_config(port: int, password: str) -> bytes:
    folder = settings.DATA_DIR / "redis"
    folder.mkdir(exist_ok=True)
    lines = (
        f"port {port}",
        "bind 127.0.0.1",
        f"requirepass {password}",
        f'dir "{folder}"',
        "appendonly yes",
        "maxmemory-policy noeviction",
        f'logfile "{folder}/redis.log"',
    )
    return "\n".join(lines).encode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(host: str, port: int) -> bool:
    here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
    with contextlib.suppress(OSError), socket.create_connection((here, port), timeout=1):
        return True
    return False


def refuse_taken(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"{host}:{port} cannot be used ({error.strerror}); try --port 8001") from error
