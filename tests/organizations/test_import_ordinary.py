"""Ordinary lines are understood in the parsing process: the very same comes of them, and nothing else."""

from datetime import date

import pytest

from organizations.imports import process, values
from organizations.imports.branches import Branches
from organizations.imports.checking import candidates
from organizations.imports.columns import find_layouts
from organizations.imports.lines import keys_of
from organizations.imports.ordinary import day_as_text, day_in, sound_columns
from organizations.imports.preflight import FileRefused
from organizations.imports.process import Limits, Parsing
from organizations.imports.rows import Reader
from organizations.imports.sheets import settle_branches
from organizations.models import Category, Post, Sex
from tests.base import once
from tests.organizations.rosters.cases import BAD
from tests.organizations.rosters.damage import generate
from tests.organizations.rosters.near import Near
from tests.organizations.rosters.trying import Scene
from tests.organizations.rosters.ugly import UGLY
from tests.organizations.workbooks import id_number, person, roster

pytestmark = pytest.mark.django_db
built, scene = once(Scene)
TODAY = date(2026, 11, 20)
GOOD = roster(*(person(f"张{one}", id=id_number(serial=f"{n}41")) for n, one in enumerate("一二三四", 1)))
CHILD = process.CHILD


def read(content, name, organization, parsing=Near):
    """Each frame's lines as both ways see them, and how many of them were understood beforehand."""
    with parsing(content, name, Limits(rows=20_000)) as book:
        layouts = find_layouts(candidates(book))
        branches = Branches(organization)
        settle_branches(layouts, branches)
        quick = {layout.sheet.index: Reader(layout, branches, TODAY) for layout in layouts}
        slow = {layout.sheet.index: Reader(layout, branches, TODAY) for layout in layouts}
        plans = [(layout.sheet, quick[layout.sheet.index].plan()) for layout in layouts]
        for sheet, frame in book.frames(plans):
            told = sum(not isinstance(one, int) for one in frame.told or ())
            both = [
                list(quick[sheet.index].rows_of(frame)),
                list(slow[sheet.index].rows_from(frame.rows)),
            ]
            yield (*both, told)


def files():
    yield from ((case.build(), case.name) for case in [*UGLY, *BAD])
    yield from ((made.content, made.file_name) for made in map(generate, range(40)))


def test_ordinary_lines_are_read_like_any_other(scene):
    lines = understood = 0
    for content, name in files():
        try:
            for quick, slow, told in read(content, name, scene.north):
                assert quick == slow, name
                assert list(keys_of(row for row, _ in quick)) == list(keys_of(row for row, _ in slow))
                lines, understood = lines + len(quick), understood + told
        except FileRefused:
            continue
    assert lines > 500 and understood > lines // 4


def test_most_lines_of_a_plain_roster_are_ordinary(scene):
    ((quick, slow, told),) = read(GOOD, "名册.xlsx", scene.north, Parsing)
    assert quick == slow and told == 4
    assert all(row.id_digest and not row.errors for row, _ in quick)


@pytest.mark.parametrize(
    "cells",
    [
        {"name": "党员名册"},
        {"name": "合计"},
        {"name": "张一2"},
        {"phone": "138****1111"},
        {"phone": "=1+1"},
        {"id": id_number()[:17] + "*"},
        {"id": id_number(), "sex": "女"},
        {"id": id_number(), "birth": "1965-07-13"},
        {"birth": "1965-07-12", "joined": "1980-01-02"},
        {"sex": "不详"},
    ],
    ids=str,
)
def test_a_line_with_anything_to_say_about_it_is_read_from_its_cells(scene, cells):
    line = person(**{"name": "张一"} | cells)
    ((quick, slow, told),) = read(roster(line, person("李二"), person("李三")), "a.xlsx", scene.north)
    assert quick == slow and told == 2


def test_days_are_told_as_exactly_as_they_are_known():
    for known in ((date(1958, 3, 1), "day"), (date(1958, 3, 1), "month"), (date(1958, 1, 1), "year")):
        assert day_in(day_as_text(known)) == known


def test_words_are_spelt_as_the_models_spell_them():
    assert {values.MALE, values.FEMALE} == set(Sex.values)
    assert {values.FULL, values.PROBATIONARY} == set(Category.values)
    posts = {values.NO_POST, values.SECRETARY, values.DEPUTY_SECRETARY, values.COMMITTEE_MEMBER}
    assert posts == set(Post.values)


FIELDS = ["name", "birth_date", "id_number", "phone", "sex", "is_floating"]
SAID = [2, False, "张一", "1965-07-12", id_number(), "13800001111", "M", True]


def test_what_an_honest_process_says_is_taken():
    sound_columns(FIELDS, [SAID, [3, True, "李二", "1965", None, None, None, None]])


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, "2"), (0, -1), (0, 10**12), (1, 0), (2, None), (2, 5), (2, "长" * 51), (2, ["张"]),
        (3, "1965-7-1"), (3, "0000-01-01"), (3, 1965), (4, "1"), (4, 320706), (5, "138"), (6, "X"), (7, "是"),
        (7, 1),
    ],
)  # fmt: skip
def test_what_no_honest_process_says_is_not(at, value):
    with pytest.raises((ValueError, LookupError, TypeError)):
        sound_columns(FIELDS, [SAID, [*SAID[:at], value, *SAID[at + 1 :]]])
    with pytest.raises(ValueError):
        sound_columns(FIELDS, [SAID, SAID[:-1]])


@pytest.mark.parametrize(
    "said", ["[2, False, 'x']", "'nonsense'", "{'told': 1}", "99", "[2, False, '张\\x07', None, None, None]"]
)
def test_a_process_somebody_took_over_gets_the_file_refused(scene, monkeypatch, tmp_path, said):
    child = tmp_path / "child.py"
    text = CHILD.read_text().replace("parents[2]", f"parents[0] / {str(CHILD.parents[2])!r}")
    assert '"told": found' in text
    child.write_text(text.replace('"told": found', f'"told": [{said}]'))
    monkeypatch.setattr(process, "CHILD", child)
    with pytest.raises(FileRefused, match="读不动"):
        list(read(GOOD, "名册.xlsx", scene.north, Parsing))
