#!/usr/bin/env python3
"""One sending of a register, beside the bare statements that store the same rows.

    python bench/submit.py [--members 50000] [--rounds 7]

On the PostgreSQL of DATABASE_URL, which must hold the demo; without it on a
SQLite demo in a temporary folder. For each size a class is planned, its first
sending timed as a POST (in this process: no network) and as the bare upsert of
its rows and insert of its log, which are replayed from the very same sending;
then a sending that changes every row again. Medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import django
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

ROOT = Path(__file__).resolve().parent.parent
BACKEND = "organizations.backends.AccountBackend"
# people, branches, target in ms (SQLite, PostgreSQL)
SIZES = ((40, 1, 30, 30), (200, 8, None, 60), (500, 20, None, 120))
MOST_TIMES_BARE, MOST_QUERIES = 3, 15
NOT_QUERIES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


@dataclass
class Times:
    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    queries: int = 0


@contextmanager
def stopwatch(times: list[float]):
    began = time.perf_counter()
    yield
    times.append((time.perf_counter() - began) * 1000)


class Sender:
    """An officer at the top who plans classes of the wished size and sends their registers."""

    def __init__(self):
        from campaigns.models import Campaign, Unit  # noqa: PLC0415 only now are the settings there
        from organizations.models import Role, User  # noqa: PLC0415

        self.campaign = Campaign.objects.filter(stage="OPEN").first()
        self.officer = User.objects.filter(role=Role.OFFICER).select_related("organization").first()
        self.host = Unit.objects.get(campaign=self.campaign, organization=self.campaign.organization)
        self.client = Client(raise_request_exception=True)
        self.client.force_login(self.officer, backend=BACKEND)

    def plan(self, people: int, branches: int):
        """A class of yesterday, and as many of those it expects."""
        from attendance.queries import audience, held_on  # noqa: PLC0415
        from campaigns.services.sessions import Plan, plan_session  # noqa: PLC0415

        start = timezone.now() - timedelta(days=1)
        plan = Plan(
            title="测量",
            form=self.campaign.forms.get(code="LECTURE"),
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            units=self.branches(people, branches),
            topics=list(self.campaign.topics.filter(is_compulsory=True)[:1]),
        )
        session = plan_session(actor=self.officer, campaign=self.campaign, host=self.host, plan=plan)
        expected = audience(list(session.parts.all()), held_on(session)).values_list("pk", flat=True)
        return session, list(expected[:people])

    def branches(self, people: int, number: int) -> list:
        from attendance.models import Tally  # noqa: PLC0415

        fitting = Tally.objects.filter(campaign=self.campaign, members__gte=-(-people // number))
        found = [tally.unit for tally in fitting.select_related("unit").order_by("members", "pk")[:number]]
        if len(found) < number:
            sys.exit(f"no {number} branches for {people} people: load a larger demo")
        return found

    def send(self, session, entries: list[int], status: str, version: int):
        marks = [
            {"entry": entry, "status": status if i % 20 else "absent", "base_version": version}
            for i, entry in enumerate(entries)
        ]
        return self.client.post(
            reverse("attendance:marks", args=[session.pk]),
            json.dumps({"batch": str(uuid4()), "marks": marks}),
            content_type="application/json",
        )


def statements_of(send, *arguments) -> list[tuple]:
    """The upsert of the rows and the insert of the log of a sending that is rolled back again."""
    found: list[tuple] = []

    def look(execute, sql, params, many, context):
        if sql.startswith(('INSERT INTO "attendance_attendance"', 'INSERT INTO "attendance_mark" ')):
            found.append((sql, params))
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(look):
        send(*arguments)
        transaction.set_rollback(True)
    return found


def forget(session, statements) -> None:
    batch = statements[1][1][0]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM attendance_attendance WHERE session_id = %s", [session.pk])
        cursor.execute("DELETE FROM attendance_mark WHERE batch_id = %s", [batch])


def measure(sender: Sender, people: int, branches: int, rounds: int) -> Times:
    times = Times()
    for number in range(rounds + 1):
        session, entries = sender.plan(people, branches)
        statements = statements_of(sender.send, session, entries, "present", 0)
        with stopwatch(times.bare), transaction.atomic(), connection.cursor() as cursor:
            for sql, params in statements:
                cursor.execute(sql, params)
        forget(session, statements)
        with stopwatch(times.first):
            answer = sender.send(session, entries, "present", 0)
        if answer.status_code != 200:
            sys.exit(f"{answer.status_code}: {answer.content[:300].decode()}")
        applied = sum(mark["outcome"] == "applied" for mark in answer.json()["marks"])
        if applied != people:
            sys.exit(f"{applied} of {people} applied: {answer.content[:300]!r}")
        if number == 0:  # warming up; the query log would slow down what is timed
            with CaptureQueriesContext(connection) as captured:
                sender.send(session, entries, "late", 1)
            times = Times(queries=sum(not q["sql"].startswith(NOT_QUERIES) for q in captured))
            continue
        with stopwatch(times.again):
            sender.send(session, entries, "late", 1)
    return times


def report(rounds: int) -> None:
    sender = Sender()
    print(f"{connection.vendor}: one POST of a register, ms, medians of {rounds}\n")
    print("people  branches   bare  first  again  times bare  target  queries")
    for people, branches, on_sqlite, on_postgres in SIZES:
        times = measure(sender, people, branches, rounds)
        bare, first, again = (statistics.median(one) for one in (times.bare, times.first, times.again))
        target = on_sqlite if connection.vendor == "sqlite" else on_postgres
        print(
            f"{people:6}  {branches:8}  {bare:5.1f}  {first:5.1f}  {again:5.1f}  {first / bare:10.1f}"
            f"  {target or '—':>6}  {times.queries:7}"
        )
    print(f"\nTargets: at most {MOST_TIMES_BARE} times the bare statements, {MOST_QUERIES} queries.")


def prepare(folder: str) -> None:
    sys.path.insert(0, str(ROOT))
    os.environ |= {"DATA_DIR": folder, "DEMO": "1", "DEBUG": "0", "LOG_LEVEL": "ERROR"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "haizhou_training.settings"
    os.environ.pop("REDIS_URL", None)
    django.setup()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="haizhou-bench-") as folder:
        prepare(folder)
        if "DATABASE_URL" not in os.environ:
            for command in (["migrate", "-v0"], ["load_demo", "--members", str(asked.members), "--json"]):
                run = [sys.executable, "manage.py", *command]
                subprocess.run(run, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        report(asked.rounds)


if __name__ == "__main__":
    main()
