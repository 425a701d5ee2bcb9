"""What the ledger does about runs that die, hang or come back: the rules, without a process being killed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from haizhou_training.celery import app
from organizations import tasks
from organizations.models import Job, StoredFile
from organizations.services import jobs
from tests.base import fixture_writes

pytestmark = pytest.mark.django_db
KNOWN = "organizations.tasks.sweep_jobs"  # any kind that has a task


@pytest.fixture(autouse=True)
def loaded():
    app.loader.import_default_modules()


def ask(kind=KNOWN):
    return jobs.enqueue(kind=kind, title="试验", requested_by=None, organization=None, params={})


def let_lease_run_out(job):
    with fixture_writes():
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def die(job):
    """A run that claims the job and is never heard of again."""
    assert jobs.claim(job.pk)
    let_lease_run_out(job)


def test_a_run_that_dies_three_times_is_given_up_with_a_sentence(settings):
    job = ask()
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.sweep() in ([job.pk], []), "it waits, or runs"
        die(job)
    assert jobs.sweep() == []
    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.FAILED, 3)
    assert "三次中断" in job.reason and job.finished_at
    assert jobs.claim(job.pk) is None, "given up is given up"


def test_a_job_that_raises_each_time_is_tried_three_times_and_the_next_one_is_done():
    poison, fine = ask(), ask()

    def raises(job):
        raise RuntimeError("each time")

    for _ in range(5):
        jobs.run(poison.pk, raises)
    jobs.run(fine.pk, jobs.publish)
    poison.refresh_from_db()
    fine.refresh_from_db()
    assert (poison.state, poison.attempts) == (Job.State.FAILED, 3)
    assert "连续三次" in poison.reason
    assert fine.state == Job.State.READY


def test_a_run_that_slept_through_its_lease_publishes_nothing():
    """Frozen by a full disk or a suspended laptop, then awake again: the other run's file stands alone."""
    job = ask()
    sleeper = jobs.claim(job.pk)
    let_lease_run_out(job)
    assert jobs.sweep() == [job.pk]
    second = jobs.claim(job.pk)
    jobs.publish(second, name="b.txt", content=b"second")
    for act in (
        lambda: jobs.publish(sleeper, name="a.txt", content=b"first"),
        lambda: jobs.progress(sleeper, done=1, total=2),
    ):
        with pytest.raises(jobs.LeaseLost):
            act()
    jobs.fail(sleeper, "too late")
    jobs.release(sleeper)
    job.refresh_from_db()
    assert (job.state, bytes(job.file.content)) == (Job.State.READY, b"second")
    assert StoredFile.objects.count() == 1


def test_two_runs_at_once_claim_one_lease():
    job = ask()
    assert jobs.claim(job.pk)
    assert jobs.claim(job.pk) is None


def test_a_job_of_a_kind_no_program_knows_any_more_is_given_up_in_the_end():
    """A Celery worker drops such a message without a word; the page would say 排队中 for ever."""
    job, new = ask("reports.tasks.renamed"), ask("reports.tasks.of_a_newer_program")
    with fixture_writes():
        Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert jobs.sweep() == [new.pk]
    job.refresh_from_db()
    assert job.state == Job.State.FAILED and "没有这种任务" in job.reason


def test_the_sweep_rings_for_all_that_waits(monkeypatch):
    rung = []
    monkeypatch.setattr(jobs, "ring", rung.append)
    waiting, lost, held = ask(), ask(), ask()
    jobs.claim(held.pk)
    die(lost)
    tasks.sweep_jobs()
    assert rung == [waiting.pk, lost.pk]
