"""Two records become one while both are being marked, and while somebody else clicks the same."""

import random
import threading
from functools import partial

import pytest

from attendance.models import Attendance, RosterEntry, Status
from attendance.services.merging import merge_people
from organizations.models import AuditEvent, Member
from tests.attendance.life_scene import who_gave_way_counts_nowhere
from tests.races.crowd import Storm, all_at_once, surprises
from tests.races.scene import RaceScene, body_of, logged_in, send, versions
from tests.races.truth import assert_everything_is_true

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
STATUSES = ("present", "absent", "leave", "late")
PATIENCE = 60  # seconds; over when everybody is merged


@pytest.fixture
def scene():
    return RaceScene()


def pairs_of(scene):
    """Each of the first branch with one of a branch in the other township."""
    here, there = (scene.entries(unit=scene.units[at]) for at in (0, 5))
    return list(zip(here, there, strict=True))


def test_marks_on_either_record_and_the_merge_come_out_as_one_person(scene):
    pairs = pairs_of(scene)
    both = [entry.pk for pair in pairs for entry in pair]
    storm, over = Storm(PATIENCE), threading.Event()

    def writer(number, user):
        client, dice = logged_in(user), random.Random(number)

        def mark(_turn):
            if over.is_set():
                return False
            session = dice.choice(scene.joint)
            chosen = {pk: dice.choice(STATUSES) for pk in dice.sample(both, dice.randint(1, 6))}
            answer = send(client, session, body_of(chosen, versions(session, list(chosen))))
            assert answer.status_code == 200, answer.content
            return True

        return mark

    def merge(turn):
        if turn == len(pairs):
            over.set()
            return False
        winner, loser = pairs[turn % len(pairs)] if turn % 3 else pairs[turn % len(pairs)][::-1]
        merge_people(actor=scene.officer, winner=winner.member, loser=loser.member)
        return True

    acts = [
        (f"mark {n}", writer(n, user), 0) for n, user in enumerate([scene.officer] * 4 + scene.organizers)
    ]
    storm.rage([*acts, ("merge", merge, 0.3), ("merge twice", merge, 0.3)])
    print("done", dict(storm.done), "refused", dict(storm.refused))
    assert storm.surprises == []
    assert Member.objects.filter(merged_into__isnull=False).count() == len(pairs)
    assert AuditEvent.objects.filter(action="member.merged").count() == len(pairs)
    assert_everything_is_true(scene.campaign)
    who_gave_way_counts_nowhere(scene.campaign)
    rows = Attendance.objects.exclude(status=Status.UNMARKED).filter(entry__merged_into__isnull=False)
    assert not rows.exists()


def test_two_clicks_at_once_merge_once(scene):
    (winner, loser), *_ = pairs_of(scene)
    act = partial(merge_people, actor=scene.officer, winner=winner.member, loser=loser.member)
    answers = all_at_once([act, act, act])
    assert surprises(answers) == [] and sorted(answers) == [False, False, True]
    assert_everything_is_true(scene.campaign)


def test_two_who_would_keep_the_other_record_leave_one(scene):
    (one, other), *_ = pairs_of(scene)
    answers = all_at_once(
        [
            partial(merge_people, actor=scene.officer, winner=a.member, loser=b.member)
            for a, b in ((one, other), (other, one))
        ]
    )
    assert surprises(answers) == [] and [answer is True for answer in answers].count(True) == 1
    assert RosterEntry.objects.filter(merged_into__isnull=False).count() == 1
    assert_everything_is_true(scene.campaign)
