"""What was checked and not stored lives a day; imports of before this version have no lines at all."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from organizations.models import ImportBatch, ImportChange, ImportPiece, ImportState, Member, StoredFile
from organizations.service import Refused
from organizations.services import imports, jobs
from organizations.services.import_undo import undo_batch
from tests.base import Cast, fixture_writes, once
from tests.organizations.workbooks import person, roster

pytestmark = pytest.mark.django_db

built, cast = once(Cast)


@pytest.fixture
def batch(cast):
    return imports.check_roster(
        actor=cast.north_organizer,
        organization=cast.north,
        file_name="名册.xlsx",
        content=roster(person("张一"), person("张二", phone="123")),
    )


@pytest.fixture
def page(client, cast):
    client.force_login(cast.north_organizer)

    def get(batch, name="import_detail"):
        return client.get(reverse(f"organizations:{name}", args=[batch.pk]))

    return get


def store(cast, batch):
    imports.store_batch(actor=cast.north_organizer, batch=batch, partial=True)
    batch.refresh_from_db()


def a_day_later():
    with fixture_writes():
        StoredFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    jobs.sweep()


def test_after_a_day_the_checked_lines_are_gone_and_the_page_says_what_to_do(cast, batch, page):
    a_day_later()
    batch.refresh_from_db()
    assert batch.state == ImportState.DROPPED and not ImportPiece.objects.exists()
    shown = page(batch).content.decode()
    assert "请重新上传" in shown and "存进系统</button>" not in shown and "撤销这次导入" not in shown
    with pytest.raises(Refused, match="不能存"):
        store(cast, batch)


def test_within_the_day_nothing_is_forgotten(batch):
    jobs.sweep()
    batch.refresh_from_db()
    assert batch.state == ImportState.CHECKED and batch.pieces.exists()


def test_the_upload_is_gone_before_but_not_without_its_lines(batch):
    """The file may have been deleted by itself: the lines are no better for that."""
    with fixture_writes():
        StoredFile.objects.all().delete()
    jobs.sweep()
    assert not ImportPiece.objects.exists()


def test_a_check_that_broke_leaves_no_lines_of_the_one_before(batch):
    with fixture_writes():
        ImportBatch.objects.update(state=ImportState.CHECKING)
    a_day_later()
    assert not ImportPiece.objects.exists()


def test_what_was_stored_of_it_before_can_still_be_taken_back(cast, batch, page):
    store(cast, batch)
    content = roster(person("张一"), person("张二", phone="123"), person("张三"))
    batch = imports.check_again(actor=cast.north_organizer, batch=batch, content=content)
    a_day_later()
    batch.refresh_from_db()
    shown = page(batch).content.decode()
    assert batch.state == ImportState.DROPPED and "撤销这次导入" in shown and "请重新上传" in shown
    assert undo_batch(actor=cast.north_organizer, batch=batch, version=batch.version)["taken_back"] == 1
    assert not Member.objects.filter(name="张一").exists()


def test_what_is_stored_is_not_dropped(cast, batch):
    store(cast, batch)
    a_day_later()
    batch.refresh_from_db()
    assert batch.state == ImportState.PARTIAL


def test_an_unstored_import_of_before_is_dropped_by_the_update(cast, batch):
    with fixture_writes():
        stored = ImportBatch.objects.create(organization=cast.north, state=ImportState.STORED)
        migration = import_module("organizations.migrations.0005_fill_the_end_of_phone_numbers")
        migration.drop_unstored_imports(apps, None)
        assert len(migration.Migration.operations) == 2
    assert [ImportBatch.objects.get(pk=one.pk).state for one in (batch, stored)] == ["DROPPED", "STORED"]


def test_an_import_stored_before_changes_were_written_down_is_not_undone(cast, batch, page):
    store(cast, batch)
    with fixture_writes():
        ImportChange.objects.all().delete()
    assert "撤销这次导入" not in page(batch).content.decode()
    assert page(batch, "import_undo").status_code == 404
    with pytest.raises(Refused, match="没有可以撤销的"):
        undo_batch(actor=cast.north_organizer, batch=batch, version=batch.version)
    assert Member.objects.filter(name="张一").exists()


def test_the_sweep_passes_over_a_batch_somebody_is_storing(batch):
    if connection.vendor != "postgresql":
        return  # SQLite has one writer: nobody stores while the sweep looks
    seen = []
    with connection.execute_wrapper(lambda run, sql, *rest: (seen.append(sql), run(sql, *rest))[1]):
        jobs.sweep()
    assert any("FOR NO KEY UPDATE OF" in sql and "SKIP LOCKED" in sql for sql in seen)
