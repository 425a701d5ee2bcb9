"""Checking and storing a roster: the service, and the command that is its second face."""

import json
import zlib

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from organizations import fields
from organizations.imports import lines
from organizations.imports.lines import lines_of, unpack
from organizations.imports.matching import registered
from organizations.models import AuditEvent, ImportBatch, Member, StoredFile
from organizations.service import Refused
from organizations.services import imports
from organizations.services.imports import check_roster, fetch_annotated, store_batch
from tests.base import Cast, fixture_writes, make_member, once
from tests.organizations.workbooks import id_number, person, roster

pytestmark = pytest.mark.django_db


built, cast = once(Cast)


@pytest.fixture
def check(cast):
    def run(content, organization=None, name="名册.xlsx", actor="north_organizer"):
        return check_roster(
            actor=getattr(cast, actor) if actor else None,
            organization=organization or cast.north,
            file_name=name,
            content=content,
        )

    return run


def codes(batch):
    return [error["code"] for error in batch.verdict["errors"]]


def warning_codes(batch):
    return [warning["code"] for warning in batch.verdict["warnings"]]


def test_checking_stores_nobody(check):
    before = Member.objects.count()
    batch = check(roster(person("张一"), person("张二")))
    assert batch.verdict["counts"]["created"] == 2
    assert Member.objects.count() == before


def test_what_was_checked_is_stored_with_its_values(cast, check):
    number = id_number("19580301", "341")
    sheet = roster(person("曾  一", sex="男", id=number, phone="138 0000 1111", joined="1985.7"))
    store_batch(actor=cast.north_organizer, batch=check(sheet))
    member = Member.objects.get(name="曾一")
    assert (member.branch, member.sex, member.initials) == (cast.north_branch, "M", "zy")
    assert (member.id_number, member.phone) == (number, "13800001111")
    assert str(member.joined_party_on) == "1985-07-01"


def test_the_same_file_again_changes_nothing(cast, check, django_assert_max_num_queries):
    sheet = roster(person("张一", id=id_number()), person("张二", birth="1970.03", phone="13800001111"))
    store_batch(actor=cast.north_organizer, batch=check(sheet))
    state = list(Member.objects.order_by("pk").values())
    batch = check(sheet)
    counts = batch.verdict["counts"]
    assert (counts["created"], counts["updated"], counts["unchanged"]) == (0, 0, 2)
    assert [lines_of(batch, kind, 0, 10)[1] for kind in ("created", "updated")] == [0, 0]
    store_batch(actor=cast.north_organizer, batch=batch)
    assert list(Member.objects.order_by("pk").values()) == state


def test_storing_twice_gives_the_first_result(cast, check):
    batch = check(roster(person("张一")))
    first = store_batch(actor=cast.north_organizer, batch=batch)
    again = store_batch(actor=cast.north_organizer, batch=batch)
    assert first == again
    assert Member.objects.filter(name="张一").count() == 1
    assert AuditEvent.objects.filter(action="roster.stored").count() == 1


def test_an_error_anywhere_keeps_everybody_out_unless_asked(cast, check):
    batch = check(roster(person("张一"), person("张二", phone="123")))
    with pytest.raises(Refused):
        store_batch(actor=cast.north_organizer, batch=batch)
    assert not Member.objects.filter(name="张一").exists()
    result = store_batch(actor=cast.north_organizer, batch=batch, partial=True)
    assert result["created"] == 1 and result["skipped"] == 1
    assert not Member.objects.filter(name="张二").exists()


def test_an_empty_cell_never_erases(cast, check):
    with fixture_writes():
        make_member(cast.north_other_branch, "张一", sex="M", phone="13800001111", party_group="一组")
    batch = check(roster(person("张一", "北坡村党支部", birth="1970-01-01")))
    assert batch.verdict["counts"]["unchanged"] == 1


def test_a_member_changed_since_the_check_is_not_overwritten(cast, check):
    batch = check(roster(person("王北甲", birth="1970-01-01", phone="13800001111")))
    assert batch.verdict["counts"]["updated"] == 1
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(party_group="二组")
    with pytest.raises(Refused, match="重新上传检查"):
        store_batch(actor=cast.north_organizer, batch=batch)
    cast.wang.refresh_from_db()
    assert cast.wang.phone == ""


def test_a_person_added_since_the_check_is_not_added_twice(cast, check):
    batch = check(roster(person("张一")))
    with fixture_writes():
        make_member(cast.north_branch, "张一")
    with pytest.raises(Refused, match="重新上传检查"):
        store_batch(actor=cast.north_organizer, batch=batch)


def test_a_branch_closed_since_the_check_takes_nobody(cast, check):
    batch = check(roster(person("张一")))
    with fixture_writes():
        type(cast.north_branch).objects.filter(pk=cast.north_branch.pk).update(closed_on="2026-11-01")
    with pytest.raises(Refused, match="重新上传检查"):
        store_batch(actor=cast.north_organizer, batch=batch)


def test_the_id_number_is_nowhere_in_the_batch_in_clear(check):
    number = id_number()
    batch = check(roster(person("张一", id=number), person("张二", id=number)))
    batch = ImportBatch.objects.get(pk=batch.pk)
    for text in (json.dumps(batch.verdict), batch.file_name, batch.annotated.name):
        assert number not in text and number[-6:] not in text


