"""victim x moment: act, kill somewhere within the act, wait until both are back, look at every row."""

import contextlib
import random
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.death.acts import MOMENTS, Act, Ledger, People, no_job_waits
from tests.death.processes import LEASE, PATIENCE, House
from tests.death.proof import Findings, Proof
from tests.death.town import Town

VICTIMS = {
    "postgres": ("web", "worker", "child", "beat", "redis", "postgres"),
    "sqlite": ("web", "runner"),
}


@dataclass
class Cell:
    kills: int = 0
    in_flight: int = 0
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    stuck: int = 0
    half: int = 0
    slowest_back: float = 0.0

    def add(self, found: Findings) -> None:
        for name in ("lost", "twice", "stuck", "half"):
            setattr(self, name, getattr(self, name) + len(getattr(found, name)))

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.twice or self.stuck or self.half)


HEAD = ("victim", "moment", "kills", "in flight", "acknowledged", "lost", "twice", "stuck", "half", "back in")


class Matrix:
    def __init__(self, house: House, town: Town):
        self.house, self.ledger = house, Ledger()
        self.people = People(town, house.port, self.ledger)
        self.proof = Proof(town, self.ledger)
        self.cells: dict[tuple[str, str], Cell] = {}
        self.lasts: dict[str, float] = {}
        self.findings: list[str] = []

    def measure(self, moments: Iterable[str] = MOMENTS) -> None:
        """How long each act takes while nobody dies: the kill falls somewhere into that time."""
        for moment in ("submit", *moments):  # the very first act also warms the server up
            self.people.go()
            act = self.people.act(moment)
            began = time.monotonic()
            self._start(act)
            self._until_over(act)
            self.lasts[moment] = min(self.lasts.get(moment, PATIENCE), time.monotonic() - began)
            self.people.pause()
        found = self.proof.look()
        assert not found and not self.ledger.faults, found.all() + self.ledger.faults

    def cycle(self, victim: str, moment: str) -> None:
        cell = self.cells.setdefault((victim, moment), Cell())
        before = self.ledger.acknowledged
        self.people.go()
        act = self.people.act(moment)
        thread = self._start(act)
        time.sleep(random.uniform(0, self.lasts[moment]))
        cell.in_flight += not act.is_over()
        kill = self.house.kill(victim)
        cell.kills += 1
        cell.slowest_back = max(cell.slowest_back, self.house.wait_back(kill))
        self._until_over(act)
        thread.join(PATIENCE)
        self.people.pause()
        found = self.proof.look()
        cell.acknowledged += self.ledger.acknowledged - before
        cell.add(found)
        self.findings += [f"{victim} x {moment}: {line}" for line in found.all()]

    def _start(self, act: Act) -> threading.Thread:
        thread = threading.Thread(target=act.run, daemon=True)
        thread.start()
        return thread

    def _until_over(self, act: Act) -> None:
        """Jobs of other acts included; what is not over in time, `Proof` calls stuck."""
        until = time.monotonic() + PATIENCE
        while not (act.is_over() and no_job_waits()) and time.monotonic() < until:
            time.sleep(0.05)

    def run(self, victims: Iterable[str], kills: int, say=lambda line: None) -> None:
        """Victims in turn, so that each has lived a while before its next death."""
        victims = list(victims)
        for turn in range(kills):
            for place, victim in enumerate(victims):
                moment = MOMENTS[(turn + place) % len(MOMENTS)]
                self.cycle(victim, moment)
                troubles = self.findings + self.ledger.faults
                say(f"{turn + 1}/{kills} {victim} x {moment}: {troubles or 'clean'}")
                if not self.is_clean:  # what follows would be about the same
                    return

    @property
    def is_clean(self) -> bool:
        return not self.findings and not self.ledger.faults and all(c.is_clean for c in self.cells.values())

    def table(self) -> list[str]:
        rows = [HEAD]
        for (victim, moment), cell in sorted(self.cells.items()):
            counts = (
                cell.kills,
                cell.in_flight,
                cell.acknowledged,
                cell.lost,
                cell.twice,
                cell.stuck,
                cell.half,
            )
            rows.append((victim, moment, *map(str, counts), f"{cell.slowest_back:.1f} s"))
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        lines = [
            "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in rows
        ]
        return lines + self.findings[:40] + [f"fault: {line}" for line in self.ledger.faults[:20]]

    def undisturbed(self) -> str:
        took = ", ".join(f"{moment} {seconds:.2f} s" for moment, seconds in self.lasts.items())
        return f"{took}; {self.ledger.acknowledged} acknowledged"


@contextlib.contextmanager
def played(
    folder: Path,
    postgres=None,
    *,
    with_redis: bool = False,
    branches: int = 6,
    people: int = 30,
    lease: int = LEASE,
) -> Iterator[Matrix]:
    """A town at work in an installation that was measured while nobody died."""
    town = Town(branches=branches, people=people)
    house = House(folder, with_redis=with_redis or postgres is not None, postgres=postgres, lease=lease)
    try:
        matrix = Matrix(house, town)
        try:
            matrix.measure()
            yield matrix
        finally:
            matrix.people.end()
    finally:
        house.stop()
