"""What is asked of one person is found by key: at a province's size reading a table whole takes seconds."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance import queries
from attendance.queries.history import entry_steps
from organizations.queries import member_history
from tests.attendance.scene import Scene
from tests.base import once

# Beside SQLite only: PostgreSQL reads a table of three rows whole, and is right.
pytestmark = [pytest.mark.django_db, pytest.mark.either]
built, scene = once(Scene)


def whole_tables(captured):
    """The tables a plan of these statements reads from end to end."""
    read = set()
    with connection.cursor() as cursor:
        for one in captured:
            cursor.execute(f"EXPLAIN QUERY PLAN {one['sql']}")
            read |= {line.split()[1] for *_, line in cursor.fetchall() if line.startswith("SCAN ")}
    return read


def test_one_persons_campaigns_and_history_are_found_by_key(scene):
    entry, user = scene.entry(scene.wang), scene.north_organizer
    with CaptureQueriesContext(connection) as captured:
        list(queries.entries_of(scene.wang, user))
        entry_steps(entry, user)
        member_history(scene.wang, user)
    large = {
        "attendance_rosterentry",
        "attendance_mark",
        "attendance_markbatch",
        "attendance_standing",
        "organizations_member",
        "organizations_transfer",
    }
    assert whole_tables(captured.captured_queries) & large == set()
