"""Days of which a township knows the month or the year only: kept and shown as they were given."""

from datetime import date
from hashlib import sha256

import pytest
from django.urls import reverse

from organizations.imports.matching import fingerprint
from organizations.models import AuditEvent, Member
from organizations.service import Refused
from organizations.services import members
from organizations.services.duplicates import compared
from organizations.services.imports import check_roster, store_batch
from tests.base import Cast, make_member, once
from tests.organizations.workbooks import person, roster

pytestmark = pytest.mark.django_db
built, cast = once(Cast)


@pytest.fixture
def zhang(cast):
    known = {"joined_party_on": date(1985, 7, 1), "joined_party_precision": "month"}
    return make_member(
        cast.north_branch, "张一", birth_date=date(1958, 1, 1), birth_precision="year", **known
    )


@pytest.fixture
def page(cast, client):
    client.force_login(cast.north_organizer)
    return client


def text(page, name, *args):
    return page.get(reverse(name, args=args)).content.decode()


def days(member):
    member.refresh_from_db()
    return (
        (str(member.birth_date), member.birth_precision),
        (str(member.joined_party_on), member.joined_party_precision),
    )


YEAR, MONTH = ("1958-01-01", "year"), ("1985-07-01", "month")


def test_pages_show_as_much_as_is_known(page, zhang):
    shown = text(page, "organizations:member_detail", zhang.pk)
    assert "<dd>1958年</dd>" in shown and "<dd>1985年7月</dd>" in shown
    for name in ("organizations:member_edit", "admin:organizations_member_change"):
        shown = text(page, name, zhang.pk)
        assert 'value="1958"' in shown and 'value="1985-07"' in shown


@pytest.mark.parametrize("name", ["organizations:member_edit", "admin:organizations_member_change"])
def test_what_is_typed_is_kept_as_exactly_as_it_was_typed(page, zhang, name):
    address = reverse(name, args=[zhang.pk])
    sent = {"name": "张一", "category": "FULL", "birth_date": "1958", "joined_party_on": "1985-07"}
    assert page.post(address, sent | {"party_group": "二组"}).status_code == 302
    assert days(zhang) == (YEAR, MONTH)
    assert (
        page.post(address, sent | {"birth_date": "1958.3", "joined_party_on": "1985年7月1日"}).status_code
        == 302
    )
    assert days(zhang) == (("1958-03-01", "month"), ("1985-07-01", "day"))
    said = AuditEvent.objects.filter(action="member.changed").latest("pk").details["changes"]
    told = [(one["label"], one["before"], one["after"]) for one in said if "日期" in one["label"]]
    assert told == [("出生日期", "1958年", "1958年3月"), ("入党日期", "1985年7月", "1985年7月1日")]
    assert page.post(address, sent | {"birth_date": "", "joined_party_on": ""}).status_code == 302
    assert days(zhang) == (("None", "day"), ("None", "day"))


@pytest.mark.parametrize("name", ["organizations:member_edit", "admin:organizations_member_change"])
def test_a_page_older_than_the_record_shows_both_days(cast, page, zhang, name):
    form = page.get(reverse(name, args=[zhang.pk])).context
    form = form["form"] if "form" in form else form["adminform"].form
    sent = {"name": "张一", "category": "FULL", "birth_date": "1958", "joined_party_on": "1986"}
    members.change_member(actor=cast.north_organizer, member=zhang, joined_party_on=date(1985, 7, 9))
    answer = page.post(reverse(name, args=[zhang.pk]), sent | {"version": form["version"].value()})
    assert answer.status_code == 409 or name.startswith("admin")
    assert "入党日期：现在是“1985-07-09”，您填的是“1986”" in answer.content.decode()


@pytest.mark.parametrize("written", ["85.7", "1985-13", "七一", "1985年2月30日"])
def test_what_is_no_day_is_refused_beside_the_field(page, zhang, written):
    sent = {"name": "张一", "category": "FULL", "birth_date": "1958", "joined_party_on": written}
    for name in ("organizations:member_edit", "admin:organizations_member_change"):
        shown = page.post(reverse(name, args=[zhang.pk]), sent).content.decode()
        assert "请写成 1958-03-01" in shown or "没有这一天" in shown
    assert days(zhang) == (YEAR, MONTH)


def test_a_whole_day_given_to_the_service_is_a_whole_day(cast, zhang):
    members.change_member(actor=cast.north_organizer, member=zhang, birth_date=date(1958, 3, 4))
    assert days(zhang) == (("1958-03-04", "day"), MONTH)


def test_a_year_of_joining_is_not_judged_by_its_first_day(cast, zhang):
    known = {"joined_party_on": date(1976, 1, 1), "joined_party_precision": "year"}
    members.change_member(actor=cast.north_organizer, member=zhang, birth_date=date(1958, 9, 9), **known)
    with pytest.raises(Refused, match="早于 18 周岁"):
        members.change_member(
            actor=cast.north_organizer,
            member=zhang,
            joined_party_on=date(1976, 1, 1),
            joined_party_precision="month",
        )


@pytest.mark.parametrize(
    ("written", "after"),
    [
        ("1985", MONTH),
        ("1985.7", MONTH),
        ("1985-07-12", ("1985-07-12", "day")),
        ("1986", ("1986-01-01", "year")),
    ],
)
def test_a_roster_that_knows_less_takes_nothing_away(cast, zhang, written, after):
    content = roster(person("张一", birth="1958", joined=written))
    batch = check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="a.xlsx", content=content
    )
    assert batch.verdict["counts"]["updated"] == (after != MONTH)
    store_batch(actor=cast.north_organizer, batch=batch)
    assert days(zhang) == (YEAR, after)


def test_records_that_know_a_day_differently_well_are_shown_side_by_side(cast, zhang):
    other = make_member(cast.north_branch, "张一", joined_party_on=date(1985, 7, 1))
    (fact,) = (fact for fact in compared(zhang, other) if fact.name == "joined_party_on")
    assert (fact.mine, fact.theirs, fact.choose) == ("1985年7月", "1985年7月1日", True)


def test_imports_from_before_the_precision_was_kept_can_still_be_undone(cast):
    """What they noted of each member is what is noted today of one whose days are whole."""
    noted = (
        "name sex category post party_group joined_party_on is_floating floating_to contact_person "
        "is_home_bound is_in_difficulty birth_date birth_precision id_digest phone_digest "
        "place_in_list branch_id left_on"
    )
    member = Member.objects.get(pk=cast.wang.pk)
    told = "\x1f".join(str(getattr(member, name)) for name in noted.split())
    assert fingerprint(member) == sha256(told.encode()).hexdigest()
    member.joined_party_precision = "month"
    assert fingerprint(member) != sha256(told.encode()).hexdigest()
