"""Members: found, registered, corrected, ended; their numbers stay covered."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from organizations.id_number import check_digit
from organizations.models import AuditEvent, Member
from organizations.service import Refused
from organizations.services import members
from tests.base import Cast, fixture_writes, make_member, once, query_count

pytestmark = pytest.mark.django_db


def id_number(born="19700101", tail="123"):
    number = f"320706{born}{tail}"
    return number + check_digit(number)


built, cast = once(Cast)


@pytest.fixture
def page(cast, client):
    client.force_login(cast.north_organizer)
    return client


def url(name, *args):
    return reverse(f"organizations:{name}", args=args)


def text(response):
    return response.content.decode()


def create(cast, **values):
    values.setdefault("name", "刘新人")
    return members.create_member(actor=cast.north_organizer, branch=cast.north_branch, **values)


def test_the_same_page_sent_twice_makes_one_member(cast, page):
    sent = {"branch": cast.north_branch.pk, "name": "刘 新人", "category": "FULL", "birth_date": "1980-05-01"}
    assert page.post(url("member_new"), sent).status_code == 302
    answer = page.post(url("member_new"), sent)
    assert answer.status_code == 422 and "确实是另一个人" in text(answer)
    assert page.post(reverse("admin:organizations_member_add"), sent).status_code == 200
    assert Member.objects.filter(name="刘新人").count() == 1
    assert page.post(url("member_new"), sent | {"is_another": "on"}).status_code == 302
    assert (
        page.post(reverse("admin:organizations_member_add"), sent | {"is_another": "on"}).status_code == 302
    )
    assert Member.objects.filter(name="刘新人").count() == 3


def test_namesakes_of_other_days_branches_or_numbers_are_not_asked_about(cast):
    create(cast, birth_date=date(1980, 5, 1), id_number=id_number("19800501"))
    create(cast, birth_date=date(1980, 5, 1), id_number=id_number("19800501", "124"))
    create(cast, birth_date=date(1981, 5, 1))
    members.create_member(
        actor=cast.north_organizer,
        branch=cast.north_other_branch,
        name="刘新人",
        birth_date=date(1980, 5, 1),
    )


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1921, 6, 30), date(1969, 12, 31)])
def test_nobody_leaves_before_being_born(cast, day):
    with pytest.raises(Refused, match="年份"):
        members.leave_member(actor=cast.north_organizer, member=cast.wang, left_on=day, reason="去世")


def test_the_list_holds_the_scope_and_nothing_else(page):
    shown = text(page.get(url("member_list")))
    assert "王北甲" in shown and "钱北丁" in shown and "金丝雀" not in shown


def test_it_is_searched_by_name_and_by_initials(cast, page):
    create(cast, name="张三")
    assert "张三" in text(page.get(url("member_list"), {"q": "zs"}))
    found = text(page.get(url("member_list"), {"q": "张"}))
    assert "张三" in found and "王北甲" not in found


def test_it_is_filtered_by_branch_floating_home_and_left(cast, page):
    create(cast, name="刘流动", is_floating=True, floating_to="苏州")
    create(cast, name="居老人", is_home_bound=True)
    members.leave_member(actor=cast.officer, member=cast.wang, left_on=timezone.localdate(), reason="去世")
    for show, inside in [("floating", "刘流动"), ("home", "居老人"), ("left", "王北甲"), ("", "李北乙")]:
        shown = text(page.get(url("member_list"), {"show": show}))
        others = {"刘流动", "居老人", "王北甲", "李北乙"} - {inside}
        assert inside in shown
        assert all(name not in shown for name in others) or not show
    assert "钱北丁" not in text(page.get(url("member_list"), {"unit": cast.north_branch.pk}))
    assert page.get(url("member_list"), {"unit": cast.south.pk}).status_code == 404


def test_an_empty_list_says_why(page):
    assert "没有找到这样的党员" in text(page.get(url("member_list"), {"q": "查无此人"}))


def test_it_pages_by_key_without_losing_anybody(cast, page):
    for number in range(120):
        make_member(cast.north_branch, f"人{number:03d}", place_in_list=7)
    seen, after = [], ""
    for _ in range(5):
        response = page.get(url("member_list"), {"after": after})
        seen += [member.pk for member in response.context["page"].rows]
        after = response.context["page"].next
        if not after:
            break
    everybody = Member.objects.visible_to(cast.north_organizer)
    assert seen == list(
        everybody.order_by("branch__path", "place_in_list", "id").values_list("pk", flat=True)
    )


@pytest.mark.parametrize("after", ["x", "1.2", "..", "0001.a.b", "0001.1.99999999999999999999", "' OR 1=1"])
def test_an_unreadable_place_shows_the_first_page(page, after):
    assert page.get(url("member_list"), {"after": after}).context["page"].is_first


def test_the_list_costs_the_same_for_one_and_for_three(page):
    # One more asks how many are called so.
    assert query_count(page, url("member_list"), q="王") == query_count(page, url("member_list")) + 1


def test_numbers_are_masked_on_every_page(cast, page):
    number = id_number()
    member = create(cast, id_number=number, phone="13800001234")
    for response in (
        page.get(url("member_list")),
        page.get(url("member_detail", member.pk)),
        page.get(url("member_edit", member.pk)),
        page.get(f"/admin/organizations/member/{member.pk}/change/"),
    ):
        assert number not in text(response) and "13800001234" not in text(response)
    assert "138****1234" in text(page.get(url("member_detail", member.pk)))


def test_revealing_needs_a_reason_and_is_kept(cast, page):
    member = create(cast, id_number=id_number())
    assert page.get(url("member_reveal", member.pk)).status_code == 405
    assert page.post(url("member_reveal", member.pk), {"reason": " "}).status_code == 422
    response = page.post(url("member_reveal", member.pk), {"reason": "核对介绍信"})
    assert id_number() in text(response) and response["Cache-Control"] == "no-store"
    assert "核对介绍信" in AuditEvent.objects.get(action="member.revealed").summary
    assert id_number() not in text(page.get(url("member_detail", member.pk)))


def test_those_who_only_read_reveal_nothing(cast, client):
    for user in (cast.inspector, cast.north_recorder):
        client.force_login(user)
        assert client.get(url("member_detail", cast.wang.pk)).status_code == 200
        assert client.post(url("member_reveal", cast.wang.pk), {"reason": "想看看"}).status_code == 404
        assert client.get(url("member_edit", cast.wang.pk)).status_code == 404
        assert client.get(url("member_new")).status_code == 404


def test_a_member_is_registered_from_the_page(cast, page):
    data = {"branch": cast.north_branch.pk, "name": "赵 小 兰", "category": "FULL", "phone": "138 0000 1234"}
    response = page.post(url("member_new"), data)
    member = Member.objects.get(name="赵小兰")
    assert response.url == url("member_detail", member.pk)
    assert (member.initials, member.phone, member.branch) == ("zxl", "13800001234", cast.north_branch)
    assert member.place_in_list == 4


def test_the_other_township_is_no_choice(cast, page):
    data = {"branch": cast.south_branch.pk, "name": "张越界", "category": "FULL"}
    assert page.post(url("member_new"), data).status_code == 422
    with pytest.raises(Refused):
        members.create_member(actor=cast.north_organizer, branch=cast.south_branch, name="张越界")
    with pytest.raises(Refused):
        members.change_member(actor=cast.north_organizer, member=cast.sun, name="改名")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("320102650712341", "ID_OLD_15"),
        ("H12345678", "ID_FORMAT"),
        ("32070619700101123Х", "ID_FORMAT"),
        ("320706196502301234", "ID_DATE"),
        (id_number()[:-1] + ("0" if id_number()[-1] != "0" else "1"), "ID_CHECKSUM"),
        (id_number(f"{date.today().year - 10}0101"), "AGE"),
    ],
)
def test_a_wrong_id_number_is_refused_with_what_to_do(cast, number, code):
    with pytest.raises(Refused) as refusal:
        create(cast, id_number=number)
    assert refusal.value.code == code


def test_full_width_and_lower_case_are_understood(cast):
    wide = id_number().translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"}).lower()
    assert create(cast, id_number=f"'{wide} ").id_number == id_number()


def test_one_id_number_belongs_to_one_member(cast):
    create(cast, name="张原主", id_number=id_number())
    with pytest.raises(Refused, match="张原主"):
        create(cast, name="张重复", id_number=id_number())


def test_a_number_registered_elsewhere_names_no_place(cast):
    members.create_member(
        actor=cast.south_organizer, branch=cast.south_branch, name="周金丝雀", id_number=id_number()
    )
    with pytest.raises(Refused) as refusal:
        create(cast, id_number=id_number())
    assert "金丝雀" not in refusal.value.message and "南河" not in refusal.value.message


def test_a_change_keeps_before_and_after_but_never_numbers(cast, page):
    member = create(cast, name="刘改", id_number=id_number())
    data = {"name": "刘改", "category": "PROBATIONARY", "phone": "13900005678", "id_number": ""}
    assert page.post(url("member_edit", member.pk), data).status_code == 302
    event = AuditEvent.objects.get(action="member.changed")
    assert event.details["changes"] == [
        {"field": "category", "label": "人员类别", "before": "正式党员", "after": "预备党员"},
        {"field": "phone", "label": "手机"},
    ]
    member.refresh_from_db()
    assert member.id_number == id_number() and "13900005678" not in str(event.details)


def test_saving_without_a_change_leaves_no_trace(cast):
    members.change_member(actor=cast.north_organizer, member=cast.wang, name="王北甲")
    assert not AuditEvent.objects.exists()


def test_the_branch_is_no_field_to_edit(cast, page):
    data = {"name": "王北甲", "category": "FULL", "branch": cast.north_other_branch.pk}
    page.post(url("member_edit", cast.wang.pk), data)
    assert Member.objects.get(pk=cast.wang.pk).branch == cast.north_branch
    with pytest.raises(TypeError):
        members.change_member(actor=cast.officer, member=cast.wang, branch=cast.north_other_branch)


def test_leaving_ends_the_membership_and_keeps_the_row(cast, page):
    data = {"left_on": timezone.localdate().isoformat(), "reason": "去世"}
    assert page.post(url("member_leave", cast.wang.pk), data).status_code == 302
    assert "去世" in text(page.get(url("member_detail", cast.wang.pk)))
    assert page.post(url("member_leave", cast.wang.pk), data).status_code == 422


def test_nobody_leaves_in_the_future(cast):
    tomorrow = timezone.localdate() + timedelta(days=1)
    with pytest.raises(Refused, match="晚于今天"):
        members.leave_member(actor=cast.officer, member=cast.wang, left_on=tomorrow, reason="去世")


def test_members_of_the_other_township_do_not_exist(cast, page):
    for name in ("member_detail", "member_edit"):
        assert page.get(url(name, cast.sun.pk)).status_code == 404
    for name in ("member_reveal", "member_leave"):
        assert page.post(url(name, cast.sun.pk), {"reason": "看看"}).status_code == 404


# --- Dates that cannot be -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("birth", "joined", "words"),
    [
        (date(2020, 1, 1), None, "不满 18 周岁"),
        (date(1860, 1, 1), None, "核对年份"),
        (date(2999, 1, 1), None, "晚于今天"),
        (date(1982, 3, 4), date(1970, 7, 1), "早于 18 周岁"),
        (date(1982, 3, 4), date(2000, 3, 3), "早于 18 周岁"),
        (None, date(2999, 7, 1), "晚于今天"),
        (None, date(1919, 7, 1), "1921"),
    ],
)
def test_impossible_dates_are_refused_wherever_they_are_typed(cast, page, birth, joined, words):
    values = {"birth_date": birth, "joined_party_on": joined}
    with pytest.raises(Refused, match=words):
        create(cast, **values)
    with pytest.raises(Refused, match=words):
        members.change_member(actor=cast.north_organizer, member=cast.wang, **values)
    sent = {"branch": cast.north_branch.pk, "name": "刘新人", "category": "FULL"}
    sent |= {name: str(day) for name, day in values.items() if day}
    assert words in text(page.post(url("member_new"), sent))
    assert words in text(page.post(reverse("admin:organizations_member_add"), sent))
    assert not Member.objects.filter(name="刘新人").exists()


@pytest.mark.parametrize("joined", [date(2000, 3, 4), date(2000, 3, 1), None])
def test_possible_dates_are_stored(cast, joined):
    born = date(1982, 3, 4)
    member = create(cast, birth_date=born, joined_party_on=joined, id_number=id_number("19820304"))
    assert (member.birth_date, member.joined_party_on) == (born, joined)


def test_the_birth_date_is_that_of_the_number(cast):
    with pytest.raises(Refused, match="对照身份证核对") as refused:
        create(cast, birth_date=date(1983, 3, 4), id_number=id_number("19820304"))
    assert "1982" not in refused.value.message
    member = create(cast, id_number=id_number("19820304"))
    with pytest.raises(Refused, match="对照身份证核对"):
        members.change_member(actor=cast.north_organizer, member=member, birth_date=date(1983, 3, 4))
    with pytest.raises(Refused, match="对照身份证核对"):
        members.change_member(actor=cast.north_organizer, member=cast.wang, id_number=id_number("19690101"))
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(birth_precision="year")
    members.change_member(actor=cast.north_organizer, member=cast.wang, id_number=id_number("19700908"))


def test_an_old_record_with_wrong_dates_is_edited_in_everything_else(cast, page):
    old = make_member(
        cast.north_branch,
        "旧记录",
        birth_date=date(2020, 1, 1),
        joined_party_on=date(1975, 7, 1),
        id_number=id_number("19820304"),
    )
    members.change_member(actor=cast.north_organizer, member=old, party_group="三组", phone="13800001234")
    sent = {"name": old.name, "category": "FULL", "birth_date": "2020-01-01", "party_group": "四组"}
    sent |= {
        "joined_party_on": "1975-07-01",
        "version": page.get(url("member_edit", old.pk)).context["form"]["version"].value(),
    }
    assert page.post(url("member_edit", old.pk), sent).status_code == 302
    old.refresh_from_db()
    assert (old.party_group, old.birth_date.year) == ("四组", 2020)
    right = {"birth_date": date(1982, 3, 4), "joined_party_on": date(2005, 7, 1)}
    members.change_member(actor=cast.north_organizer, member=old, **right)


# --- Registered elsewhere -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("same", "warned"),
    [
        ({"birth_date": "1980-05-01"}, True),
        ({"phone": "13800001234"}, True),
        ({"phone": "13800001235"}, False),
    ],
)
def test_who_may_be_registered_in_another_branch_is_named_with_a_link(cast, page, same, warned):
    members.create_member(
        actor=cast.north_organizer,
        branch=cast.north_other_branch,
        name="刘新人",
        birth_date=date(1980, 5, 1),
        phone="13800001234",
    )
    sent = {"branch": cast.north_branch.pk, "name": "刘新人", "category": "FULL"} | same
    answer = text(page.post(url("member_new"), sent, follow=True))
    told = f'可能已经登记在{cast.north_other_branch.name}，<a href="{url("member_twins")}?q='
    assert (told in answer) == warned


def test_of_a_namesake_outside_the_scope_nothing_is_said(cast, page):
    make_member(cast.south_branch, "刘新人", birth_date=date(1980, 5, 1))
    sent = {"branch": cast.north_branch.pk, "name": "刘新人", "category": "FULL", "birth_date": "1980-05-01"}
    answer = text(page.post(url("member_new"), sent, follow=True))
    assert "已经登记。" in answer and "可能已经登记在" not in answer


def test_a_whole_number_in_the_search_points_to_the_box_of_this_page(cast, page):
    answer = text(page.get(url("member_list"), {"q": "13800001234"}, follow=True))
    assert "请点开这一页的“按身份证号或手机号查”" in answer and "请到“党员”页" not in answer
    assert "请到“党员”页" in text(page.get(url("organization_list"), {"q": "13800001234"}, follow=True))
