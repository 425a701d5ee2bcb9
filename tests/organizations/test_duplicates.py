"""疑似重复: who may be registered twice, inside the scope; what is said once is not asked again."""

from datetime import date

import pytest
from django.urls import reverse

from organizations.fields import digest
from organizations.models import AuditEvent, Member, NotTwins
from organizations.queries.duplicates import (
    NO_NUMBER,
    NO_NUMBERS,
    OTHER_BRANCH,
    SAME_BRANCH,
    SAME_PHONE,
    _said_apart,
    stays_first,
    suspects,
    todos,
    twins_of,
)
from organizations.service import Refused
from organizations.services.duplicates import merge_members, tell_apart
from organizations.services.members import change_member
from organizations.services.transfers import return_member
from tests.base import Cast, fixture_writes, make_member, once, query_count

pytestmark = pytest.mark.django_db
built, cast = once(Cast)
BORN, PAGE = date(1970, 1, 1), "/members/twins/"
NONE = [SAME_BRANCH, NO_NUMBERS]
ID_NUMBER = "32070619700101001X"


def number(text):
    return {"id_number": text, "id_digest": digest(text)}


def phone(text):
    return {"phone": text, "phone_digest": digest(text), "phone_tail": text[-4:]}


def pairs(user):
    """{(shown, beside)}: why. What the query finds and what Python says are one rule."""
    found = list(suspects(user).order_by("pk"))
    beside = twins_of(user, found)
    assert all(beside[one.pk] for one in found)
    others = Member.objects.manageable_by(user).present().exclude(pk__in=[one.pk for one in found])
    assert not any(twins_of(user, list(others)).values())
    return {(one.pk, other.pk): why for one in found for other, why in beside[one.pk]}


@pytest.mark.parametrize(
    ("there", "facts", "why"),
    [
        ("north_branch", {}, [SAME_BRANCH, NO_NUMBERS]),
        ("north_branch", number("320706197001010011"), [SAME_BRANCH, NO_NUMBER]),
        ("north_branch", {"birth_date": None}, [SAME_BRANCH, NO_NUMBERS]),
        ("north_branch", {"birth_precision": "year"}, [SAME_BRANCH, NO_NUMBERS]),
        ("north_other_branch", {}, [OTHER_BRANCH, NO_NUMBERS]),
        ("north_other_branch", {"birth_date": None}, None),
        ("north_branch", {"birth_date": date(1971, 1, 1)}, None),
        ("north_branch", {"birth_date": date(1970, 5, 1), "birth_precision": "year"}, NONE),
        ("north_branch", {"birth_date": date(1970, 1, 9), "birth_precision": "month"}, NONE),
        ("north_branch", {"birth_date": date(1970, 2, 1), "birth_precision": "month"}, None),
        ("south_branch", {}, None),
    ],
)  # fmt: skip
def test_alike_is_name_and_birth_as_far_as_both_know(cast, there, facts, why):
    twin = make_member(getattr(cast, there), "王北甲", **facts)
    assert pairs(cast.north_organizer) == ({(cast.wang.pk, twin.pk): why} if why else {})


def test_who_is_born_nobody_knows_when_is_asked_about_in_the_own_branch(cast):
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(birth_date=None)
    twin = make_member(cast.north_branch, "王北甲")
    make_member(cast.north_other_branch, "王北甲")
    assert (cast.wang.pk, twin.pk) in pairs(cast.north_organizer)


def test_two_different_id_numbers_are_two_people_unless_the_phone_is_one(cast):
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(id_digest="a")
    twin = make_member(cast.north_branch, "王北甲", id_digest="b")
    assert pairs(cast.north_organizer) == {}
    with fixture_writes():
        Member.objects.filter(pk__in=[cast.wang.pk, twin.pk]).update(**phone("13900001234"))
    assert pairs(cast.north_organizer) == {(cast.wang.pk, twin.pk): [SAME_PHONE]}


def test_the_same_phone_alone_says_something_where_a_number_is_missing(cast):
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(**phone("13900001234"))
    twin = make_member(cast.north_other_branch, "王北甲", birth_date=date(1980, 1, 1), **phone("13900001234"))
    assert pairs(cast.north_organizer) == {(cast.wang.pk, twin.pk): [SAME_PHONE, NO_NUMBERS]}


