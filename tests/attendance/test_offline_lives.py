"""Random lives of phones without a signal: 0 lost, 0 double, every conflict visible.

`bench/offline.py` runs 5,000.
"""

from collections import Counter

import pytest

from tests.attendance.phones import Core, World, undone
from tests.attendance.phones_judge import troubles
from tests.attendance.scene import Scene
from tests.base import once

pytestmark = pytest.mark.django_db
LIVES, STEPS = 60, 24

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
    counts = Counter()
    for seed in range(LIVES):
        found, happened = live(core, scene, session, seed)
        assert not found, f"life {seed}: " + "\n".join(found)
        counts += happened
    for needed in (
        "answer lost",
        "request held back",
        "duplicate",
        "conflict",
        "held",
        "settled",
        "undo",
        "move",
    ):
        assert counts[needed], needed
