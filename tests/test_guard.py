"""The net under every other test: a write outside a service fails."""

import pytest
from django.db import transaction

from organizations.models import Organization, User
from organizations.services import jobs
from tests.base import PASSWORD, Cast, fixture_writes
from tests.guard import WriteOutsideService

pytestmark = pytest.mark.django_db


def test_a_write_outside_a_service_is_refused():
    cast = Cast()
    with pytest.raises(WriteOutsideService), transaction.atomic():
        Organization.objects.filter(pk=cast.north.pk).update(name="别的")
    with pytest.raises(WriteOutsideService), transaction.atomic():
        cast.wang.save()
    with pytest.raises(WriteOutsideService), transaction.atomic():
        cast.wang.delete()


def test_a_service_may_write():
    job = jobs.enqueue(kind="tests", title="试验", requested_by=None, organization=None, params={})
    assert job.pk


def test_a_test_may_set_its_scene_openly():
    cast = Cast()
    with fixture_writes():
        Organization.objects.filter(pk=cast.north.pk).update(name="别的")


def test_django_may_note_the_last_login(client):
    cast = Cast()
    assert client.login(username=cast.officer.username, password=PASSWORD)
    assert User.objects.get(pk=cast.officer.pk).last_login is not None
