"""Figures against an independent recount; lists against figures; the cost of a level."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.models import Standing
from attendance.queries import STATES, count_standings, standings
from campaigns.queries import listed_sessions
from campaigns.queries.service import task_states, tasks_of
from reports import links
from reports.indicators import CATALOGUE, WHY_NAMES, Rate, as_json
from reports.queries import figures, lists
from tests.base import fixture_writes, make_member, make_organization, once
from tests.reports.oracle import recount
from tests.reports.scene import Winter

pytestmark = pytest.mark.django_db


built, winter = once(Winter)


def units(winter):
    return list(winter.campaign.units.select_related("organization", "campaign").order_by("path"))


def test_every_figure_of_every_unit_is_what_raw_rows_say(winter):
    for unit in units(winter):
        assert as_json(figures.values(unit)) == recount(winter.campaign, unit.organization.code), unit


def test_the_winter_has_somebody_in_every_interesting_figure(winter):
    """Zeros everywhere would prove nothing."""
    values = as_json(figures.values(winter.district_unit))
    for code in ("MEM_WAIVED", "TR_FIRST", "TR_HOME", "NOT_YET", "UNMARKED", "MK_OPEN", "UNRECORDED"):
        assert values[code] > 0, code
    assert values["TASK_DONE"] == 1
    assert values["TOPIC_COV"]["n"] == 3
    assert sum(values["WHY"].values()) == values["NOT_YET"]


def test_a_table_says_the_same_as_each_unit_by_itself(winter):
    for unit in (winter.district_unit, winter.north_unit):
        table = figures.table(unit)
        assert table.values == figures.values(unit)
        assert [child.name for child, _ in table.children] == [
            one.name
            for one in units(winter)
            if one.depth == unit.depth + 1 and one.path.startswith(unit.path)
        ]
        for child, values in table.children:
            assert values == figures.values(child)


def test_a_parents_rate_is_the_sum_of_persons_not_the_mean_of_rates(winter):
    table = figures.table(winter.district_unit)
    for code in ("RATE_DUE", "ATT_RATE", "DONE_RATE"):
        below = [values[code] for _, values in table.children]
        assert table.values[code].n == sum(rate.n for rate in below)
        assert table.values[code].d == sum(rate.d for rate in below)
    mean = sum(values["RATE_DUE"].n / values["RATE_DUE"].d for _, values in table.children) / 2
    assert table.values["RATE_DUE"].n / table.values["RATE_DUE"].d != mean


def test_a_joint_class_counts_once_for_its_township(winter):
    assert figures.values(winter.north_unit, ["SES_HELD"])["SES_HELD"] == 3
    branches = [values["SES_HELD"] for _, values in figures.table(winter.north_unit).children]
    assert branches == [2, 2]


def test_every_list_of_people_is_as_long_as_its_figure(winter):
    for unit in units(winter):
        for indicator in CATALOGUE:
            if not indicator.people or indicator.code == "WHY":
                continue
            value = figures.values(unit, [indicator.code])[indicator.code]
            total = standings(unit, indicator.people).count()
            wanted = value.n if isinstance(value, Rate) else value.d if hasattr(value, "d") else value
            assert total == wanted, (unit, indicator.code)


def test_every_length_read_from_the_sums_is_the_number_of_people(winter):
    for unit in units(winter):
        for state in STATES:
            assert count_standings(unit, state) == standings(unit, state).count(), (unit, state)
        for why in WHY_NAMES:
            assert count_standings(unit, "not", why) == standings(unit, "not", why).count(), (unit, why)


def test_every_list_of_a_reason_is_as_long_as_its_bar(winter):
    unit = winter.district_unit
    for code, people in figures.values(unit, ["WHY"])["WHY"].items():
        assert standings(unit, "not", code).count() == people, WHY_NAMES[code]


def test_every_list_of_sessions_and_tasks_is_as_long_as_its_figure(winter):
    for unit in units(winter):
        values = figures.values(unit)
        for code, state in links.SESSION_STATES.items():
            listed = listed_sessions(winter.officer, winter.campaign, unit=unit, state=state)
            assert listed.count() == values[code], (unit, code)
        for code, state in links.TASK_STATES.items():
            assert tasks_of(unit).filter(task_states()[state][1]).count() == values[code]


def test_the_sheets_behind_a_rate_add_up_to_it(winter):
    for unit in units(winter):
        values = figures.values(unit)
        rows = lists.sheets_summed(lists.sessions_behind(unit, "ATT_RATE"), unit, "ATT_RATE")
        assert sum(row["attended"] for row in rows) == values["ATT_RATE"].n
        assert sum(row["expected"] - row["unmarked"] for row in rows) == values["ATT_RATE"].d
        unmarked = lists.sheets_summed(lists.sessions_behind(unit, "UNMARKED"), unit, "UNMARKED")
        assert sum(row["unmarked"] for row in unmarked) == values["UNMARKED"]
        taught = [topic for topic, number in lists.topics_behind(unit) if number]
        assert len(taught) == values["TOPIC_COV"].n
        assert lists.branches_behind(unit).count() == values["ORG_N"]


def test_reasons_follow_their_order(winter):
    whys = dict(Standing.objects.filter(why__gt="").values_list("entry__member__name", "why"))
    assert whys == {"钱北丁": "ABSENT", "周南乙金丝雀": "UNMARKED"}


def test_a_level_costs_the_same_with_two_units_and_with_five(winter, django_assert_max_num_queries):
    unit = winter.campaign.units.select_related("campaign").get(organization=winter.district)
    with CaptureQueriesContext(connection) as few:
        figures.table(unit)
    add_townships(winter, 3)
    with django_assert_max_num_queries(len(few)):
        assert len(figures.table(unit).children) == 5


def add_townships(winter, many):
    """Townships of one branch and one member each, in the campaign's tree."""
    with fixture_writes():
        for number in range(many):
            township = make_organization(winter.district, f"HZ1{number}", f"东{number}镇党委", "COMMITTEE")
            branch = make_organization(township, f"HZ1{number}01", f"东{number}村党支部")
            make_member(branch, f"东{number}甲")
            for one in (township, branch):
                winter.campaign.units.create(
                    organization=one, name=one.name, kind=one.kind, path=one.path, depth=one.depth
                )
