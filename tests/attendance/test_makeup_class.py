"""A make-up class before it is planned: whom it would clear, whom not and why (hardening F6, F9–F14)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, RosterEntry, Standing
from attendance.queries.batches import SUMS, report_text
from attendance.queries.makeup import surplus, verdicts
from attendance.queries.register import register
from attendance.services.makeup import plan_makeup
from attendance.services.roster import set_waiver
from campaigns.models import Round, TrainingSession
from organizations.service import Refused
from organizations.services.members import leave_member
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once
from tests.campaigns.scene import at

pytestmark = pytest.mark.django_db


class Missed(Scene):
    """A class five days ago: 王 came, 李 and 赵 did not."""

    def __init__(self):
        super().__init__()
        self.missed = self.session(days=-5, topics=self.topics(0), title="缺的课")
        self.mark(self.missed, {self.wang: "present", self.li: ("absent", ""), self.zhao: ("leave", "ILL")})


built, scene = once(Missed)


def times(days=0, hour=9):
    start = at(timezone.localdate() + timedelta(days=days), hour)
    return start, start + timedelta(hours=2)


def judged(scene, member, topics=None, days=0, hour=9, round=Round.MAKE_UP):
    entry = scene.entry(member)
    [one] = verdicts([entry], topics or scene.topics(0), *times(days, hour), round)
    return one


def plan(scene, members, topics=None, days=0, hour=9, **more):
    starts_at, ends_at = times(days, hour)
    return plan_makeup(
        actor=scene.north_organizer,
        unit=scene.north_branch_unit,
        topics=topics or scene.topics(0),
        entries=[scene.entry(member) for member in members],
        title="补一课",
        starts_at=starts_at,
        ends_at=ends_at,
        **more,
    )


def offered(scene, session, member):
    [sheet] = register(session, scene.north_organizer).parts
    return next(person.preset for person in sheet.expected if person.entry == scene.entry(member).pk)


def test_it_clears_who_missed_the_topic_and_says_which_class(scene):
    one = judged(scene, scene.li, scene.topics(0, 1))
    assert one.clears and [row.session for row in one.missed] == [scene.missed]
    # The other topic nobody was taught yet: it is learnt there, too.
    assert one.topics == scene.topics(0, 1)


def test_who_was_present_does_not_need_it(scene):
    one = judged(scene, scene.wang)
    assert one.code == "MAKEUP_NOT_NEEDED" and "缺的课" in one.words
    with pytest.raises(Refused, match="王北甲：已经学过") as refusal:
        plan(scene, [scene.li, scene.wang])
    assert refusal.value.code == "MAKEUP_NOT_NEEDED"
    assert not TrainingSession.objects.filter(title="补一课").exists()


def test_who_is_not_expected_is_refused_but_may_be_taught_at_home(scene):
    set_waiver(
        actor=scene.north_organizer, entry=scene.entry(scene.li), reason="ILLNESS", since=timezone.localdate()
    )
    assert judged(scene, scene.li).code == "MAKEUP_NOT_EXPECTED"
    assert judged(scene, scene.li, round=Round.HOME).clears
    with pytest.raises(Refused, match="不作硬性要求"):
        plan(scene, [scene.li])


def test_who_left_is_refused(scene):
    leave_member(actor=scene.north_organizer, member=scene.li, left_on=timezone.localdate(), reason="去世")
    entry = scene.entry(scene.li)
    with fixture_writes():
        entry.left_on = timezone.localdate()
        entry.save()
    assert judged(scene, scene.li).code == judged(scene, scene.li, round=Round.HOME).code
    assert judged(scene, scene.li).code == "MAKEUP_NOT_EXPECTED"


def test_not_at_a_time_when_they_sat_in_another_class(scene):
    other = scene.session(days=-2, topics=scene.topics(3), title="别的课", hour=10)
    scene.mark(other, {scene.li: "present", scene.zhao: ("absent", "")})
    one = judged(scene, scene.li, days=-2)
    assert one.code == "OVERLAP" and "别的课" in one.words
    assert judged(scene, scene.li, days=-2, round=Round.HOME).code == "OVERLAP"
    # Behind it, or for somebody who was not there, nothing overlaps.
    assert judged(scene, scene.li, days=-2, hour=12).clears
    assert judged(scene, scene.zhao, days=-2).clears
    with pytest.raises(Refused, match="别的课"):
        plan(scene, [scene.li], days=-2)


def test_not_before_the_class_that_was_missed(scene):
    assert judged(scene, scene.li, days=-6).code == "MAKEUP_BEFORE"
    assert judged(scene, scene.li, days=-5, hour=15).clears
    with pytest.raises(Refused, match="补课要在那天或以后"):
        plan(scene, [scene.li], days=-6)


def test_a_class_planned_for_the_same_time_is_a_warning(scene):
    scene.session(days=2, topics=scene.topics(1), title="同时的课")
    one = judged(scene, scene.li, days=2)
    assert one.clears and one.busy == "同时的课"
    assert judged(scene, scene.li, days=3).busy == ""


def test_three_classes_for_people_by_name_are_asked_about_in_one_statement(scene, django_assert_num_queries):
    people = {scene.north_branch_unit.pk: [scene.li]}
    for hour, title in ((9, "甲课"), (10, "乙课"), (10, "丙课")):
        scene.session(days=2, title=title, hour=hour, audience="NAMED", named_members=people)
    entries = [scene.entry(scene.li), scene.entry(scene.zhao)]
    topics = scene.topics(0)
    with django_assert_num_queries(3):
        told = verdicts(entries, topics, *times(2))
    assert [one.busy for one in told] == ["丙课", ""]


def test_who_is_called_by_name_is_offered_as_present_although_floating(scene):
    with fixture_writes():
        RosterEntry.objects.filter(pk=scene.entry(scene.li).pk).update(is_floating=True)
    called = plan(scene, [scene.li])
    whole = scene.session(days=0, title="全支部的课")
    assert offered(scene, called, scene.li) == "present"
    assert offered(scene, whole, scene.li) == "leave"


def test_the_same_page_twice_plans_one_class_also_after_it_was_held(scene):
    same = uuid4()
    first = plan(scene, [scene.li], days=-1, request_uuid=same)
    scene.mark(first, {scene.li: "present"})
    assert plan(scene, [scene.li], days=-1, request_uuid=same) == first


def test_a_missed_class_corrected_to_present_leaves_one_make_up_too_many(scene, client):
    makeup = plan(scene, [scene.li], days=-1)
    scene.mark(makeup, {scene.li: "present"})
    rows = list(Attendance.objects.filter(entry=scene.entry(scene.li)))
    assert surplus(rows) == set()
    scene.mark(scene.missed, {scene.li: "present"})
    rows = list(Attendance.objects.filter(entry=scene.entry(scene.li)))
    [extra] = surplus(rows)
    assert Attendance.objects.get(pk=extra).session == makeup
    standing = Standing.objects.get(entry=scene.entry(scene.li))
    assert standing.missed_mask == standing.makeup_mask == 0 and standing.first_on
    client.force_login(scene.north_organizer)
    page = client.get(reverse("attendance:entry_detail", args=[standing.pk])).content.decode()
    assert "多补了一次" in page


def preview(client, scene, **more):
    client.force_login(scene.north_organizer)
    data = {
        "asked": [scene.entry(member).pk for member in (scene.wang, scene.li, scene.zhao)],
        "round": "MAKE_UP",
        "topics": [scene.topics(0)[0].pk],
        "day": timezone.localdate().isoformat(),
        "starts": "09:00",
        "ends": "11:00",
        "request_uuid": uuid4(),
    }
    where = reverse("attendance:makeup_preview", args=[scene.campaign.pk])
    return client.post(where, data | more)


def test_the_page_names_both_before_anything_is_stored(scene, client):
    answer = preview(client, scene)
    assert [one.entry.member.name for one in answer.context["clearing"]] == ["李北乙", "赵北丙"]
    assert [one.entry.member.name for one in answer.context["in_vain"]] == ["王北甲"]
    assert "已经学过" in answer.content.decode()
    assert preview(client, scene, topics=[]).context["verdicts"] is None
    assert preview(client, scene, day="胡说").context["verdicts"] is None
    assert not TrainingSession.objects.filter(round="MAKE_UP").exists()


def test_the_sentence_for_wechat_names_the_class_and_who_came_beside(scene):
    def sentence(session, **sums):
        parts = list(session.parts.select_related("unit"))
        return report_text(session, parts, dict.fromkeys(SUMS, 0) | sums)

    made = plan(scene, [scene.li])
    day = f"{made.starts_at:%-m}月{made.starts_at:%-d}日"
    told = sentence(made, expected=1, attended=1, visitors=1)
    assert told == f"北山村党支部{day}补课“补一课”：应到1人，实到1人，请假0人，缺席0人，另来1人。"
    made.title = "补课：第一专题"
    assert "补课“第一专题”：" in sentence(made)
    made.round = Round.HOME
    assert "送学上门“补课：第一专题”：" in sentence(made)
    assert "日冬训：" in sentence(scene.missed) and "另来" not in sentence(scene.missed)


def test_people_of_others_are_not_judged(scene, client):
    answer = preview(client, scene, asked=[scene.entry(scene.sun).pk])
    assert answer.context["verdicts"] is None and "孙南甲" not in answer.content.decode()
