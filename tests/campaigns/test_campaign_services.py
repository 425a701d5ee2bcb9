from datetime import date, timedelta

import pytest

from campaigns.models import Campaign, Department, Topic, Unit
from campaigns.presets import load_preset
from campaigns.queries import current_campaign, home_unit
from campaigns.services.campaigns import change_campaign, create_campaign, draw_units, mark_open
from campaigns.services.topics import change_topic, save_programme, save_topics
from organizations.models import AuditEvent, Organization
from organizations.service import Refused
from tests.base import fixture_writes, make_organization
from tests.campaigns.scene import make_campaign, make_session, unit_of

pytestmark = pytest.mark.django_db


def rows_of(campaign):
    return [
        {"pk": t.pk, "name": t.name, "task": t.task_id, "is_compulsory": t.is_compulsory}
        for t in campaign.topics.all()
    ]


def test_the_preset_has_four_five_and_six():
    groups = load_preset("siwuliu")["groups"]
    assert [len(group["items"]) for group in groups] == [4, 5, 6]
    assert [group["name"] for group in groups] == ["四个到位", "五项任务", "六个结合"]


def test_every_topic_of_the_preset_belongs_to_a_task_and_six_are_compulsory():
    preset = load_preset("siwuliu")
    tasks = {item["code"] for item in preset["groups"][1]["items"]}
    assert {topic["task"] for topic in preset["topics"]} == tasks
    assert sum(topic["compulsory"] for topic in preset["topics"]) == 6


def test_a_new_campaign_copies_the_programme_with_its_sources(cast):
    campaign = make_campaign(cast, opened=False)
    assert [group.items.count() for group in campaign.groups.all()] == [4, 5, 6]
    assert campaign.target_percent == 95 and campaign.hours_secretary == 56
    assert "95%" in campaign.sources["target_percent"]
    assert [topic.bit for topic in campaign.topics.all()] == list(range(8))
    assert Department.objects.count() == 7
    assert campaign.forms.get(code="HOME_TEACH").default_round == "HOME"


def test_an_own_value_says_that_it_is_an_own_value(cast):
    campaign = make_campaign(cast, opened=False, target_percent=98)
    assert campaign.sources["target_percent"] == "主办单位自定。"


def test_only_an_officer_of_the_scope_creates(cast):
    facts = {
        "preset": "siwuliu",
        "label": "镇里的",
        "starts_on": date(2026, 12, 1),
        "ends_on": date(2027, 3, 1),
    }
    with pytest.raises(Refused):
        create_campaign(actor=cast.north_organizer, organization=cast.north, **facts)
    assert not Campaign.objects.exists()


def test_the_same_label_twice_is_refused(cast):
    make_campaign(cast, opened=False)
    with pytest.raises(Refused, match="已经有了"):
        make_campaign(cast, opened=False)


def test_drawing_twice_gives_the_same_units(cast):
    campaign = make_campaign(cast, opened=False)
    first = draw_units(actor=cast.officer, campaign=campaign)
    again = draw_units(actor=cast.officer, campaign=campaign)
    assert [u.pk for u in first] == [u.pk for u in again]
    assert [u.organization_id for u in first] == [
        o.pk
        for o in (
            cast.district,
            cast.north,
            cast.north_branch,
            cast.north_other_branch,
            cast.south,
            cast.south_branch,
        )
    ]
    assert [u.depth for u in first] == [1, 2, 3, 3, 2, 3]


def test_drawing_again_follows_the_tree(cast):
    campaign = make_campaign(cast, opened=False)
    draw_units(actor=cast.officer, campaign=campaign)
    with fixture_writes():
        cast.south_branch.refresh_from_db()
        cast.south_branch.closed_on = date(2026, 11, 1)
        cast.south_branch.save()
        cast.north_other_branch.refresh_from_db()
        cast.north_other_branch.move(cast.south, "first-child") if False else None
        cast.north_branch.refresh_from_db()
        cast.north_branch.name = "北山村第一党支部"
        cast.north_branch.save()
    make_organization(cast.south, "HZ0202", "南岭村党支部")
    draw_units(actor=cast.officer, campaign=campaign)
    names = set(Unit.objects.values_list("name", flat=True))
    assert {"北山村第一党支部", "南岭村党支部"} <= names and "南河村党支部" not in names


def test_swapped_paths_do_not_collide(cast):
    campaign = make_campaign(cast, opened=False)
    draw_units(actor=cast.officer, campaign=campaign)
    cast.north_branch.refresh_from_db()
    cast.north_other_branch.refresh_from_db()
    with fixture_writes():
        Organization.objects.move(cast.north_other_branch, cast.north_branch, "left")
    draw_units(actor=cast.officer, campaign=campaign)
    cast.north_branch.refresh_from_db()
    assert unit_of(campaign, cast.north_branch).path == cast.north_branch.path


def test_drawing_costs_the_same_for_many_units(cast, django_assert_max_num_queries):
    for number in range(30):
        make_organization(cast.south, f"HZ03{number:02}", f"南沟村第{number}党支部")
    campaign = make_campaign(cast, opened=False)
    with django_assert_max_num_queries(12):
        draw_units(actor=cast.officer, campaign=campaign)
    assert Unit.objects.count() == 36


def test_an_open_campaign_draws_no_units(cast):
    campaign = make_campaign(cast)
    with pytest.raises(Refused, match="名册变动"):
        draw_units(actor=cast.officer, campaign=campaign)


def test_opening_twice_is_harmless(cast):
    campaign = make_campaign(cast)
    assert mark_open(actor=cast.officer, campaign=campaign).is_open


