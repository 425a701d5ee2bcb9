"""送学上门 written down, 流动联系, and three absentees who come to nothing owed in three ways."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, ContactLog, HomeLesson, MarkBatch, Standing, Tally
from attendance.queries import contacts, count_standings, owing
from attendance.services.contacts import log_contact
from attendance.services.home_lessons import record_home_lesson, wish_to_task
from attendance.services.makeup import plan_makeup
from attendance.services.roster import set_waiver
from campaigns.models import ServiceTask, Stage, TrainingSession
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once
from tests.campaigns.scene import at

pytestmark = pytest.mark.django_db


class Absent(Scene):
    """Three days ago nobody of 北山村 came."""

    def __init__(self):
        super().__init__()
        self.missed = self.session(days=-3, topics=self.topics(0))
        self.mark(self.missed, dict.fromkeys((self.wang, self.li, self.zhao), ("absent", "")))


built, scene = once(Absent)


def teach(scene, *members, days=0, uuid=None, wishes=None, actor=None, **more):
    start = at(timezone.localdate() + timedelta(days=days), 9)
    return record_home_lesson(
        actor=actor or scene.north_organizer,
        entries=[scene.entry(member) for member in members],
        topics=scene.topics(0),
        teacher=more.pop("teacher", "老书记"),
        starts_at=start,
        ends_at=start + timedelta(hours=1),
        request_uuid=uuid or uuid4(),
        wishes=wishes,
        **more,
    )


def test_three_absentees_come_to_nothing_owed_in_three_ways(scene):
    unit = scene.north_unit
    assert count_standings(unit, "owing") == 3
    start = at(timezone.localdate() - timedelta(days=1), 9)
    makeup = plan_makeup(
        actor=scene.north_organizer,
        unit=scene.north_branch_unit,
        topics=scene.topics(0),
        entries=[scene.entry(scene.wang)],
        title="补课班",
        starts_at=start,
        ends_at=start + timedelta(hours=2),
    )
    scene.mark(makeup, {scene.wang: "present"})
    assert count_standings(unit, "owing") == 2
    elsewhere = scene.session(scene.north_other_unit, days=-2, topics=scene.topics(0))
    scene.mark(elsewhere, {scene.qian: "present", scene.li: "present"})
    assert count_standings(unit, "owing") == 1
    teach(scene, scene.zhao)
    assert count_standings(unit, "owing") == 0
    whole = owing.progress(unit)[0]
    assert (whole.began, whole.settled, whole.left) == (3, 3, 0)
    assert_derived_rows_are_true(scene.campaign)


def test_a_visit_is_one_act_a_home_class_marked_present(scene):
    [lesson, other] = teach(scene, scene.li, scene.zhao, taught="读了文件", wishes={})
    assert lesson.session == other.session and lesson.session.round == "HOME"
    rows = Attendance.objects.filter(session=lesson.session)
    assert {row.status for row in rows} == {"present"} and {row.round for row in rows} == {"HOME"}
    assert MarkBatch.objects.get(session=lesson.session).kind == "home"
    assert Standing.objects.get(entry=scene.entry(scene.li)).home_on == timezone.localdate()
    assert AuditEvent.objects.filter(action="home.taught").count() == 1
    assert [str(one) for one in lesson.session.lecturers.all()] == ["老书记"]


def test_the_same_page_twice_is_one_visit(scene):
    same = uuid4()
    first = teach(scene, scene.li, uuid=same)
    assert teach(scene, scene.li, uuid=same) == first
    assert HomeLesson.objects.count() == 1 and TrainingSession.objects.filter(round="HOME").count() == 1
    entry = scene.entry(scene.li).pk
    others = ({"teacher": "新书记"}, {"taught": "读了报"}, {"wishes": {entry: "想修路"}}, {"days": -1})
    for member, other in ((scene.zhao, {}), *((scene.li, other) for other in others)):
        with pytest.raises(Refused, match="没有保存"):
            teach(scene, member, uuid=same, **other)


def test_of_whom_nothing_is_asked_is_taught_and_no_longer_waits(scene):
    since = timezone.localdate() - timedelta(days=9)
    set_waiver(actor=scene.north_organizer, entry=scene.entry(scene.li), reason="OLD_AGE", since=since)
    assert count_standings(scene.north_unit, "home_waiting") == 1
    teach(scene, scene.li)
    assert count_standings(scene.north_unit, "home_waiting") == 0
    assert_derived_rows_are_true(scene.campaign)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"teacher": " "}, "谁去送的"),
        ({"days": 1}, "还没到上课的日子"),
        ({"taught": "长" * 501}, "最多500个字"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(scene, change, words):
    with pytest.raises(Refused, match=words):
        teach(scene, scene.li, **change)
    assert not HomeLesson.objects.exists() and not TrainingSession.objects.filter(round="HOME").exists()


def test_others_people_and_locked_places_are_refused(scene):
    with pytest.raises(Refused, match="管理范围"):
        teach(scene, scene.sun)
    with fixture_writes():
        scene.north_branch_unit.frozen_at = timezone.now()
        scene.north_branch_unit.save()
    with pytest.raises(Refused):
        teach(scene, scene.li)
    assert not HomeLesson.objects.exists()


def test_a_wish_becomes_a_task_once(scene):
    key = scene.entry(scene.li).pk
    [lesson] = teach(scene, scene.li, wishes={key: "想修一修门前的路"})
    task = wish_to_task(actor=scene.north_organizer, lesson=lesson)
    assert wish_to_task(actor=scene.north_organizer, lesson=lesson) == task
    assert (task.title, task.beneficiary, task.unit) == (
        "想修一修门前的路",
        "李北乙",
        scene.north_branch_unit,
    )
    assert ServiceTask.objects.count() == 1
    [quiet] = teach(scene, scene.zhao, days=-1)
    with pytest.raises(Refused, match="没有记下心愿"):
        wish_to_task(actor=scene.north_organizer, lesson=quiet)
    with pytest.raises(Refused, match="管理范围"):
        wish_to_task(actor=scene.south_organizer, lesson=lesson)


def test_a_wish_that_is_refused_leads_back_to_the_list_it_was_tapped_on(scene, client):
    client.force_login(scene.north_organizer)
    [quiet] = teach(scene, scene.li)
    sent = {"lesson": quiet.pk, "unit": scene.north_branch_unit.pk, "from": "wish"}
    page = client.post(reverse("attendance:entry_wish", args=[quiet.entry_id]), sent, follow=True)
    assert "没有记下心愿" in page.content.decode() and page.context["state"] == "wish"
    assert page.context["unit"] == scene.north_branch_unit


def test_the_page_stores_a_visit_and_turns_the_wish_into_a_task(scene, client):
    client.force_login(scene.north_organizer)
    entry = scene.entry(scene.li)
    where = reverse("attendance:home_lesson", args=[scene.campaign.pk])
    page = client.get(where, {"entry": entry.pk})
    assert "李北乙的心愿" in page.content.decode()
    form = {
        "entry": entry.pk,
        "teacher": "老书记",
        "topics": [scene.topics(0)[0].pk],
        "day": timezone.localdate().isoformat(),
        "starts": "09:00",
        "minutes": "60",
        "request_uuid": uuid4(),
        f"wish-{entry.pk}": "想听戏",
    }
    assert client.post(where, form | {"topics": []}).status_code == 422
    assert (
        'name="from" value="waiting"'
        in client.get(where, {"entry": entry.pk, "from": "waiting"}).content.decode()
    )
    assert client.post(where, form | {"from": "waiting", "unit": scene.north_unit.pk}).url.endswith(
        f"?unit={scene.north_unit.pk}&state=waiting"
    )
    home = reverse("attendance:home_list", args=[scene.campaign.pk])
    assert "想听戏" in client.get(f"{home}?state=wish").content.decode()
    [lesson] = HomeLesson.objects.all()
    wish = reverse("attendance:entry_wish", args=[entry.pk])
    answer = client.post(wish, {"lesson": lesson.pk})
    task = ServiceTask.objects.get(title="想听戏")
    assert answer.url == reverse("campaigns:service_detail", args=[task.pk])
    assert "想听戏" not in client.get(f"{home}?state=wish").content.decode()
    # The next visit begins with who went last time.
    assert 'value="老书记"' in client.get(where, {"entry": entry.pk}).content.decode()
    client.force_login(scene.south_organizer)
    assert client.post(wish, {"lesson": lesson.pk}).status_code == 404
    assert client.get(where, {"entry": entry.pk}).status_code == 302
    client.force_login(scene.inspector)
    assert client.get(where, {"entry": entry.pk}).status_code == 403


# --- 流动联系 --------------------------------------------------------------------------------------
def away(scene, *members):
    with fixture_writes():
        for member in members:
            entry = scene.entry(member)
            entry.is_floating = True
            entry.save()
            Standing.objects.filter(entry=entry).update(is_floating=True)


def contact(scene, member, days=0, how="PHONE", actor=None, uuid=None, content=""):
    return log_contact(
        actor=actor or scene.north_organizer,
        entry=scene.entry(member),
        how=how,
        day=timezone.localdate() + timedelta(days=days),
        request_uuid=uuid or uuid4(),
        content=content,
    )


def in_turn(scene, state="all"):
    today = timezone.localdate()
    found = contacts.floating(scene.north_unit, contacts.contact_states(scene.campaign, today)[state][1])
    return [one.entry.member.name for one in found.order_by(*contacts.IN_TURN)]


def test_the_longest_not_contacted_comes_first(scene):
    away(scene, scene.wang, scene.li, scene.zhao)
    contact(scene, scene.li, days=-31)
    contact(scene, scene.zhao, days=-30)
    contact(scene, scene.zhao, days=-200)
    assert in_turn(scene) == ["王北甲", "李北乙", "赵北丙"]
    assert in_turn(scene, "never") == ["王北甲"] and in_turn(scene, "late") == ["李北乙"]
    assert in_turn(scene, "nobody") == ["王北甲", "李北乙", "赵北丙"]


def test_a_contact_is_written_once_and_audited(scene):
    away(scene, scene.li)
    same = uuid4()
    first = contact(scene, scene.li, uuid=same, content="都好")
    assert contact(scene, scene.li, uuid=same, content="都好").pk == first.pk
    for other in ({"content": "病了"}, {"content": "都好", "days": -1}, {"content": "都好", "how": "MET"}):
        with pytest.raises(Refused, match="提交编号"):
            contact(scene, scene.li, uuid=same, **other)
    assert ContactLog.objects.count() == 1
    assert AuditEvent.objects.filter(action="contact.logged").count() == 1


def test_contacts_that_cannot_be_are_refused(scene):
    away(scene, scene.li, scene.sun)
    for member, more, words in (
        (scene.wang, {}, "没有把这名党员标为流动"),
        (scene.li, {"days": 1}, "不能晚于今天"),
        (scene.li, {"how": "FAX"}, "怎么联系的"),
        (scene.sun, {}, "管理范围"),
        (scene.li, {"actor": scene.inspector}, "管理范围"),
    ):
        with pytest.raises(Refused, match=words):
            contact(scene, member, **more)
    with fixture_writes():
        type(scene.campaign).objects.update(stage=Stage.CLOSED)
    with pytest.raises(Refused, match="已经结束"):
        contact(scene, scene.li)


def test_the_page_logs_in_two_taps_and_names_the_contact_person(scene, client):
    away(scene, scene.wang, scene.li)
    client.force_login(scene.north_organizer)
    where = reverse("attendance:contact_list", args=[scene.campaign.pk])
    page = client.get(where).content.decode()
    assert "流动联系 2人" in page and "从来没联系过" in page and "30天" in page and "本系统先填30天" in page
    contact(scene, scene.wang)
    with fixture_writes():
        Tally.objects.filter(unit=scene.north_branch_unit).update(floating=2)
    [tab] = [tab for tab in client.get(where).context["tabs"] if tab[0] == "floating"]
    # The tab counts who is to be contacted, and opens on them.
    assert tab[3] == 1 and "流动联系：该联系的 1人" in client.get(tab[2]).content.decode()
    entry = scene.entry(scene.li)
    form = {
        "day": timezone.localdate().isoformat(),
        "how": "WECHAT",
        "request_uuid": uuid4(),
        "content": "好",
    }
    assert client.post(reverse("attendance:entry_contact", args=[entry.pk]), form).status_code == 302
    assert "微信" in client.get(where).content.decode()
    person = reverse("attendance:entry_contact_person", args=[entry.pk])
    client.post(person, {"contact_person": "老书记"})
    assert "老书记" in client.get(where).content.decode()
    assert client.post(reverse("attendance:entry_contact", args=[entry.pk]), {"how": "x"}).status_code == 302
    assert ContactLog.objects.count() == 2
    client.force_login(scene.south_organizer)
    assert client.post(person, {"contact_person": "别人"}).status_code == 404


def test_the_list_turns_its_pages_by_the_day(scene, client, monkeypatch):
    away(scene, scene.wang, scene.li, scene.zhao)
    contact(scene, scene.li, days=-3)
    contact(scene, scene.zhao, days=-3)
    monkeypatch.setattr("organizations.paging.PAGE_SIZE", 1)
    client.force_login(scene.north_organizer)
    where, seen = reverse("attendance:contact_list", args=[scene.campaign.pk]), []
    after = ""
    for _ in range(3):
        page = client.get(where, {"after": after}).context["page"]
        seen += [one.entry.member.name for one in page.rows]
        after = page.next
    assert seen == ["王北甲", "李北乙", "赵北丙"] and after == ""
    assert client.get(where, {"after": "9999999.1"}).status_code == 200
