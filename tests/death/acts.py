"""What people ask for while processes die: each act is repeated, as phones do, until it is acknowledged.

Whatever was acknowledged is written into the ledger; `proof.py` asks the database for all of it.
"""

import random
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from attendance.models import Attendance
from organizations.models import Job, User
from organizations.service import Refused
from reports.services import daily
from tests.campaigns.scene import unit_of
from tests.death.browser import NO_ANSWER, Browser
from tests.death.processes import PATIENCE
from tests.death.town import Town, name_of
from tests.organizations.workbooks import person, roster

STATUSES = ("present", "present", "late", "absent", "unmarked")
BETWEEN_TRIES = 0.1
BETWEEN_SENDINGS = 0.15


@dataclass
class Sent:
    """One acknowledged sending: who was marked."""

    session: int
    entries: list[int]


@dataclass
class Ledger:
    """Every acknowledgement that was read. Only these are promises."""

    batches: dict[uuid.UUID, Sent] = field(default_factory=dict)
    statuses: dict[tuple[int, int], str] = field(default_factory=dict)  # (session, entry): the last one
    imports: dict[int, list[str]] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)  # the form's number: the job's
    evenings: list[date] = field(default_factory=list)
    never: list[str] = field(default_factory=list)  # acts nobody acknowledged in time
    faults: list[str] = field(default_factory=list)  # answers nobody should see

    @property
    def acknowledged(self) -> int:
        return len(self.batches) + len(self.imports) + len(self.reports) + len(self.evenings)


