"""What one cell means: ID numbers, dates, phones, names, as townships write them."""

from datetime import date

import pytest

from organizations.imports import values
from organizations.imports.reading import CellError, Formula
from organizations.imports.values import CellProblem
from tests.organizations.workbooks import id_number

TODAY = date(2026, 11, 22)
NUMBER = id_number("19650712", "341")


def code_of(parse, cell, *args):
    with pytest.raises(CellProblem) as caught:
        parse(cell, *args)
    return caught.value.code


FULL_WIDTH = NUMBER.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789X"})


@pytest.mark.parametrize(
    "written",
    [
        NUMBER,
        NUMBER.lower(),
        FULL_WIDTH,
        f"'{NUMBER}",
        f"{NUMBER} ",
        f"\u200b{NUMBER}",
        f"{NUMBER}\u00a0",
        f"\ufeff{NUMBER}",
        f"{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}",
    ],
)
def test_an_id_number_is_read_however_it_was_typed(written):
    assert values.parse_id_number(written, TODAY) == NUMBER


def test_a_lower_case_x_is_an_x():
    number = next(n for s in range(100, 200) if (n := id_number("19650712", str(s))).endswith("X"))
    assert values.parse_id_number(number.lower(), TODAY) == number


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (320706196507123411, "ID_NUMERIC_CELL"),
        (3.207061965071234e17, "ID_NUMERIC_CELL"),
        (int(NUMBER[:15]), "ID_NUMERIC_CELL"),
        ("320706650712341", "ID_OLD_15"),
        (NUMBER[:-1] + "\u0425", "ID_FORMAT"),
        (NUMBER[:-1] + "\u03a7", "ID_FORMAT"),
        ("3.20102E+17", "ID_FORMAT"),
        ("M12345678", "ID_FORMAT"),
        (id_number("19650230"), "ID_DATE"),
        (id_number("20300101"), "AGE"),
        (id_number("20150101"), "AGE"),
        (NUMBER[:16] + str((int(NUMBER[16]) + 1) % 10) + NUMBER[17], "ID_CHECKSUM"),
        (Formula("x"), "FORMULA_CELL"),
        (CellError("#N/A"), "CELL_ERROR"),
    ],
)
def test_a_wrong_id_number_is_refused_and_never_repaired(written, code):
    assert code_of(values.parse_id_number, written, TODAY) == code


def test_no_message_repeats_an_id_number():
    for written in (NUMBER[:17] + "Y", NUMBER[:-1] + "\u0425", NUMBER + "1"):
        with pytest.raises(CellProblem) as caught:
            values.parse_id_number(written, TODAY)
        assert NUMBER[6:14] not in caught.value.message


@pytest.mark.parametrize(
    ("written", "day", "precision"),
    [
        ("1965.7", date(1965, 7, 1), "month"),
        ("1958.03", date(1958, 3, 1), "month"),
        ("1958-03", date(1958, 3, 1), "month"),
        ("1958/3", date(1958, 3, 1), "month"),
        ("195803", date(1958, 3, 1), "month"),
        (195803, date(1958, 3, 1), "month"),
        (1958.03, date(1958, 3, 1), "month"),
        (1965.12, date(1965, 12, 1), "month"),
        ("1985年7月", date(1985, 7, 1), "month"),
        ("１９８５年７月", date(1985, 7, 1), "month"),
        ("1985 年 7 月 1 日", date(1985, 7, 1), "day"),
        ("1985/7/1", date(1985, 7, 1), "day"),
        ("1985-07-01 00:00:00", date(1985, 7, 1), "day"),
        ("1985.07.01", date(1985, 7, 1), "day"),
        ("19850701", date(1985, 7, 1), "day"),
        (19850701, date(1985, 7, 1), "day"),
        (31229, date(1985, 7, 1), "day"),
        ("31229", date(1985, 7, 1), "day"),
        (31229.5, date(1985, 7, 1), "day"),
        (date(1985, 7, 1), date(1985, 7, 1), "day"),
        ("1958", date(1958, 1, 1), "year"),
        (1958, date(1958, 1, 1), "year"),
        ("1958年", date(1958, 1, 1), "year"),
    ],
)
def test_a_date_is_read_as_townships_write_it(written, day, precision):
    assert values.parse_date(written) == (day, precision)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (1965.1, "DATE_AMBIGUOUS"),
        ("85.7", "DATE_FORMAT"),
        ("七一", "DATE_FORMAT"),
        ("2月30日", "DATE_FORMAT"),
        ("1985-02-30", "DATE_FORMAT"),
        ("1985.13", "DATE_FORMAT"),
        (1965.13, "DATE_FORMAT"),
        (1965.075, "DATE_FORMAT"),
        ("198503011", "DATE_FORMAT"),
        (-5, "DATE_FORMAT"),
        (float("nan"), "DATE_FORMAT"),
        (float("inf"), "DATE_FORMAT"),
        (1e300, "DATE_FORMAT"),
    ],
)
def test_a_date_that_could_be_misread_is_refused(written, code):
    assert code_of(values.parse_date, written) == code


