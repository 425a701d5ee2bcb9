"""Celery's side of the reports: a Job's primary key in, nothing out."""

from celery import shared_task

from organizations.services import jobs
from reports.services import daily, reports


@shared_task(name=reports.KIND)
def build_report(job_pk):
    jobs.run(job_pk, reports.build)


@shared_task(name="reports.tasks.evening_due")
def evening_due():
    daily.request_evening()


@shared_task(name=daily.KIND)
def nightly_figures(job_pk):
    jobs.run(job_pk, daily.write_evening)
