"""One machine with the default settings, and a district's busiest evening on it."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance
from attendance.services.roster import open_campaign
from campaigns.services.sessions import Plan, plan_session
from organizations.models import (
    ImportBatch,
    ImportState,
    Job,
    Member,
    Organization,
    OrganizationKind,
    Role,
)
from tests import services
from tests.base import fixture_writes, make_organization, make_user
from tests.campaigns.scene import at, make_campaign, unit_of
from tests.death.browser import Browser
from tests.organizations.workbooks import id_number, person, roster

CHECKED_WITHIN = 120
CLIENTS, PEOPLE, IMPORTED = 32, 40, 5_000
STATUSES = ("present", "present", "present", "late", "absent")


class Office:
    """A district of 32 branches of 40 people, each branch with its recorder; three classes of everybody."""

    def __init__(self):
        self.district = make_organization(None, "HZ", "海州区委", OrganizationKind.COMMITTEE)
        self.officer = make_user("officer", self.district, Role.OFFICER)
        names = [(f"HZ{number:02}", f"第{number}党支部") for number in range(CLIENTS)]
        self.branches = [make_organization(self.district, *name) for name in names]
        with fixture_writes():
            Member.objects.bulk_create(
                Member(branch=branch, name=f"党员{number}", place_in_list=number)
                for branch in self.branches
                for number in range(PEOPLE)
            )
        self.recorders = [make_user(f"r{one.code}", one, Role.RECORDER) for one in self.branches]
        self.campaign = make_campaign(self, opened=False)
        open_campaign(actor=self.officer, campaign=self.campaign)
        self.campaign.refresh_from_db()
        self.unit = unit_of(self.campaign, self.district)
        self.sessions = [self._session(days) for days in (1, 2, 3)]

    def own_sessions(self, number: int, days: int) -> list:
        """A class of its own for each of so many branches."""
        units = [unit_of(self.campaign, branch) for branch in self.branches[:number]]
        return [self._session(days, unit) for unit in units]

    def _session(self, days: int, unit=None):
        start = at(timezone.localdate() - timedelta(days=days), 1)
        plan = Plan(
            title=f"第{days}天的课",
            form=self.campaign.forms.get(code="LECTURE"),
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            units=[unit or self.unit],
        )
        return plan_session(actor=self.officer, campaign=self.campaign, host=unit or self.unit, plan=plan)


class Serve:
    """`manage.py serve` on the test database, with the settings of production: gunicorn and the runner."""

    def __init__(self, folder: Path):
        self.port, self.log = services.free_port(), folder / "serve.log"
        env = services.environment_of_test_database()
        if "RACES_WITHOUT" in os.environ:
            env["DJANGO_SETTINGS_MODULE"] = "tests.races.settings_without"
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port)]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command, env=env, cwd=settings.BASE_DIR, stdout=output, stderr=output
            )
        services.wait_until(lambda: "Ctrl-C ends it" in self.said(), seconds=90, what=f"serve ({self.log})")

    def said(self) -> str:
        assert self.process.poll() is None, self.log.read_text()
        return self.log.read_text()

    def stop(self) -> str:
        """What it had to say in its whole life."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        return self.log.read_text()


