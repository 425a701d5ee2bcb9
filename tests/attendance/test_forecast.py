"""补不齐的: who lacks a compulsory topic that no planned class will bring. Every kind of audience counts."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.queries import compulsory_topics, forecast
from attendance.services.roster import set_waiver
from campaigns.models import Campaign
from campaigns.services.sessions import cancel_session
from organizations.models import Category
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db


class OneTopic(Scene):
    """Only the first topic is compulsory."""

    def __init__(self):
        super().__init__()
        with fixture_writes():
            first = compulsory_topics(self.campaign)[0]
            self.campaign.topics.exclude(pk=first.pk).update(is_compulsory=False)
        self.topic = first

    def late(self, unit=None):
        found = forecast.too_late(unit or self.north_unit, timezone.now())
        return {one.entry.member.name for one in found}

    def planned(self, host=None, **more):
        days = more.pop("days", 3)
        return self.session(host, days=days, topics=more.pop("topics", [self.topic]), **more)


built, scene = once(OneTopic)
BRANCH = {"王北甲", "李北乙", "赵北丙"}


def test_without_a_plan_everybody_who_has_not_learnt_it_is_late(scene):
    assert scene.late() == BRANCH | {"钱北丁"}
    held = scene.session(days=-1, topics=[scene.topic])
    scene.mark(held, {scene.wang: "present", scene.li: ("absent", "")})
    assert scene.late() == BRANCH - {"王北甲"} | {"钱北丁"}


def test_a_class_of_the_whole_branch_helps_its_people_only(scene):
    scene.planned()
    assert scene.late() == {"钱北丁"}


def test_a_class_of_one_category_helps_those_of_it(scene):
    with fixture_writes():
        entry = scene.entry(scene.li)
        entry.category = Category.PROBATIONARY
        entry.save()
    scene.planned(audience="CATEGORY", category=Category.PROBATIONARY)
    assert scene.late(scene.north_branch_unit) == BRANCH - {"李北乙"}


def test_a_class_for_named_people_helps_them(scene):
    scene.planned(audience="NAMED", named_members={scene.north_branch_unit.pk: [scene.wang, scene.zhao]})
    assert scene.late(scene.north_branch_unit) == {"李北乙"}


@pytest.mark.parametrize("fault", ["cancelled", "other topic", "does not count", "over", "after the end"])
def test_a_class_that_will_not_teach_it_helps_nobody(scene, fault):
    other = scene.campaign.topics.exclude(pk=scene.topic.pk).first()
    form = scene.campaign.forms.filter(counts=True).first()
    session = scene.planned(
        topics=[other] if fault == "other topic" else [scene.topic],
        days=-1 if fault == "over" else 3,
        form=form.code,
    )
    if fault == "cancelled":
        cancel_session(actor=scene.officer, session=session, reason="停电")
    with fixture_writes():
        if fault == "does not count":
            type(form).objects.filter(pk=form.pk).update(counts=False)
        if fault == "after the end":
            ends_on = timezone.localdate() + timedelta(days=2)
            Campaign.objects.filter(pk=scene.campaign.pk).update(ends_on=ends_on)
            for unit in (scene.north_unit, scene.north_branch_unit):
                unit.campaign.ends_on = ends_on
    assert scene.late(scene.north_branch_unit) == BRANCH


def test_of_whom_nothing_is_asked_is_never_late(scene):
    set_waiver(
        actor=scene.north_organizer, entry=scene.entry(scene.li), reason="CARE", since=timezone.localdate()
    )
    assert scene.late(scene.north_branch_unit) == BRANCH - {"李北乙"}


def test_the_count_by_unit_is_the_list(scene):
    scene.planned()
    now = timezone.now()
    by_child = forecast.too_late_by_child(scene.district_unit, now)
    assert {one.unit.name: one.people for one in by_child} == {"北山镇党委": 1, "南河镇党委": 2}
    for one in by_child:
        assert forecast.too_late(one.unit, now).count() == one.people


def test_the_page_names_the_missing_topic_and_offers_a_class(scene, client):
    client.force_login(scene.north_organizer)
    where = reverse("attendance:late_list", args=[scene.campaign.pk])
    answer = client.get(where)
    html = answer.content.decode()
    assert answer.context["page"].total == 4 and "为勾选的人安排上课" in html
    assert "补不齐的 4人" in html and "照现在排好的课，到冬训结束也学不全必训专题的人" in html
    assert {reason for line in answer.context["lines"] for reason in line.reasons} == {scene.topic.name}
    assert client.get(f"{where}?q=钱").context["page"].total == 1


def test_beyond_a_size_the_page_says_which_level_to_open(scene, client, monkeypatch):
    monkeypatch.setattr(forecast, "MOST_MEMBERS", 3)
    client.force_login(scene.north_organizer)
    where = reverse("attendance:late_list", args=[scene.campaign.pk])
    page = client.get(where).content.decode()
    assert "请打开下面一级" in page and f"?unit={scene.north_branch_unit.pk}" in page
    assert client.get(f"{where}?unit={scene.north_branch_unit.pk}").context["page"].total == 3
    export = reverse("attendance:debts_export", args=[scene.campaign.pk])
    assert client.get(f"{export}?list=late").status_code == 302
