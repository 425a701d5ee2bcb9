"""The verdict on each row: branches, duplicates, people already known, lines that are nobody."""

from datetime import date

import pytest
from openpyxl import Workbook

from organizations.fields import digest
from organizations.imports.checking import check
from organizations.imports.preflight import FileRefused
from organizations.models import Member, OrganizationKind
from organizations.services.imports import check_roster, store_batch
from tests.base import Cast, fixture_writes, make_member, make_organization, once
from tests.organizations.workbooks import HEADERS, id_number, person, roster, saved, xlsx

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)
NUMBER = id_number("19700101", "341")
OTHER_NUMBER = id_number("19700101", "361")


built, cast = once(Cast)


@pytest.fixture
def verdict(cast):
    def run(*people, organization=None, content=None):
        return check(content or roster(*people), "名册.xlsx", organization or cast.north, TODAY)

    return run


def errors(found):
    return [(e.row, e.code) for e in found.errors]


def warnings(found):
    return [(w.row, w.code) for w in found.warnings]


def actions(found):
    return [row.action for row in found.rows]


def known(branch, name, number="", **fields):
    with fixture_writes():
        member = make_member(branch, name, **fields)
        if number:
            from_sheet = {"id_number": number, "id_digest": digest(number)}
            Member.objects.filter(pk=member.pk).update(**from_sheet)
        return member


# --- branches ---


@pytest.mark.parametrize(
    "written", ["北山村党支部", "北山村支部", "北 山 村 党支部", "中共北山村党支部", "HZ0101", "hz0101"]
)
def test_a_branch_is_matched_by_normalised_name_or_code(verdict, written):
    assert errors(verdict(person("张一", written))) == []


def test_a_branch_may_be_written_with_the_organizations_above(cast, verdict):
    general = make_organization(cast.north, "HZ0103", "大河村党总支", OrganizationKind.GENERAL_BRANCH)
    other = make_organization(cast.north, "HZ0104", "小河村党总支", OrganizationKind.GENERAL_BRANCH)
    make_organization(general, "HZ010301", "第一党支部")
    make_organization(other, "HZ010401", "第一党支部")
    for written in (
        "大河村党总支/第一党支部",
        "大河村党总支第一党支部",
        "大河村总支 第一支部",
        "北山镇党委大河村党总支第一党支部",
    ):
        assert errors(verdict(person("张一", written))) == [], written
    assert errors(verdict(person("张一", "第一党支部"))) == [(2, "BRANCH_AMBIGUOUS")]


def test_a_missing_closed_or_upper_branch_is_an_error(cast, verdict):
    make_organization(cast.north, "HZ0109", "旧村党支部", closed_on=date(2025, 1, 1))
    found = verdict(person("张一", None), person("张二", "旧村党支部"), person("张三", "北山镇党委"))
    assert errors(found) == [(2, "BRANCH_MISSING"), (3, "BRANCH_CLOSED"), (4, "BRANCH_NOT_FOUND")]


def test_a_branch_elsewhere_reads_exactly_like_one_that_does_not_exist(verdict):
    elsewhere, nowhere = verdict(person("张一", "南河村党支部"), person("张二", "无有村党支部")).errors
    assert elsewhere.code == nowhere.code == "BRANCH_NOT_FOUND"
    assert elsewhere.message.replace("南河村", "无有村") == nowhere.message


def test_a_branch_almost_right_is_named_and_not_taken(cast, verdict):
    make_organization(cast.north, "HZ0108", "北山村第二党支部")
    short, unclear = verdict(person("张一", "北山村第二支"), person("张二", "北山村")).errors
    assert short.code == "BRANCH_NOT_FOUND" and "如果是“北山村第二党支部”" in short.message
    assert unclear.message == "没有找到支部“北山村”。请按系统里的支部名称填写。"


