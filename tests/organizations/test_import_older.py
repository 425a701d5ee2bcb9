"""Imports that were begun before the system was updated: checked again from the kept file, or refused."""

import pytest
from django.urls import reverse

from organizations.models import ImportBatch, Member
from organizations.service import Refused
from organizations.services.imports import check_again, check_roster, store_batch
from tests.base import Cast, fixture_writes, once
from tests.organizations.workbooks import person, roster

pytestmark = pytest.mark.django_db

built, cast = once(Cast)


@pytest.fixture
def batch(cast):
    """One good line, one red one."""
    content = roster(person("张一"), person("张二", phone="123"))
    return check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="名册.xlsx", content=content
    )


@pytest.fixture
def checked_before(batch):
    """As an older version left its checked lines."""
    with fixture_writes():
        batch.pieces.update(lines=b'{"stored":[[1,null]],"keys":""}\n[]')
    return batch


@pytest.fixture
def stored_before(cast, batch):
    """As an older version left what it had stored in part: the keys of its lines say nothing here."""
    store_batch(actor=cast.north_organizer, batch=batch, partial=True)
    batch.refresh_from_db()
    del batch.result["keys"]
    with fixture_writes():
        ImportBatch.objects.filter(pk=batch.pk).update(result=batch.result, settled=b"12345678")
    return batch


def test_lines_of_an_older_form_are_not_stored(cast, checked_before):
    with pytest.raises(Refused, match="重新检查"):
        store_batch(actor=cast.north_organizer, batch=checked_before, partial=True)
    assert not Member.objects.filter(name="张一").exists()


@pytest.mark.parametrize("show", ["created", "updated", "errors"])
def test_their_page_offers_to_check_the_kept_file_again(client, cast, checked_before, show):
    client.force_login(cast.north_organizer)
    page = reverse("organizations:import_detail", args=[checked_before.pk])
    text = client.get(page, {"show": show}).content.decode()
    assert "系统升级以前检查的" in text and "只存正确的" not in text
    answer = reverse("organizations:import_answer", args=[checked_before.pk])
    client.post(answer, {"version": checked_before.version})
    text = client.get(page, {"show": "created"}).content.decode()
    assert "系统升级以前检查的" not in text and "张一" in text
    checked_before.refresh_from_db()
    store_batch(actor=cast.north_organizer, batch=checked_before, partial=True)
    assert Member.objects.filter(name="张一").count() == 1


def test_what_was_stored_in_part_is_not_taken_for_new_again(cast, stored_before):
    """Its lines are not known again: what came after would be written over."""
    with fixture_writes():
        Member.objects.filter(name="张一").update(party_group="二组")
    mended = roster(person("张一"), person("张二", phone="13800002222"))
    with pytest.raises(Refused, match="另外上传"):
        check_again(actor=cast.north_organizer, batch=stored_before, content=mended)
    stored_before.refresh_from_db()
    assert stored_before.state == "PARTIAL" and Member.objects.get(name="张一").party_group == "二组"
    with pytest.raises(Refused, match="另外上传"):
        check_again(actor=cast.north_organizer, batch=stored_before)
