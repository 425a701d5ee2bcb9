"""Rosters that look wrong and are right: accepted, and stored as they were meant."""

import json

import pytest

from organizations.models import Member
from tests.base import once
from tests.organizations.rosters.trying import Scene, checked, store
from tests.organizations.rosters.ugly import UGLY
from tests.organizations.workbooks import HEADERS, person, roster

pytestmark = pytest.mark.django_db
built, scene = once(Scene)


def kept_of(member: Member, known: dict) -> dict:
    """What is stored, under the names of the table."""
    values = {"birth": (member.birth_date, member.birth_precision)}
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


def test_the_sheet_is_named_where_several_are_read(scene):
    (case,) = (case for case in UGLY if case.id == "W1")
    assert {one["sheet"] for one in checked(case.build(), scene.north).verdict["warnings"]} == {""}
