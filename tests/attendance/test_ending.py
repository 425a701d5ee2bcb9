"""结束冬训: refused with the list, over it with a reason only; the way back, and what waited."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, Mark, RosterEntry, Tally
from attendance.queries.ending import held_marks, open_conflicts, open_items
from attendance.queries.todos import todos as open_work
from attendance.services import recounting
from attendance.services.closing import close_parts
from attendance.services.ending import close_campaign, reopen_campaign
from attendance.services.guests import claim_guest, note_guest
from attendance.services.roster import open_campaign
from attendance.services.unlocking import let_in_waiting, unlock_unit
from campaigns.models import Campaign
from campaigns.queries import todos
from campaigns.services.freezing import freeze_unit, thaw_unit
from organizations.models import AuditEvent, Role
from organizations.service import Refused
from organizations.services import jobs
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_user, once, query_count
from tests.campaigns.scene import make_campaign

pytestmark = pytest.mark.django_db
built, scene = once(Scene)


def close(scene, **more):
    return close_campaign(actor=scene.officer, campaign=scene.campaign, **more)


def reopen(scene, actor=None):
    return reopen_campaign(actor=actor or scene.officer, campaign=scene.campaign, reason="南河补报一场")


def codes(scene):
    items = open_items(scene.campaign, scene.district_unit, timezone.now())
    return {item.code: item.count for item in items}


def finished(scene, **plan):
    session = scene.session(**plan)
    close_parts(actor=scene.north_organizer, session=session, rest="present", batch=uuid4())
    return session


def test_what_is_open_is_counted_and_each_thing_is_named(scene):
    scene.session(days=-3, title="没点名的课")
    scene.session(days=4, title="还没上的课")
    half = scene.session(days=-2, topics=scene.topics(0))
    scene.mark(half, {scene.wang: "present", scene.li: "absent"})
    shut = finished(scene)
    scene.mark(shut, {scene.zhao: "absent"})
    scene.mark(half, {scene.wang: "late"}, base=0)
    found = codes(scene)
    assert found == {
        "missing": 1,
        "unmarked": 1,
        "held": 1,
        "conflict": 1,
        "coming": 1,
        "unfinished": 1,
        "owing": 1,
        "unconfirmed": 2,
    }
    scene.mark(half, {scene.wang: "late"})
    assert "conflict" not in codes(scene)


def test_with_people_unmarked_it_is_refused_by_name_and_a_reason_goes_over_it(scene):
    scene.mark(scene.session(), {scene.wang: "present"})
    with pytest.raises(Refused, match="2人次应到而没有登记"):
        close(scene)
    with pytest.raises(Refused, match="刚刚有变动"):
        close(scene, reason="签到表丢了", knowing=1)
    assert close(scene, reason="签到表丢了", knowing=2).stage == "CLOSED"
    event = AuditEvent.objects.get(action="campaign.closed")
    assert "签到表丢了" in event.summary and event.details["open"]["unmarked"] == 2
    close(scene)
    assert AuditEvent.objects.filter(action="campaign.closed").count() == 1


def test_who_may_end_it(scene):
    for actor in (scene.north_organizer, scene.inspector, scene.north_recorder):
        with pytest.raises(Refused, match="主管"):
            close_campaign(actor=actor, campaign=scene.campaign)
    township = make_user("north-officer", scene.north, Role.OFFICER)
    with pytest.raises(Refused, match="主管"):
        close_campaign(actor=township, campaign=scene.campaign)


def test_while_figures_are_counted_again_it_waits(scene):
    with fixture_writes():
        Campaign.objects.update(recount_due_at=timezone.now())
    with pytest.raises(Refused, match="正在重算"):
        close(scene)


def test_the_roster_stays_and_its_people_are_free_for_the_next_winter(scene):
    finished(scene)
    before = list(Tally.objects.order_by("pk").values())
    close(scene)
    assert not RosterEntry.objects.filter(is_open=True).exists()
    assert list(Tally.objects.order_by("pk").values()) == before
    following = make_campaign(scene, label="下一期冬训", opened=False)
    assert open_campaign(actor=scene.officer, campaign=following) == 6
    with pytest.raises(Refused, match=r"王北甲、李北乙.*等已经在“下一期冬训”的名册上"):
        reopen(scene)
    assert Campaign.objects.get(pk=scene.campaign.pk).stage == "CLOSED"


def test_only_an_officer_of_the_owner_opens_it_again_with_a_reason(scene):
    close(scene)
    city = make_user("north-officer", scene.north, Role.OFFICER)
    for actor in (scene.north_organizer, scene.inspector, city):
        with pytest.raises(Refused, match="主办单位"):
            reopen(scene, actor)
    with pytest.raises(Refused, match="原因"):
        reopen_campaign(actor=scene.officer, campaign=scene.campaign, reason=" ")
    assert reopen(scene).is_open and reopen(scene).is_open
    assert AuditEvent.objects.filter(action="campaign.reopened").count() == 1
    assert RosterEntry.objects.filter(is_open=True).count() == 6


def test_who_left_before_the_end_stays_gone(scene):
    with fixture_writes():
        RosterEntry.objects.filter(member=scene.li).update(left_on=timezone.localdate(), is_open=False)
    close(scene)
    reopen(scene)
    assert not scene.entry(scene.li).is_open


def test_reopening_counts_the_figures_again_and_lets_in_what_came_meanwhile(scene):
    open_sheet, shut = scene.session(days=-3), finished(scene)
    scene.mark(open_sheet, {scene.wang: "present", scene.li: "present"})
    close(scene, reason="年终了")
    for session, person in ((open_sheet, scene.zhao), (shut, scene.zhao)):
        answer = scene.mark(session, {person: "late"})
        assert [(mark.outcome, mark.code) for mark in answer.marks] == [("held", "campaign_closed")]
    assert let_in_waiting(actor=scene.officer, unit=scene.district_unit) == 0
    reopen(scene)
    (pk,) = recounting.request_due()
    jobs.run(pk, recounting.recount_campaign)
    assert let_in_waiting(actor=scene.officer, unit=scene.district_unit) == 1
    assert let_in_waiting(actor=scene.officer, unit=scene.district_unit) == 0
    assert Attendance.objects.get(session=open_sheet, entry__member=scene.zhao).status == "late"
    waiting = held_marks(scene.campaign).get()
    assert waiting.batch.session == shut
    assert_derived_rows_are_true(scene.campaign)


def test_unlocking_a_unit_lets_in_what_waited_for_it(scene):
    session = scene.session()
    freeze_unit(actor=scene.officer, unit=scene.north_unit)
    scene.mark(session, {scene.wang: "present", scene.li: "leave"})
    thaw_unit(actor=scene.officer, unit=scene.north_unit)
    assert unlock_unit(actor=scene.officer, unit=scene.north_unit) == 1
    assert Attendance.objects.get(session=session, entry__member=scene.wang).status == "present"
    assert not held_marks(scene.campaign).exists()
    assert AuditEvent.objects.filter(action="register.released").count() == 1
    freeze_unit(actor=scene.officer, unit=scene.north_unit)
    for unlock in (unlock_unit, let_in_waiting):
        with pytest.raises(Refused, match="管理的范围"):
            unlock(actor=scene.south_organizer, unit=scene.north_unit)
    scene.north_unit.refresh_from_db()
    assert scene.north_unit.frozen_at
    assert_derived_rows_are_true(scene.campaign)


def test_what_somebody_has_to_look_at_goes_on_waiting(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "present"}, hold="late_sync")
    assert let_in_waiting(actor=scene.officer, unit=scene.district_unit) == 0
    assert held_marks(scene.campaign).count() == 1


@pytest.mark.parametrize("code", ["late", "account_closed"])
def test_what_came_too_late_after_the_end_is_not_let_in_unseen(scene, code):
    session = scene.session()
    scene.mark(session, {scene.li: "present"})
    close(scene, reason="年终了")
    answer = scene.mark(session, {scene.wang: "present"}, hold=code)
    assert [(mark.outcome, mark.code) for mark in answer.marks] == [("held", code)]
    reopen(scene)
    assert let_in_waiting(actor=scene.officer, unit=scene.district_unit) == 0
    assert Attendance.objects.get(session=session, entry__member=scene.wang).status == "unmarked"


def test_a_class_of_others_does_not_hold_up_what_waited_at_the_own(scene):
    """A guest of theirs, claimed while the home was locked, waits for whoever keeps that sheet."""
    theirs = scene.session(scene.south_branch_unit, title="南河的课")
    scene.mark(theirs, {scene.sun: "present"}, actor=scene.south_organizer)
    guest = note_guest(
        actor=scene.south_organizer,
        session=theirs,
        name="王北甲",
        says_from="北山村党支部",
        request_uuid=uuid4(),
    )
    own = scene.session()
    freeze_unit(actor=scene.officer, unit=scene.north_unit)
    claim_guest(actor=scene.north_organizer, guest=guest, entry=scene.entry(scene.wang))
    scene.mark(own, {scene.li: "present"})
    assert unlock_unit(actor=scene.north_organizer, unit=scene.north_unit) == 1
    assert Attendance.objects.get(session=own, entry__member=scene.li).status == "present"
    assert held_marks(scene.campaign).get().batch.session == theirs


def test_the_page_lists_what_is_open_and_ends_it(client, scene):
    half = scene.session(days=-2)
    scene.mark(half, {scene.wang: "present", scene.li: "present"})
    page = reverse("attendance:campaign_end", args=[scene.campaign.pk])
    client.force_login(scene.officer)
    answer = client.get(page)
    text = answer.content.decode()
    assert "1人次应到而没有登记" in text and "手机上还没上传" in text and answer.context["knowing"] == 1
    form = text[text.index('id="end-form"') :]
    assert "没办完也结束</button>" in form[: form.index("</form>")]
    for item in (*answer.context["stops"], *answer.context["others"]):
        assert client.get(item.url).status_code == 200, item.url
    assert client.post(page, {"knowing": 1}).status_code == 422
    few = query_count(client, page)
    scene.mark(scene.session(days=-4), {scene.wang: "present"})
    assert query_count(client, page) == few
    assert client.post(page, {"knowing": 3, "reason": "签到表丢了"}).status_code == 302
    assert "已经结束" in client.get(page).content.decode()
    back = reverse("attendance:campaign_reopen", args=[scene.campaign.pk])
    assert client.get(back).status_code == 405
    assert client.post(back, {"reason": ""}).url == page
    assert client.post(back, {"reason": "漏了一场"}).status_code == 302
    assert Campaign.objects.get(pk=scene.campaign.pk).is_open


def test_who_runs_it_is_told_when_its_last_day_is_over(scene):
    def told(user):
        return [todo for todo in todos(user) if "过了结束日期" in todo.text]

    assert told(scene.officer) == []
    with fixture_writes():
        Campaign.objects.update(ends_on=timezone.localdate() - timedelta(days=1))
    (todo,) = told(scene.officer)
    assert todo.url == reverse("attendance:campaign_end", args=[scene.campaign.pk])
    assert told(scene.north_organizer) == told(scene.inspector) == []


def test_what_was_left_open_is_no_to_do_any_more(client, scene):
    late = scene.session(days=-3)
    assert [todo.text for todo in todos(scene.north_organizer)] == ["1场课上过了未点名"]
    close_campaign(actor=scene.officer, campaign=scene.campaign, reason="没点名")
    assert todos(scene.north_organizer) == []
    client.force_login(scene.north_organizer)
    assert "（已结束）" in client.get(reverse("reports:home")).content.decode()
    register = client.get(reverse("attendance:register", args=[late.pk])).content.decode()
    assert 'data-over="1"' in register and "data-keep" not in register


def test_the_pages_of_the_end_exist_for_who_runs_the_campaign_only(client, scene):
    names = ("campaign_end", "unfinished_parts")
    pages = [reverse(f"attendance:{name}", args=[scene.campaign.pk]) for name in names]
    for actor in (scene.north_organizer, scene.inspector):
        client.force_login(actor)
        assert [client.get(page).status_code for page in pages] == [404, 404]
        assert client.post(pages[0]).status_code == 404
    client.force_login(scene.officer)
    assert [client.get(page).status_code for page in pages] == [200, 200]


def test_the_list_of_waiting_marks_says_whose_and_where(client, scene):
    shut = finished(scene, title="关了的课")
    scene.mark(shut, {scene.zhao: "absent"})
    page = reverse("attendance:waiting_marks", args=[scene.campaign.pk])
    client.force_login(scene.officer)
    text = client.get(page).content.decode()
    assert "赵北丙" in text and "关了的课" in text and "北山组织员" in text
    few = query_count(client, page)
    scene.mark(shut, {scene.wang: "absent", scene.li: "late"})
    assert query_count(client, page) == few
    assert open_conflicts(scene.campaign).count() == 0 == Mark.objects.filter(outcome="conflict").count()


def test_who_may_let_waiting_marks_in_is_told_and_sees_them(client, scene):
    shut = finished(scene, title="关了的课")
    scene.mark(shut, {scene.zhao: "absent"})
    page = reverse("attendance:waiting_marks", args=[scene.campaign.pk])
    for actor in (scene.officer, scene.north_organizer):
        (todo,) = [todo for todo in open_work(actor) if "送来晚了" in todo.text]
        client.force_login(actor)
        assert todo.count == 1 and "赵北丙" in client.get(todo.url).content.decode()
    assert [todo for todo in open_work(scene.south_organizer) if "送来晚了" in todo.text] == []
    client.force_login(scene.south_organizer)
    answer = client.get(page)
    assert answer.status_code == 200 and "赵北丙" not in answer.content.decode()
    for actor in (scene.inspector, scene.north_recorder, scene.auditor):
        client.force_login(actor)
        assert client.get(page).status_code == 404


def test_a_campaign_of_yesterday_closes_over_a_class_that_was_never_held(scene):
    session = scene.session(days=3)
    assert codes(scene)["coming"] == 1
    close(scene)
    with pytest.raises(Refused, match="已经结束"):
        scene.session(days=4)
    assert session.starts_at > timezone.now() + timedelta(days=1)
