import re

import pytest

from campaigns.models import Department, Lecturer
from campaigns.queries import board, todos
from campaigns.services.registers import set_recorded
from campaigns.services.service_tasks import open_task, resolve_task
from tests.base import fixture_writes
from tests.campaigns.scene import make_campaign, make_session, unit_of


def held(cast, campaign, host, **plan):
    session = make_session(cast.north_organizer, campaign, host, days=-1, **plan)
    set_recorded(parts=session.parts.all())
    return session


def cards_of(campaign, unit):
    return {card.item.code: card for _, cards in board(campaign, unit) for card in cards}


@pytest.fixture
def busy(cast, campaign, branch):
    """A branch that had one class of most kinds, with a lecturer of a department and a solved problem."""
    topics = list(campaign.topics.all())
    with fixture_writes():
        Lecturer.objects.create(
            organization=cast.district, name="周讲师", department=Department.objects.get(name="司法")
        )
    held(cast, campaign, branch, topics=topics[:2], lecturer_names=["周讲师"])
    held(cast, campaign, branch, form="SELF_STUDY", topics=topics[1:2])
    held(cast, campaign, branch, form="KICKOFF")
    held(cast, campaign, branch, form="FIELD_STUDY")
    make_session(cast.north_organizer, campaign, branch, days=-2)
    task = open_task(actor=cast.north_organizer, unit=branch, title="修路")
    resolve_task(actor=cast.north_organizer, task=task, result="修好了")
    return campaign


def test_there_are_fifteen_cards_and_without_records_none_has_a_figure(cast, campaign):
    groups = board(campaign, unit_of(campaign, cast.district))
    assert [len(cards) for _, cards in groups] == [4, 5, 6]
    assert all(card.state == "尚无数据" and card.hint for _, cards in groups for card in cards)


def test_what_was_recorded_fills_the_cards(cast, busy):
    cards = cards_of(busy, unit_of(busy, cast.north))
    assert [(f.label, f.value) for f in cards["leadership"].figures] == [
        ("动员部署会", 1),
        ("已动员的支部", 1),
    ]
    assert [(f.label, f.value) for f in cards["lecturers"].figures] == [("司法", 1)]
    assert [f.value for f in cards["inspection"].figures] == [4, 1]
    assert [f.value for f in cards["branch_building"].figures] == [2, 2, 0]
    assert cards["branch_building"].state == "还有1个必训专题没讲"
    assert cards["central_scattered"].state == "两面都有"
    assert cards["field_home"].state == "还缺送学"
    assert cards["training_service"].level == "good"
    assert cards["publicity"].state == "尚无数据"


def test_the_neighbours_records_are_not_mine(cast, busy):
    assert all(not card.figures for card in cards_of(busy, unit_of(busy, cast.south)).values())


def test_a_class_without_register_proves_nothing(cast, campaign, branch):
    make_session(cast.north_organizer, campaign, branch, days=-1, form="KICKOFF")
    assert cards_of(campaign, branch)["leadership"].state == "尚无数据"


def test_every_figure_is_the_total_of_its_list(client, cast, busy):
    client.force_login(cast.north_organizer)
    figures = [f for card in cards_of(busy, unit_of(busy, cast.north)).values() for f in card.figures]
    assert len(figures) > 15
    for figure in figures:
        page = client.get(figure.url)
        assert page.status_code == 200
        assert page.context["page"].total == figure.value, figure


def test_the_board_costs_the_same_for_one_and_three_classes(
    cast, campaign, branch, django_assert_num_queries
):
    unit = unit_of(campaign, cast.north)
    held(cast, campaign, branch)
    with django_assert_num_queries(9):
        board(campaign, unit)
    held(cast, campaign, branch)
    held(cast, campaign, unit_of(campaign, cast.north_other_branch))
    with django_assert_num_queries(9):
        board(campaign, unit)


def test_the_page_shows_the_home_unit_and_a_chosen_one(client, cast, busy, branch):
    client.force_login(cast.north_organizer)
    address = f"/campaigns/{busy.pk}/board/"
    assert client.get(address).context["unit"].organization == cast.north
    assert client.get(f"{address}?unit={branch.pk}").context["unit"] == branch
    foreign = unit_of(busy, cast.south)
    assert client.get(f"{address}?unit={foreign.pk}").status_code == 404
    assert client.get(f"{address}?unit=x").status_code == 404
    assert client.post(address).status_code == 405


def test_todos_name_what_waits_with_its_list(client, cast, busy):
    found = todos(cast.north_organizer)
    assert [(t.count, t.level) for t in found] == [(1, "warn")]
    client.force_login(cast.north_organizer)
    assert client.get(found[0].url).context["page"].total == 1
    assert todos(cast.south_organizer) == [] and todos(cast.auditor) == []


def test_an_undrawn_campaign_is_the_officers_todo(cast):
    campaign = make_campaign(cast, opened=False)
    assert re.search("名册", todos(cast.officer)[0].text) and str(campaign.pk) in todos(cast.officer)[0].url
    assert todos(cast.north_organizer) == []
