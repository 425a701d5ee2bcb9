"""Random life, short: `make bench` lives two hundred winters of fifty acts.

A failure prints its acts; with RANDOM_LIFE_SHRINK=1 hypothesis looks for the fewest (minutes).
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.attendance.life import Life
from tests.attendance.life_scene import LifeScene

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
RUNS, STEPS = (int(number) for number in os.environ.get("RANDOM_LIFE", "8x20").split("x"))
IS_SHORT = "RANDOM_LIFE" not in os.environ


def test_whatever_happens_every_figure_is_true():
    Life.scene = LifeScene()
    Life.done.clear()
    Life.refused.clear()
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            derandomize=IS_SHORT,
            deadline=None,
            database=None,
            phases=[Phase.generate, *([Phase.shrink] if "RANDOM_LIFE_SHRINK" in os.environ else [])],
            suppress_health_check=list(HealthCheck),
        ),
    )
    print("done", dict(Life.done.most_common()), "\nrefused", dict(Life.refused.most_common()))
