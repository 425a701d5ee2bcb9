"""Files meant to do harm: refused or harmless, within ten seconds and 300 MB, and never a fault."""

import json
import subprocess
import sys
from random import Random

import pytest
from django.conf import settings

from tests.base import once
from tests.organizations.rosters.files import good
from tests.organizations.rosters.hostile import ATTACKS
from tests.organizations.rosters.trying import Scene, checked, stored, worked

pytestmark = [pytest.mark.django_db, pytest.mark.files, pytest.mark.slow]
built, scene = once(Scene)
LARGE = [pytest.param(one, marks=pytest.mark.slow, id=str(one)) for one in ATTACKS if one.is_slow]
CASES = [pytest.param(one, id=str(one)) for one in ATTACKS if not one.is_slow] + [
    # Those that get as far as our own process with much to do there.
    pytest.param(one, marks=pytest.mark.slow, id=str(one))
    for one in ATTACKS
    if one.id in ("H7b", "H12b")
]
MOST_SECONDS, MOST_MEGABYTES = 10, 300
# Parses as the application does and says how much the parsing process took.
PARSE = """
import json, resource, sys
from organizations.imports.preflight import FileRefused
from organizations.imports.process import Limits, Parsing
code = ""
try:
    with Parsing(open(sys.argv[1], "rb").read(), sys.argv[2], Limits(rows=20_000)) as book:
        for _ in book.read(book.sheets[:5]):
            pass
except FileRefused as refusal:
    code = refusal.code
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime]))
"""


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_is_refused_or_harmless(case, scene):
    content, before, begun = case.build(), stored(), worked()
    outcome = checked(content, scene.north, case.name)
    assert worked() - begun <= MOST_SECONDS
    assert outcome.refused in case.codes, outcome.message
    if not outcome.refused:
        assert outcome.verdict["counts"]["created"] == 1
    assert stored() == before


@pytest.mark.parametrize("case", LARGE)
def test_what_is_large_inside_takes_little_memory_to_parse(case, tmp_path):
    """In a small process of its own: a process started by a large one counts as large as that was."""
    path = tmp_path / "upload"
    path.write_bytes(case.build())
    run = [sys.executable, "-c", PARSE, str(path), case.name]
    answer = subprocess.run(run, cwd=settings.BASE_DIR, capture_output=True, check=True)
    code, megabytes, seconds = json.loads(answer.stdout)
    assert code in case.codes and megabytes <= MOST_MEGABYTES and seconds <= MOST_SECONDS


@pytest.mark.slow
def test_a_file_damaged_anywhere_is_refused_or_read_as_it_was(scene):
    whole, rng = good(), Random(11)
    for _ in range(24):
        place, bit = rng.randrange(len(whole)), 1 << rng.randrange(8)
        outcome = checked(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :], scene.north)
        assert outcome.refused or (outcome.errors, outcome.verdict["counts"]["created"]) == ([], 2)
    for _ in range(6):
        assert checked(whole[: rng.randrange(len(whole) - 1)], scene.north).refused
