from celery import shared_task

from attendance.services import recounting, sheet_readings
from organizations.services import jobs


@shared_task(name="attendance.tasks.recount_due")
def recount_due() -> None:
    for job_pk in recounting.request_due():
        jobs.ring(job_pk)


@shared_task(name="attendance.tasks.drop_readings")
def drop_readings() -> None:
    """Uploads nobody came back to are forgotten after a day."""
    sheet_readings.drop_expired()


@shared_task(name="attendance.tasks.recount_campaign")
def recount_campaign(job_pk: int) -> None:
    jobs.run(job_pk, recounting.recount_campaign)
