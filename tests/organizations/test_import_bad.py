"""Every wrong roster of the table: named by row and column, told what to do, nothing stored."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from organizations.models import ImportBatch
from tests.base import fixture_writes, once
from tests.organizations.rosters import raw
from tests.organizations.rosters.cases import BAD
from tests.organizations.rosters.files import FILES
from tests.organizations.rosters.making import excel
from tests.organizations.rosters.trying import ELSEWHERE, HERE, Scene, command, stored, worked
from tests.organizations.workbooks import HEADERS, person

pytestmark = [pytest.mark.django_db, pytest.mark.files]
built, scene = once(Scene)
# How a sentence ends that says what to do.
TELLS = re.compile(r"请|另存|改成|不要")


# A person is asked instead of being refused.
ASKED = {"R6", "F3b", "F4", "F7"}
ONE_OF_EACH = {case.code: case for case in FILES if case.id not in ASKED}


def last_sentence(message: str) -> str:
    return [part for part in re.split(r"[。；]", message) if part][-1]


@pytest.mark.parametrize("case", BAD, ids=str)
def test_a_wrong_line_is_named_by_row_and_column_and_nothing_is_stored(case, scene, tmp_path):
    content, before = case.build(), stored()
    status, report = command(tmp_path / case.name, content)
    found = {
        kind: [(f["code"], f["row"], f["column"]) for f in report[kind]] for kind in ("errors", "warnings")
    }
    assert sorted(found["errors"]) == sorted(case.errors), report["errors"]
    assert [one for one in found["warnings"] if one[0] not in ("COLUMNS_IGNORED",)] == case.warnings
    for one in report["errors"] + report["warnings"]:
        assert TELLS.search(last_sentence(one["message"])), one
        assert not re.search(r"\d{15,}", one["message"]), one
    assert (status, report["stored"]) == ((1, False) if case.errors else (0, True))
    if case.errors:
        assert stored() == before and not ImportBatch.objects.get().stored_at
    else:
        assert stored()[0] == before[0] + report["created"]


@pytest.fixture
def small_limits(settings):
    settings.ROSTER_MAX_ROWS = 100
    settings.ROSTER_MAX_BYTES = 10_000_000


@pytest.mark.parametrize("case", FILES, ids=str)
def test_a_refused_file_says_why_and_what_to_do(case, scene, tmp_path, small_limits):
    before = stored()
    status, report = command(tmp_path / case.name, case.build())
    assert (status, [one["code"] for one in report["errors"]]) == (2, [case.code]), report["errors"]
    (one,) = report["errors"]
    assert TELLS.search(last_sentence(one["message"])), one
    assert stored() == before and not report["stored"]


@pytest.mark.parametrize("case", [*ONE_OF_EACH.values(), *(c for c in FILES if c.id in ASKED)], ids=str)
def test_the_page_refuses_as_kindly_and_never_breaks(case, scene, client, small_limits):
    before = stored()
    client.force_login(scene.north_organizer)
    data = {"organization": scene.north.pk, "file": SimpleUploadedFile(case.name, case.build())}
    response = client.post(reverse("organizations:import_upload"), data, follow=True)
    batch = ImportBatch.objects.first()
    if batch:  # an answer would help: the page asks for it
        assert case.id in ASKED and batch.verdict["asks"] and response.status_code == 200
        assert batch.verdict["refused"]["message"] in response.content.decode()
    else:
        assert case.id not in ASKED
        assert response.status_code == (422 if case.code == "EMPTY" else case.status)
        assert TELLS.search(response.content.decode())
    assert stored() == before


def test_a_branch_elsewhere_is_answered_like_one_that_is_nowhere(scene, tmp_path):
    texts = []
    for branch in ("南河村党支部", "无有村党支部"):
        _, report = command(tmp_path / "a.xlsx", excel([HEADERS, person("张一", branch)]))
        (error,) = report["errors"]
        texts.append((error["code"], error["message"].replace(branch, "…")))
    assert texts[0] == texts[1]


def test_a_number_held_elsewhere_is_answered_like_any_review(scene, tmp_path):
    """Neither where nor who; and like the number of somebody who has left."""
    with fixture_writes():
        type(scene.here).objects.filter(pk=scene.here.pk).update(left_on="2026-01-01", left_reason="去世")
    people = [person("陈二", birth=None, id=ELSEWHERE), person("郑二", birth=None, id=HERE)]
    _, report = command(tmp_path / "a.xlsx", excel([HEADERS, *people]), "--dry-run")
    elsewhere, left = report["warnings"]
    assert (elsewhere["code"], elsewhere["message"]) == (left["code"], left["message"])
    assert "南" not in elsewhere["message"] and "金丝雀" not in elsewhere["message"]


def test_of_a_thousand_bad_lines_all_are_counted_and_the_first_are_told(scene, tmp_path):
    people = (person(f"李{chr(0x4E00 + n)}", "无有村") for n in range(1200))
    status, report = command(tmp_path / "a.xlsx", excel([HEADERS, *people]))
    assert (status, len(report["errors"]), report["skipped"]) == (1, 1000, 1200)


def test_good_lines_are_stored_alone_only_when_asked_for(scene, tmp_path):
    content = excel([HEADERS, person("张一"), person("李二", phone="1"), person("王三")])
    before = stored()
    assert command(tmp_path / "a.xlsx", content)[0] == 1 and stored() == before
    status, report = command(tmp_path / "a.xlsx", content, "--partial")
    assert (status, report["created"], report["skipped"], report["stored"]) == (1, 2, 1, True)
    assert stored()[0] == before[0] + 2


@pytest.mark.slow
def test_twenty_thousand_bad_lines_are_judged_in_seconds(scene, tmp_path):
    people = (person(f"李{chr(0x4E00 + n // 140)}{chr(0x5E00 + n % 140)}", "无有村") for n in range(20_000))
    content, before, begun = raw.workbook(raw.inline([HEADERS, *people])), stored(), worked()
    status, report = command(tmp_path / "a.xlsx", content)
    assert worked() - begun < 10
    assert (status, len(report["errors"]), report["skipped"]) == (1, 1000, 20_000)
    assert stored() == before


@pytest.mark.slow
def test_twenty_thousand_good_lines_are_checked_within_twenty_seconds(scene, tmp_path):
    people = (person(f"李{chr(0x4E00 + n // 140)}{chr(0x5E00 + n % 140)}") for n in range(20_000))
    content, begun = raw.workbook(raw.inline([HEADERS, *people])), worked()
    status, report = command(tmp_path / "a.xlsx", content, "--dry-run")
    assert worked() - begun < 20
    assert (status, report["created"], report["errors"]) == (0, 20_000, [])
