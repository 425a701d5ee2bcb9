"""The Celery app. Tasks take a Job's primary key and nothing else; the Job row is the truth.

`beat_schedule` is read twice: by Celery beat, and by the built-in runner that
stands in for it where there is no broker.
"""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "haizhou_training.settings")

app = Celery("haizhou_training")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "sweep_jobs": {"task": "organizations.tasks.sweep_jobs", "schedule": 60.0},
    "recount_due": {"task": "attendance.tasks.recount_due", "schedule": 60.0},
    "nightly_figures": {
        "task": "reports.tasks.nightly_figures",
        "schedule": crontab(hour=23, minute=50),
    },
}
