"""Who waits for SQLite's write lock is not passed over by those who come later."""

import time

import pytest
from django.db import OperationalError, connection, transaction

from tests.races.crowd import Storm, all_at_once, percentile

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
def test_nobody_waits_long_while_newcomers_never_stop():
    """Eight write without a pause, 20 ms each: the lock is never free for longer than a moment."""
    if connection.vendor != "sqlite":
        return  # PostgreSQL locks rows and keeps a queue
    storm = Storm(seconds=3)

    def write(turn):
        with transaction.atomic():
            time.sleep(0.02)

    storm.rage([(f"writer {number}", write, 0) for number in range(8)])
    waits = storm.waits_of("writer")
    assert storm.surprises == []
    assert len(waits) > 50
    assert max(waits) < 5 * percentile(waits, 0.5), "somebody was passed over"


def test_waiting_ends_with_the_timeout(monkeypatch):
    if connection.vendor != "sqlite":
        return
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)

    def hold():
        with transaction.atomic():
            time.sleep(1)

    def wait():
        time.sleep(0.3)
        with transaction.atomic():
            pass

    held, waited = all_at_once([hold, wait])
    assert held is None
    assert isinstance(waited, OperationalError) and "locked" in str(waited)
