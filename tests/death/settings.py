"""The product's settings, with the tasks that only tests have: what the killed processes run on."""

from tests.process_settings import *  # noqa: F403

# Once a minute in production: too seldom for a database to die just then.
SESSION_SAVE_EVERY_REQUEST = True
CELERY_IMPORTS = ("tests.celery_tasks",)
