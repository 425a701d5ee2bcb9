"""Whatever service changes who is on a roster, and where, writes 名册变动 with it: none may forget."""

import re

import pytest
from django.db import connection, transaction

from tests.base import once
from tests.prying.acts import ACTS
from tests.reports.scene import Winter

pytestmark = pytest.mark.django_db

built, winter = once(Winter)
WRITE = re.compile(r'^\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?attendance_(\w+)', re.IGNORECASE)
OF_ROSTERS = {"rosterstay", "waiver"}
CHANGES = "rosterchange"
# Drawing is no change: before it there was no roster.
DRAWING = "attendance.services.roster.open_campaign"


class Written:
    """A database execute_wrapper: the tables of this app that somebody writes."""

    def __init__(self):
        self.tables = set()

    def __call__(self, execute, sql, params, many, context):
        if write := WRITE.match(str(sql)):
            self.tables.add(write[1])
        return execute(sql, params, many, context)


def tables_written(winter, name) -> set[str]:
    written = Written()
    with transaction.atomic():
        prepare, perform = ACTS[name]
        ready = prepare(winter)
        with connection.execute_wrapper(written):
            perform(winter, ready)
        transaction.set_rollback(True)
    return written.tables


def test_no_service_changes_a_roster_without_a_line(winter):
    tables = {name: tables_written(winter, name) for name in ACTS}
    changing = {name for name, written in tables.items() if written & OF_ROSTERS}
    assert {name for name in changing if CHANGES not in tables[name]} == {DRAWING}
    # What the examples must reach, or the test above proves nothing.
    reached = {name.removeprefix("attendance.services.") for name in changing}
    assert reached >= {
        "adopting.adopt_differences",
        "moving.move_member",
        "moving.move_members",
        "moving.accept_transfer",
        "moving.merge_branch",
        "merging.merge_people",
        "roster.set_waiver",
        "roster.end_waiver",
    }
