"""Eight, then thirty-two send their registers at one moment: into one class, and each into the own."""

from functools import partial

import pytest

from attendance.models import Attendance
from tests.races.crowd import all_at_once, surprises
from tests.races.office import CLIENTS, PEOPLE, Office
from tests.races.scene import body_of, logged_in, send
from tests.races.truth import assert_everything_is_true

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_eight_and_thirty_two_clients_lose_nothing():
    office, sent = Office(), {}
    for clients, days in ((8, 1), (CLIENTS, 2)):
        for sessions in (office.sessions[days : days + 1] * clients, office.own_sessions(clients, days + 3)):
            answers = all_at_once(submits(office, sessions, sent))
            assert surprises(answers) == []
            assert {answer.status_code for answer in answers} == {200}
            became = {mark["outcome"] for answer in answers for mark in answer.json()["marks"]}
            assert became == {"applied"}
    stored = Attendance.objects.exclude(status="unmarked").values_list("session", "entry", "status")
    assert {(session, entry): status for session, entry, status in stored} == sent
    assert len(sent) == 2 * (8 + CLIENTS) * PEOPLE
    assert_everything_is_true(office.campaign)


def submits(office, sessions, sent):
    """One act for each: the recorder of the branch marks everybody; `sent` remembers what."""
    for number, session in enumerate(sessions):
        branch = office.branches[number]
        people = office.campaign.entries.filter(unit__organization=branch).values_list("pk", flat=True)
        marks = {entry: ("absent" if entry % 9 == 0 else "present") for entry in people}
        sent.update({(session.pk, entry): status for entry, status in marks.items()})
        yield partial(send, logged_in(office.recorders[number]), session, body_of(marks, {}))
