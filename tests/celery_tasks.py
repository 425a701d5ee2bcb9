"""Tasks for tests of the ledger; a worker started with `--include tests.celery_tasks` has them."""

import os
import signal
import time
from pathlib import Path

from celery import shared_task

from organizations.services import jobs

WAITING_JOB = "tests.waiting_job"
POISON = "tests.poison"


@shared_task(name=WAITING_JOB)
def waiting_job(job_pk):
    """Publishes a file once the path in params["until"] exists, so a test decides when it ends."""
    jobs.run(job_pk, wait_and_publish)


def wait_and_publish(job):
    jobs.progress(job, done=1, total=2, text="等待")
    while not Path(job.params["until"]).exists():
        time.sleep(0.05)
    jobs.publish(job, name="done.txt", content=b"done", content_type="text/plain")


@shared_task(name=POISON)
def poison(job_pk):
    """Kills the process that works on it, each time: what a file that eats all memory does."""
    jobs.run(job_pk, lambda job: os.kill(os.getpid(), signal.SIGKILL))
