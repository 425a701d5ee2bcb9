"""Scope taken away between two requests, or between asking for a file and fetching it: the next is denied."""

from itertools import product
from uuid import uuid4

import pytest
from django.test import Client

from organizations.models import Job, Organization, Role, User
from organizations.services import jobs
from organizations.services.accounts import close_account, reset_account
from reports.services.reports import build, request_report
from tests.base import fixture_writes, once
from tests.prying.places import World
from tests.prying.walk import leads_to_login

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


built, world = once(World)


def change(user, **values):
    """What the level above does to the account while somebody works in it."""
    with fixture_writes():
        User.objects.filter(pk=user.pk).update(**values)


def move(organization, parent):
    """The whole organization lies elsewhere in the tree from now on."""
    with fixture_writes():
        fresh = [Organization.objects.get(pk=one.pk) for one in (organization, parent)]
        Organization.objects.move(fresh[0], fresh[1], "last-child")


def report_of(world, actor):
    """A finished report, as its requester sees it in the list."""
    job = request_report(actor=actor, unit=world.north_unit, form=uuid4())
    jobs.run(job.pk, build)
    job.refresh_from_db()
    assert job.state == Job.State.READY, job.reason
    return job


def signed_in(user) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


WITHDRAWN = {
    "closed": lambda w, u: close_account(actor=w.officer, user=u),
    "moved to the sibling": lambda w, u: change(u, organization=w.south),
    "made an auditor": lambda w, u: change(u, role=Role.AUDITOR),
    "password reset": lambda w, u: reset_account(actor=w.officer, user=u),
}


@pytest.mark.parametrize("how", WITHDRAWN)
def test_between_two_requests(world, how):
    north, place = signed_in(world.north_organizer), world.places["HZ0101"]
    pages = [
        f"/members/{place.value('member', 'pk')}/",
        f"/organizations/{world.north.pk}/",
        f"/sessions/{place.value('session', 'pk')}/register/",
        f"/entries/{place.value('entry', 'pk')}/",
        f"/service/{place.value('task', 'pk')}/",
        f"/admin/organizations/member/{place.value('member', 'pk')}/change/",
    ]
    assert [north.get(page).status_code for page in pages] == [200] * len(pages)
    WITHDRAWN[how](world, world.north_organizer)
    for page in pages:
        answer = north.get(page)
        assert answer.status_code in (403, 404) or leads_to_login(answer), (page, answer.status_code)
    marks = {"batch": str(uuid4()), "marks": []}
    sent = north.post(
        f"/sessions/{place.value('session', 'pk')}/marks/", marks, content_type="application/json"
    )
    assert sent.status_code in (403, 404) or leads_to_login(sent)


@pytest.mark.parametrize("how", WITHDRAWN)
def test_between_asking_and_fetching(world, how):
    """The file is ready and its address known; the right to it is gone."""
    job = report_of(world, world.north_organizer)
    north, about = signed_in(world.north_organizer), f"/jobs/{job.uuid}/"
    answer = north.get(f"{about}file/")
    # One answer, read after the check: there is no middle of a download to be caught in.
    assert answer.status_code == 200 and not answer.streaming
    WITHDRAWN[how](world, world.north_organizer)
    for address, headers in product(
        (f"{about}file/", f"{about}status/", about), ({}, {"HTTP_RANGE": "bytes=100-"})
    ):
        answer = north.get(address, **headers)
        assert answer.status_code in (403, 404) or leads_to_login(answer), address
        assert b"PK" not in answer.content[:2] and job.title not in answer.content.decode()


@pytest.mark.parametrize("how", [name for name in WITHDRAWN if name != "password reset"])
def test_between_asking_and_building(world, how):
    """The job is still waiting: it ends with a sentence and without a file."""
    job = request_report(actor=world.north_organizer, unit=world.north_unit, form=uuid4())
    WITHDRAWN[how](world, world.north_organizer)
    jobs.run(job.pk, build)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED and job.file is None
    assert "权限" in job.reason or "无权" in job.reason


def test_a_role_that_may_not_export_fetches_nothing_either(world):
    job = report_of(world, world.north_organizer)
    north = signed_in(world.north_organizer)
    change(world.north_organizer, role=Role.RECORDER, organization=world.north_branch)
    assert north.get(f"/jobs/{job.uuid}/file/").status_code == 404


def test_a_roster_checked_before_is_not_stored_afterwards(world):
    place = world.places["HZ01"]
    batch, keeper = place.records["batch"], place.records["account"]
    client = signed_in(keeper)
    assert client.get(f"/import/{batch.pk}/").status_code == 200
    change(keeper, organization=world.south)
    assert client.get(f"/import/{batch.pk}/").status_code == 404
    assert client.post(f"/import/{batch.pk}/store/", {"partial": "1"}).status_code == 404
    assert client.get(f"/import/{batch.pk}/annotated.xlsx").status_code == 404
    batch.refresh_from_db()
    assert batch.state == "CHECKED"


def test_a_branch_that_moves_to_the_neighbour_takes_its_people_along(world):
    """No account changed, the tree did: the north loses the branch's member pages, the south gains them."""
    north, south = signed_in(world.north_organizer), signed_in(world.south_organizer)
    address = f"/members/{world.qian.pk}/"
    assert (north.get(address).status_code, south.get(address).status_code) == (200, 404)
    move(world.north_other_branch, world.south)
    assert (north.get(address).status_code, south.get(address).status_code) == (404, 200)


def test_fifty_withdrawals_in_a_row(world):
    """Closed and opened again by the level above, over and over; each time the very next request knows."""
    user, address = world.north_organizer, f"/organizations/{world.north.pk}/"
    client = signed_in(user)
    for _ in range(25):
        change(user, is_active=False)
        assert leads_to_login(client.get(address))
        change(user, is_active=True)
        client.force_login(user)
        assert client.get(address).status_code == 200
        change(user, organization=world.south)
        assert client.get(address).status_code == 404
        change(user, organization=world.north)
