"""Sixteen write overlapping registers while people move, sheets close and units freeze underneath."""

import os

import pytest
from django.db import connection

from attendance.models import MarkBatch
from campaigns.services.freezing import thaw_unit
from tests.races.acts import Evening
from tests.races.crowd import Storm, in_words
from tests.races.scene import RaceScene
from tests.races.truth import assert_everything_is_true

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SECONDS = float(os.environ.get("RACES_SECONDS", 6))
# After its retries a write may say 名册正在变动 to somebody; to practically nobody. In a short storm,
# of a few hundred acts, that is one.
MOVING_PER_THOUSAND = 1


def deadlocks() -> int:
    """As PostgreSQL counts them, shown to somebody or not."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_sixteen_writers_and_everything_that_moves_leave_every_figure_true():
    scene, storm = RaceScene(), Storm(SECONDS)
    before = deadlocks()
    storm.rage(Evening(scene, storm).everybody())
    thaw_unit(actor=scene.officer, unit=scene.unit)
    tell(storm, deadlocks() - before)
    assert storm.surprises == [], "\n".join(storm.surprises)
    assert deadlocks() == before
    assert_everything_is_true(scene.campaign)
    assert MarkBatch.objects.filter(kind="register").count() > 4 * SECONDS, "hardly anybody raced"
    moving = sum(number for what, number in storm.refused.items() if what.endswith(": moving"))
    acts = sum(len(waits) for waits in storm.waits.values())
    assert moving <= max(1, acts * MOVING_PER_THOUSAND // 1000), f"{moving} of {acts} were told to come again"


def tell(storm, deadlocked):
    waits = in_words(storm.waits_of("mark"))
    print(f"\nsendings: {waits}; deadlocks {deadlocked}; surprises {len(storm.surprises)}")
    print("became:", {what.strip(): n for what, n in storm.done.most_common() if what.startswith(" ")})
    print("done:", {what: n for what, n in storm.done.most_common() if not what.startswith((" ", "mark"))})
    print("refused:", dict(storm.refused.most_common()))
