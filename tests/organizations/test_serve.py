"""`manage.py serve`: web and worker as one command, both restarted when they die."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from organizations.models import Job
from organizations.services import jobs
from tests import services

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Serve:
    """The command in a process of its own, on the test database."""

    def __init__(self, log: Path, *options: str):
        self.port = services.free_port()
        self.log = log
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port), *options]
        env = services.environment_of_test_database()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, env=env, cwd=settings.BASE_DIR, stdout=output, stderr=output, start_new_session=True
            )
        services.wait_until(self.answers, seconds=60, what=f"web ({log})")

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(self.log.read_text())
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def child(self, word: str) -> int | None:
        """The pid of the direct child whose command line holds `word`."""
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            command = Path(f"/proc/{pid}/cmdline")
            if command.exists() and word in command.read_text():
                return int(pid)
        return None

    def kill_child(self, word: str) -> None:
        """kill -9, then wait until another one has taken its place."""
        before = services.wait_until(lambda: self.child(word), what=word)
        os.kill(before, signal.SIGKILL)
        services.wait_until(lambda: self.child(word) not in (None, before), what=f"a new {word}")

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Seconds it took to end."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=20)
        return time.monotonic() - began


@pytest.fixture
def serve(tmp_path):
    running = []

    def start(*options):
        running.append(Serve(tmp_path / f"serve{len(running)}.log", *options))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture(scope="module")
def living(django_db_setup, tmp_path_factory):
    """One for the tests that leave it whole again."""
    running = Serve(tmp_path_factory.mktemp("serve") / "serve.log", "--workers", "1")
    yield running
    running.stop()


def worker_does_a_job() -> None:
    """A job of a kind nobody knows is given back with a sentence: proof that a runner looked at it."""
    job = jobs.enqueue(kind="nobody.knows", title="试验", requested_by=None, organization=None, params={})
    failed = Job.objects.filter(pk=job.pk, state=Job.State.FAILED)
    services.wait_until(failed.exists, what="job seen by the worker")


@pytest.mark.either
def test_a_killed_worker_is_started_again_and_does_the_next_job(living):
    worker_does_a_job()
    living.kill_child("run_jobs")
    worker_does_a_job()


@pytest.mark.either
def test_a_killed_web_server_answers_again(living):
    living.kill_child("gunicorn")
    services.wait_until(living.answers, what="web after its restart")


@pytest.mark.either
def test_a_port_in_use_is_said_in_one_line(living):
    with pytest.raises(CommandError, match="cannot be used"):
        call_command("serve", port=living.port)


@pytest.mark.either
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_web_and_worker_end_together_within_ten_seconds(serve, number):
    running = serve()
    web, worker = running.child("gunicorn"), running.child("run_jobs")
    assert web and worker
    assert running.stop(number) < 10
    assert running.process.returncode == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in (web, worker))


@pytest.mark.redis
def test_with_redis_it_runs_a_real_celery_worker_and_restarts_it(serve, redis_server):
    running = serve("--with-redis")
    ready = services.wait_until(lambda: "ready." in running.log.read_text(), seconds=60, what="Celery worker")
    assert ready
    assert running.child("redis-server")
    running.kill_child("celery")
    services.wait_until(
        lambda: running.log.read_text().count("ready.") == 2, seconds=60, what="the second Celery worker"
    )
    running.kill_child("redis-server")
    assert running.stop() < 10