class Recorder:
    """Sends the register of the own branch, 40 people at a time, and remembers what was acknowledged."""

    def __init__(self, office: Office, port: int, number: int):
        self.browser = Browser(port, office.recorders[number])
        self.dice, self.sessions = random.Random(number), office.sessions
        branch = office.branches[number]
        entries = office.campaign.entries.filter(unit__organization=branch).values_list("pk", flat=True)
        self.known = {(session.pk, entry): (0, "") for session in office.sessions for entry in entries}
        self.entries = list(entries)

    def submit(self, turn: int) -> None:
        session = self.sessions[turn % len(self.sessions)]
        marks = [self._mark(session.pk, entry) for entry in self.entries]
        path = reverse("attendance:marks", args=[session.pk])
        status, answer = self.browser.post_json(path, {"batch": str(uuid4()), "marks": marks})
        assert status == 200, status
        assert {mark["outcome"] for mark in answer["marks"]} <= {"applied", "same"}, answer
        for mark in answer["marks"]:
            self.known[session.pk, mark["entry"]] = (mark["version"], mark["value"]["status"])

    def _mark(self, session: int, entry: int) -> dict:
        now = timezone.now().isoformat()
        status, version = self.dice.choice(STATUSES), self.known[session, entry][0]
        return {"entry": entry, "status": status, "base_version": version, "marked_at": now}

    def lost(self) -> list:
        """What was acknowledged and is not stored."""
        rows = Attendance.objects.filter(entry__in=self.entries, session__in=self.sessions)
        stored = {(row.session_id, row.entry_id): (row.version, row.status) for row in rows}
        return [key for key, value in self.known.items() if value[0] and stored.get(key) != value]


class Importer:
    """Uploads a roster of 5,000 new people and stores it; each turn other people, `times` altogether."""

    def __init__(self, office: Office, port: int, times: int):
        self.browser, self.office = Browser(port, office.officer), office
        self.times, self.stored = times, 0

    def submit(self, turn: int) -> bool:
        if turn == self.times:
            return False
        content = roster_of(IMPORTED, self.office.branches, turn)
        where = {"organization": self.office.district.pk}
        status, place = self.browser.upload("/import/", f"名册{turn}.xlsx", content, **where)
        assert (status, place.startswith("/import/")) == (302, True), (status, place)
        version = when_checked(int(place.rstrip("/").rpartition("/")[2]))
        status, _ = self.browser.post(f"{place}store/", version=version)
        assert status == 302, status
        self.stored += IMPORTED
        return True


def when_checked(pk: int) -> int:
    """A worker checks a long roster; the version of its verdict."""
    until = time.monotonic() + CHECKED_WITHIN
    while time.monotonic() < until:
        batch = ImportBatch.objects.only("state", "version").get(pk=pk)
        if batch.state != ImportState.CHECKING:
            return batch.version
        time.sleep(0.2)
    raise AssertionError("nobody checked the roster")


def roster_of(number: int, branches: list[Organization], turn: int) -> bytes:
    """Nobody twice: the birth date, the serial and the area tell them apart."""
    people = []
    for place in range(number):
        born = f"{1940 + place % 60}{1 + place % 12:02}{1 + place % 28:02}"
        name = f"赵{chr(0x4E00 + 100 * turn + place // 70)}{chr(0x5000 + place % 70)}"
        whole = id_number(born, f"{place % 1000:03}", f"32{turn:02}{place // 1000:02}")
        phone = f"139{turn:02}{place:06}"
        people.append(person(name, branches[place % CLIENTS].name, id=whole, phone=phone, birth=None))
    return roster(*people)


class Reader:
    """Asks for the district's report, watches it, and asks again."""

    def __init__(self, office: Office, port: int):
        self.browser, self.office = Browser(port, office.officer), office
        self.seen: Counter = Counter()
        self.ready = 0

    def submit(self, turn: int) -> None:
        fields = {"unit": self.office.unit.pk, "form": uuid4()}
        status, place = self.browser.post(reverse("reports:report_request"), **fields)
        assert status == 302 and "/jobs/" in place, (status, place)
        uuid = re.search(r"[0-9a-f-]{36}", place)[0]
        job, until = Job.objects.get(uuid=uuid), time.monotonic() + 60
        while not job.is_over and time.monotonic() < until:
            time.sleep(0.02)
            job.refresh_from_db(fields=["state", "done"])
            self.seen[job.pk, job.state, job.done] += 1
        status, _ = self.browser.get(reverse("organizations:job_status", args=[uuid]))
        assert status == 200 and job.state == Job.State.READY, (status, job.state, job.reason)
        self.ready += 1

    def steps(self) -> int:
        """The most different answers one running report gave to how far it is."""
        steps = Counter(pk for pk, state, _ in self.seen if state == Job.State.RUNNING)
        return max(steps.values(), default=0)