def test_birth_and_joining_must_be_possible():
    assert code_of(values.parse_birth, "2015-01-01", TODAY) == "AGE"
    assert code_of(values.parse_birth, "2030-01-01", TODAY) == "DATE_RANGE"
    assert code_of(values.parse_birth, "1850-01-01", TODAY) == "DATE_RANGE"
    assert code_of(values.parse_joined, "2030-01-01", TODAY) == "DATE_RANGE"
    assert code_of(values.parse_joined, "1901-01-01", TODAY) == "DATE_RANGE"


@pytest.mark.parametrize(
    ("joined", "born", "too_early"),
    [
        ("1980-01-01", "1965-07-12", True),
        ("1983-07-11", "1965-07-12", True),
        ("1983-07-12", "1965-07-12", False),
        ("1983-07-01", "1965-07-12", False),  # so a month was written where a form wanted a day
        ("1983-06-01", "1965-07-12", True),
        ("1983-07", "1965-07-12", False),
        ("1983-06", "1965-07-12", True),
        ("1983", "1965-07-12", False),
        ("1982", "1965-07-12", True),
        ("1983-01-20", "1965", False),
        ("1983-07-03", "1965-07", False),
    ],
)
def test_joining_as_an_adult_is_judged_by_what_is_known(joined, born, too_early):
    joined, born = values.parse_joined(joined, TODAY), values.parse_birth(born, TODAY)
    assert values.is_before_adult(joined, born) is too_early


@pytest.mark.parametrize(
    "written",
    [
        "13800001111",
        13800001111,
        "13800001111.0",
        "+86 138-0000-1111",
        "＋86 13800001111",
        "86-13800001111",
        "138 0000 1111",
        "１３８００００１１１１",
        "'13800001111",
    ],
)
def test_a_mobile_number_is_read_however_it_was_typed(written):
    assert values.parse_phone(written) == "13800001111"


@pytest.mark.parametrize(
    "written",
    ["1.38E+10", "025-8888888", "1380000111", "13800001111/13900002222", "没有", 138.5, date(2020, 1, 1)],
)
def test_anything_else_is_no_mobile_number(written):
    assert code_of(values.parse_phone, written) == "PHONE"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("张 三", "张三"),
        ("张\u3000三", "张三"),
        (" 欧阳 娜 娜 ", "欧阳娜娜"),
        ("张\n三", "张三"),
        ("阿依古丽·买买提", "阿依古丽·买买提"),
        ("John  Lee", "John Lee"),
        ("\U00020bb7野", "\U00020bb7野"),
        ("䶮一", "䶮一"),
        ("张三（女）", "张三（女）"),
        ("'@张三", "@张三"),  # an apostrophe says: this is text
    ],
)
def test_a_name_loses_only_its_blanks(written, name):
    assert values.parse_name(written) == name


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (None, "NAME_MISSING"),
        ("\u200b", "NAME_MISSING"),
        ('=HYPERLINK("http://x","张三")', "FORMULA_CELL"),
        ("@SUM(1)", "FORMULA_CELL"),
        ('\'=HYPERLINK("http://x","张三")', "NAME_FORMAT"),
        (Formula("张三"), "FORMULA_CELL"),
        ("张" * 5000, "LENGTH"),
        ("张\x0b三", "CONTROL_CHAR"),
        ("张三1", "NAME_FORMAT"),
        ("——", "NAME_FORMAT"),
        (12, "NAME_FORMAT"),
    ],
)
def test_what_cannot_be_a_name_is_refused(written, code):
    assert code_of(values.parse_name, written) == code


def test_words_of_choice_are_read():
    assert [values.parse_flag(x) for x in ("是", "√", "Y", "否", "无", "×", None)] == [True] * 3 + [
        False
    ] * 3 + [None]
    assert code_of(values.parse_flag, "也许") == "FLAG"
    assert [values.parse_sex(x) for x in ("男", "女性", "M", None)] == ["M", "F", "M", ""]
    assert code_of(values.parse_sex, "未知") == "SEX"
    assert [values.parse_category(x) for x in ("正式党员", "预备", "正常", None)] == [
        "FULL", "PROBATIONARY", "", "",
    ]  # fmt: skip
    assert code_of(values.parse_category, "入党积极分子") == "CATEGORY"
    posts = [values.parse_post(x) for x in ("党支部书记", "副书记", "组织委员", "无", "普通党员", None)]
    assert posts == ["SECRETARY", "DEPUTY_SECRETARY", "COMMITTEE_MEMBER", "", "", None]
    assert code_of(values.parse_post, "村主任") == "POST"
