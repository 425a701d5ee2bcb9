"""One measurement of bench/imports.py, in a process of its own; prints what it found as JSON."""

import json
import os
import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "haizhou_training.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 only now are the settings there
from django.db import connection, transaction  # noqa: E402
from openpyxl import load_workbook  # noqa: E402
from rosters import HEADERS, people, real_looking  # noqa: E402

from organizations.imports.process import Parsing  # noqa: E402
from organizations.models import Organization, OrganizationKind  # noqa: E402
from organizations.refused import Refused  # noqa: E402
from organizations.services import imports  # noqa: E402
from tests.organizations.rosters.hostile import ATTACKS  # noqa: E402
from tests.organizations.workbooks import xlsx  # noqa: E402

TOP, TOWNS, PER_BRANCH, SMALL = "HZ", 25, 70, 20_000
ALL_WRONG = "20,000 lines, everything wrong"
TABLES = ("importchange", "importpiece", "importbatch", "storedfile", "member")


def prepare(members: Path) -> dict:
    """An empty database with a tree: each township has its share of the branches."""
    call_command("migrate", verbosity=0)
    towns = [
        node(f"{TOP}{n:02d}", f"测试{n}镇党委", OrganizationKind.COMMITTEE, children=[]) for n in range(TOWNS)
    ]
    for n in range(-(-int(str(members)) // PER_BRANCH)):
        branch = node(f"B{n:05d}", f"测试{n:05d}村党支部", OrganizationKind.BRANCH)
        towns[n % TOWNS]["children"].append(branch)
    with transaction.atomic():
        Organization.objects.load_bulk([node(TOP, "测试区委", OrganizationKind.COMMITTEE, children=towns)])
    return {}


def node(code: str, name: str, kind: str, **more) -> dict:
    return {"data": {"code": code, "name": name, "kind": kind}} | more


def write_roster(file: Path) -> dict:
    file.write_bytes(real_looking(int(file.stem), PER_BRANCH))
    return {}


def read_by_openpyxl(file: Path) -> dict:
    began, work = time.perf_counter(), time.process_time()
    for _ in load_workbook(file, read_only=True).active.iter_rows(values_only=True):
        pass
    return {"seconds": time.perf_counter() - began, "work": time.process_time() - work}


def import_file(file: Path) -> dict:
    settings.ROSTER_MAX_ROWS, settings.ROSTER_MAX_BYTES = 200_000, 64 * 1024 * 1024
    times: dict[str, float] = {}
    watch(Parsing, "__enter__", times, "start")
    watch(imports.Ready, "of", times, "prepare")
    watch(imports, "store_ready", times, "transaction")
    with measured() as found:
        began = time.perf_counter()
        batch = checked(file)
        times["check"] = time.perf_counter() - began
        result = imports.store_batch(actor=None, batch=batch)
    assert result["created"] == int(file.stem) and not batch.verdict["counts"]["errors"]
    forget()
    return times | found


def checked(file: Path, name: str = ""):
    top = Organization.objects.get(code=TOP)
    return imports.check_roster(
        actor=None, organization=top, file_name=name or file.name, content=file.read_bytes()
    )


@contextmanager
def measured():
    """Seconds, work and peak memory. Of the parsing process the peak as it is asked: getrusage would
    count our own memory at its birth."""
    found: dict[str, float] = {"child_memory": 0.0}
    frame = Parsing.frame

    def watched(self, *holds):
        told = frame(self, *holds)
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                found["child_memory"] = int(line.split()[1]) / 1024
        return told

    Parsing.frame = watched
    began, work = time.perf_counter(), time.process_time()
    yield found
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["seconds"] = time.perf_counter() - began
    found["child_work"] = used.ru_utime + used.ru_stime
    found["work"] = time.process_time() - work + found["child_work"]
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def watch(owner, name: str, times: dict[str, float], label: str) -> None:
    act = getattr(owner, name)

    def timed(*args, **kwargs):
        began = time.perf_counter()
        try:
            return act(*args, **kwargs)
        finally:
            times[label] = time.perf_counter() - began

    setattr(owner, name, timed)


def forget() -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM organizations_{table}")  # noqa: S608 - names of ours


def names(_file: Path) -> dict:
    return {"names": [ALL_WRONG, *map(str, ATTACKS)]}


def answer_harm(name: str, file: Path) -> dict:
    case = next((one for one in ATTACKS if str(one) == name), None)
    if case is None:
        settings.ROSTER_MAX_BYTES = 64 * 1024 * 1024
    file.write_bytes(case.build() if case else all_wrong())
    told = ""
    with measured() as found:
        try:
            counts = checked(file, case.name if case else "名册.xlsx").verdict["counts"]
            told = f"{counts['error_rows']} wrong, {counts['created']} new"
        except Refused as refusal:
            told = refusal.code
    forget()
    return found | {"answer": told}


def all_wrong() -> bytes:
    """Each line: no such branch, a broken number, no such day, a phone too short."""
    lines = [list(one) for one in people(SMALL, PER_BRANCH)]
    for line in lines:
        line[1], line[4], line[5], line[10] = "没有的支部", "2月30日", line[5][:17] + "*", "123"
    return xlsx([HEADERS, *lines])


ONE = {
    "prepare": prepare,
    "roster": write_roster,
    "openpyxl": read_by_openpyxl,
    "import": import_file,
    "names": names,
}

if __name__ == "__main__":
    what, _, which = sys.argv[1].partition(":")
    path = Path(sys.argv[2])
    print(json.dumps(answer_harm(which, path) if which else ONE[what](path)))
