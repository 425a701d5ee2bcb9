"""Protections taken away, to see the races notice: `bench/races.py --without lock`.

RACES_WITHOUT names one; the tests must then fail. RACES_TIMES runs each double tap so many times.
"""

import os
from uuid import uuid4

import pytest
from django.db import connections

from attendance.services import marks
from campaigns.models import Unit


def without_lock(patch) -> None:
    """Units are read, not locked. (On SQLite the transaction itself is the lock.)"""
    patch.setattr(type(Unit.objects.all()), "select_for_update", lambda units, **options: units)


def without_replay(patch) -> None:
    """Every arrival of a sending is a new one."""
    insert_once = marks.insert_once

    def insert_anew(batch, *rest, **options):
        batch.uuid = uuid4()
        return insert_once(batch, *rest, **options)

    patch.setattr(marks, "insert_once", insert_anew)


def without_transaction_mode(patch) -> None:
    """On SQLite a write begins as a reader: what it read may be old by the time it writes."""
    patch.delitem(connections.settings["default"]["OPTIONS"], "transaction_mode")


MUTATIONS = {
    "lock": without_lock,
    "replay": without_replay,
    "transaction_mode": without_transaction_mode,
}


@pytest.fixture(autouse=True)
def mutation(monkeypatch):
    """The settings of SQLite are taken away in the server instead: settings_without.py."""
    if take_away := MUTATIONS.get(os.environ.get("RACES_WITHOUT", "")):
        take_away(monkeypatch)


def pytest_generate_tests(metafunc):
    times = int(os.environ.get("RACES_TIMES", 1))
    if times > 1 and {"scene", "cast"} & set(metafunc.fixturenames):
        metafunc.parametrize("again", range(times), indirect=True)


@pytest.fixture(autouse=True)
def again(request):
    """Which time this is."""
