"""Locking exactly the units a write concerns, and once more when they changed while we waited."""

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from campaigns.services.locking import lock_units
from organizations.service import Refused

R = TypeVar("R")
ATTEMPTS = 2


class Moved(Exception):
    """Somebody concerned changed units while we waited for the lock."""


def lock_exactly(concerned: Callable[[], set[int]]) -> None:
    """Lock the units `concerned` names; Moved if it names others once they are locked."""
    before = concerned()
    lock_units(before)
    if not concerned() <= before:
        raise Moved


def with_retry(act: Callable[[], R]) -> R:
    """Run `act` in a transaction of its own; rolled back and run once more when somebody moved."""
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return act()
        except Moved:
            continue
    raise Refused("名册正在变动，请过一会儿再提交一次。", code="moving")
