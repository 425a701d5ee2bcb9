"""A rule is set while somebody plans a class: the class has the new worth, or is counted again."""

import threading
import time

import pytest
from django.db import transaction
from django.utils import timezone

from campaigns.models import HoursKind
from campaigns.services.hours import set_hours_rule
from tests.races.crowd import all_at_once, surprises
from tests.races.scene import RaceScene

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_class_planned_meanwhile_keeps_the_old_worth():
    scene = RaceScene()
    is_planned = threading.Event()

    def plan():
        with transaction.atomic():
            scene.plan(scene.unit, [scene.units[0]], 0)
            is_planned.set()
            time.sleep(0.5)

    def rule():
        assert is_planned.wait(10)
        return set_hours_rule(
            actor=scene.officer,
            campaign=scene.campaign,
            kind=HoursKind.OTHER,
            since=timezone.localdate(),
            minutes=45,
            source="区委组织部通知",
        )

    answers = all_at_once([plan, rule])
    assert surprises(answers) == []
    assert answers[1][1] == 1, "one class has to follow"
    scene.campaign.refresh_from_db()
    assert scene.campaign.recount_due_at
