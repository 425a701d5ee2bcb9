"""Role x address x method x place of the record: nobody sees or reaches what is not his.

`pytest -m exhaustive tests/prying` and `make bench` walk every combination; here a fixed share of them.
"""

import pytest

from attendance.models.roster import RosterEntryQuerySet
from organizations.models.imports import ImportBatchQuerySet
from organizations.models.jobs import JobQuerySet
from organizations.models.members import MemberQuerySet
from tests.base import once
from tests.prying.places import Place, World
from tests.prying.routes import OPEN, PUBLIC, ROUTES
from tests.prying.walk import METHODS, ONE_OF, Pryer, cases

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ACTORS = (
    "officer",
    "organizer",
    "sibling organizer",
    "recorder",
    "inspector",
    "auditor",
    "township officer",
    "branch organizer",
    "township inspector",
    "township auditor",
    "closed account",
    "anonymous",
)
SHARE = 251


def report(troubles) -> str:
    return "\n".join([f"{len(troubles)} troubles", *troubles[:60]])


built, world = once(World)


def test_every_route_is_classified():
    assert [route.name for route in ROUTES if not route.is_classified] == []


def test_the_tables_name_no_route_that_is_gone():
    assert {*PUBLIC, *OPEN} - {route.name for route in ROUTES} == set()


def test_the_matrix_is_as_large_as_promised(world):
    counted = [sum(1 for _ in cases(world, actor)) for actor in ("organizer", "anonymous")]
    assert set(ACTORS) == set(world.actors) and min(counted) * len(ACTORS) >= 10_000


def test_a_share_of_everything(world):
    troubles = []
    for actor in ACTORS:
        troubles += Pryer(world, actor).walk(cases(world, actor, one_of=SHARE, halves=True))
    assert not troubles, report(troubles)


def south(world):
    """The branch of the other township; its township for records that lie there only."""
    branch, township = world.places["HZ0201"], world.places["HZ02"]
    return Place(branch.code, township.records | branch.records)


@pytest.mark.either
def test_every_record_of_the_other_township(world):
    """The likeliest prying in full: the organizer of the north tries each address of the south."""
    asked = ("GET", "POST form", "POST JSON")
    found = cases(world, "organizer", rare=1, methods=asked, places=[south(world)])
    assert Pryer(world, "organizer").walk(c for c in found if c.variant == "record") == []


@pytest.mark.either
def test_every_list_asked_for_the_other_township(world):
    found = cases(world, "organizer", methods=("GET",), places=[south(world)])
    assert Pryer(world, "organizer").walk(c for c in found if c.variant != "record") == []


def test_every_address_is_behind_the_login(world):
    found = cases(world, "anonymous", methods=("GET", "POST form"), places=[south(world)])
    once_each = {(case.route.name, case.method): case for case in found}
    assert Pryer(world, "anonymous").walk(once_each.values()) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("actor", ACTORS)
def test_every_combination(world, actor, record_property):
    pryer = Pryer(world, actor)
    troubles = pryer.walk(cases(world, actor, one_of=ONE_OF))
    pryer.counts["leaks"] = sum(": breaks" not in trouble for trouble in troubles)
    pryer.counts["broken pages"] = len(troubles) - pryer.counts["leaks"]
    for name, count in pryer.counts.items():
        record_property(name, count)
    assert not troubles, report(troubles)
    if pryer.user is not None and pryer.user.is_active:
        assert pryer.counts["shown"] > 20, "an account that sees nothing proves nothing"


@pytest.mark.parametrize(
    ("queryset", "seen"),
    [
        (MemberQuerySet, "organizations:member_detail"),
        (RosterEntryQuerySet, "attendance:entry_detail"),
        (JobQuerySet, "organizations:job_file"),
        (ImportBatchQuerySet, "organizations:import_annotated"),
    ],
)
def test_the_walk_notices_when_one_scope_is_dropped(world, monkeypatch, queryset, seen):
    for name in {"visible_to", "manageable_by"} & set(vars(queryset)):
        monkeypatch.setattr(queryset, name, lambda self, user: self)
    found = [c for c in cases(world, "organizer", methods=("GET",)) if c.route.name == seen]
    troubles = Pryer(world, "organizer").walk(found)
    assert any("shows" in line for line in troubles), troubles


def test_the_methods_are_those_of_the_web():
    assert {verb for verb, _, _ in METHODS.values()} >= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
