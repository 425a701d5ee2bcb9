"""Celery tasks of the job ledger itself, and of rosters too long for a page."""

from celery import shared_task

from organizations.services import import_checks, jobs, rosters


@shared_task(name="organizations.tasks.sweep_jobs")
def sweep_jobs():
    """Ring again for every job whose worker or message was lost."""
    for job_pk in jobs.sweep():
        jobs.ring(job_pk)


@shared_task(name=rosters.KIND)
def export_roster(job_pk):
    jobs.run(job_pk, lambda job: rosters.build(job=job))


@shared_task(name=import_checks.KIND)
def check_roster(job_pk):
    jobs.run(job_pk, import_checks.run_check)
