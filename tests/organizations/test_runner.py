"""The built-in runner does what Celery's worker and beat would do."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab

from haizhou_training.celery import app
from organizations.models import Job
from organizations.runner import Runner
from organizations.services import jobs

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVENING = datetime(2026, 12, 20, 23, 30, tzinfo=SHANGHAI)


def enqueue(kind, **fields):
    return jobs.enqueue(kind=kind, title="试验", requested_by=None, organization=None, params={}, **fields)


@pytest.fixture
def task():
    """Registers a function as a Celery task under a name of its own; gone after the test."""
    names = []

    def register(function, name="tests.task"):
        def run(*args):
            return function(*args)

        app.task(name=name)(run)
        app.finalize()
        names.append(name)
        return name

    yield register
    for name in names:
        app.tasks.pop(name, None)


@pytest.mark.django_db
def test_it_says_when_nothing_waits():
    assert Runner().run_one() is False


@pytest.mark.django_db
def test_it_runs_the_oldest_waiting_job_with_the_task_of_that_name(task):
    ran = []
    kind = task(lambda pk: jobs.run(pk, lambda job: (ran.append(job.pk), jobs.publish(job))))
    first, second = enqueue(kind), enqueue(kind)
    runner = Runner()
    assert runner.run_one() is True
    assert ran == [first.pk]
    runner.run_one()
    assert ran == [first.pk, second.pk]
    assert set(Job.objects.values_list("state", flat=True)) == {Job.State.READY}


@pytest.mark.django_db
def test_a_job_that_breaks_does_not_stop_the_others_and_is_not_tried_at_once_again(task):
    def breaks(pk):
        raise RuntimeError("before the claim")

    broken = enqueue(task(breaks, "tests.breaks"))
    fine = enqueue(task(lambda pk: jobs.run(pk, jobs.publish), "tests.fine"))
    runner = Runner()
    while runner.run_one():
        pass
    broken.refresh_from_db()
    fine.refresh_from_db()
    assert (broken.state, fine.state) == (Job.State.PENDING, Job.State.READY)


@pytest.mark.django_db
def test_a_job_nobody_knows_fails_with_a_sentence():
    job = enqueue("nobody.knows")
    Runner().run_one()
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "没有这种任务" in job.reason


def runner_with(monkeypatch, schedule, *, started):
    monkeypatch.setitem(app.conf, "beat_schedule", {"one": {"task": "tests.task", "schedule": schedule}})
    return Runner(now=started)


def test_interval_work_runs_at_start_and_then_at_its_interval(monkeypatch, task):
    ran = []
    task(lambda: ran.append(1))
    runner = runner_with(monkeypatch, 60.0, started=EVENING)
    assert runner.run_scheduled(EVENING) == ["one"]
    assert runner.run_scheduled(EVENING + timedelta(seconds=59)) == []
    assert runner.run_scheduled(EVENING + timedelta(seconds=60)) == ["one"]
    assert len(ran) == 2


def test_nightly_work_waits_for_its_time_and_runs_once(monkeypatch, task):
    ran = []
    task(lambda: ran.append(1))
    runner = runner_with(monkeypatch, crontab(hour=23, minute=50), started=EVENING)
    assert runner.run_scheduled(EVENING) == []
    assert runner.run_scheduled(EVENING + timedelta(minutes=19, seconds=59)) == []
    assert runner.run_scheduled(EVENING + timedelta(minutes=20)) == ["one"]
    assert runner.run_scheduled(EVENING + timedelta(minutes=20, seconds=1)) == []
    assert runner.run_scheduled(EVENING + timedelta(days=1)) == []
    assert runner.run_scheduled(EVENING + timedelta(days=1, minutes=21)) == ["one"]


def test_scheduled_work_that_breaks_comes_again_at_its_next_time(monkeypatch, task):
    def breaks():
        raise RuntimeError("away")

    task(breaks)
    runner = runner_with(monkeypatch, 60.0, started=EVENING)
    assert runner.run_scheduled(EVENING) == ["one"]
    assert runner.run_scheduled(EVENING + timedelta(seconds=61)) == ["one"]


def test_every_scheduled_task_exists():
    """A misspelt name in beat_schedule would be noticed by nobody for weeks."""
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


@pytest.mark.django_db
def test_two_who_ask_in_the_same_moment_get_the_same_job(monkeypatch):
    first = enqueue("x", key="same")
    answers = iter([None])
    look = jobs.keyed
    # The second looked before the first was committed.
    monkeypatch.setattr(jobs, "keyed", lambda key: next(answers, look(key)))
    assert enqueue("x", key="same") == first
    assert Job.objects.count() == 1
