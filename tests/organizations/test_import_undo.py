"""Taking an import back: all of it or nothing, by name where something depends on it."""

from datetime import timedelta

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from organizations.models import AuditEvent, ImportBatch, ImportChange, Member
from organizations.service import Refused
from organizations.services import members, transfers
from organizations.services.import_undo import undo_batch, undo_plan, uses
from organizations.services.imports import check_roster, store_batch
from tests.base import Cast, fixture_writes, once
from tests.organizations.workbooks import id_number, person, roster

pytestmark = pytest.mark.django_db
KEPT = (
    "name", "sex", "birth_date", "birth_precision", "joined_party_on", "joined_party_precision",
    "id_digest", "phone_digest", "phone_tail", "initials",
)  # fmt: skip

built, cast = once(Cast)


@pytest.fixture
def stored(cast):
    """A stored import of these people."""

    def store(*people):
        batch = check_roster(
            actor=cast.north_organizer,
            organization=cast.north,
            file_name="名册.xlsx",
            content=roster(*people),
        )
        store_batch(actor=cast.north_organizer, batch=batch, version=batch.version)
        batch.refresh_from_db()
        return batch

    return store


def undo(cast, batch, **options):
    options = {"actor": cast.north_organizer, "version": batch.version} | options
    return undo_batch(batch=batch, **options)


def everybody():
    rows = Member.objects.order_by("pk")
    return list(rows.values_list("pk", "branch_id", "place_in_list", *KEPT))


def numbers_of(member):
    member.refresh_from_db()
    return member.id_number, member.phone


def test_nobody_new_stays_and_every_changed_column_gets_its_old_value(cast, stored):
    with fixture_writes():
        members.change_member(actor=cast.north_organizer, member=cast.wang, phone="13800001111")
    before, numbers = everybody(), numbers_of(cast.wang)
    batch = stored(
        person("王北甲", birth="1970-01-01", sex="男", phone="13900002222", id=id_number("19700101")),
        person("李北乙", birth="1970-01-01", joined="1995-07"),
        person("张一"),
        person("张二"),
    )
    assert everybody() != before and numbers_of(cast.wang) != numbers
    assert undo(cast, batch) == {"taken_back": 2, "restored": 2}
    assert everybody() == before and numbers_of(cast.wang) == numbers


def test_what_it_did_stays_readable_and_the_act_is_in_the_audit(cast, stored):
    batch = stored(person("张一"))
    undo(cast, batch)
    batch.refresh_from_db()
    assert (batch.state, batch.undone_by) == (ImportBatch.State.UNDONE, cast.north_organizer)
    assert list(batch.changes.values_list("name", "member")) == [("张一", None)]
    event = AuditEvent.objects.get(action="roster.undone")
    assert event.details["names"] == ["张一"] and "收回新增 1 人" in event.summary


def test_undoing_twice_is_undoing_once(cast, stored):
    batch = stored(person("张一"))
    first = undo(cast, batch)
    assert undo(cast, batch) == first
    assert AuditEvent.objects.filter(action="roster.undone").count() == 1


def test_the_same_file_can_be_imported_again_afterwards(cast, stored):
    people = [person("张一", id=id_number()), person("王北甲", birth="1970-01-01", phone="13900002222")]
    undo(cast, stored(*people))
    again = stored(*people)
    assert (again.result["created"], again.result["updated"]) == (1, 1)
    assert Member.objects.filter(name="张一").count() == 1


def test_a_later_change_is_refused_by_name_and_nothing_is_half_undone(cast, stored):
    batch = stored(person("张一"), person("张二"), person("王北甲", birth="1970-01-01", phone="13900002222"))
    zhang = Member.objects.get(name="张二")
    members.change_member(actor=cast.north_organizer, member=zhang, party_group="二组")
    before = everybody()
    with pytest.raises(Refused, match="张二") as refused:
        undo(cast, batch)
    assert [(one.name, one.why) for one in refused.value.obstacles] == [("张二", "导入以后有人改过")]
    assert everybody() == before and Member.objects.filter(name="张一").exists()


def test_somebody_who_left_or_moved_since_is_refused(cast, stored):
    batch = stored(person("张一"), person("张二"))
    one, two = Member.objects.get(name="张一"), Member.objects.get(name="张二")
    today = timezone.localdate()
    members.leave_member(actor=cast.north_organizer, member=one, left_on=today, reason="去世")
    transfers.transfer_member(
        actor=cast.north_organizer, member=two, to_branch=cast.north_other_branch, day=today
    )
    found = {one.name: one.why for one in undo_plan(batch).obstacles}
    assert "已登记离开" in found["张一"]
    assert "组织关系转接" in found["张二"] and "改过" in found["张二"]


