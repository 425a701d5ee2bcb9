"""A rebuild while registers are being sent: it holds a few branches at a time, and what it writes is true."""

import threading
import time
from functools import partial
from itertools import count

import pytest
from django.db import connection

from attendance.models import SessionTally, Standing, Tally
from attendance.services import recount
from attendance.services.recount import differences, rebuild
from tests.base import fixture_writes
from tests.races.crowd import all_at_once, surprises
from tests.races.scene import RaceScene, body_of, logged_in, send, versions
from tests.races.truth import assert_everything_is_true

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scene(monkeypatch):
    monkeypatch.setattr(recount, "CHUNK", 2)
    return RaceScene()


@pytest.fixture
def client(scene):
    return logged_in(scene.officer)


def sheet_of(scene, unit, status):
    people = [entry.pk for entry in scene.entries(unit=unit)]
    return body_of(dict.fromkeys(people, status), versions(scene.joint[0], people))


class Sending(threading.Thread):
    """Somebody sends the sheet of one branch, on a connection of his own."""

    def __init__(self, client, scene, unit):
        super().__init__(daemon=True)
        self.act = partial(send, client, scene.joint[0], sheet_of(scene, unit, "present"))
        self.start()

    def run(self):
        began = time.monotonic()
        [self.answer] = all_at_once([self.act])  # closes its connection
        self.seconds = time.monotonic() - began

    def is_stored_within(self, seconds):
        self.join(seconds)
        return not self.is_alive() and self.answer.status_code == 200


def test_sheets_are_stored_between_the_chunks_of_a_rebuild(scene, client):
    """Of branches already counted, of the next ones and of the last."""
    stored = []

    def between(done, total):
        stored.extend(Sending(client, scene, scene.units[n]).is_stored_within(5) for n in (0, done, 7))

    rebuild(campaign=scene.campaign, progress=between)
    assert stored == [True] * 12
    assert_everything_is_true(scene.campaign)


def test_a_sheet_waits_for_the_chunk_of_its_own_branch(scene, client, monkeypatch):
    """Otherwise the chunk would write what it read before the sheet came."""
    write, sent = recount._write, []

    def write_while_somebody_sends(wanted):
        if not sent:
            sent.append(Sending(client, scene, scene.units[0]))
            assert not sent[0].is_stored_within(0.5)
            if connection.vendor == "postgresql":  # SQLite has one lock for everything
                sent.append(Sending(client, scene, scene.units[5]))
                assert sent[1].is_stored_within(5)
        write(wanted)

    monkeypatch.setattr(recount, "_write", write_while_somebody_sends)
    rebuild(campaign=scene.campaign)
    monkeypatch.undo()
    assert all(sending.is_stored_within(10) for sending in sent)
    assert_everything_is_true(scene.campaign)


def test_a_sheet_waits_for_one_chunk_not_for_the_whole_rebuild(scene, client, monkeypatch):
    """Sent while an early chunk is written, it is stored before the last begins."""
    monkeypatch.setattr(recount, "CHUNK", 1)
    write, sent, chunks, rebuilder = recount._write, [], [], threading.current_thread()

    def write_slowly(wanted):
        write(wanted)
        if threading.current_thread() is rebuilder:  # not the sheet's own
            time.sleep(0.1)

    def between(done, total):
        chunks.append(bool(sent) and not sent[0].is_alive())
        if done == 2:
            sent.append(Sending(client, scene, scene.units[7]))
            time.sleep(0.05)

    monkeypatch.setattr(recount, "_write", write_slowly)
    rebuild(campaign=scene.campaign, progress=between)
    assert sent[0].is_stored_within(10)
    assert len(chunks) == 8 and chunks[-1], chunks


def test_rebuilds_mend_everything_while_everybody_marks(scene):
    with fixture_writes():
        Standing.objects.update(minutes=1, why="LEAVE")
        SessionTally.objects.all().delete()
        Tally.objects.update(trained=3)
    assert differences(campaign=scene.campaign)
    over = threading.Event()

    def mark(client):
        for turn in count():
            if over.is_set():
                return turn
            unit, status = scene.units[turn % 8], ("present", "absent", "late")[turn % 3]
            answer = send(client, scene.joint[0], sheet_of(scene, unit, status))
            assert answer.status_code == 200, answer.content
            time.sleep(0.02)

    def mend():
        for _ in range(2):
            rebuild(campaign=scene.campaign)
        over.set()

    answers = all_at_once([mend, *(partial(mark, logged_in(scene.officer)) for _ in range(2))])
    assert surprises(answers) == [] and min(answers[1:]) > 0
    assert_everything_is_true(scene.campaign)
