"""A database that dies while the session is saved: the phone must send again, not give up."""

import psycopg2
import pytest
from django.contrib.sessions.models import Session
from django.db import DatabaseError, OperationalError

from tests.base import Cast

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("error", "cause", "status"),
    [
        (OperationalError(), psycopg2.OperationalError("server closed the connection unexpectedly"), 503),
        (
            DatabaseError("Forced update did not affect any rows."),
            None,
            400,
        ),  # logged out elsewhere meanwhile
    ],
)
def test_only_a_session_that_is_gone_is_the_senders_fault(client, monkeypatch, error, cause, status):
    client.force_login(Cast().north_organizer)
    client.raise_request_exception = False

    def save(*args, **kwargs):
        raise error from cause

    monkeypatch.setattr(Session, "save", save)
    assert client.get("/members/").status_code == status