def test_each_level_is_asked_about_its_own_people_only(cast):
    twin = make_member(cast.south_branch, "王北甲")
    assert pairs(cast.north_organizer) == pairs(cast.south_organizer) == {}
    assert (cast.wang.pk, twin.pk) in pairs(cast.officer)
    assert not suspects(cast.inspector).exists()


def test_of_two_stays_who_is_present_then_who_has_a_number_then_the_older(cast):
    twin = make_member(cast.north_branch, "王北甲", id_digest="b")
    assert stays_first(cast.wang, twin) == (twin, cast.wang)
    twin.left_on = BORN
    assert stays_first(twin, cast.wang) == (cast.wang, twin)


def test_who_was_told_apart_is_not_asked_about_again(cast):
    twin = make_member(cast.north_branch, "王北甲")
    for _ in range(2):
        tell_apart(actor=cast.north_organizer, one=twin, other=cast.wang)
    assert pairs(cast.north_organizer) == {} and NotTwins.objects.count() == 1
    assert AuditEvent.objects.filter(action="member.told_apart").count() == 1


def test_the_to_do_counts_them_and_leads_there(cast):
    assert todos(cast.north_organizer) == []
    make_member(cast.north_branch, "王北甲")
    [line] = todos(cast.north_organizer)
    assert (line.text, line.url) == ("1人疑似重复登记", PAGE)
    assert todos(cast.inspector) == []


def test_a_record_that_gave_way_cannot_be_edited_or_brought_back(cast):
    twin = make_member(cast.north_branch, "王北甲")
    merge_members(actor=cast.north_organizer, winner=cast.wang, loser=twin)
    twin.refresh_from_db()
    with pytest.raises(Refused, match="已经并入"):
        change_member(actor=cast.north_organizer, member=twin, party_group="一组")
    with pytest.raises(Refused, match="已经并入"):
        return_member(actor=cast.north_organizer, member=twin, branch=cast.north_branch, day=twin.left_on)
    with pytest.raises(Refused, match="已经并入"):
        merge_members(actor=cast.north_organizer, winner=cast.li, loser=twin)
    assert pairs(cast.north_organizer) == {}


def test_who_has_left_does_not_stay(cast):
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(left_on=BORN)
    with pytest.raises(Refused, match="换过来"):
        merge_members(actor=cast.north_organizer, winner=cast.wang, loser=cast.li)


def test_a_given_up_id_number_stays_with_the_record_that_gave_way(cast):
    one, other = "320706197001010011", "320706197001010038"
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(**number(one))
    twin = make_member(cast.north_branch, "王北甲", **number(other))
    merge_members(actor=cast.north_organizer, winner=cast.wang, loser=twin, chosen=["id_number"])
    kept = {m.pk: m.id_number for m in Member.objects.filter(pk__in=[cast.wang.pk, twin.pk])}
    assert kept == {cast.wang.pk: other, twin.pk: one}


# --- The page ----------------------------------------------------------------------------
def test_the_page_names_both_and_why_and_may_be_searched(cast, client):
    make_member(cast.north_branch, "王北甲")
    client.force_login(cast.north_organizer)
    page = client.get(PAGE).content.decode()
    assert SAME_BRANCH in page and "对照看，合并" in page
    assert "王北甲" in client.get(PAGE, {"q": "王"}).content.decode()
    assert "没有找到" in client.get(PAGE, {"q": "李"}).content.decode()
    assert SAME_BRANCH not in client.get(PAGE, {"q": "李"}).content.decode()


def test_where_too_many_would_be_compared_a_smaller_place_is_chosen(cast, client, monkeypatch):
    make_member(cast.north_branch, "王北甲")
    monkeypatch.setattr("organizations.views.duplicates.MOST_COMPARED", 5)
    monkeypatch.setattr("organizations.queries.duplicates.MOST_ON_THE_WAY", 5)
    client.force_login(cast.officer)
    page = client.get(PAGE).content.decode()
    assert f"?unit={cast.north.pk}" in page and "王北甲" not in page
    assert "王北甲" in client.get(PAGE, {"unit": cast.north.pk}).content.decode()
    assert client.get(PAGE, {"unit": "x"}).status_code == 404
    assert todos(cast.officer) == [] and todos(cast.north_organizer)
    client.force_login(cast.south_organizer)
    assert client.get(PAGE, {"unit": cast.north.pk}).status_code == 404


