"""Many at once: threads with connections of their own, and what each of them saw."""

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count

from django.db import connections

from organizations.service import Refused

PATIENCE = 60  # beyond the time a storm was given


def all_at_once(acts: Iterable[Callable], seconds: float = 0) -> list:
    """Run these at the same moment; for each its value, or the exception it raised."""
    acts = list(acts)
    answers: list = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(number: int, act: Callable) -> None:
        try:
            for connection in connections.all():
                connection.ensure_connection()  # connecting is no part of the race
            start.wait(PATIENCE)
            answers[number] = act()
        except Exception as error:
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(acts)]
    turn = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)  # each query gives the interpreter away: it must come back soon
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(seconds + PATIENCE)
    finally:
        sys.setswitchinterval(turn)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return answers


def surprises(answers: Iterable) -> list:
    """What nobody may ever see: anything raised but a refusal in a clear sentence."""
    return [repr(one) for one in answers if isinstance(one, Exception) and not isinstance(one, Refused)]


class Storm:
    """Everybody does the same act again and again until the time is over, or a number of turns."""

    def __init__(self, seconds: float, turns: int = 10**9):
        self.seconds, self.turns = seconds, turns
        self.done: Counter = Counter()
        self.refused: Counter = Counter()
        self.surprises: list[str] = []
        self.waits: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def rage(self, acts: Iterable[tuple[str, Callable[[int], object], float]]) -> None:
        """`acts`: a name, what to do in turn n (False: enough), the mean pause before it; a thread each."""
        self.until = time.monotonic() + self.seconds
        for answer in all_at_once([partial(self._again, *act) for act in acts], self.seconds):
            if isinstance(answer, Exception):
                self.surprises.append(repr(answer))

    def _again(self, name: str, act: Callable[[int], object], pause: float) -> None:
        dice = random.Random(name)
        for turn in count():
            if turn >= self.turns or time.monotonic() > self.until:
                return
            time.sleep(dice.uniform(0, 2 * pause))
            began = time.monotonic()
            try:
                if act(turn) is False:
                    return
                self.note(self.done, name)
            except Refused as refusal:
                self.note(self.refused, f"{name}: {refusal.code}")
            except Exception as error:
                with self._lock:
                    self.surprises.append(f"{name}: {error!r}"[:900])
            with self._lock:
                self.waits.setdefault(name, []).append(time.monotonic() - began)

    def waits_of(self, beginning: str) -> list[float]:
        return [wait for name, waits in self.waits.items() if name.startswith(beginning) for wait in waits]

    def note(self, counter: Counter, what: str) -> None:
        with self._lock:
            counter[what] += 1


def percentile(waits: list[float], share: float) -> float:
    waits = sorted(waits)
    return waits[min(len(waits) - 1, int(len(waits) * share))] if waits else 0.0


def in_words(waits: list[float]) -> str:
    p50, p95, most = percentile(waits, 0.5), percentile(waits, 0.95), max(waits, default=0.0)
    return f"{len(waits)} times, p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, max {most * 1000:.0f} ms"
