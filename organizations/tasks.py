"""Celery tasks of the job ledger itself."""

from celery import shared_task

from organizations.services import jobs


@shared_task(name="organizations.tasks.sweep_jobs")
def sweep_jobs():
    """Ring again for every job whose worker or message was lost."""
    for job_pk in jobs.sweep():
        jobs.ring(job_pk)