def test_a_later_import_of_the_same_people_is_undone_first(cast, stored):
    first = stored(person("张一"))
    second = stored(person("张一", phone="13900002222"))
    with pytest.raises(Refused):
        undo(cast, first)
    assert "后来的导入" in undo_plan(first).obstacles[0].why
    undo(cast, second)
    # The later import's own note still names the member, but it changed nothing that stays.
    assert undo_plan(first).obstacles == []
    undo(cast, first)
    assert not Member.objects.filter(name="张一").exists()


def test_every_table_that_points_at_members_is_asked(cast, stored, monkeypatch):
    """Whoever adds such a table has nothing to remember: an unknown one is found by itself."""
    pointing = {
        relation.related_model._meta.label
        for relation in Member._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ManyToOneRel)
    }
    assert {"attendance.RosterEntry", "campaigns.ServiceTask", "organizations.Transfer"} <= pointing
    asked = set()
    with CaptureQueriesContext(connection) as captured:
        batch = stored(person("张一"))
        uses([Member.objects.get(name="张一").pk], batch)
    statements = " ".join(query["sql"] for query in captured)
    for relation in Member._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel):
            asked.add(relation.related_model._meta.db_table in statements)
    assert asked == {True}


def test_it_takes_the_verdict_the_page_showed_and_a_stored_import(cast, stored):
    batch = stored(person("张一"))
    with pytest.raises(Refused, match="再看一遍"):
        undo(cast, batch, version=batch.version + 1)
    checked = check_roster(
        actor=cast.north_organizer,
        organization=cast.north,
        file_name="名册.xlsx",
        content=roster(person("张三")),
    )
    with pytest.raises(Refused, match="还没有存"):
        undo(cast, checked)


def test_the_other_township_and_those_who_keep_no_records_undo_nothing(cast, stored, client):
    batch = stored(person("张一"))
    for account in (cast.south_organizer, cast.inspector, cast.north_recorder):
        with pytest.raises(Refused):
            undo(cast, batch, actor=account)
        client.force_login(account)
        address = reverse("organizations:import_undo", args=[batch.pk])
        assert client.get(address).status_code == client.post(address).status_code == 404
    assert Member.objects.filter(name="张一").exists()


def test_the_page_says_what_will_happen_then_it_happens(cast, stored, client):
    batch = stored(person("张一"), person("王北甲", birth="1970-01-01", phone="13900002222"))
    client.force_login(cast.north_organizer)
    address = reverse("organizations:import_undo", args=[batch.pk])
    assert "拿掉 1 人" in client.get(address).content.decode()
    changed = client.get(address, {"show": "updated"}).content.decode()
    assert "王北甲" in changed and "手机" in changed and "13900002222" not in changed
    answer = client.post(address, {"version": batch.version})
    assert answer["Location"] == reverse("organizations:import_detail", args=[batch.pk])
    assert "已撤销" in client.get(answer["Location"]).content.decode()
    assert not Member.objects.filter(name="张一").exists()


def test_the_page_lists_who_stands_in_the_way(cast, stored, client):
    batch = stored(person("张一"))
    member = Member.objects.get(name="张一")
    members.change_member(actor=cast.north_organizer, member=member, party_group="二组")
    client.force_login(cast.north_organizer)
    address = reverse("organizations:import_undo", args=[batch.pk])
    text = client.get(address).content.decode()
    assert "现在不能撤销" in text and "导入以后有人改过" in text
    assert client.post(address, {"version": batch.version}).status_code == 422


def test_no_more_queries_for_more_people(cast, stored):
    def count(batch):
        with CaptureQueriesContext(connection) as captured:
            undo(cast, batch)
        return len(captured)

    few = count(stored(person("张一")))
    assert count(stored(person("张一"), person("张二"), person("张三"))) == few


def test_a_batch_of_yesterday_can_be_undone_too(cast, stored):
    batch = stored(person("张一"))
    with fixture_writes():
        ImportBatch.objects.filter(pk=batch.pk).update(stored_at=timezone.now() - timedelta(days=30))
    undo(cast, batch)
    assert ImportChange.objects.get(batch=batch).member is None
