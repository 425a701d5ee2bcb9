"""The product's settings, with the tasks that only tests have: what the killed processes run on."""

from haizhou_training.settings import *  # noqa: F403

CELERY_IMPORTS = ("tests.celery_tasks",)