def patiently(ask: Callable[[], object]) -> object:
    """An answer of the database, once it is there again."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except DatabaseError:
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(BETWEEN_TRIES)


class Act(ABC):
    """Made while everything lives; `attempt` until it answers True; `is_over` when all its work is done."""

    def __init__(self, town: Town, ledger: Ledger, number: int):
        self.town, self.ledger, self.number = town, ledger, number
        self.acknowledged = threading.Event()
        self.last = "no answer"

    def run(self) -> None:
        until = time.monotonic() + PATIENCE
        try:
            while not self.acknowledged.is_set() and not self.ledger.faults:
                if time.monotonic() > until:
                    self.ledger.never.append(f"{type(self).__name__} {self.number}: {self.last}")
                    return
                try:
                    if self.attempt():
                        self.acknowledged.set()
                except (*NO_ANSWER, DatabaseError) as error:
                    self.last = repr(error)
                    connection.close()
                    time.sleep(BETWEEN_TRIES)
        finally:
            connection.close()

    def accepted(self, status: int, wanted: int, answer: object = "") -> bool:
        """A 5xx is no answer: ask again. Anything else that is not the wanted one is a fault."""
        if status != wanted and status < 500:
            self.ledger.faults.append(f"{type(self).__name__} {self.number}: {status} {answer}")
        self.last = str(status)
        if status >= 500:
            time.sleep(BETWEEN_TRIES)
        return status == wanted

    @abstractmethod
    def attempt(self) -> bool:
        """Try once; True when the server acknowledged it."""

    def is_over(self) -> bool:
        return self.acknowledged.is_set()


class Sheet:
    """What one phone knows of one register."""

    def __init__(self, session: int, entries: list[int]):
        self.session, self.entries = session, entries
        rows = Attendance.objects.filter(session=session).values_list("entry_id", "version")
        self.versions = dict(rows)

    def draw(self, most: int) -> dict:
        chosen = random.sample(self.entries, min(len(self.entries), most))
        marks = [
            {"entry": entry, "status": random.choice(STATUSES), "base_version": self.versions.get(entry, 0)}
            for entry in chosen
        ]
        return {"batch": str(uuid.uuid4()), "marks": marks}


class Submit(Act):
    """A whole hall, marked in one sending."""

    def __init__(
        self, town: Town, ledger: Ledger, number: int, sheet: Sheet, browser: Browser, most: int = 500
    ):
        super().__init__(town, ledger, number)
        self.sheet, self.browser, self.body = sheet, browser, sheet.draw(most)

    def attempt(self) -> bool:
        status, answer = self.browser.post_json(f"/sessions/{self.sheet.session}/marks/", self.body)
        if not self.accepted(status, 200, answer):
            return False
        self.ledger.batches[uuid.UUID(self.body["batch"])] = Sent(
            self.sheet.session, [mark["entry"] for mark in self.body["marks"]]
        )
        for sent, line in zip(self.body["marks"], answer["marks"], strict=True):
            if line["outcome"] not in ("applied", "same", "duplicate"):
                self.ledger.faults.append(f"mark {line}")
            self.sheet.versions[sent["entry"]] = line["version"]
            self.ledger.statuses[self.sheet.session, sent["entry"]] = sent["status"]
        return True


class Import(Act):
    """A checked roster is stored. The check comes before; storing is what must happen once and wholly."""

    PEOPLE = 300

    def __init__(self, town: Town, ledger: Ledger, number: int, browser: Browser):
        super().__init__(town, ledger, number)
        self.browser = browser
        self.names = [name_of(number * self.PEOPLE + one) for one in range(self.PEOPLE)]
        content = roster(*(person(name, branch=town.north_branch.name) for name in self.names))
        status, place = browser.upload("/import/", "名册.xlsx", content, organization=town.north.pk)
        assert status == 302, f"the roster was not checked: {status}"
        self.batch = int(place.rstrip("/").rpartition("/")[2])

    def attempt(self) -> bool:
        status, place = self.browser.post(f"/import/{self.batch}/store/", version=1)
        if self.accepted(status, 302, place):
            self.ledger.imports[self.batch] = self.names
            return True
        return False


class Report(Act):
    def __init__(self, town: Town, ledger: Ledger, number: int, browser: Browser):
        super().__init__(town, ledger, number)
        self.browser, self.form, self.job = browser, str(uuid.uuid4()), ""

    def attempt(self) -> bool:
        status, place = self.browser.post("/reports/request/", unit=self.town.north_unit.pk, form=self.form)
        if not self.accepted(status, 302, place):
            return False
        self.job = place.rstrip("/").rpartition("/")[2]
        self.ledger.reports[self.form] = self.job
        return True

    def is_over(self) -> bool:
        return self.acknowledged.is_set() and is_job_over(uuid=self.job)


class Evening(Act):
    """The figures of one evening long ago. Asked for without a bell: only the sweep can find it."""

    def __init__(self, town: Town, ledger: Ledger, number: int):
        super().__init__(town, ledger, number)
        self.day = timezone.localdate() - timedelta(days=number + 2)

    def attempt(self) -> bool:
        late = (
            datetime.combine(self.day, datetime.min.time(), timezone.get_current_timezone()) + daily.EVENING
        )
        try:
            job = daily.request_evening(now=late)
        except Refused as refusal:
            self.ledger.faults.append(refusal.message)
            return True
        assert job is not None and job.params == {"day": self.day.isoformat()}
        self.ledger.evenings.append(self.day)
        return True

    def is_over(self) -> bool:
        return self.acknowledged.is_set() and is_job_over(key=f"evening:{self.day}")


def is_job_over(**which: object) -> bool:
    over = Job.objects.filter(state__in=(Job.State.READY, Job.State.FAILED), **which)
    return bool(patiently(over.exists))


def no_job_waits() -> bool:
    waiting = Job.objects.exclude(state__in=(Job.State.READY, Job.State.FAILED))
    return not patiently(waiting.exists)


class Marker(threading.Thread):
    """Somebody who goes on marking one register all the while; `pause` waits for the running sending."""

    def __init__(self, town: Town, ledger: Ledger, sheet: Sheet, browser: Browser):
        super().__init__(daemon=True)
        self.town, self.ledger, self.sheet, self.browser = town, ledger, sheet, browser
        self.may_go, self.ends, self.idle = threading.Event(), threading.Event(), threading.Event()

    def run(self) -> None:
        while not self.ends.is_set():
            self.idle.clear()
            if not self.may_go.is_set():
                self.idle.set()
                self.may_go.wait(0.1)
                continue
            Submit(self.town, self.ledger, 0, self.sheet, self.browser, most=8).run()
            time.sleep(BETWEEN_SENDINGS)

    def pause(self) -> None:
        self.may_go.clear()
        self.idle.clear()  # it says so again only after it has seen that it may not go
        if not self.idle.wait(PATIENCE + 30):
            self.ledger.never.append("a marker hangs")


class People:
    """The accounts at work, each with a session of its own, and what they do on demand."""

    def __init__(self, town: Town, port: int, ledger: Ledger):
        self.town, self.ledger, self.number = town, ledger, 0
        self.organizer = Browser(port, User.objects.get(pk=town.north_organizer.pk))
        self.hall = self._sheet(town.north_unit, 9)
        self.markers = [
            Marker(
                town,
                ledger,
                self._sheet(unit_of(town.campaign, branch), 14),
                Browser(port, town.north_organizer),
            )
            for branch in town.branches[:2]
        ]
        for marker in self.markers:
            marker.start()

    def _sheet(self, unit, hour: int) -> Sheet:
        session = self.town.hold(unit, hour)
        return Sheet(session.pk, self.town.expected_at(session))

    def act(self, moment: str) -> Act:
        self.number += 1
        facts = (self.town, self.ledger, self.number)
        return {
            "submit": lambda: Submit(*facts, self.hall, self.organizer),
            "import": lambda: Import(*facts, self.organizer),
            "report": lambda: Report(*facts, self.organizer),
            "evening": lambda: Evening(*facts),
        }[moment]()

    def go(self) -> None:
        for marker in self.markers:
            marker.idle.clear()
            marker.may_go.set()

    def pause(self) -> None:
        for marker in self.markers:
            marker.pause()

    def end(self) -> None:
        for marker in self.markers:
            marker.ends.set()
            marker.join(PATIENCE)


MOMENTS = ("submit", "import", "report", "evening")
