"""Who waits for SQLite's write lock is not passed over by those who come later."""

import os
import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from attendance.services.recount import rebuild
from haizhou_training.sqlite.base import is_busy, turnstile
from organizations.models import Job, StoredFile
from organizations.services import jobs
from tests.base import PASSWORD, fixture_writes
from tests.races.crowd import PATIENCE, Storm, all_at_once
from tests.races.scene import RaceScene

pytestmark = pytest.mark.django_db(transaction=True)
# By those who came later. In a queue a thread is overtaken only between the clock and the queue.
OVERTAKEN = 25


@pytest.fixture
def short_timeout(monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)


def write():
    with transaction.atomic():
        pass


@pytest.mark.slow
def test_nobody_is_passed_over_while_newcomers_never_stop():
    """Eight write without a pause, 20 ms each: the lock is never free for longer than a moment."""
    if connection.vendor != "sqlite":
        return  # PostgreSQL locks rows and keeps a queue
    storm, turns = Storm(seconds=3), []

    def hold_for_a_moment(turn):
        came = time.monotonic()
        with transaction.atomic():
            turns.append((came, time.monotonic()))
            time.sleep(0.02)

    storm.rage([(f"writer {number}", hold_for_a_moment, 0) for number in range(8)])
    assert storm.surprises == []
    assert len(turns) > 50
    overtaken = [sum(came > mine and got < had for came, got in turns) for mine, had in turns]
    print(f"\novertaken {max(overtaken)} times at most, in {len(turns)} turns")
    assert max(overtaken) < OVERTAKEN


def test_waiting_ends_with_the_timeout(short_timeout):
    if connection.vendor != "sqlite":
        return
    held, refused = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            held.set()
            assert refused.wait(PATIENCE)

    def wait():
        assert held.wait(PATIENCE)
        try:
            write()
        finally:
            refused.set()

    answers = all_at_once([hold, wait])
    assert answers[0] is None
    assert isinstance(answers[1], OperationalError) and is_busy(answers[1])


def test_waiting_ends_with_the_timeout_at_the_turnstile_too(short_timeout):
    """Who stands in it may be a process that was stopped; once it goes on, everybody gets through again."""
    if connection.vendor != "sqlite":
        return
    with turnstile(f"{connection.settings_dict['NAME']}-queue", time.monotonic()):
        for answer in all_at_once([write] * 3):
            assert isinstance(answer, OperationalError) and is_busy(answer)
            assert "locked" in str(answer)
    connection.settings_dict["OPTIONS"]["timeout"] = PATIENCE
    assert all_at_once([write] * 3) == [None] * 3


def test_a_queue_made_by_root_keeps_nobody_out(tmp_path):
    path = tmp_path / "queue"
    before = os.umask(0o022)
    try:
        with turnstile(str(path), time.monotonic()):
            assert path.stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)
    path.chmod(0o444)
    with turnstile(str(path), time.monotonic()):
        pass


def log_in(client):
    account = {"username": RaceScene().officer.username, "password": PASSWORD}
    yield
    assert client.post("/login/", account).status_code == 302


def sweep(client):
    past = timezone.now() - timedelta(days=9)
    with fixture_writes():
        for attempts in (1, jobs.MAX_ATTEMPTS):
            Job.objects.create(kind="x", state=Job.State.RUNNING, attempts=attempts, lease_until=past)
        StoredFile.objects.create(name="x", content=b"x", size=1, expires_at=past)
    yield
    jobs.sweep()
    assert not StoredFile.objects.exists()


def recount(client):
    campaign = RaceScene().campaign
    yield
    rebuild(campaign=campaign)


@pytest.mark.parametrize("act", [log_in, sweep, recount])
def test_what_runs_often_writes_in_transactions_only(client, act):
    """A single statement waits beside the queue and finds the lock taken again and again."""
    beside, steps = [], act(client)
    next(steps)  # all is prepared

    def look(execute, sql, params, many, context):
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and not connection.in_atomic_block:
            beside.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        assert list(steps) == []
    assert beside == []
