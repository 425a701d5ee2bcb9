"""Phones without a signal against the real service: losses, resends, reorder, restarts, wrong clocks.

What a phone decides is decided by static/js/outbox-core.js itself, run by the Node that Playwright
brings along; what the server answers, by parse_marks and record_marks. Only the network between
them, and the people, are made up here.
"""

import json
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from playwright._impl._driver import compute_driver_executable

from attendance.forms.marks import BadBatch, parse_marks
from attendance.models import Attendance, Mark, MarkBatch
from attendance.services.closing import close_parts, reopen_part
from attendance.services.marks import record_marks, undo_batch
from attendance.services.moving import move_member
from organizations.service import Refused

DRIVER = Path(__file__).parent / "outbox_core.js"
VALUES = [
    ("present", ""),
    ("absent", ""),
    ("late", ""),
    ("leave", "ILL"),
    ("leave", "AWAY"),
    ("unmarked", ""),
]
START = datetime(2027, 1, 9, 1, 0, tzinfo=UTC)


class Core:
    """The client's own decisions: one process, one JSON line for each question."""

    def __init__(self):
        node = compute_driver_executable()[0]
        self.process = subprocess.Popen(
            [node, str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __getattr__(self, name):
        def ask(*arguments):
            self.process.stdin.write(json.dumps([name, *arguments]) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

        return ask

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@dataclass
class Intent:
    """One tap that was handed in: what somebody wanted, and whose writings his phone had shown by then."""

    phone: "Phone"
    entry: int
    value: tuple[str, str]
    at: str
    seen: set[int]


@dataclass
class Phone:
    account: object
    state: dict
    clock: float = 0.0
    # What the open page and the stored pack show: {entry: (version, value)}; a second tab may be older.
    page: dict = field(default_factory=dict)
    pack: dict = field(default_factory=dict)
    tab: dict = field(default_factory=dict)
    seen: dict = field(default_factory=dict)  # {entry: writings this phone has shown}
    last: dict = field(default_factory=dict)  # {entry: last intent}


@dataclass
class Message:
    """A request the network holds back: the phone has given it up, the server may still get it."""

    phone: Phone
    uuid: str
    body: str


class World:
    """One class of one branch, its people, two phones and somebody at a desk."""

    def __init__(self, core: Core, scene, session, accounts, seed: int):
        self.core, self.scene, self.session = core, scene, session
        self.random = random.Random(seed)
        self.entries = [scene.entry(member).pk for member in (scene.wang, scene.li, scene.zhao)]
        self.phones = [Phone(account, core.empty()) for account in accounts]
        self.desk = scene.officer
        self.now = START.timestamp() * 1000
        self.held_back: list[Message] = []
        self.intents: dict[str, Intent] = {}
        self.counts: Counter = Counter()
        self.number = 0

    # --- The people ----------------------------------------------------------------------------
    def open_page(self, phone: Phone) -> None:
        """The page from the server: its versions are true, and a pack goes into the phone."""
        phone.tab = phone.page
        phone.page = self.rows()
        phone.pack = dict(phone.page)
        phone.state = self.core.fresh(phone.state, phone.account.pk, self.session.pk)
        self.look(phone, self.entries)

    def rows(self) -> dict:
        found = Attendance.objects.filter(session=self.session, entry__in=self.entries)
        return {row.entry_id: (row.version, (row.status, row.reason)) for row in found}

    def look(self, phone: Phone, entries) -> None:
        for entry, mark in self.writers(entries).items():
            phone.seen.setdefault(entry, set()).add(mark)

    def writers(self, entries) -> dict:
        """{entry: the last mark that wrote it}."""
        applied = Mark.objects.filter(batch__session=self.session, outcome="applied", entry__in=list(entries))
        return dict(applied.order_by("pk").values_list("entry", "pk"))

    def tap(self, phone: Phone) -> None:
        """Some people tapped and handed in, now and then on a tab that stood open since before."""
        shown = phone.tab if phone.tab and self.random.random() < 0.15 else phone.page
        waiting = self.core.waiting(phone.state, phone.account.pk, self.session.pk)
        at = self.moment(phone)
        marks = []
        for entry in self.random.sample(self.entries, self.random.randint(1, 3)):
            mine = waiting.get(str(entry))
            status, reason = self.random.choice(VALUES)
            base = mine["base"] if mine else shown.get(entry, (0, None))[0]
            marks.append({"entry": entry, "name": "某", "status": status, "reason": reason, "base": base})
            self.want(phone, entry, (status, reason), at)
        facts = {"account": phone.account.pk, "session": self.session.pk, "title": "课", "at": at}
        phone.state = self.core.add(phone.state, facts | {"marks": marks})

    def want(self, phone: Phone, entry: int, value, at: str) -> None:
        intent = Intent(phone, entry, value, at, set(phone.seen.get(entry, ())))
        self.intents[f"{at}/{entry}"] = phone.last[entry] = intent

    def moment(self, phone: Phone) -> str:
        """The phone's own clock, however wrong; each handing in is told apart by its microseconds."""
        self.number += 1
        wrong = datetime.fromtimestamp(self.now / 1000, UTC) + timedelta(seconds=phone.clock)
        return wrong.replace(microsecond=self.number).isoformat()

    def settle(self, phone: Phone) -> None:
        told = [one for one in self.core.told(phone.state, phone.account.pk) if one["what"] == "conflict"]
        if not told:
            return
        one, choice = self.random.choice(told), self.random.choice(["mine", "theirs"])
        value = one["mine" if choice == "mine" else "theirs"]
        at = self.moment(phone)
        phone.state = self.core.settle(phone.state, phone.account.pk, one["id"], choice, at)
        self.counts["settled"] += 1
        sends = choice == "mine" or (one["theirs"]["status"] and one["version"])
        if sends:
            self.want(phone, one["entry"], (value["status"], value["reason"]), at)
        else:
            phone.last.pop(one["entry"], None)

    # --- The network ---------------------------------------------------------------------------
    def send(self, phone: Phone, *, certain: bool = False, urgent: bool | None = None) -> bool:
        """One attempt; anything may be lost. False when there was nothing to send."""
        options = {"urgent": self.random.random() < 0.6 if urgent is None else urgent, "live": False}
        options["live"] = self.random.random() < 0.5
        made = self.core.next(phone.state, phone.account.pk, self.uuid(), self.clock(phone), options)
        phone.state = made["state"]
        batch = made["send"]
        if batch is None:
            return False
        reply = self.carry(phone, batch, certain)
        self.receive(phone, batch, reply)
        return True

    def carry(self, phone: Phone, batch: dict, certain: bool) -> dict:
        fate = "stored" if certain else self.random.choice(FATES)
        self.counts[fate] += 1
        if fate in BUSY:
            return BUSY[fate]
        if fate == "request held back":
            self.held_back.append(Message(phone, batch["uuid"], batch["body"]))
        if fate in ("stored", "answer lost"):
            reply = self.serve(phone, batch["body"])
            if fate == "stored":
                return reply
        return {"status": 0, "data": None, "retryAfter": 0}

    def receive(self, phone: Phone, batch: dict, reply: dict) -> None:
        told = self.core.answer(phone.state, batch["uuid"], reply, self.clock(phone), self.random.random())
        phone.state = told["state"]
        for one in told["updates"]:
            if one["status"]:
                phone.page[one["entry"]] = phone.pack[one["entry"]] = (one["version"], (one["status"], ""))
        if told["outcome"] == "stored":
            for entry, mark in reply["writers"].items():
                phone.seen.setdefault(entry, set()).add(mark)

    def late_arrival(self) -> None:
        """What the network held back arrives after all; nobody waits for the answer any more."""
        if self.held_back:
            message = self.held_back.pop(self.random.randrange(len(self.held_back)))
            self.serve(message.phone, message.body)

    def serve(self, phone: Phone, body: str) -> dict:
        """What the view does with a sending, without HTTP."""
        try:
            parsed = parse_marks(body.encode())
            answer = record_marks(
                actor=phone.account,
                session=self.session,
                batch=parsed.batch,
                marks=parsed.marks,
                body_sha256=parsed.body_sha256,
                kind=parsed.kind,
            )
        except BadBatch as bad:
            return {"status": bad.status, "data": {"error": bad.message, "code": "bad_batch"}}
        except Refused as refusal:
            return {"status": 422, "data": {"error": refusal.message, "code": refusal.code}}
        lines = [mark.as_json() for mark in answer.marks]
        self.counts.update(line["outcome"] for line in lines)
        writers = self.writers(line["entry"] for line in lines)
        return {"status": 200, "data": {"batch": str(answer.batch.uuid), "marks": lines}, "writers": writers}

    def clock(self, phone: Phone) -> float:
        return self.now + phone.clock * 1000

    def uuid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    # --- Others ---------------------------------------------------------------------------------
    def desk_marks(self) -> None:
        entry = self.random.choice(self.entries)
        member = next(
            m for m in (self.scene.wang, self.scene.li, self.scene.zhao) if self.scene.entry(m).pk == entry
        )
        self.quietly(
            lambda: self.scene.mark(self.session, {member: self.random.choice(VALUES)}, actor=self.desk)
        )

    def undo(self) -> None:
        batches = MarkBatch.objects.filter(
            session=self.session, kind__in=["register", "sync"], undone_by=None
        )
        if found := list(batches.order_by("pk")):
            batch = self.random.choice(found)
            self.quietly(lambda: undo_batch(actor=batch.account, batch=batch, uuid=UUID(self.uuid())))

    def close(self) -> None:
        self.quietly(
            lambda: close_parts(
                actor=self.desk,
                session=self.session,
                rest=self.random.choice(["present", "absent", "unmarked"]),
                batch=UUID(self.uuid()),
                note="签到表受潮",
            )
        )

    def reopen(self) -> None:
        part = self.session.parts.select_related("session__host", "unit").get()
        self.quietly(lambda: reopen_part(actor=self.desk, part=part, reason="核对"))

    def move(self) -> None:
        scene = self.scene
        member = self.random.choice([scene.wang, scene.li, scene.zhao])
        member.refresh_from_db()
        there = self.random.choice([scene.north_branch, scene.north_other_branch, scene.south_branch])
        day = timezone.localdate() - timedelta(days=self.random.randint(0, 2))
        self.quietly(lambda: move_member(actor=scene.officer, member=member, to_branch=there, day=day))

    def quietly(self, act) -> None:
        try:
            act()
        except Refused:
            self.counts["refused at the desk"] += 1

    # --- One life --------------------------------------------------------------------------------
    def step(self) -> None:
        phone = self.random.choice(self.phones)
        self.now += self.random.choice([500, 3_000, 60_000, 900_000])
        act = self.random.choices(ACTS, WEIGHTS)[0]
        self.counts[act] += 1
        if act == "tap":
            self.tap(phone)
        elif act == "send":
            self.send(phone)
        elif act == "restart":
            # Only what was stored comes back; the page is the one the phone keeps.
            phone.state = json.loads(json.dumps(phone.state))
            phone.page, phone.tab = dict(phone.pack), {}
        elif act == "open page":
            self.open_page(phone)
        elif act == "settle":
            self.settle(phone)
        elif act == "clock":
            phone.clock = self.random.choice([0, 3 * 86_400, -365 * 86_400, 40, -40])
        elif act == "log out":
            phone.state = self.core.signedIn(phone.state, phone.account.pk, False)
        elif act == "log in":
            phone.state = self.core.signedIn(phone.state, phone.account.pk, True)
        elif act == "late arrival":
            self.late_arrival()
        else:
            getattr(self, act)()

    def live(self, steps: int) -> None:
        for _ in range(steps):
            self.step()
        self.signal()
        while self.held_back:
            self.late_arrival()
        if self.random.random() < 0.5:  # or it stays on the screens
            for phone in self.phones:
                self.settle(phone)
            self.signal()

    def signal(self) -> None:
        """It comes back, and everybody waits long enough."""
        for phone in self.random.sample(self.phones, len(self.phones)):
            phone.state = self.core.signedIn(phone.state, phone.account.pk, True)
            for _ in range(20):
                self.now += 7_200_000
                if not self.send(phone, certain=True, urgent=True):
                    break


TIMED_OUT = {"status": 0, "data": None, "retryAfter": 0}
BUSY = {
    "503": {"status": 503, "data": None, "retryAfter": 10},
    "429": {"status": 429, "data": None, "retryAfter": 30},
    "running": {"status": 409, "data": {"code": "running"}, "retryAfter": 1},
    "welcome page": {"status": 200, "data": None, "retryAfter": 0},
    "login page": {"status": 0, "data": None, "login": True},
    "stale token": {"status": 403, "data": None},
}
FATES = [*["stored"] * 5, *["request lost"] * 3, *["answer lost"] * 5, *["request held back"] * 3, *BUSY]
ACTS = {
    "tap": 24,
    "send": 30,
    "open page": 6,
    "restart": 5,
    "settle": 6,
    "clock": 3,
    "log out": 1,
    "log in": 4,
    "late arrival": 6,
    "desk_marks": 5,
    "undo": 4,
    "close": 2,
    "reopen": 3,
    "move": 2,
}
ACTS, WEIGHTS = list(ACTS), list(ACTS.values())


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside is rolled back: the next life begins with the same people."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)