def test_a_removed_topics_bit_is_never_given_again(cast):
    campaign = make_campaign(cast, opened=False)
    rows = rows_of(campaign)
    gone = rows[-1] | {"remove": True}
    save_topics(actor=cast.officer, campaign=campaign, topics=[*rows[:-1], gone])
    new = {"name": "新专题", "task": None, "is_compulsory": False}
    save_topics(actor=cast.officer, campaign=campaign, topics=[*rows[:-1], new])
    assert Topic.objects.get(name="新专题").bit == 8


def test_a_topic_a_page_does_not_name_stays(cast):
    campaign = make_campaign(cast, opened=False)
    older_page = rows_of(campaign)
    new = {"name": "同事加的", "task": None, "is_compulsory": True}
    save_topics(actor=cast.officer, campaign=campaign, topics=[*older_page, new])
    save_topics(actor=cast.officer, campaign=campaign, topics=older_page)
    assert list(campaign.topics.values_list("name", flat=True))[-1] == "同事加的"
    again = [*older_page, new]
    with pytest.raises(Refused, match="写了两遍"):
        save_topics(actor=cast.officer, campaign=campaign, topics=again)


def test_a_topic_removed_meanwhile_is_not_made_again(cast):
    campaign = make_campaign(cast, opened=False)
    older_page, topic = rows_of(campaign), campaign.topics.last()
    gone = older_page[-1] | {"remove": True}
    save_topics(actor=cast.officer, campaign=campaign, topics=[*older_page[:-1], gone])
    with pytest.raises(Refused, match="删去"):
        save_topics(actor=cast.officer, campaign=campaign, topics=older_page)
    with pytest.raises(Refused, match="删去"):
        change_topic(actor=cast.officer, topic=topic, name="改名")


def test_saving_the_programme_is_one_event(cast):
    campaign = make_campaign(cast, opened=False)
    save_programme(actor=cast.officer, campaign=campaign, groups={}, items={}, topics=rows_of(campaign))
    actions = AuditEvent.objects.about(campaign, cast.officer).values_list("action", flat=True)
    assert list(actions) == ["campaign.programme", "campaign.create"]


def test_the_start_stays_once_the_roster_is_drawn(cast):
    campaign = make_campaign(cast)
    day = timedelta(days=1)
    with pytest.raises(Refused, match="不能再提前"):
        change_campaign(actor=cast.officer, campaign=campaign, starts_on=campaign.starts_on - day)
    change_campaign(actor=cast.officer, campaign=campaign, starts_on=campaign.starts_on + day)
    preparing = make_campaign(cast, "明年的", opened=False)
    change_campaign(actor=cast.officer, campaign=preparing, starts_on=preparing.starts_on - day)


@pytest.mark.parametrize("days", [{"starts_on": date(1, 1, 1)}, {"ends_on": date(9999, 12, 31)}])
def test_a_campaign_in_no_winter_we_know_is_refused(cast, days):
    with pytest.raises(Refused, match="年份"):
        make_campaign(cast, opened=False, **days)


def test_topics_may_swap_names_and_keep_their_bits(cast):
    campaign = make_campaign(cast, opened=False)
    rows = rows_of(campaign)
    rows[0]["name"], rows[1]["name"] = rows[1]["name"], rows[0]["name"]
    save_topics(actor=cast.officer, campaign=campaign, topics=rows)
    assert Topic.objects.get(pk=rows[0]["pk"]).bit == 0
    assert Topic.objects.get(pk=rows[0]["pk"]).name == rows[0]["name"]


def test_a_taught_topic_cannot_be_removed(cast):
    campaign = make_campaign(cast)
    topic = campaign.topics.first()
    make_session(cast.north_organizer, campaign, unit_of(campaign, cast.north_branch), topics=[topic])
    with pytest.raises(Refused, match="不能删去"):
        rows = rows_of(campaign)
        save_topics(actor=cast.officer, campaign=campaign, topics=[rows[0] | {"remove": True}, *rows[1:]])


def test_a_changed_topic_list_of_an_open_campaign_asks_for_a_recount(cast):
    campaign = make_campaign(cast)
    rows = rows_of(campaign)
    save_topics(actor=cast.officer, campaign=campaign, topics=rows)
    campaign.refresh_from_db()
    assert campaign.recount_due_at is None
    rows[0]["is_compulsory"] = False
    save_topics(actor=cast.officer, campaign=campaign, topics=rows)
    campaign.refresh_from_db()
    assert campaign.recount_due_at is not None


def test_a_changed_rule_of_an_open_campaign_asks_for_a_recount(cast):
    campaign = make_campaign(cast)
    facts = {"label": campaign.label, "starts_on": campaign.starts_on, "ends_on": campaign.ends_on}
    changed = change_campaign(actor=cast.officer, campaign=campaign, trained_rule="HOURS", **facts)
    assert changed.recount_due_at is not None and changed.sources["trained_rule"] == "主办单位自定。"


def test_each_act_leaves_one_audit_event(cast):
    campaign = make_campaign(cast, opened=False)
    # Drawing the units is a step of opening the campaign, which leaves the event.
    draw_units(actor=cast.officer, campaign=campaign)
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["campaign.create"]


def test_the_current_campaign_runs_and_is_a_real_one(cast):
    make_campaign(cast, "练习", kind="PRACTICE")
    real = make_campaign(cast, "正式")
    make_campaign(cast, "明年", opened=False)
    assert current_campaign(cast.north_organizer) == real
    assert current_campaign(cast.north_organizer, "999999") is None
    assert current_campaign(cast.auditor) is None


def test_the_home_unit_is_the_own_one_or_the_owners(cast):
    campaign = make_campaign(cast)
    assert home_unit(cast.north_organizer, campaign).organization == cast.north
    assert home_unit(cast.officer, campaign).organization == cast.district
    assert home_unit(cast.auditor, campaign) is None
