"""A roster is stored whole or not at all, also where whoever stores it dies amid it."""

import signal
import subprocess
import sys

import pytest
from django.conf import settings

from organizations.models import AuditEvent, ImportBatch, ImportChange, ImportState, Member
from organizations.services.imports import check_roster, store_batch
from tests import services
from tests.base import Cast
from tests.organizations.workbooks import id_number, person, roster

pytestmark = pytest.mark.django_db(transaction=True)
# Dies when people and what was done to each are written, and the batch still says that it waits.
PROGRAM = """
import os, signal, django
django.setup()
from organizations.models import ImportBatch, ImportChange, Member
from organizations.services import import_writes, imports
insert = import_writes.insert

def insert_and_die(*told):
    insert(*told)
    assert ImportChange.objects.count() == Member.objects.filter(name__startswith="张新").count() == 2
    os.kill(os.getpid(), signal.SIGKILL)

import_writes.insert = insert_and_die
imports.store_batch(actor=None, batch=ImportBatch.objects.get())
"""


def test_a_process_killed_amid_storing_leaves_nothing_and_it_can_be_stored_again():
    cast = Cast()
    named = {"张新一": id_number(serial="141"), "张新二": id_number(serial="143")}
    people = [person(name, cast.north_branch.name, id=number) for name, number in named.items()]
    batch = check_roster(
        actor=cast.officer, organization=cast.district, file_name="a.xlsx", content=roster(*people)
    )
    before = Member.objects.count()
    died = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=services.environment_of_test_database(),
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert (Member.objects.count(), ImportChange.objects.count()) == (before, 0)
    assert not AuditEvent.objects.filter(action="roster.stored").exists()
    batch = ImportBatch.objects.get()
    assert batch.state == ImportState.CHECKED and batch.pieces.count() == 1
    assert store_batch(actor=cast.officer, batch=batch)["created"] == 2
    assert Member.objects.count() == before + 2
