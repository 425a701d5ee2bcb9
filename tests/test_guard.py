"""The net under every other test: a write outside a service fails."""

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import RequestFactory

from organizations.models import Organization, User
from organizations.services import jobs
from tests.base import PASSWORD, Cast, fixture_writes
from tests.guard import WriteOutsideService
from tests.prying.sweep import Sweep

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


@pytest.mark.parametrize(
    "sql",
    [
        'INSERT INTO "organizations_member" ("phone") VALUES (%s)',
        'UPDATE "organizations_member" SET "phone" = %s',
        'WITH one AS (UPDATE "organizations_member" SET "phone" = %s RETURNING "id") SELECT "id" FROM one',
    ],
)
def test_a_stored_number_is_noticed(sql):
    sweep = Sweep()
    sweep.stored(lambda *asked: None, sql, ["13800138000"], False, {})
    assert len(sweep.take()) == 1


@pytest.mark.parametrize("number", ["13800138000", "%31%33800138000", "11010519491231002X"])
def test_a_number_in_an_address_is_noticed(number):
    sweep, request = Sweep(), RequestFactory().get("/")
    sweep.look_at(request, HttpResponse(f'<a href="/members/?q={number}">张三</a>'))
    assert len(sweep.take()) == 1
    sweep.look_at(request, HttpResponse('<a href="/members/12/?page=2&amp;q=%E5%8C%97">2026年11月22日</a>'))
    assert sweep.take() == []
