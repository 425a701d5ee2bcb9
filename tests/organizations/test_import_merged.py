"""The number that a merged record gave up still means the person, in every import after."""

import pytest
from django.utils import timezone

from organizations.models import Member
from organizations.service import Refused
from organizations.services.duplicates import merge_members
from organizations.services.imports import check_again, check_roster, store_batch
from organizations.services.members import change_member, create_member, leave_member, look_up_member
from tests.base import Cast, make_member, once
from tests.organizations.workbooks import id_number, person, roster

pytestmark = pytest.mark.django_db
built, cast = once(Cast)
GIVEN_UP, KEPT, LAST = (id_number("19650712", tail) for tail in ("341", "343", "345"))


@pytest.fixture
def merged(cast):
    """Three records of one person became one, one after the other: 王北甲, whose number is the last."""
    records = [make_member(cast.north_branch, "王北甲") for _ in range(2)] + [cast.wang]
    for record, number in zip(records, (GIVEN_UP, KEPT, LAST), strict=True):
        change_member(actor=cast.north_organizer, member=record, birth_date=None)
        change_member(actor=cast.north_organizer, member=record, id_number=number)
    for loser, winner in ((0, 1), (1, 2)):
        merge_members(actor=cast.north_organizer, winner=records[winner], loser=records[loser])
    cast.wang.refresh_from_db()
    return cast.wang


def check(cast, *people):
    return check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="a.xlsx", content=roster(*people)
    )


def codes(batch):
    return [one["code"] for one in batch.verdict["warnings"]]


@pytest.mark.parametrize("number", [GIVEN_UP, KEPT])
def test_a_number_given_up_finds_the_record_that_stayed_and_leaves_its_number(cast, merged, number):
    batch = check(cast, person("王北甲", birth=None, id=number, phone="13800001111"))
    assert codes(batch) == ["ID_MERGED"] and batch.verdict["errors"] == []
    count = Member.objects.count()
    store_batch(actor=cast.north_organizer, batch=batch)
    merged.refresh_from_db()
    assert (merged.phone, merged.id_number, merged.birth_date) == ("13800001111", LAST, None)
    assert Member.objects.count() == count


def test_a_line_with_a_number_given_up_is_known_again_once_it_is_stored(cast, merged):
    people = person("王北甲", birth=None, id=GIVEN_UP, phone="13800001111"), person("张二", phone="1")
    batch = check(cast, *people)
    store_batch(actor=cast.north_organizer, batch=batch, partial=True)
    batch = check_again(actor=cast.north_organizer, batch=batch, content=roster(*people))
    assert batch.verdict["counts"]["settled"] == 1 and codes(batch) == []


def test_its_own_number_needs_no_word(cast, merged):
    assert codes(check(cast, person("王北甲", birth=None, id=LAST))) == []


def test_in_another_branch_it_is_a_transfer_and_after_leaving_the_office_looks(cast, merged):
    elsewhere = person("王北甲", "北坡村党支部", birth=None, id=GIVEN_UP)
    assert codes(check(cast, elsewhere)) == ["TRANSFER_SUSPECTED"]
    leave_member(actor=cast.north_organizer, member=merged, left_on=timezone.localdate(), reason="其他")
    assert codes(check(cast, elsewhere)) == ["REVIEW"]


def test_both_numbers_in_one_file_are_one_person_twice(cast, merged):
    batch = check(cast, person("王北甲", birth=None, id=GIVEN_UP), person("王北甲", birth=None, id=LAST))
    assert [one["code"] for one in batch.verdict["errors"]] == ["NAME_NEEDS_ID"] * 2


def test_the_wrong_number_kept_is_exchanged_for_the_right_one(cast, merged):
    change_member(actor=cast.north_organizer, member=merged, id_number=KEPT)
    merged.refresh_from_db()
    assert merged.id_number == KEPT
    assert codes(check(cast, person("王北甲", birth=None, id=LAST))) == ["ID_MERGED"]
    assert codes(check(cast, person("王北甲", birth=None, id=KEPT))) == []


def test_a_number_given_up_is_looked_up_and_not_registered_anew(cast, merged):
    found = look_up_member(actor=cast.north_organizer, number=GIVEN_UP)
    assert found == merged
    with pytest.raises(Refused, match="合并重复登记以前"):
        create_member(actor=cast.north_organizer, branch=cast.north_branch, name="王北甲", id_number=KEPT)