def test_one_chosen_branch_needs_no_branch_column(cast, verdict):
    content = xlsx([["姓名", "性别"], ["张一", "男"]])
    assert actions(verdict(content=content, organization=cast.north_branch)) == ["create"]
    with pytest.raises(FileRefused) as caught:
        verdict(content=content)
    assert caught.value.code == "BRANCH_COLUMN_MISSING"


def test_a_branch_merged_over_several_people_holds_for_each(verdict):
    book = Workbook()
    for row in (HEADERS, person("张一"), person("张二", None), person("张三", None)):
        book.active.append(list(row))
    book.active.merge_cells("B2:B3")
    assert errors(verdict(content=saved(book))) == [(4, "BRANCH_MISSING")]


# --- duplicates in the file ---


def test_one_id_number_twice_is_an_error_on_both_rows(verdict):
    found = verdict(person("张一", id=NUMBER), person("张二", id=NUMBER))
    assert errors(found) == [(2, "ID_TWICE"), (3, "ID_TWICE")]
    assert "第 3 行" in found.errors[0].message
    assert NUMBER not in found.errors[0].message


def test_one_person_twice_is_not_also_called_two_people(verdict):
    found = verdict(person("张一", birth=None, id=NUMBER), person("张一", birth=None, id=NUMBER))
    assert errors(found) == [(2, "ID_TWICE"), (3, "ID_TWICE")] and not warnings(found)


def test_an_error_names_the_person_and_the_cell_but_no_whole_number(verdict):
    found = verdict(person("张一", id=NUMBER[:-2]), person("张二", phone="1380000"))
    shown = found.as_json()["errors"]
    assert [(one["name"], one["value"]) for one in shown] == [
        ("张一", f"{NUMBER[:4]}…（16位）"),
        ("张二", "1380…（7位）"),
    ]


def test_one_name_twice_with_two_id_numbers_is_only_a_warning(verdict):
    found = verdict(person("张一", birth=None, id=NUMBER), person("张一", birth=None, id=OTHER_NUMBER))
    assert errors(found) == []
    assert warnings(found) == [(2, "NAME_TWICE"), (3, "NAME_TWICE")]


def test_one_name_twice_needs_an_id_number_where_nothing_else_tells(verdict):
    found = verdict(person("张一", birth=None), person("张一", birth=None))
    assert errors(found) == [(2, "NAME_NEEDS_ID"), (3, "NAME_NEEDS_ID")]
    found = verdict(person("张一", birth="1965-01-01"), person("张一", birth="1975-01-01"))
    assert errors(found) == []


def test_one_name_in_two_branches_is_nothing_to_speak_of(verdict):
    found = verdict(person("张一"), person("张一", "北坡村党支部", birth="1975-01-01"))
    assert found.errors + found.warnings == []


# --- people already known ---


def test_a_member_is_recognised_by_id_number(cast, verdict):
    known(cast.north_branch, "张一", NUMBER)
    found = verdict(person("张一", birth=None, id=NUMBER, phone="13800001111"))
    assert actions(found) == ["update"]


def test_another_name_under_a_known_id_number_is_pointed_out(cast, verdict):
    known(cast.north_branch, "张一", NUMBER)
    found = verdict(person("张怡", birth=None, id=NUMBER))
    assert (actions(found), warnings(found)) == (["update"], [(2, "NAME_CHANGED")])


def test_without_a_number_name_and_birth_are_compared_as_exactly_as_known(verdict):
    found = verdict(
        person("王北甲", birth="1970.01"), person("李北乙", birth=None), person("赵北丙", birth="1971-01-01")
    )
    assert actions(found) == ["unchanged", "unchanged", "create"]
    assert warnings(found) == [(4, "NAME_TWICE")]


def test_a_more_exact_birth_date_is_news_and_a_coarser_one_is_not(cast, verdict):
    known(cast.north_other_branch, "张一", birth_date=date(1965, 7, 1), birth_precision="month")
    fine = verdict(person("张一", "北坡村党支部", birth="1965-07-12"))
    assert actions(fine) == ["update"]
    assert actions(verdict(person("张一", "北坡村党支部", birth="1965"))) == ["unchanged"]


