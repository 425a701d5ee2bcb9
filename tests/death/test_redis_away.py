"""Redis dead, empty or frozen: pages work, jobs wait in the ledger, the sweep delivers them."""

import os
import signal
import time
import uuid

import pytest

from organizations.models import Job
from tests import services
from tests.death.acts import Ledger, Sheet, Submit
from tests.death.broker import Broker
from tests.death.browser import Browser
from tests.death.processes import House, children
from tests.death.town import Town

pytestmark = [pytest.mark.slow, pytest.mark.redis, pytest.mark.django_db(transaction=True)]
PAGES = ("/", "/jobs/", "/reports/", "/members/", "/readyz")
# Seconds; four are the time-out of a broker that hangs. A hang without it would end with the browser's own.
LONGEST_CLICK = 30


@pytest.fixture
def broker(redis_installed, tmp_path):
    broker = Broker(tmp_path)
    yield broker
    broker.thaw()
    broker.kill()


@pytest.fixture
def town(transactional_db):
    return Town(branches=1, people=5)


@pytest.fixture
def house(town, broker, tmp_path):
    house = House(tmp_path, broker=broker.url)
    yield house
    house.stop()


class Organizer(Browser):
    def __init__(self, house, town):
        super().__init__(house.port, town.north_organizer)
        self.town = town

    def ask_for_report(self) -> Job:
        began = time.monotonic()
        status, place = self.post("/reports/request/", unit=self.town.north_unit.pk, form=uuid.uuid4())
        assert status == 302 and time.monotonic() - began < LONGEST_CLICK
        return Job.objects.get(uuid=place.rstrip("/").rpartition("/")[2])

    def sees_it_wait(self, job: Job) -> bool:
        status, page = self.get(f"/jobs/{job.uuid}/")
        return status == 200 and "排队中" in page

    def gets_it(self, job: Job) -> None:
        ready = Job.objects.filter(pk=job.pk, state=Job.State.READY)
        services.wait_until(ready.exists, seconds=60, what=f"report {job.pk}")
        assert self.status_of_file(job) == 200

    def status_of_file(self, job: Job) -> int:
        status, _, content = self._ask("GET", f"/jobs/{job.uuid}/file/")
        return status if content.startswith(b"PK") else 0


def freeze_worker(house: House, number: int) -> None:
    worker = house.pid_of("worker")
    for pid in (worker, *children(worker)):
        os.kill(pid, number)


def test_redis_may_be_dead_and_come_back_empty_be_wiped_or_hang(house, broker, town):
    organizer = Organizer(house, town)
    session = town.hold(town.north_unit, 9)

    broker.kill()
    assert [organizer.get(page)[0] for page in PAGES] == [200] * len(PAGES)
    ledger = Ledger()
    Submit(town, ledger, 1, Sheet(session.pk, town.expected_at(session)), organizer).run()
    assert ledger.acknowledged == 1 and not ledger.faults
    waiting = organizer.ask_for_report()
    assert organizer.sees_it_wait(waiting)
    broker.start()
    organizer.gets_it(waiting)

    freeze_worker(house, signal.SIGSTOP)
    forgotten = [organizer.ask_for_report() for _ in range(2)]
    services.flush(broker.url)
    assert all(organizer.sees_it_wait(job) for job in forgotten)
    freeze_worker(house, signal.SIGCONT)
    for job in forgotten:
        organizer.gets_it(job)

    broker.freeze()
    unheard = organizer.ask_for_report()
    assert organizer.get("/")[0] == 200 and organizer.sees_it_wait(unheard)
    broker.thaw()
    organizer.gets_it(unheard)