def test_the_other_township_sees_nothing_of_it(cast, client):
    twin = make_member(cast.north_branch, "王北甲")
    client.force_login(cast.south_organizer)
    assert "王北甲" not in client.get(PAGE).content.decode()
    both = {"one": cast.wang.pk, "other": twin.pk}
    assert client.post("/members/twins/apart/", both).status_code == 404
    for user in (cast.inspector, cast.auditor, cast.north_recorder):
        client.force_login(user)
        assert client.get(PAGE).status_code == 404


def test_not_the_same_person_is_one_click(cast, client):
    twin = make_member(cast.north_branch, "王北甲")
    client.force_login(cast.north_organizer)
    assert client.get("/members/twins/apart/").status_code == 405
    answer = client.post("/members/twins/apart/", {"one": cast.wang.pk, "other": twin.pk}, follow=True)
    assert "没有疑似重复的党员" in answer.content.decode()


def test_three_pairs_cost_as_many_queries_as_one(cast, client):
    client.force_login(cast.north_organizer)
    make_member(cast.north_branch, "王北甲")
    one = query_count(client, PAGE)
    make_member(cast.north_branch, "李北乙")
    make_member(cast.north_branch, "赵北丙")
    assert query_count(client, PAGE) == one


def test_the_old_page_leads_to_the_one_that_stays(cast, client):
    twin = make_member(cast.north_branch, "王北甲")
    merge_members(actor=cast.north_organizer, winner=cast.wang, loser=twin)
    client.force_login(cast.north_organizer)
    page = client.get(reverse("organizations:member_detail", args=[twin.pk])).content.decode()
    assert "已并入" in page and reverse("organizations:member_detail", args=[cast.wang.pk]) in page
    assert "登记回来" not in page
    assert "合并重复登记" in client.get(f"/members/{cast.wang.pk}/").content.decode()


# --- Looking up by a number ----------------------------------------------------------------
def find(client, text):
    answer = client.post("/members/find/", {"number": text})
    assert answer.status_code == 302
    return answer.url


def test_a_number_finds_its_member_inside_the_scope_and_leaves_no_trace_in_the_address(cast, client):
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(**number(ID_NUMBER), **phone("13900001234"))
    client.force_login(cast.north_organizer)
    for text in (ID_NUMBER, "139 0000 1234"):
        assert find(client, text) == f"/members/{cast.wang.pk}/"
    told = AuditEvent.objects.filter(action="member.looked_up")
    assert told.count() == 2 and not [e for e in told if "3207" in e.summary or "1390" in e.summary]
    client.force_login(cast.south_organizer)
    outside, nobody = (find(client, text) for text in ("13900001234", "13911112222"))
    assert outside == nobody == "/members/"
    told = AuditEvent.objects.filter(action="member.looked_up", actor=cast.south_organizer)
    assert {(e.summary, e.organization_id) for e in told} == {("按手机号查人：没有查到", cast.south.pk)}
    client.force_login(cast.inspector)
    assert client.post("/members/find/", {"number": "13900001234"}).status_code == 404
    assert client.get("/members/find/").status_code == 405


def test_a_number_with_a_typing_error_is_said(cast, client):
    client.force_login(cast.north_organizer)
    client.post("/members/find/", {"number": "320706197001010012"})
    assert "对不上" in client.get("/members/").content.decode()


# --- Searching -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("欧阳建国", True), ("欧", True), ("阳建国", False), ("建国", True), ("oyjg", True), ("OY", True),
        ("yjg", False), ("jg", True), ("1234", True), ("１２３４", True), ("13900001234", True),
        ("234", False), ("139", False), ("欧 阳", True), ("国", False), ("zz", False),
    ],
)  # fmt: skip
def test_people_are_found_by_what_is_typed(cast, text, finds):
    member = make_member(cast.north_branch, "欧阳建国", initials="oyjg", **phone("13900001234"))
    found = Member.objects.visible_to(cast.north_organizer).search(text)
    assert (member in found) is finds


def test_the_given_name_finds_with_one_character_of_surname(cast):
    member = make_member(cast.north_branch, "王建国", initials="wjg")
    for text in ("建国", "建", "jg"):
        assert member in Member.objects.all().search(text)


def test_who_was_told_apart_is_looked_up_not_searched_for(cast):
    twin = make_member(cast.north_branch, "王北甲")
    tell_apart(actor=cast.north_organizer, one=twin, other=cast.wang)
    assert _said_apart([cast.wang.pk, twin.pk]) == {frozenset((cast.wang.pk, twin.pk))}
