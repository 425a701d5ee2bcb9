"""The built-in runner: stands in for the broker, Celery's worker and beat on a single machine.

It finds work in the job ledger and calls the very functions a Celery worker
would call. Several may run beside each other: a job is claimed by one
conditional UPDATE inside its task, so it is done once.
"""

import copy
import logging
from datetime import datetime, timedelta

from celery.schedules import maybe_schedule
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from haizhou_training.celery import app
from organizations.models import Job
from organizations.services import jobs

logger = logging.getLogger(__name__)

# A job still waiting after its task ran (the task broke before claiming it) must
# not keep the others from their turn.
REST_AFTER_FAILURE = timedelta(seconds=60)


class Runner:
    def __init__(self, *, now: datetime | None = None):
        app.loader.import_default_modules()
        started = now or timezone.now()
        self._resting: dict[int, datetime] = {}
        self._last_run = {
            name: self._first_turn(entry, started) for name, entry in app.conf.beat_schedule.items()
        }

    @staticmethod
    def _first_turn(entry: dict, started: datetime) -> datetime:
        """Intervals run at once (a sweep mends what a crash left); clock times wait until they pass."""
        schedule = maybe_schedule(entry["schedule"])
        every = getattr(schedule, "run_every", timedelta())
        return started - every

    def run_one(self) -> bool:
        """Run the oldest waiting job, if any; its own failure never ends the runner."""
        now = timezone.now()
        self._resting = {pk: until for pk, until in self._resting.items() if until > now}
        waiting = Job.objects.filter(state=Job.State.PENDING).exclude(pk__in=self._resting)
        job = waiting.order_by("pk").values_list("pk", "kind").first()
        if job is None:
            return False
        pk, kind = job
        self._resting[pk] = now + REST_AFTER_FAILURE
        self._run_job(pk, kind)
        return True

    def _run_job(self, pk: int, kind: str) -> None:
        task = app.tasks.get(kind)
        if task is None:
            claimed = jobs.claim(pk)
            if claimed:
                jobs.fail(claimed, f"没有这种任务：{kind}。请联系管理员。")
            return
        try:
            task(pk)
        except Exception:
            logger.exception("Job %s (%s) failed", pk, kind)

    def run_scheduled(self, now: datetime) -> list[str]:
        """Run what `beat_schedule` says is due at `now`; returns the names that ran."""
        ran = []
        for name, entry in app.conf.beat_schedule.items():
            if not self._is_due(name, entry, now):
                continue
            self._last_run[name] = now
            ran.append(name)
            try:
                app.tasks[entry["task"]](*entry.get("args", ()), **entry.get("kwargs", {}))
            except Exception:
                logger.exception("Scheduled %s failed", name)
        return ran

    def _is_due(self, name: str, entry: dict, now: datetime) -> bool:
        schedule = copy.copy(maybe_schedule(entry["schedule"], app=app))
        schedule.nowfun = lambda: now
        return schedule.is_due(self._last_run[name]).is_due

    def turn(self) -> bool:
        """One look at clock and ledger; True while there may be more to do at once."""
        close_old_connections()
        try:
            self.run_scheduled(timezone.now())
            return self.run_one()
        except DatabaseError:
            # The database may be away or locked for longer than its timeout: wait for it.
            logger.exception("The job ledger cannot be read")
            return False
