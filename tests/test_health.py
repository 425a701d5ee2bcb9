"""/healthz: the process answers. /readyz: it can do its work. Both without login."""

import shutil
from collections import namedtuple

import pytest
from django.db import OperationalError, connection
from django.test import Client

from haizhou_training import health
from tests import services

Usage = namedtuple("Usage", "total used free")


def test_healthz_answers_without_database_login_or_known_host(client: Client, settings):
    settings.ALLOWED_HOSTS = ["dongxun.example.org"]
    answer = client.get("/healthz", headers={"host": "10.0.0.9"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_readyz_says_ready_when_everything_is_in_place(client: Client):
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json()
    assert answer.json() == {"status": "ok", "database": "ok", "disk": "ok", "migrations": "ok"}


@pytest.mark.django_db
def test_readyz_is_unready_without_a_database(client: Client, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"


@pytest.mark.django_db
def test_readyz_is_unready_while_a_migration_is_missing(client: Client, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["migrations"]) == (503, "pending")


@pytest.mark.django_db
def test_readyz_is_unready_when_the_disk_is_nearly_full(client: Client, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(100, 100, 0))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["disk"]) == (503, "nearly full")


@pytest.mark.django_db
def test_readyz_on_postgresql_insists_on_byte_order_of_paths(client: Client):
    if connection.vendor != "postgresql":
        assert client.get("/readyz").json()["database"] == "ok"
        return
    with connection.cursor() as cursor:
        column = "ALTER TABLE organizations_organization ALTER COLUMN path"
        cursor.execute(f'{column} TYPE varchar(255) COLLATE "default"')
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "path columns lack collation C")


@pytest.mark.django_db
def test_a_missing_broker_is_shown_but_pages_go_on(client: Client, settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{services.free_port()}/0"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["redis"]) == (200, "unreachable")


@pytest.mark.redis
@pytest.mark.django_db
def test_a_living_broker_is_ok(client: Client, broker):
    assert client.get("/readyz").json()["redis"] == "ok"
