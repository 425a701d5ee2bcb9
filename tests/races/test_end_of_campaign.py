"""A campaign ends while sixteen write in it: nothing gets through after the end, nothing half."""

import threading
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import OperationalError, transaction

from attendance.services.contacts import log_contact
from attendance.services.ending import close_campaign, reopen_campaign
from attendance.services.home_lessons import record_home_lesson
from attendance.services.leaves import set_leave
from attendance.services.makeup import plan_makeup
from attendance.services.recount import differences
from attendance.services.unlocking import let_in_waiting
from campaigns.services.trainees import note_trainees
from haizhou_training.errors import passes
from organizations.service import Refused
from tests.attendance.life_scene import run_recount
from tests.attendance.test_closed_campaign import changed, rows_of
from tests.campaigns.scene import at
from tests.races.acts import Evening
from tests.races.crowd import Storm
from tests.races.scene import RaceScene
from tests.races.test_storm import tell
from tests.races.truth import assert_everything_is_true

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PATIENCE = 120
OVER = 0.3  # for so long everybody tries after the end
BETWEEN = 5  # so many marks are stored before the end
THOUGHT = 1  # the mean pause of everybody: who is in the middle of something when it ends is the race


class LastEvening(Evening):
    """The acts of an evening on which the officer ends the campaign, and opens it again, and again."""

    least = BETWEEN

    def everybody(self):
        self.over = threading.Event()
        acts = (self.close, self.reopen, self.undo, self.makeup, self.teach, self.care, self.waive, self.move)
        doing = [(f"mark {n}", self.writer(n, user)) for n, user in enumerate(self.scene.accounts())]
        doing += [(act.__name__, self.disturber(n, act)) for n, act in enumerate(acts)]
        return [(name, partial(self.until_over, act), THOUGHT) for name, act in doing]

    def until_over(self, act, turn):
        return False if self.over.is_set() else self.patiently(partial(act, turn))

    @staticmethod
    def patiently(act):
        """Too long behind the lock, a page says 503 and comes again by itself."""
        try:
            return act()
        except OperationalError as error:
            if not passes(error):
                raise
            raise Refused("", code="busy") from error

    def meanwhile(self, act):
        """Everybody goes on until `act`, once some marks were stored, is done; what it returned."""
        everybody, found, before = self.everybody(), [], self.stored()

        def once_it_rages(turn):
            while not self.over.is_set() and self.stored() < before + self.least:
                time.sleep(0.01)
            with suppress(Refused):
                found.append(self.patiently(act))
                self.over.set()
                return False

        self.storm.rage([*everybody, (act.__name__, once_it_rages, 0)])
        assert found, self.storm.surprises
        return found[0]

    def stored(self):
        return self.storm.done["  applied"]

    def somebody(self, dice):
        return dice.choice(list(self.scene.entries()))

    def topic(self, dice):
        return dice.choice(list(self.scene.campaign.topics.all()))

    def makeup(self, dice):
        entry, start = self.somebody(dice), at(self.ago(-2), 1)
        plan_makeup(
            actor=self.scene.officer,
            unit=entry.unit,
            topics=[self.topic(dice)],
            entries=[entry],
            title="补课",
            starts_at=start,
            ends_at=start + timedelta(hours=1),
        )

    def teach(self, dice):
        start = at(self.ago(1), 2)
        record_home_lesson(
            actor=self.scene.officer,
            entries=[self.somebody(dice)],
            topics=[self.topic(dice)],
            teacher="李老师",
            starts_at=start,
            ends_at=start + timedelta(minutes=50),
            request_uuid=uuid4(),
        )

    def care(self, dice):
        """What is written beside the register."""
        entry, officer = self.somebody(dice), self.scene.officer
        part = dice.choice(list(dice.choice(self.scene.joint).parts.select_related("session__campaign")))
        acts = [
            partial(set_leave, entry=entry, reason="AWAY", since=self.ago(-1), until=self.ago(-1)),
            partial(log_contact, entry=entry, how="PHONE", day=self.ago(0)),
            partial(note_trainees, part=part, category="ACTIVIST", names=["来听的人"]),
        ]
        dice.choice(acts)(actor=officer, request_uuid=uuid4())

    def end(self):
        """What was written after the end, and what is untrue then."""
        campaign = self.scene.campaign
        with transaction.atomic():
            close_campaign(actor=self.scene.officer, campaign=campaign, reason="年终了")
            before = rows_of(campaign)
        time.sleep(OVER)
        return changed(before, rows_of(campaign)), differences(campaign=campaign)

    def begin_again(self):
        reopen_campaign(actor=self.scene.officer, campaign=self.scene.campaign, reason="漏报一场")


def test_after_the_end_no_write_gets_through_and_none_by_half():
    scene, storm = RaceScene(), Storm(PATIENCE)
    evening = LastEvening(scene, storm)
    written, untrue = evening.meanwhile(evening.end)
    assert written == [] and untrue == []
    evening.least = 0  # while it is closed all of them wait
    evening.meanwhile(evening.begin_again)
    tell(storm, 0)
    assert storm.surprises == [], "\n".join(storm.surprises)
    assert storm.done["  held campaign_closed"], "nobody came too late"
    let_in_waiting(actor=scene.officer, unit=scene.unit)
    run_recount()
    assert_everything_is_true(scene.campaign)