def test_a_number_is_added_to_a_member_who_had_none(cast, verdict):
    found = verdict(person("王北甲", birth=None, id=NUMBER))
    assert (actions(found), found.rows[0].member) == (["update"], cast.wang.pk)


def test_two_namesakes_already_stored_need_the_number(cast, verdict):
    known(cast.north_branch, "王北甲", birth_date=date(1970, 1, 1))
    assert errors(verdict(person("王北甲", birth="1970.01"))) == [(2, "NAME_NEEDS_ID")]


def test_two_rows_that_mean_one_member_are_refused(cast, verdict):
    known(cast.north_branch, "张一", NUMBER)
    found = verdict(person("张怡", birth=None, id=NUMBER), person("张一", birth="1970-01-01"))
    assert [code for _, code in errors(found)] == ["NAME_NEEDS_ID", "NAME_NEEDS_ID"]


def test_a_member_of_another_branch_in_scope_is_perhaps_transferred_never_moved(cast, verdict):
    known(cast.north_other_branch, "张一", NUMBER)
    found = verdict(person("张一", birth=None, id=NUMBER), person("钱北丁", birth="1970-01-01"))
    assert warnings(found) == [(2, "TRANSFER_SUSPECTED"), (3, "TRANSFER_SUSPECTED")]
    assert actions(found) == ["skip", "skip"]
    assert "疑似调动" in found.warnings[0].message


def test_a_number_held_elsewhere_reads_like_any_other_review(cast, verdict):
    known(cast.south_branch, "孙南丙金丝雀", NUMBER)
    known(cast.north_branch, "张二", OTHER_NUMBER, left_on=date(2026, 1, 1))
    elsewhere, left = verdict(
        person("张一", birth=None, id=NUMBER), person("张二", birth=None, id=OTHER_NUMBER)
    ).rows
    assert elsewhere.action == left.action == "skip"
    (one,), (other,) = elsewhere.warnings, left.warnings
    assert (one.code, one.message) == (other.code, other.message)
    assert "南" not in one.message and "金丝雀" not in one.message


# --- lines that are nobody ---


@pytest.mark.parametrize("text", ["合计", "总计：32人", "以上共32人", "填表人：张一  审核人：李二", "合  计"])
def test_a_footer_is_left_out_and_listed(verdict, text):
    footer = [None, None, text, None, None, None, None, None]
    in_first_cell = [text, None, None, None, None, None, None, None]
    found = verdict(person("张一"), footer, in_first_cell)
    assert errors(found) == []
    assert warnings(found) == [(3, "FOOTER_ROW"), (4, "FOOTER_ROW")]


def test_a_footer_with_an_id_number_is_an_error(verdict):
    assert errors(verdict(person("合计", id=NUMBER))) == [(2, "FOOTER_ROW")]


def test_repeated_headers_and_numbers_printed_in_advance_are_passed_over(verdict):
    found = verdict(person("张一"), list(HEADERS), person("张二"), [3] + [None] * 7, [4] + [None] * 7)
    assert actions(found) == ["create", "create"]
    assert found.errors + found.warnings == []


def test_only_footers_is_no_roster(verdict):
    with pytest.raises(FileRefused) as caught:
        verdict([None, None, "合计", None, None, None, None, None])
    assert caught.value.code == "NO_ROWS"


# --- comparing cells of one row ---


def test_sex_and_birth_are_compared_with_the_id_number(verdict):
    woman = id_number("19700101", "342")
    found = verdict(person("张一", sex="男", birth="1971-01-01", id=woman))
    assert warnings(found) == [(2, "SEX_MISMATCH"), (2, "BIRTH_MISMATCH")]
    assert errors(found) == []


def test_joining_before_eighteen_is_an_error(verdict):
    assert errors(verdict(person("张一", birth="1965-07-12", joined="1980.7"))) == [(2, "DATE_RANGE")]


