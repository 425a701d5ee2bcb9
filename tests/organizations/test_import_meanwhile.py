"""A check takes seconds; what others do to the same import meanwhile is never written over."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from organizations.models import HeaderMeaning, ImportBatch, ImportState, Job, Member, StoredFile
from organizations.runner import Runner
from organizations.service import Refused
from organizations.services import import_checks, imports, jobs
from organizations.services.import_undo import undo_batch
from tests.base import Cast, fixture_writes, once
from tests.organizations.workbooks import HEADERS, person, roster, xlsx

pytestmark = pytest.mark.django_db
# An answer about a column, and one line somebody must mend.
ODD = xlsx([[*HEADERS, "分到"], [*person("张一"), "一组"], [*person("张二", phone="123"), None]])
ANSWER = {"key": ["分到"], "field": [""]}
UNREADABLE = b"<html><table></table></html>"

built, cast = once(Cast)


@pytest.fixture
def batch(cast):
    return imports.check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="名册.xlsx", content=ODD
    )


@pytest.fixture
def at(client, cast):
    client.force_login(cast.north_organizer)

    def post(name, batch, **data):
        address = reverse(f"organizations:{name}", args=[batch.pk])
        text = client.post(address, data, follow=True).content.decode()
        batch.refresh_from_db()
        return text

    return post


@pytest.fixture
def meanwhile(monkeypatch):
    """`meanwhile(act)`: the next check takes so long that `act` is done before it ends."""

    def during(act):
        judge = imports.check

        def slow(*told):
            monkeypatch.setattr(imports, "check", judge)
            act()
            return judge(*told)

        monkeypatch.setattr(imports, "check", slow)

    return during


@pytest.fixture
def every_file_is_long(monkeypatch):
    monkeypatch.setattr(import_checks, "AT_ONCE_BYTES", 10)


def store_part(cast, batch):
    return imports.store_batch(actor=cast.north_organizer, batch=batch, partial=True, version=1)


def corrected(cast, batch, content):
    import_checks.receive_corrected(
        actor=cast.north_organizer, batch=batch, file_name="改好.xlsx", content=content
    )


def test_a_part_stored_during_a_check_stays_stored_and_can_be_undone(cast, batch, at, meanwhile):
    meanwhile(lambda: store_part(cast, batch))
    assert "又检查过" in at("import_answer", batch, version=1, **ANSWER)
    assert (batch.state, batch.result["created"], len(batch.settled)) == ("PARTIAL", 1, 8)
    assert batch.stored_at is not None
    undo_batch(actor=cast.north_organizer, batch=batch, version=batch.version)
    assert not Member.objects.filter(name="张一").exists()


def test_a_long_corrected_file_sent_during_a_check_is_the_one_that_is_checked(cast, batch, meanwhile):
    meanwhile(lambda: corrected(cast, batch, roster(person("张三"))))
    with pytest.raises(Refused, match="又检查过"):
        imports.check_again(actor=cast.north_organizer, batch=batch)
    batch.refresh_from_db()
    assert (batch.state, batch.file_name) == (ImportState.CHECKING, "改好.xlsx")
    Runner().run_one()
    batch.refresh_from_db()
    assert (batch.state, batch.verdict["counts"]["created"]) == (ImportState.CHECKED, 1)


def test_a_check_writes_its_verdict_and_nothing_else(cast, batch, meanwhile):
    """Also where somebody writes a column without a new version."""
    stored_at = timezone.now()

    def write():
        with fixture_writes():
            ImportBatch.objects.filter(pk=batch.pk).update(stored_at=stored_at, settled=b"12345678")

    meanwhile(write)
    imports.check_again(actor=cast.north_organizer, batch=batch)
    batch.refresh_from_db()
    assert (batch.stored_at, bytes(batch.settled)) == (stored_at, b"12345678")


def test_a_file_nobody_can_read_does_not_push_aside_what_came_after_it(cast, batch, meanwhile):
    corrected(cast, batch, UNREADABLE)

    def send_another():
        content = roster(person("张三"))
        imports.check_again(actor=cast.north_organizer, batch=batch, content=content, file_name="另.xlsx")

    meanwhile(send_another)
    Runner().run_one()
    batch.refresh_from_db()
    assert (batch.state, batch.file_name) == (ImportState.CHECKED, "另.xlsx")
    assert "又检查过" in Job.objects.get().reason


@pytest.mark.parametrize("more", [{"partial": "1"}, {}], ids=["a part", "everything"])
def test_the_second_tap_of_a_page_shows_the_first_result(cast, at, more):
    people = [person("张一"), person("张二", phone="123")] if more else [person("张一")]
    batch = imports.check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="名册.xlsx", content=roster(*people)
    )
    at("import_store", batch, version=1, **more)
    first = batch.result
    text = at("import_store", batch, version=1, **more)
    assert "又检查过" not in text and batch.result == first and first["created"] == 1
    assert Member.objects.filter(name="张一").count() == 1


def test_the_page_counts_checks_and_not_what_was_stored_between(cast, batch, at):
    assert "次检查" not in at("import_store", batch, version=1, partial="1")
    file = SimpleUploadedFile("名册.xlsx", ODD)
    assert batch.version == 2 and "第 2 次检查" in at("import_again", batch, file=file)


def test_an_answer_about_a_long_file_is_checked_aside(batch, at, every_file_is_long):
    assert "正在检查" in at("import_answer", batch, version=1, key=["分到"], field=["party_group"])
    assert batch.state == ImportState.CHECKING and batch.choices["columns"] == {"分到": "party_group"}
    assert "又检查过" in at("import_answer", batch, version=1, **ANSWER)  # a second tap
    Runner().run_one()
    batch.refresh_from_db()
    assert batch.state == ImportState.CHECKED
    assert {one["text"]: one["field"] for one in batch.verdict["headers"]}["分到"] == "party_group"
    assert HeaderMeaning.objects.get().field == "party_group"


def test_each_answer_about_the_same_long_file_is_a_check_of_its_own(batch, at, every_file_is_long):
    for name in ("party_group", ""):
        at("import_answer", batch, version=batch.version, key=["分到"], field=[name])
        Runner().run_one()
        batch.refresh_from_db()
        assert {one["text"]: one["field"] for one in batch.verdict["headers"]}["分到"] == name
    assert Job.objects.count() == 2


def test_while_a_check_runs_nothing_else_is_asked_for(cast, batch, every_file_is_long):
    corrected(cast, batch, ODD)
    jobs.claim(Job.objects.get().pk)
    batch.refresh_from_db()
    with pytest.raises(Refused, match="还在检查"):
        import_checks.receive_answers(actor=cast.north_organizer, batch=batch, choices=imports.NOTHING_CHOSEN)


def test_a_long_file_of_yesterday_is_asked_for_again(batch, at, every_file_is_long):
    with fixture_writes():
        StoredFile.objects.update(expires_at=timezone.now())
    assert "再上传一次" in at("import_answer", batch, version=1, **ANSWER)
    assert batch.state == ImportState.CHECKED and not Job.objects.exists()


def test_the_neighbour_answers_nothing_about_a_long_file(cast, batch, every_file_is_long):
    with pytest.raises(Refused, match="只能为本单位"):
        import_checks.receive_answers(actor=cast.south_organizer, batch=batch, choices=imports.NOTHING_CHOSEN)
