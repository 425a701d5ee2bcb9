#!/usr/bin/env python3
"""Counting everything again, beside the bare statement that reads the same rows.

    python bench/recount.py [--members 50000] [--rounds 5]

On the PostgreSQL of DATABASE_URL, which must hold the demo: its derived rows are
emptied and counted again, so let nobody else measure there. Without it, on a
SQLite demo in a temporary folder. Each round runs every case once, so that all
share the same minutes; medians, in seconds. PostgreSQL without parallel workers
on both sides. Last, registers are sent while a rebuild runs: how long its chunks
held their locks, and how long a register took.
"""

# ruff: noqa: S608 - statements are made of names of our own
import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, connections
from pages import load_demo
from submit import Sender, prepare

MOST_TIMES_BARE = 4
EVERYTHING = 180  # seconds, for a million
MANY = 500_000  # members, from which three rounds must do
LOCAL = ("127.0.0.1", "localhost", "")
DERIVED = ("attendance_standing", "attendance_sessiontally", "attendance_tally")


class Marker(Sender):
    """Somebody at the top whose classes lie anywhere in the campaign."""

    def branches(self, people: int, number: int) -> list:
        from attendance.models import Tally  # noqa: PLC0415 only now are the settings there
        from campaigns.models import Unit  # noqa: PLC0415

        fitting = Tally.objects.filter(campaign=self.campaign, members__gte=-(-people // number))
        chosen = random.sample(list(fitting.values_list("unit_id", flat=True)), number)
        return list(Unit.objects.filter(pk__in=chosen))


class Registers(threading.Thread):
    """Sends one register after the other until it is told to stop."""

    def __init__(self):
        super().__init__(daemon=True)
        self.marker = Marker()
        self.classes = [self.marker.plan(40, 2) for _ in range(4)]
        self.waits: list[float] = []
        self.refused = ""
        self.is_over = threading.Event()

    def run(self) -> None:
        turn = 0
        while not self.is_over.is_set():
            for session, entries in self.classes:
                began = time.perf_counter()
                answer = self.marker.send(session, entries, ("present", "late")[turn % 2], turn)
                self.waits.append(time.perf_counter() - began)
                if answer.status_code != 200:
                    self.refused = answer.content[:300].decode()
                time.sleep(0.02)
            turn += 1
        connections.close_all()


# --- The two sides ------------------------------------------------------------------------
def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def bare_select() -> str:
    """The aggregate of Standing over every row: one pass, no roster, no rule, nothing compared."""
    from attendance.queries.derived import rule_of, standing_facts  # noqa: PLC0415
    from campaigns.models import Campaign  # noqa: PLC0415

    facts = standing_facts(rule_of(Campaign.objects.filter(stage="OPEN").first().pk))
    named = ", ".join(f"{expression} AS {name}" for name, expression in facts.items())
    return f"SELECT entry_id, {named} FROM attendance_attendance GROUP BY entry_id"


def create_table(select: str) -> None:
    if connection.vendor == "postgresql":
        execute(
            f"CREATE TABLE bench_bare AS {select}",
            "ALTER TABLE bench_bare ADD PRIMARY KEY (entry_id)",
        )
    else:
        execute(
            f"CREATE TABLE bench_bare AS {select}",
            "CREATE UNIQUE INDEX bench_bare_key ON bench_bare (entry_id)",
        )


def run_select(select: str) -> None:
    """Every row computed, none sent away."""
    if connection.vendor == "postgresql":
        execute(f"EXPLAIN (ANALYZE, TIMING OFF) {select}")
        return
    with connection.cursor() as cursor:
        cursor.execute(select)
        while cursor.fetchmany(1000):
            pass


def empty(*tables: str) -> None:
    for table in tables:
        execute(f"TRUNCATE {table}" if connection.vendor == "postgresql" else f"DELETE FROM {table}")


def rebuild_all() -> None:
    from attendance.services.recount import rebuild  # noqa: PLC0415
    from campaigns.models import Campaign  # noqa: PLC0415

    for campaign in Campaign.objects.order_by("pk"):
        rebuild(campaign=campaign)


def check_all() -> None:
    from attendance.services.recount import differences  # noqa: PLC0415
    from campaigns.models import Campaign  # noqa: PLC0415

    wrong = [line for campaign in Campaign.objects.order_by("pk") for line in differences(campaign=campaign)]
    if wrong:
        sys.exit("\n".join(["derived rows differ from a recount:", *wrong[:5]]))


@contextmanager
def standings_only():
    """The rebuild and the check, less the other two tables and the pauses SQLite's waiters need."""
    from attendance.services import recount  # noqa: PLC0415

    tables, pause = recount._of_branches, recount.PAUSE
    recount._of_branches = lambda rule, units: list(tables(rule, units))[:1]
    recount.PAUSE = 0
    yield
    recount._of_branches, recount.PAUSE = tables, pause


# --- Measuring ----------------------------------------------------------------------------
def processor_time() -> float:
    """Of this process and, where it can be seen from here, of the server's end of its connection."""
    used = time.process_time()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")
        if connection.settings_dict["HOST"] in LOCAL and stat.exists():
            fields = stat.read_text().rpartition(")")[2].split()
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


class Times:
    def __init__(self):
        self.of: dict[str, list[float]] = defaultdict(list)
        self.cpu: dict[str, list[float]] = defaultdict(list)

    def take(self, name: str, act: Callable, *arguments) -> None:
        used, began = processor_time(), time.perf_counter()
        act(*arguments)
        self.of[name].append(time.perf_counter() - began)
        self.cpu[name].append(processor_time() - used)

    def median(self, name: str) -> float:
        return statistics.median(self.of[name])


def one_round(times: Times, select: str) -> None:
    execute("DROP TABLE IF EXISTS bench_bare")
    times.take("bare table", create_table, select)
    execute("DROP TABLE bench_bare")
    with standings_only():
        empty(DERIVED[0])
        times.take("standings, from nothing", rebuild_all)
        times.take("standings, nothing wrong", rebuild_all)
        times.take("bare SELECT", run_select, select)
        times.take("check of standings", check_all)
    empty(*DERIVED)
    times.take("everything, from nothing", rebuild_all)
    times.take("check of everything", check_all)


def show(times: Times, members: int) -> None:
    bases = {"bare table": "bare table", "bare SELECT": "bare SELECT"}
    bases |= {"standings, from nothing": "bare table", "standings, nothing wrong": "bare table"}
    bases |= {"check of standings": "bare SELECT", "check of everything": "bare SELECT"}
    print(f"{'seconds':26} {'elapsed':>7}  {'CPU':>7}")
    for name in times.of:
        line = f"{name:26} {times.median(name):7.2f}  {statistics.median(times.cpu[name]):7.2f}"
        if (base := bases.get(name)) and base != name:
            ratio = times.median(name) / times.median(base)
            line += f"  {ratio:4.1f} x {base} (target {MOST_TIMES_BARE})"
        elif name.startswith("everything"):
            line += f"  target {EVERYTHING} s for a million, here {members:,}"
        print(line)


def beside_registers() -> tuple[list[float], list[float]]:
    """How long each chunk of a rebuild held its locks, and how long each register took meanwhile."""
    from attendance.services import recount  # noqa: PLC0415

    held: list[float] = []
    lock, rest = recount.lock_units, recount._let_others_write

    def lock_and_look(units):
        locked = lock(units)
        held.append(time.perf_counter())
        return locked

    def look_and_rest():
        held[-1] = time.perf_counter() - held[-1]
        rest()

    registers = Registers()
    empty(*DERIVED[1:])
    execute("UPDATE attendance_standing SET minutes = minutes + 1")
    recount.lock_units, recount._let_others_write = lock_and_look, look_and_rest
    registers.start()
    rebuild_all()
    recount.lock_units, recount._let_others_write = lock, rest
    registers.is_over.set()
    registers.join()
    if registers.refused:
        sys.exit(f"a register was refused: {registers.refused}")
    check_all()
    return held, registers.waits


def report(rounds: int | None) -> None:
    from attendance.models import Attendance, RosterEntry  # noqa: PLC0415
    from organizations.models import Member  # noqa: PLC0415
    from reports.demo.load import loaded  # noqa: PLC0415

    if not loaded():
        sys.exit("the database holds no demo: manage.py load_demo first")
    if connection.vendor == "postgresql":
        execute("SET statement_timeout = 0", "SET max_parallel_workers_per_gather = 0")
    members = Member.objects.count()
    rounds = rounds or (3 if members > MANY else 5)
    print(
        f"{connection.vendor}: {members:,} members, {RosterEntry.objects.count():,} entries, "
        f"{Attendance.objects.count():,} rows; medians of {rounds}\n"
    )
    times, select = Times(), bare_select()
    for _ in range(rounds):
        one_round(times, select)
    show(times, members)
    held, waits = (sorted(found) for found in beside_registers())
    print("\nA rebuild of everything beside somebody who sends registers of 40, seconds, median and longest:")
    print(f"  {len(held):5} chunks held their locks {statistics.median(held):6.2f} {held[-1]:6.2f}")
    print(f"  {len(waits):5} registers took         {statistics.median(waits):6.2f} {waits[-1]:6.2f}")
    print("No derived row differs afterwards.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, help="5; 3 for a province")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="haizhou-bench-") as folder:
        prepare(folder)
        if "DATABASE_URL" not in os.environ:
            load_demo(asked.members)
        report(asked.rounds)


if __name__ == "__main__":
    main()
