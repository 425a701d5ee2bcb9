"""kill -9 of each process once, amid each kind of work. `bench/death.py` does it twenty times."""

import random
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from organizations.models import Job
from organizations.services import jobs
from reports.services import daily
from scripts import with_postgres
from tests import services
from tests.celery_tasks import POISON
from tests.death.matrix import Matrix, played
from tests.death.processes import House

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
# Celery works beside PostgreSQL and the built-in runner beside SQLite: there everybody dies. The other way
# round, those whose death the database could make a difference to.
WITH_REDIS = {"postgresql": ("web", "worker", "child", "beat", "redis"), "sqlite": ("worker", "redis")}
BUILT_IN = {"sqlite": (("web", "import"), ("runner", "report")), "postgresql": (("runner", "report"),)}
SMALL = {"branches": 2, "people": 10, "lease": 3}


@pytest.fixture(autouse=True)
def seed():
    """A failure names it; the same seed kills in the same order, at the same share of each act."""
    number = random.randrange(10**6)
    random.seed(number)
    print(f"seed {number}")


def ask(kind: str, **params) -> Job:
    return jobs.enqueue(kind=kind, title="试验", requested_by=None, organization=None, params=params)


def is_over(job: Job) -> bool:
    job.refresh_from_db()
    return job.is_over


def let_poison_kill(house: House, worker: str) -> None:
    """Every attempt kills whoever works on it; the job asked for after it is done all the same."""
    before = house.pid_of(worker)
    poison, next_one = ask(POISON), ask(daily.KIND, day="2026-01-01")
    services.wait_until(
        lambda: house.pid_of(worker) not in (None, before), seconds=60, what="death by poison"
    )
    services.wait_until(lambda: is_over(next_one), seconds=60, what="the next job")
    assert next_one.state == Job.State.READY
    services.wait_until(lambda: is_over(poison), seconds=60, what="the end of the poison")
    assert (poison.state, poison.attempts) == (Job.State.FAILED, jobs.MAX_ATTEMPTS)
    assert "三次中断" in poison.reason


def break_promises(matrix: Matrix) -> None:
    """What was never stored is found missing: the proof can fail."""
    ledger = matrix.ledger
    ledger.statuses |= dict.fromkeys(list(ledger.statuses)[:1], "online")
    ledger.imports |= {batch: [*names, "没有这个人"] for batch, names in list(ledger.imports.items())[:1]}
    ledger.never.append("an act")
    found = matrix.proof.look()
    assert (len(found.lost), len(found.stuck)) == (2, 1)


@pytest.mark.redis
def test_nothing_acknowledged_is_lost_or_done_twice_whoever_dies(redis_installed, tmp_path):
    with played(tmp_path, with_redis=True, **SMALL) as matrix:
        victims = WITH_REDIS[connection.vendor]
        matrix.run(victims, kills=1)
        assert matrix.is_clean, matrix.table()
        assert sum(cell.kills for cell in matrix.cells.values()) == len(victims)
        let_poison_kill(matrix.house, "child")


def test_the_built_in_runner_may_die_amid_its_work(tmp_path):
    with played(tmp_path, **SMALL) as matrix:
        for victim, moment in BUILT_IN[connection.vendor]:
            matrix.cycle(victim, moment)
        assert matrix.is_clean, matrix.table()
        let_poison_kill(matrix.house, "runner")
        break_promises(matrix)


@pytest.mark.redis
def test_postgresql_itself_may_die(redis_installed):
    """A server of its own: the one the suite runs on must live."""
    if connection.vendor == "postgresql":
        return  # done once, beside SQLite
    with_postgres.bin_dir()
    command = [sys.executable, "bench/death.py", "--only", "postgres", "--victims", "postgres"]
    answer = subprocess.run(
        [*command, "--kills", "1", "--people", "5"], cwd=settings.BASE_DIR, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
