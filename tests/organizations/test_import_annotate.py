"""The user's own sheet back: rows kept, wrong cells coloured, nothing in it that computes."""

from datetime import date
from io import BytesIO

import pytest
from openpyxl import Workbook, load_workbook

from organizations.imports.annotate import annotate
from organizations.imports.checking import check
from tests.base import Cast, once
from tests.organizations.workbooks import HEADERS, id_number, person, roster, saved

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)


built, cast = once(Cast)


@pytest.fixture
def verdict(cast):
    def run(*people, content=None):
        return check(content or roster(*people), "名册.xlsx", cast.north, TODAY)

    return run


def errors(found):
    return [(e.row, e.code) for e in found.errors]


def actions(found):
    return [row.action for row in found.rows]


def test_the_annotated_workbook_keeps_rows_colours_cells_and_says_why(verdict):
    book = Workbook()
    book.active.append(["北山镇名册"])
    for row in (
        [],
        HEADERS,
        person("张一"),
        person("张二", phone="123"),
        person("张\x0b三".replace("\x0b", "_x000B_")),
    ):
        book.active.append(list(row))
    book.active.append(["=1+1", "北山村党支部", '=HYPERLINK("http://x","y")', None, 1965.1])
    found = verdict(content=saved(book))
    sheet = load_workbook(BytesIO(annotate(found))).active
    assert sheet["A1"].value == "北山镇名册"
    assert [c.value for c in sheet[3]] == [*HEADERS, "原因"]
    assert sheet["I4"].value is None
    assert sheet["H5"].fill.fgColor.rgb == "00F8D9A8" and "手机号应为 11 位" in sheet["I5"].value
    assert "控制字符" in sheet["I6"].value
    assert sheet["C7"].data_type != "f" and not str(sheet["C7"].value).startswith("=")
    assert "公式" in sheet["I7"].value and "1965-10" in sheet["I7"].value


def test_the_mended_annotated_workbook_is_a_good_roster(cast, verdict):
    found = verdict(person("张一"), person("张二", phone="123"))
    book = load_workbook(BytesIO(annotate(found)))
    book.active["H3"] = "13800001111"
    again = verdict(content=saved(book))
    assert again.errors == []
    assert actions(again) == ["create", "create"]
    assert again.layout.ignored == ["序号"]


def test_a_damaged_id_number_does_not_come_back_looking_good(verdict):
    damaged = next(n for s in range(100, 999) if (n := id_number("19700101", str(s))).isdigit())
    found = verdict(person("张一", birth=None, id=int(damaged)))
    assert errors(found) == [(2, "ID_NUMERIC_CELL")]
    assert errors(verdict(content=annotate(found))) == [(2, "ID_NUMERIC_CELL")]


def test_a_formula_in_a_csv_comes_back_as_text(cast):
    found = check(
        "姓名,所在党支部\n=cmd|' /C calc'!A0,北山村党支部\n-1,x\n".encode(), "a.csv", cast.north, TODAY
    )
    sheet = load_workbook(BytesIO(annotate(found))).active
    assert sheet["A2"].value.startswith("'=") and sheet["A3"].value == "'-1"
    assert sheet["A2"].data_type != "f"
