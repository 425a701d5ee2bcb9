"""Locking exactly the units a write concerns, and once more when they changed while we waited."""

from collections.abc import Callable, Collection
from typing import TypeVar

from django.db import OperationalError, transaction

from campaigns.services.locking import lock_units
from organizations.service import Refused

R = TypeVar("R")
ATTEMPTS = 4
# serialization_failure, deadlock_detected: PostgreSQL asks for the whole transaction again.
TRY_AGAIN = ("40001", "40P01")
Also = Collection[int]


class Moved(Exception):
    """The write concerns units that are not locked; the next attempt locks them from the start."""

    def __init__(self, missing: Collection[int]):
        self.missing = missing


def lock_exactly(concerned: Callable[[], set[int]], also: Also = ()) -> None:
    """Lock the units `concerned` names; Moved if it names others once they are locked."""
    held = concerned().union(also)
    lock_units(held)
    if missing := concerned() - held:
        raise Moved(missing)


def with_retry(act: Callable[[Also], R]) -> R:
    """Run `act` in a transaction of its own; rolled back and run again when somebody moved.

    `act` hears which units earlier attempts found missing and locks them too.
    """
    also: set[int] = set()
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return act(also)
        except Moved as moved:
            also |= set(moved.missing)
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in TRY_AGAIN:
                raise
    raise Refused("名册正在变动，请过一会儿再提交一次。", code="moving")
