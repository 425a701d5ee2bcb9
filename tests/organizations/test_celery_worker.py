"""A real Celery worker and a real redis-server: what they lose, the ledger brings back."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from haizhou_training.celery import app
from organizations.models import Job, StoredFile
from organizations.services import jobs
from tests import services
from tests.base import fixture_writes
from tests.celery_tasks import WAITING_JOB

pytestmark = [pytest.mark.redis, pytest.mark.django_db(transaction=True)]
WITH_TEST_TASKS = ("--include", "tests.celery_tasks")


def enqueue(until):
    return jobs.enqueue(
        kind=WAITING_JOB, title="试验", requested_by=None, organization=None, params={"until": str(until)}
    )


def wait_for(job, state):
    def reached():
        job.refresh_from_db()
        return job.state == state

    services.wait_until(reached, what=f"job in state {state}")


def test_the_bell_rung_on_commit_makes_a_worker_publish_the_file(celery_worker, tmp_path):
    celery_worker(*WITH_TEST_TASKS)
    job = enqueue(tmp_path / "go")
    wait_for(job, Job.State.RUNNING)
    services.wait_until(lambda: Job.objects.get(pk=job.pk).progress_text == "等待", what="progress")
    (tmp_path / "go").touch()
    wait_for(job, Job.State.READY)
    assert bytes(job.file.content) == b"done"


def test_a_job_whose_worker_was_killed_is_done_once_by_the_next_one(celery_worker, tmp_path):
    first = celery_worker(*WITH_TEST_TASKS)
    job = enqueue(tmp_path / "go")
    wait_for(job, Job.State.RUNNING)
    first.kill()
    with fixture_writes():  # the quarter of an hour until its lease is over
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    celery_worker(*WITH_TEST_TASKS)
    (tmp_path / "go").touch()
    app.send_task("organizations.tasks.sweep_jobs")
    wait_for(job, Job.State.READY)
    assert job.attempts == 2
    assert StoredFile.objects.count() == 1


def test_a_message_delivered_twice_publishes_once(celery_worker, tmp_path):
    (tmp_path / "go").touch()
    job = enqueue(tmp_path / "go")
    jobs.ring(job.pk)
    jobs.ring(job.pk)
    celery_worker(*WITH_TEST_TASKS)
    wait_for(job, Job.State.READY)
    last = enqueue(tmp_path / "go")
    wait_for(last, Job.State.READY)  # one process works in order: both copies were handled by now
    job.refresh_from_db()
    assert job.attempts == 1
    assert StoredFile.objects.count() == 2


def test_a_request_is_kept_while_the_broker_is_away_and_done_when_it_is_back(
    celery_worker, broker, settings, tmp_path
):
    (tmp_path / "go").touch()
    settings.REDIS_URL = f"redis://127.0.0.1:{services.free_port()}/0"
    began = time.monotonic()
    with services.broker(app, settings.REDIS_URL):
        job = enqueue(tmp_path / "go")
    assert time.monotonic() - began < 5, "whoever asked must not wait for a broker that is away"
    assert Job.objects.get(pk=job.pk).state == Job.State.PENDING

    settings.REDIS_URL = broker
    celery_worker(*WITH_TEST_TASKS)
    app.send_task("organizations.tasks.sweep_jobs")
    wait_for(job, Job.State.READY)
