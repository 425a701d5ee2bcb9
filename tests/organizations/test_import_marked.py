"""The marked copy is read as the file was: sent back untouched it says the same, and nothing new."""

from datetime import date
from io import BytesIO

import pytest
from openpyxl import load_workbook

from organizations.imports.annotate import annotate
from organizations.imports.checking import check
from organizations.imports.choices import Choices
from tests.base import once
from tests.organizations.rosters.cases import BAD
from tests.organizations.rosters.making import excel
from tests.organizations.rosters.odd import NUMBER
from tests.organizations.rosters.trying import Scene
from tests.organizations.rosters.ugly import UGLY
from tests.organizations.workbooks import person, roster, saved

pytestmark = [pytest.mark.django_db, pytest.mark.files]
built, scene = once(Scene)
TODAY = date(2026, 11, 22)
ANSWERED_NO = Choices(hidden_rows=False)


def looked_at(content, scene, name="名册.xlsx", choices=Choices()):  # noqa: B008
    return check(content, name, scene.north, TODAY, choices)


def people(found):
    return [(row.number, row.name, row.branch, row.birth, row.id_digest, row.action) for row in found.rows]


def errors(found):
    return {(one.sheet, one.row, one.field, one.code) for one in found.errors}


def two_line_header(branch="北山村党支部", phone="13800001111") -> bytes:
    rows = [
        ["北山镇党员花名册"],
        ["填报单位：北山镇党委"],
        ["序号", "支部\n名称", "基本情况", None, None, "党内情况", None, "联系\n电话", "鞋码"],
        [None, None, "姓 名", "性别", "身份证\n号码", "类别", "入党\n日期"],
        [1, branch, "张一", "男", NUMBER, "正式党员", "1985.7", phone, 42],
        [2, None, "李二", "女", None, "正式党员", None, "13800002222", 37],
    ]
    merges = ["A1:K1", "A2:K2", "A3:A4", "B3:B4", "C3:E3", "F3:G3", "H3:H4", "I3:I4", "B5:B6"]
    return excel(rows, merges=merges)


def with_hidden_row() -> bytes:
    book = load_workbook(BytesIO(roster(person("张一"), person("张二"), person("张三", phone="1"))))
    book.active.row_dimensions[3].hidden = True
    return saved(book)


@pytest.mark.parametrize("case", UGLY, ids=str)
def test_the_copy_of_an_ugly_roster_says_the_same(case, scene):
    found = looked_at(case.build(), scene, case.name)
    again = looked_at(annotate(found), scene)
    assert people(again) == people(found) and errors(again) == set()


@pytest.mark.parametrize("case", BAD[::6], ids=str)
def test_the_copy_of_a_damaged_roster_has_no_new_errors(case, scene):
    found = looked_at(case.build(), scene, case.name)
    again = looked_at(annotate(found), scene)
    # A formula comes back as text: another error, at the same place.
    assert {one[:3] for one in errors(again)} <= {one[:3] for one in errors(found)}
    assert [row.number for row in again.rows] == [row.number for row in found.rows]


@pytest.mark.parametrize("damage", [{}, {"phone": "1380000"}, {"branch": "没有的支部"}], ids=str)
def test_a_header_of_two_merged_lines_comes_back_whole(damage, scene):
    found = looked_at(two_line_header(**damage), scene)
    copy = annotate(found)
    assert {"B3:B4", "H3:H4", "A1:I1"} <= set(
        map(str, load_workbook(BytesIO(copy)).active.merged_cells.ranges)
    )
    again = looked_at(copy, scene)
    assert (again.layout.header_row, again.layout.columns) == (4, found.layout.columns)
    assert people(again) == people(found) and errors(again) == errors(found)
    # A second time as well: 原因 has its column already.
    assert errors(looked_at(annotate(again), scene)) == errors(found)


def test_a_row_left_out_because_it_is_hidden_does_not_come_back(scene):
    found = looked_at(with_hidden_row(), scene, choices=ANSWERED_NO)
    copy = annotate(found)
    again = looked_at(copy, scene, choices=ANSWERED_NO)
    assert people(again) == people(found)
    # Sent as a new import the copy asks again.
    assert [ask["kind"] for ask in looked_at(copy, scene).asks] == ["hidden_rows"]


def test_hidden_rows_that_are_wanted_are_shown_in_the_copy(scene):
    copy = annotate(looked_at(with_hidden_row(), scene, choices=Choices(hidden_rows=True)))
    assert not looked_at(copy, scene).asks
