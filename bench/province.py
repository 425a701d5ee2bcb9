#!/usr/bin/env python3
"""The reading half of a province: each page's time, queries and bytes beside its target.

    python bench/province.py [--members 1000000] [--double] [--keep] [--rounds 5]

With DATABASE_URL of a PostgreSQL that holds the demo it measures there; of an
empty one, or without any, it loads the demo first (an own server in a temporary
folder, durable as PostgreSQL comes). Pages are asked in this process, as
bench/pages.py does: no network, no browser, gzip on. The median of the rounds.
`--double` loads half as many people beside and prints the ratio. Then the
memory of an idle web worker and of an idle Celery worker.
"""

import argparse
import contextlib
import importlib.util
import json
import logging
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import django
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

ROOT = Path(__file__).resolve().parent.parent
BACKEND = "organizations.backends.AccountBackend"
NEXT = re.compile(rb'rel="next" href="([^"]+)"')
LIST, SEARCH, DASHBOARD, OWN_DASHBOARD = 100, 50, 100, 30  # ms
MOST_MEMORY = 90  # MB
COUNTY = "bench_county"


@dataclass(frozen=True)
class Page:
    name: str
    url: str
    target: int


# --- The database -----------------------------------------------------------------------
def postgres():
    """scripts/with_postgres.py, which is a program and no package."""
    spec = importlib.util.spec_from_file_location("with_postgres", ROOT / "scripts/with_postgres.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def manage(*arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def load(members: int) -> None:
    """Loads the demo; where it is loaded already this says so and changes nothing."""
    manage("migrate", "--verbosity", "0")
    began = time.perf_counter()
    facts = json.loads(manage("load_demo", "--members", str(members), "--json"))
    print(f"load_demo --members {members}: {time.perf_counter() - began:.0f} s, {facts['campaigns'][-1]}")


def measured_apart(members: int, rounds: int) -> dict[str, float]:
    """The same figures of another size, from a process of its own: Django knows one database."""
    with tempfile.NamedTemporaryFile("r") as figures, postgres().running(postgres().DURABLE) as server:
        command = [sys.executable, __file__, "--members", str(members), "--rounds", str(rounds)]
        env = os.environ | {"DATABASE_URL": server.url}
        subprocess.run([*command, "--figures", figures.name], env=env, check=True)
        return json.load(figures)


# --- Whom we ask as, and what ------------------------------------------------------------
@contextlib.contextmanager
def accounts() -> Iterator[list]:
    """The province's officer, one of a district made for the measurement, a township's organizer."""
    from organizations.models import Role, User  # noqa: PLC0415 only now are the settings there

    user = {one.username: one for one in User.objects.select_related("organization")[:10]}
    township = user["organizer1"]
    district = type(township.organization).objects.get(path=township.organization.path[:-4])
    county = User(username=COUNTY, name="测量", organization=district, role=Role.OFFICER)
    county.must_change_password = False
    User.objects.filter(username=COUNTY).delete()
    county.save()
    try:
        yield [user["officer"], county, township]
    finally:
        county.delete()


def pages_of(user) -> list[Page]:
    from attendance.models import Standing  # noqa: PLC0415
    from campaigns.queries import current_campaign, home_unit, inside  # noqa: PLC0415
    from organizations.models import Role  # noqa: PLC0415

    campaign = current_campaign(user)
    unit = home_unit(user, campaign)
    here = Standing.objects.filter(inside(unit)).select_related("entry__member").order_by("-unit__path")
    somebody = here.first().entry.member
    branch = somebody.branch.units.get(campaign=campaign)

    def at(name: str, **query) -> str:
        arguments = [campaign.pk] if name.startswith("attendance:") or name == "campaigns:board" else []
        return reverse(name, args=arguments) + (f"?{urlencode(query)}" if query else "")

    def behind(code: str) -> str:
        return reverse("reports:indicator_list", args=[campaign.pk, unit.pk, code])

    def dashboard(of) -> str:
        return reverse("reports:unit_dashboard", args=[campaign.pk, of.pk])

    # A township's, where the target is the stricter one: its people are in the branches right below.
    small = branch.depth - unit.depth <= 2 and user.role == Role.ORGANIZER
    roster, members, classes = "attendance:roster_list", "organizations:member_list", "campaigns:session_list"
    surname, letters = somebody.name[0], somebody.initials
    return [
        Page("首页", "/", LIST),
        Page("看板", dashboard(unit), OWN_DASHBOARD if small else DASHBOARD),
        Page("看板，一个支部", dashboard(branch), OWN_DASHBOARD),
        Page("四五六", at("campaigns:board"), LIST),
        Page("党员", at(members), LIST),
        Page("党员，找姓名", at(members, q=somebody.name), SEARCH),
        Page("党员，找姓", at(members, q=surname), SEARCH),
        Page("党员，找首字母", at(members, q=letters), SEARCH),
        Page("党员，找一个字母", at(members, q=letters[0]), SEARCH),
        Page("党员，找名", at(members, q=somebody.name[1:]), SEARCH),
        Page("党员，找名的首字母", at(members, q=letters[1:]), SEARCH),
        Page("党员，找手机尾号", at(members, q=somebody.phone_tail or "0000"), SEARCH),
        Page("党员，找不到的人", at(members, q="无此人"), SEARCH),
        Page("党员，流动", at(members, show="floating"), LIST),
        Page("党员，已离开", at(members, show="left"), LIST),
        Page("名册", at(roster), LIST),
        Page("名册，未训", at(roster, state="not"), LIST),
        Page("名册，缺席未训", at(roster, state="not", why="ABSENT"), LIST),
        Page("名册，一次都没来", at(roster, state="never"), LIST),
        Page("名册，已参训", at(roster, state="trained"), LIST),
        Page("名册，流动", at(roster, state="floating"), LIST),
        Page("名册，居家待送学", at(roster, state="home_waiting"), LIST),
        Page("名册，找姓名", at(roster, q=somebody.name), SEARCH),
        Page("名册，找首字母", at(roster, q=letters), SEARCH),
        Page("名册，找手机尾号", at(roster, q=somebody.phone_tail or "0000"), SEARCH),
        Page("名册，找一个字母", at(roster, q=letters[0]), SEARCH),
        Page("待补课", at("attendance:makeup_list"), LIST),
        Page("待补课，居家", at("attendance:makeup_list", list="home_waiting"), LIST),
        Page("场次，本周", at(classes), LIST),
        Page("场次，全部", at(classes, state="all"), LIST),
        Page("场次，未点名", at(classes, state="missing"), LIST),
        Page("场次，已开课", at(classes, state="held", unit=unit.pk), LIST),
        Page("场次，找名称", at(classes, q="主题党日"), SEARCH),
        Page("场次，找不到的", at(classes, q="无此场次"), SEARCH),
        Page("到课率的场次", behind("ATT_RATE"), LIST),
        Page("未登记的场次", behind("UNMARKED"), LIST),
        Page("党组织", at("organizations:organization_list"), LIST),
        Page("党组织，找名称", at("organizations:organization_list", q=somebody.branch.name[:3]), SEARCH),
        Page("办实事", at("campaigns:service_list"), LIST),
        Page("账号", at("organizations:account_list"), LIST),
        Page("报表", at("reports:report_list"), LIST),
        Page("任务", at("organizations:job_list"), LIST),
    ]


# --- Measuring -----------------------------------------------------------------------------
@dataclass(frozen=True)
class Measured:
    status: int
    ms: float
    cpu: float  # of this process and of the database's, ms: what it would take on an idle machine, about
    queries: int
    size: int


def cpu_of(pid: int) -> float:
    """Seconds a process has been on a processor; 0 where the database runs elsewhere."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return 0.0


def measure(client: Client, url: str, rounds: int) -> Measured:
    client.get(url, follow=True)  # what the first one finds cold is not the page's
    connection.ensure_connection()
    backend = connection.connection.get_backend_pid() if connection.vendor == "postgresql" else 0
    seconds, cpu = [], []
    for _ in range(rounds):
        with CaptureQueriesContext(connection) as queries:
            began, busy = time.perf_counter(), time.process_time() + cpu_of(backend)
            answer = client.get(url, follow=True, headers={"accept-encoding": "gzip"})
            size = len(answer.getvalue())
            seconds.append(time.perf_counter() - began)
            cpu.append(time.process_time() + cpu_of(backend) - busy)
    medians = (statistics.median(seconds) * 1000, statistics.median(cpu) * 1000)
    return Measured(answer.status_code, *medians, len(queries), size)


def next_page(client: Client, url: str) -> str | None:
    found = NEXT.search(client.get(url, follow=True).content)
    return reverse_address(url, found[1].decode()) if found else None


def reverse_address(url: str, link: str) -> str:
    return (url.partition("?")[0] + link if link.startswith("?") else link).replace("&amp;", "&")


def measure_account(user, rounds: int, only: str) -> dict[str, float]:
    client = Client(raise_request_exception=False)
    client.force_login(user, backend=BACKEND)
    print(f"\n{user.organization.name}，{user.get_role_display()}")
    found: dict[str, float] = {}
    for page in pages_of(user):
        if only and only not in page.name:
            continue
        asked = [page]
        if link := next_page(client, page.url):
            asked.append(Page(f"{page.name}，下一页", link, page.target))
        for one in asked:
            it = measure(client, one.url, rounds)
            found[one.name] = it.cpu
            word = "FAILED" if it.status != 200 else "" if it.ms <= one.target else "MISSED"
            print(
                f"  {it.ms:6.0f} ms of {one.target:3}  {it.cpu:6.0f} ms cpu  {it.queries:3} queries  "
                f"{it.size / 1024:5.1f} KB  {one.name}  {word}",
                flush=True,
            )
    return found


# --- Memory --------------------------------------------------------------------------------
def memory(pid: int) -> tuple[float, float]:
    """Resident and proportional memory of one process, in MB."""
    kept = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return tuple(int(kept[name].split()[0]) / 1024 for name in ("Rss", "Pss"))


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def running(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def wait_for(ready, seconds: int = 40):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if answer := ready():
                return answer
        time.sleep(0.2)
    sys.exit("a server did not start")


def asked_over_http(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b" 200 " in line.recv(64)


def report_memory() -> None:
    print("\nIdle memory")
    port = free_port()
    gunicorn = [sys.executable, "-m", "gunicorn", "haizhou_training.wsgi", "--bind", f"127.0.0.1:{port}"]
    gunicorn += ["--worker-class", "gthread", "--workers", "1", "--threads", "4", "--no-control-socket"]
    celery = [sys.executable, "-m", "celery", "-A", "haizhou_training", "worker", "--concurrency", "1"]
    celery += ["--without-gossip", "--without-mingle"]
    with broker() as address:
        env = os.environ | address
        with running(gunicorn, env) as web:
            wait_for(lambda: asked_over_http(port))
            show_memory("web worker after one request", children(web.pid)[0])
        with running(celery, env) as worker:
            wait_for(lambda: children(worker.pid))
            time.sleep(3)
            show_memory("Celery worker, the process that works", children(worker.pid)[0])
            show_memory("Celery worker, the process that waits", worker.pid)


@contextlib.contextmanager
def broker() -> Iterator[dict[str, str]]:
    """A private Redis, as a deployment has one; without it Celery's broker in memory."""
    program = shutil.which("redis-server")
    if not program:
        yield {"CELERY_BROKER_URL": "memory://"}
        return
    port = free_port()
    with running([program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], dict(os.environ)):
        time.sleep(1)
        yield {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}


def show_memory(name: str, pid: int) -> None:
    resident, proportional = memory(pid)
    word = "" if resident <= MOST_MEMORY else "  MISSED"
    print(f"  {resident:5.0f} MB of {MOST_MEMORY} ({proportional:.0f} MB its own share)  {name}{word}")


# --- All of it -----------------------------------------------------------------------------
def report(members: int, rounds: int, only: str) -> dict[str, float]:
    load(members)
    # As a running database is, minutes after a load: statistics, and pages known to be visible to all.
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("RESET statement_timeout")
    logging.disable()
    found: dict[str, float] = {}
    with accounts() as users:
        for number, user in enumerate(users):
            figures = measure_account(user, rounds, only)
            found |= {f"{number} {name}": ms for name, ms in figures.items()}
    return found


def print_ratios(half: dict[str, float], whole: dict[str, float]) -> None:
    print("\nTwice the members, times the processor time")
    for name, ms in whole.items():
        if name in half:
            word = "" if ms <= half[name] * 1.2 else "  GROWS"
            print(f"  {ms / half[name]:5.2f}  {half[name]:7.0f} -> {ms:5.0f} ms cpu  {name}{word}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--double", action="store_true", help="half the members, too, and the ratio")
    parser.add_argument("--keep", action="store_true", help="leave the server running until Enter")
    parser.add_argument("--only", default="", help="pages whose name holds this")
    parser.add_argument("--figures", help="write the figures to this file, as JSON")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="haizhou-bench-"))
        os.environ.setdefault("DATA_DIR", folder)
        # DEBUG would log queries and slow everything.
        os.environ |= {"DEMO": "1", "DEBUG": "0", "LOG_LEVEL": "ERROR"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "haizhou_training.settings"
        os.environ.pop("REDIS_URL", None)
        half = measured_apart(asked.members // 2, asked.rounds) if asked.double else {}
        if "DATABASE_URL" not in os.environ:
            os.environ["DATABASE_URL"] = stack.enter_context(postgres().running(postgres().DURABLE)).url
        sys.path.insert(0, str(ROOT))
        django.setup()
        call_command("collectstatic", interactive=False, verbosity=0)
        found = report(asked.members, asked.rounds, asked.only)
        if asked.figures:
            Path(asked.figures).write_text(json.dumps(found))
            return
        if half:
            print_ratios(half, found)
        if not asked.only:
            report_memory()
        if asked.keep:
            input(f"\n{os.environ['DATABASE_URL']} is left running. Enter ends it. ")


if __name__ == "__main__":
    main()
