"""How figures are decided and shown; nothing here asks the database."""

import pytest

from attendance.models import Why
from attendance.queries import STATES, TALLY_COLUMNS
from reports import indicators, workbook
from reports.indicators import BY_CODE, CATALOGUE, Average, Rate
from reports.queries import panels
from reports.queries.figures import SOURCES

ZERO = dict.fromkeys([*TALLY_COLUMNS, *(name for _, names, _ in SOURCES.values() for name in names)], 0)
ZERO |= {"target": 95, "minutes_per_hour": 60}


@pytest.mark.parametrize(
    ("n", "d", "target", "text"),
    [
        (953, 1000, None, "95.3%"),
        (2, 3, None, "66.7%"),
        (1, 2000, None, "0.1%"),  # 0.05 % half-up
        (1199, 2000, 60, "59.9%"),  # 59.95 % is not yet 60 %
        (1200, 2000, 60, "60.0%"),
        (1199, 2000, None, "60.0%"),
        (9995, 10000, None, "99.9%"),  # one missing is never 100 %
        (10000, 10000, 95, "100.0%"),
        (94999, 100000, 95, "94.9%"),
        (0, 10, 95, "0.0%"),
        (0, 0, 95, "—"),
    ],
)
def test_a_rate_is_never_rounded_up_to_its_target_or_to_all(n, d, target, text):
    assert Rate(n, d, target).text == text


def test_whether_the_target_is_reached_is_decided_on_the_exact_fraction():
    assert not Rate(1199, 2000, 60).reached
    assert Rate(1200, 2000, 60).reached
    assert not Rate(0, 0, 60).reached
    assert Rate(94, 100, 95).missing == 1
    assert Rate(1199, 2000, 60).missing == 1
    assert Rate(19, 20, 95).missing == 0


def test_the_number_in_a_cell_reads_like_the_text_on_the_page():
    assert f"{Rate(1199, 2000, 60).shown:.1%}" == "59.9%"
    assert Rate(0, 0).shown is None


@pytest.mark.parametrize(
    ("minutes", "people", "per_hour", "text"),
    [(90, 1, 60, "1.5"), (45, 1, 45, "1.0"), (75, 100, 60, "0.0"), (15, 5, 60, "0.1"), (0, 0, 60, "—")],
)
def test_hours_are_shown_half_up(minutes, people, per_hour, text):
    assert Average(minutes, people, per_hour).text == text


def test_nobody_expected_gives_a_dash_not_a_zero():
    values = indicators.of(ZERO)
    for code in ("RATE_DUE", "ATT_RATE", "DONE_RATE", "RATE_ALL", "RATE_FIRST", "HRS_AVG", "TOPIC_COV"):
        assert values[code].text == "—"
    assert values["NOT_YET"] == 0


def test_unmarked_people_never_count_in_the_attendance_rate():
    values = indicators.of(ZERO | {"expected": 10, "attended": 6, "unmarked": 3})
    assert values["ATT_RATE"].as_json() == {"n": 6, "d": 7}


def test_waived_people_who_came_count_among_all_never_among_the_required():
    sums = ZERO | {"members": 10, "due": 8, "waived": 2, "trained": 4, "waived_trained": 1, "first": 3}
    values = indicators.of(sums)
    assert values["RATE_DUE"].as_json() == {"n": 4, "d": 8}
    assert values["RATE_ALL"].as_json() == {"n": 5, "d": 10}
    assert (values["TR_ALL"], values["TR_MAKEUP"], values["NOT_YET"]) == (5, 1, 4)


def test_the_catalogue_says_what_each_figure_is():
    assert len({one.code for one in CATALOGUE}) == len(CATALOGUE)
    assert all(one.name and one.formula and one.unit and one.source in SOURCES for one in CATALOGUE)
    assert all(one.people in STATES for one in CATALOGUE if one.people)
    assert {one.cutoff for one in CATALOGUE} <= {"any", "now", "job"}


def test_every_reason_has_its_own_sum():
    assert set(indicators.of(ZERO)["WHY"]) == {code for code in Why.values if code}


def test_pages_and_workbook_show_only_figures_of_the_catalogue():
    shown = {column.code for column in workbook.COLUMNS} | set(panels.OWN_CODES) | set(panels.CHILD_CODES)
    assert shown <= set(BY_CODE)
