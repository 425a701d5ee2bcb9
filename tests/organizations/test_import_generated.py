"""Five hundred rosters by chance: red exactly where they were broken, stored exactly where they were not."""

import pytest

from organizations.imports import checking
from organizations.models import Member
from organizations.service import Refused
from tests.base import once
from tests.organizations.rosters.damage import generate
from tests.organizations.rosters.near import Near
from tests.organizations.rosters.trying import Scene, checked, store, stored

pytestmark = [pytest.mark.django_db, pytest.mark.files]
built, scene = once(Scene)
# The first are parsed in a process of their own, as in truth.
ALWAYS, ALL = 60, 500
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= ALWAYS else []) for seed in range(ALL)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_roster_is_red_where_it_was_broken_and_stored_where_it_was_not(seed, scene, monkeypatch):
    if seed >= ALWAYS:
        monkeypatch.setattr(checking, "Parsing", Near)
    made, before = generate(seed), stored()
    outcome = checked(made.content, scene.north, made.file_name)
    if not made.good and not made.damaged:
        return
    assert outcome.refused == "", (made.what, outcome.message)
    said: dict[int, set[str]] = {}
    for code, row, _ in outcome.errors:
        said.setdefault(row, set()).add(code)
    assert said.keys() == made.damaged.keys(), (made.what, outcome.messages)
    assert all(said[row] <= made.damaged[row] for row in said), (made.what, said, made.damaged)
    if made.damaged:
        with pytest.raises(Refused):
            store(outcome)
        assert stored() == before
    known = set(Member.objects.values_list("pk", flat=True))
    store(outcome, partial=True)
    new = Member.objects.exclude(pk__in=known).select_related("branch")
    found = [(m.name, m.branch.code, (m.birth_date, m.birth_precision), m.id_number, m.phone) for m in new]
    assert sorted(found) == sorted(person.as_stored() for person in made.good), made.what


def test_the_generator_breaks_in_every_way_and_sometimes_not_at_all():
    """Otherwise the test above would prove little."""
    made = [generate(seed) for seed in range(ALL)]
    told = {name for one in made for name in one.what}
    assert len(told) >= 37 and {"excel", "openpyxl", "csv", "xls", "ID_TWICE", "NAME_NEEDS_ID"} <= told
    assert sum(not one.damaged for one in made) > 50
    assert sum(len(one.damaged) > 2 for one in made) > 50
