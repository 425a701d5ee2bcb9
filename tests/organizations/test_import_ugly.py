"""Rosters that look wrong and are right: accepted, and stored as they were meant."""

import json

import pytest

from organizations.imports.choices import Choices
from organizations.models import Member
from tests.base import once
from tests.organizations.rosters.cases import BAD
from tests.organizations.rosters.making import excel
from tests.organizations.rosters.odd import NUMBER
from tests.organizations.rosters.trying import HERE, Scene, checked, store
from tests.organizations.rosters.ugly import UGLY
from tests.organizations.workbooks import HEADERS, person, roster

pytestmark = pytest.mark.django_db
built, scene = once(Scene)


def kept_of(member: Member, known: dict) -> dict:
    """What is stored, under the names of the table."""
    values = {
        "birth": (member.birth_date, member.birth_precision),
        "joined": (member.joined_party_on, member.joined_party_precision),
    }
    return {name: values.get(name, getattr(member, name, None)) for name in known}


@pytest.mark.parametrize("case", UGLY, ids=str)
def test_an_ugly_roster_is_stored_with_the_right_values(case, scene):
    before = set(Member.objects.values_list("pk", flat=True))
    outcome = checked(case.build(), scene.north, case.name)
    assert (outcome.refused, outcome.errors) == ("", []), outcome.messages
    assert [one[0] for one in outcome.warnings if one[0] != "COLUMNS_IGNORED"] == case.warnings
    assert case.header_row in (None, outcome.batch.header_row)
    store(outcome)
    new = Member.objects.exclude(pk__in=before).select_related("branch").order_by("pk")
    found = [
        (m.name, m.branch.code, kept_of(m, known)) for m, (_, _, known) in zip(new, case.people, strict=True)
    ]
    assert found == case.people


def test_columns_nobody_knows_are_named_and_stored_nowhere(scene):
    (case,) = (case for case in UGLY if case.id == "R8")
    outcome = checked(case.build(), scene.north)
    store(outcome)
    (note,) = outcome.verdict["warnings"]
    assert all(name in note["message"] for name in ("爱好", "血型", "鞋码", "星座", "宗教信仰"))
    outcome.batch.refresh_from_db()
    everything = json.dumps(outcome.batch.verdict, ensure_ascii=False) + repr(list(Member.objects.values()))
    assert "秘密" not in everything


def test_the_same_file_again_changes_nothing(scene):
    content = roster(person("张一"), person("李二", phone="13800001111"), headers=HEADERS)
    store(checked(content, scene.north))
    counts = checked(content, scene.north).verdict["counts"]
    assert (counts["created"], counts["updated"], counts["unchanged"]) == (0, 0, 2)


# --- what somebody answered about a file ---


def stored_of(name: str) -> Member:
    return Member.objects.get(name=name)


def test_of_two_columns_of_one_name_the_chosen_one_is_read(scene):
    rows = [["姓名", "所在党支部", "联系电话", "联系电话"], ["张一", "北山村党支部", "0518-1", "13800001111"]]
    content = excel(rows)
    assert checked(content, scene.north).refused == "HEADER_AMBIGUOUS"
    for answer in ({"联系电话#2": "phone"}, {"联系电话": ""}):
        outcome = checked(content, scene.north, choices=Choices(columns=answer))
        assert (outcome.refused, outcome.errors) == ("", [])
    store(outcome)
    assert stored_of("张一").phone == "13800001111"


def test_a_header_nobody_knows_means_what_was_said(scene):
    content = excel([["同志", "归属", "号码（本人）"], ["张一", "北山村党支部", "13800001111"]])
    assert checked(content, scene.north).refused == "NO_HEADER"
    meant = Choices(columns={"同志": "name", "归属": "branch", "号码": "phone", "没有的列": "sex"})
    outcome = checked(content, scene.north, choices=meant)
    assert (outcome.errors, outcome.batch.header_row) == ([], 1)
    store(outcome)
    assert (stored_of("张一").phone, stored_of("张一").branch) == ("13800001111", scene.north_branch)


def test_a_column_that_is_not_to_be_used_is_not(scene):
    content = excel([HEADERS, person("张一", phone="不是手机")])
    assert checked(content, scene.north).errors == [("PHONE", 2, "联系电话")]
    outcome = checked(content, scene.north, choices=Choices(columns={"联系电话": ""}))
    assert outcome.errors == [] and "联系电话" in outcome.verdict["ignored"]


def test_only_the_chosen_sheets_are_read_and_the_others_named(scene):
    lines = {"二": [HEADERS, person("李二")], "三": [["姓名", "性别"], ["王三", "男"]]}
    content = excel([HEADERS, person("张一")], title="一", **lines)
    assert checked(content, scene.north).refused == "SHEET_AMBIGUOUS"
    outcome = checked(content, scene.north, choices=Choices(sheets=("一", "二")))
    assert outcome.verdict["counts"]["created"] == 2
    (left,) = (one for one in outcome.verdict["warnings"] if one["code"] == "SHEETS_NOT_READ")
    assert "三" in left["message"]


def test_hidden_lines_are_left_out_when_somebody_says_so(scene):
    (case,) = (case for case in BAD if case.id == "R50")
    content = case.build()
    assert checked(content, scene.north).verdict["counts"]["created"] == 9
    outcome = checked(content, scene.north, choices=Choices(hidden_rows=False))
    assert outcome.verdict["counts"]["created"] == 4


def test_a_finding_names_the_sheet_where_several_are_read(scene):
    head = ["姓名", "身份证号", "手机"]
    rows = [head, ["李二", NUMBER, "1"], ["王三", None, None]]
    content = excel([head, ["张一", NUMBER, None]], title="北山村", 北坡村=rows)
    outcome = checked(content, scene.north)
    found = [(one["sheet"], one["code"], one["row"], one["column"]) for one in outcome.verdict["errors"]]
    assert found == [
        ("北山村", "ID_TWICE", 2, "身份证号"),
        ("北坡村", "PHONE", 2, "手机"),
        ("北坡村", "ID_TWICE", 2, "身份证号"),
    ]
    assert "工作表“北坡村”第 2 行" in outcome.verdict["errors"][0]["message"]
    assert outcome.verdict["errors"][1]["name"] == "李二"


def test_numbers_as_we_export_them_mean_unchanged(scene):
    here = scene.here
    line = person(here.name, birth=None, id=here.masked_id_number, phone=here.masked_phone)
    outcome = checked(excel([HEADERS, line]), scene.north)
    counts = outcome.verdict["counts"]
    assert outcome.errors == [] and counts["created"] == 0
    store(outcome)
    here.refresh_from_db()
    assert (here.id_number, here.phone) == (HERE, "13900001111")
