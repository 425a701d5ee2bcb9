"""Each rule by which somebody counts as trained; every winter here is its own."""

import pytest

from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("rule", ["ANY", "COMPULSORY", "HOURS"])
def test_every_trained_rule_equals_an_independent_recount(rule):
    scene = Scene(trained_rule=rule, hours_member=3)
    scene.mark(
        scene.session(days=-9, topics=scene.topics(0, 1, 2)),
        {scene.wang: "present", scene.li: "absent", scene.zhao: "present"},
    )
    scene.mark(
        scene.session(days=-6, topics=scene.topics(3, 4, 5)),
        {scene.wang: "present", scene.li: "late", scene.zhao: ("leave", "ILL")},
    )
    scene.mark(
        scene.session(days=-3, form="MAKEUP", topics=scene.topics(0, 1, 2), round="MAKE_UP"),
        {scene.wang: "present", scene.li: "present"},
    )
    assert_derived_rows_are_true(scene.campaign)