def test_every_error_of_a_row_is_listed_with_its_column(verdict):
    found = verdict(person(None, "无有村", birth="85.7", id=32070619650712, phone="x"))
    assert {(e.code, found.layout.label(e.field)) for e in found.errors} == {
        ("NAME_MISSING", "姓名"),
        ("BRANCH_NOT_FOUND", "所在党支部"),
        ("DATE_FORMAT", "出生年月"),
        ("ID_NUMERIC_CELL", "身份证号"),
        ("PHONE", "联系电话"),
    }


def test_a_good_but_ugly_roster_is_accepted(cast):
    """Titles, a two-line note, ragged blanks, every date style, a page header, blank lines, a foot."""
    book = Workbook()
    sheet = book.active
    sheet.append(["北山镇党员花名册（2026年）"])
    sheet.append([])
    sheet.append(["填报单位：北山镇党委", None, None, None, "单位：人"])
    sheet.append(
        [
            "序 号",
            "所在\n党支部",
            "姓　名*",
            "性别",
            "出生年月",
            "身份证号码（18位）",
            "入党时间",
            "手机号码",
            "备注",
        ]
    )
    sheet.append(
        [
            1,
            "北山村党支部",
            "张　一",
            "男",
            195803,
            id_number("19580301", "331").lower(),
            "1985.7",
            13800001111,
            "",
        ]
    )
    sheet.append(
        [
            "2",
            " 北山村支部 ",
            "欧阳 娜",
            "女",
            date(1970, 5, 1),
            None,
            "1999年7月1日",
            "138-0000-2222",
            "党小组长",
        ]
    )
    sheet.append([])
    sheet.append(
        [
            "序 号",
            "所在\n党支部",
            "姓　名*",
            "性别",
            "出生年月",
            "身份证号码（18位）",
            "入党时间",
            "手机号码",
            "备注",
        ]
    )
    sheet.append([3, "HZ0102", "阿依古丽·买买提", None, "1980-01", None, 20050701, None, None])
    sheet.append([4])
    sheet.append(["合计", None, 3])
    sheet.append(["填表人：张一        审核人：李二"])
    found = check(saved(book), "x.xlsx", cast.north, TODAY)
    assert found.errors == []
    assert [row.action for row in found.rows] == ["create", "create", "create", "skip", "skip"]
    assert found.layout.header_row == 4


# --- places ---


def test_the_order_of_the_file_becomes_the_order_of_the_branch(cast):
    sheet = roster(
        person("赵北丙", birth=None),
        person("张一"),
        person("王北甲", birth=None),
        person("李北乙", birth=None),
    )
    batch = check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="a.xlsx", content=sheet
    )
    store_batch(actor=cast.north_organizer, batch=batch)
    names = Member.objects.filter(branch=cast.north_branch).values_list("name", flat=True)
    assert list(names) == ["赵北丙", "张一", "王北甲", "李北乙"]


def test_a_file_with_part_of_the_branch_adds_at_the_end(cast):
    batch = check_roster(
        actor=cast.north_organizer,
        organization=cast.north,
        file_name="a.xlsx",
        content=roster(person("张一"), person("赵北丙", birth=None)),
    )
    assert batch.verdict["counts"]["unchanged"] == 1
    store_batch(actor=cast.north_organizer, batch=batch)
    names = Member.objects.filter(branch=cast.north_branch).values_list("name", flat=True)
    assert list(names) == ["王北甲", "李北乙", "赵北丙", "张一"]


def test_many_errors_are_capped_in_the_verdict_but_all_counted(verdict):
    found = verdict(*(person(f"张{chr(0x4E00 + n)}", "无有村") for n in range(1200)))
    shown = found.as_json()
    assert len(shown["errors"]) == 1000
    assert shown["counts"]["errors"] == shown["counts"]["error_rows"] == 1200