def test_checked_lines_lie_in_the_database_encrypted(check):
    batch = check(roster(person("张一", id=id_number(), phone="13800001111")))
    [piece] = [bytes(one.lines) for one in batch.pieces.all()]
    assert unpack(piece)[0]["phone"] == ["13800001111"]
    told, _, packed = piece.partition(b"\n")
    assert json.loads(told) == {"form": lines.FORM, "new": [4], "known": []}
    assert zlib.decompress(fields.decrypt_bytes(packed)).startswith(b"[")
    with pytest.raises(zlib.error):
        zlib.decompress(packed)


def test_no_file_of_the_batch_lies_in_the_database_in_clear(cast, check):
    """A workbook is zipped, so its bytes never show a number: what matters is that nobody opens it."""
    batch = check(roster(person("张一", id=id_number(), phone="123")))
    assert {batch.annotated, batch.source} == set(StoredFile.objects.all())
    for stored in (batch.annotated, batch.source):
        assert not bytes(stored.content).startswith(b"PK") and stored.sha256 and stored.expires_at
    clear = fetch_annotated(actor=cast.north_organizer, batch=batch)
    assert clear.startswith(b"PK") and len(clear) == batch.annotated.size
    with fixture_writes():
        StoredFile.objects.update(expires_at=timezone.now())
    with pytest.raises(Refused, match="保留一天"):
        fetch_annotated(actor=cast.north_organizer, batch=ImportBatch.objects.get(pk=batch.pk))


def test_nothing_is_encrypted_while_the_database_waits(cast, check, monkeypatch):
    open_blocks = len(connection.savepoint_ids)
    seen = []

    def watched(act):
        def run(value):
            seen.append(len(connection.savepoint_ids))
            return act(value)

        return run

    monkeypatch.setattr(lines, "encrypt_many", watched(lines.encrypt_many))
    monkeypatch.setattr(lines, "encrypt_bytes", watched(lines.encrypt_bytes))
    monkeypatch.setattr(imports, "encrypt_bytes", watched(imports.encrypt_bytes))
    batch = check(roster(person("张一", id=id_number()), person("张二", phone="123")))
    assert len(seen) == 3
    store_batch(actor=cast.north_organizer, batch=batch, partial=True)
    assert len(seen) == 4 and set(seen) == {open_blocks}


@pytest.mark.either  # PostgreSQL knows that a table is small, and reads it
@pytest.mark.parametrize("many", [1, 2000])
def test_who_holds_a_number_is_asked_of_the_index(many):
    """Without a word that the number is not empty, SQLite reads all members for each thousand lines."""
    plan = Member.objects.filter(registered([str(n) for n in range(many)])).explain()
    assert "organizations_one_member_per_id_number" in plan and "SCAN organizations_member" not in plan


def test_the_check_of_another_township_is_refused(cast, check):
    with pytest.raises(Refused):
        check(roster(person()), organization=cast.south)
    batch = check(roster(person("张一", "南河村党支部")), organization=cast.south, actor="south_organizer")
    with pytest.raises(Refused):
        store_batch(actor=cast.north_organizer, batch=batch)


# --- the command ---


@pytest.fixture
def command(tmp_path, capsys, cast):
    def run(content, *options, organization="HZ01", name="名册.xlsx"):
        path = tmp_path / name
        path.write_bytes(content)
        status = 0
        try:
            call_command("import_roster", str(path), "--organization", organization, "--json", *options)
        except SystemExit as stop:
            status = stop.code
        return status, json.loads(capsys.readouterr().out)

    return run


KEYS = {
    "file", "header_row", "created", "updated", "unchanged", "skipped", "errors", "warnings", "stored",
    "batch",
}  # fmt: skip


def test_the_command_stores_a_clean_file(command):
    status, report = command(roster(person("张一"), person("张二")))
    assert status == 0 and set(report) == KEYS
    assert (report["created"], report["stored"], report["header_row"]) == (2, True, 1)
    assert Member.objects.filter(name__in=["张一", "张二"]).count() == 2
    status, report = command(roster(person("张一"), person("张二")))
    assert (status, report["unchanged"], report["created"]) == (0, 2, 0)


def test_a_dry_run_counts_and_stores_nothing(command):
    status, report = command(roster(person("张一")), "--dry-run")
    assert (status, report["created"], report["stored"]) == (0, 1, False)
    assert not Member.objects.filter(name="张一").exists()


def test_error_rows_end_with_status_1_and_name_row_and_column(command):
    sheet = roster(person("张一"), person("张二", phone="123"))
    status, report = command(sheet)
    assert (status, report["stored"], report["created"]) == (1, False, 0)
    error = report["errors"][0]
    assert set(error) == {"row", "column", "code", "message"}
    assert (error["row"], error["column"], error["code"]) == (3, "联系电话", "PHONE")
    status, report = command(sheet, "--partial")
    assert (status, report["stored"], report["created"], report["skipped"]) == (1, True, 1, 1)


def test_a_refused_file_ends_with_status_2_and_a_code(command):
    status, report = command(b"")
    assert status == 2 and set(report) == KEYS
    assert (report["errors"][0]["row"], report["errors"][0]["code"]) == (None, "EMPTY")
    assert command(roster(person()), organization="NOWHERE")[0] == 2
