"""Random lives of phones without a signal: 0 lost, 0 double, every conflict visible.

`bench/offline.py` runs 5,000 of them; OFFLINE_LIVES=100-200 runs those.
"""

import os
from collections import Counter

import pytest

from tests.attendance.phones import Core, World, undone
from tests.attendance.phones_judge import troubles
from tests.attendance.scene import Scene
from tests.base import once

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
FIRST, END = map(int, os.environ.get("OFFLINE_LIVES", "0-30").split("-"))
STEPS = 14
NEEDED = ("answer lost", "request held back", "duplicate", "conflict", "settled", "held", "undo", "move")

built, scene = once(Scene)


@pytest.fixture(scope="module")
def core():
    core = Core()
    yield core
    core.close()


def live(core, scene, session, seed, steps=STEPS):
    """Two phones of two accounts, or of one; what came of it, and how often each thing happened."""
    accounts = [scene.north_organizer, scene.north_recorder if seed % 3 else scene.north_organizer]
    with undone():
        world = World(core, scene, session, accounts, seed)
        world.live(steps)
        return troubles(world), world.counts


def test_nothing_is_lost_nothing_counts_twice_and_no_conflict_is_silent(core, scene):
    session = scene.session(topics=scene.topics(0))
    counts, wrong = Counter(), []
    for seed in range(FIRST, END):
        found, happened = live(core, scene, session, seed)
        wrong += [f"life {seed}: {trouble}" for trouble in found]
        counts += happened
    print(dict(counts))
    assert not wrong, "\n".join(wrong[:20])
    assert all(counts[needed] for needed in NEEDED), counts
