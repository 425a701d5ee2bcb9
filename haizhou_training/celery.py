"""The Celery app. Tasks take a Job's primary key and nothing else; the Job row is the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "haizhou_training.settings")

app = Celery("haizhou_training")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
