"""名单: people behind figures, one person, 不作硬性要求, drawing, make-up."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from attendance import queries
from attendance.models import Attendance, RosterEntry, Standing, Waiver
from attendance.services.adopting import adopt_differences
from attendance.services.closing import close_parts
from campaigns.models import Stage, TrainingSession
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, once
from tests.campaigns.scene import make_campaign

pytestmark = pytest.mark.django_db


built, scene = once(Scene)


@pytest.fixture
def held(scene):
    """王 came, 李 is ill, 赵 absent; the class covered the first topic."""
    session = scene.session(topics=scene.topics(0), title="第一课")
    scene.mark(session, {scene.wang: "present", scene.li: ("leave", "ILL"), scene.zhao: "absent"})
    return session


def as_user(client, user):
    client.force_login(user, backend="organizations.backends.AccountBackend")
    return client


def of_campaign(name, scene, query=""):
    return reverse(f"attendance:{name}", args=[scene.campaign.pk]) + query


def of_entry(name, scene, member):
    return reverse(f"attendance:{name}", args=[scene.entry(member).pk])


def html(client, where, status=200):
    answer = client.get(where)
    assert answer.status_code == status, where
    return answer.content.decode()


@pytest.mark.parametrize("state", list(queries.STATES))
def test_a_list_says_the_figure_it_stands_behind(client, scene, held, state):
    figure = queries.standings(scene.north_unit, state).count()
    page = html(as_user(client, scene.north_organizer), of_campaign("roster_list", scene, f"?state={state}"))
    assert f"<h1>{queries.STATES[state][0]} {figure}人</h1>" in page
    assert "金丝雀" not in page


def test_a_reason_list_holds_its_people_only(client, scene, held):
    as_user(client, scene.north_organizer)
    page = html(client, of_campaign("roster_list", scene, "?state=not&why=ABSENT"))
    assert "赵北丙" in page and "李北乙" not in page and "已登记缺席 1人" in page


def test_a_list_is_searched_by_name(client, scene, held):
    as_user(client, scene.north_organizer)
    page = html(client, of_campaign("roster_list", scene, "?q=王"))
    assert "王北甲" in page and "赵北丙" not in page
    assert "没有找到" in html(client, of_campaign("roster_list", scene, "?q=没有此人"))


def test_long_lists_page_by_key_without_losing_anybody(client, scene):
    for number in range(60):
        make_member(scene.south_branch, f"新{number:02}")
    adopt_differences(actor=scene.officer, unit=scene.district_unit)
    as_user(client, scene.south_organizer)
    seen, where = [], of_campaign("roster_list", scene)
    for _ in range(3):
        page = client.get(where)
        seen += [row.entry.member.name for row in page.context["page"].rows]
        if not page.context["page"].next:
            break
        where = of_campaign("roster_list", scene, f"?after={page.context['page'].next}")
    assert len(seen) == len(set(seen)) == 62


@pytest.mark.parametrize("broken", ["?unit=x", "?unit=99999999999999999999", "?unit=987654"])
def test_a_unit_that_is_none_is_404(client, scene, broken):
    as_user(client, scene.north_organizer)
    assert client.get(of_campaign("roster_list", scene, broken)).status_code == 404


def test_broken_filters_show_the_first_page(client, scene, held):
    as_user(client, scene.north_organizer)
    for query in ("?state=x", "?why=x", "?after=x", "?after=0001-1-99999999999999999999", "?topic=x&list=x"):
        html(client, of_campaign("roster_list", scene, query))
        html(client, of_campaign("makeup_list", scene, query))


def test_the_rows_behind_a_session_figure(client, scene, held):
    as_user(client, scene.north_organizer)
    where = reverse("attendance:session_rows", args=[held.pk])
    assert "赵北丙" in html(client, where + "?status=absent")
    assert "王北甲" not in html(client, where + "?status=absent")
    assert "<h1>应到 3人</h1>" in html(client, where + "?status=expected")
    empty = scene.session(title="没点名")
    assert "还没有点名" in html(client, reverse("attendance:session_rows", args=[empty.pk]))


def test_a_person_is_told_in_words(client, scene, held):
    as_user(client, scene.north_organizer)
    page = html(client, of_entry("entry_detail", scene, scene.zhao))
    assert "应训，未参训：已登记缺席。" in page and "还要补" in page
    later = scene.session(topics=scene.topics(0), title="补一课", days=0, hour=0)
    scene.mark(later, {scene.zhao: "present"})
    page = html(client, of_entry("entry_detail", scene, scene.zhao))
    assert "在“补一课”补上" in page and "应训，已参训" in page


def test_a_waiver_is_set_and_ended_by_an_act(client, scene):
    as_user(client, scene.north_organizer)
    today = timezone.localdate()
    client.post(of_entry("waiver_set", scene, scene.wang), {"reason": "OLD_AGE", "since": today})
    assert Waiver.objects.get().reason == "OLD_AGE"
    assert "不作硬性要求，不算应训" in html(client, of_entry("entry_detail", scene, scene.wang))
    client.post(of_entry("waiver_end", scene, scene.wang), {"until": today})
    assert scene.entry(scene.wang).required
    assert_derived_rows_are_true(scene.campaign)


def test_a_waiver_needs_a_class_of_reason_and_a_day(client, scene):
    as_user(client, scene.north_organizer)
    for form in ({}, {"reason": "感冒", "since": "2026-12-01"}, {"reason": "OLD_AGE", "since": "昨天"}):
        answer = client.post(of_entry("waiver_set", scene, scene.wang), form, follow=True)
        assert "请选择原因类别" in answer.content.decode()
    later = {"reason": "OLD_AGE", "since": timezone.localdate() + timedelta(days=3)}
    answer = client.post(of_entry("waiver_set", scene, scene.wang), later, follow=True)
    assert "不能晚于今天" in answer.content.decode()
    assert not Waiver.objects.exists()


def test_drawing_says_what_it_will_take_and_opens_the_campaign(client, scene):
    with fixture_writes():
        RosterEntry.objects.update(is_open=False)  # last winter is over
    campaign = make_campaign(scene, label="下一个冬天", opened=False)
    where = reverse("attendance:roster_draw", args=[campaign.pk])
    page = html(as_user(client, scene.officer), where)
    assert "北山镇党委" in page and "6<span" in page
    answer = client.post(where, follow=True)
    campaign.refresh_from_db()
    assert campaign.stage == Stage.OPEN and campaign.entries.count() == 6
    assert "名册已划定，共6人" in answer.content.decode()
    assert "名册已经划定" in html(client, where)


def test_drawing_is_the_officers(client, scene):
    where = of_campaign("roster_draw", scene)
    assert as_user(client, scene.north_organizer).get(where).status_code == 403
    assert client.post(where).status_code == 403


def test_the_makeup_list_shows_who_owes_what_by_topic(client, scene, held):
    as_user(client, scene.north_organizer)
    page = html(client, of_campaign("makeup_list", scene))
    assert "<h1>待补课 2人</h1>" in page and "赵北丙" in page and "王北甲" not in page
    (topic,) = scene.topics(0)
    assert "赵北丙" in html(client, of_campaign("makeup_list", scene, f"?topic={topic.pk}"))
    (other,) = scene.topics(1)
    assert "没有人要补课" in html(client, of_campaign("makeup_list", scene, f"?topic={other.pk}"))


@pytest.mark.parametrize("which", ["owing", "never", "home_waiting", "floating"])
def test_every_open_list_has_a_sentence_without_names(client, scene, held, which):
    as_user(client, scene.north_organizer)
    page = client.get(of_campaign("makeup_list", scene, f"?list={which}"), follow=True)
    text = page.context["text"]
    assert text.startswith("北山镇党委冬训：截至") and text.endswith("。")
    assert not any(name in text for name in ("王北甲", "李北乙", "赵北丙", "钱北丁"))


def makeup_form(scene, *members, **fields):
    (topic,) = scene.topics(0)
    return {
        "entry": [scene.entry(member).pk for member in members],
        "round": "MAKE_UP",
        "topics": [topic.pk],
        "title": "补课",
        "day": timezone.localdate(),
        "starts": "00:00",
        "ends": "02:00",
        "venue": "村部",
        "lecturer": "周振华、吴明",
        "request_uuid": str(uuid4()),
    } | fields


def test_a_makeup_class_settles_the_debt(client, scene, held):
    as_user(client, scene.north_organizer)
    entry = scene.entry(scene.zhao).pk
    page = html(client, of_campaign("makeup_new", scene, f"?entry={entry}"))
    assert "赵北丙" in page and "为1人开补课班" in page
    form = makeup_form(scene, scene.zhao)
    answer = client.post(of_campaign("makeup_new", scene), form)
    session = TrainingSession.objects.get(round="MAKE_UP")
    assert answer.url == reverse("attendance:register", args=[session.pk])
    assert session.host == scene.north_branch_unit and session.lecturers.count() == 2
    client.post(of_campaign("makeup_new", scene), form)
    assert TrainingSession.objects.filter(round="MAKE_UP").count() == 1
    client.post(answer.url, {"batch": str(uuid4()), f"m{entry}.0": "present"})
    assert Standing.objects.get(entry=entry).makeup_mask == 0
    assert "赵北丙" not in html(client, of_campaign("makeup_list", scene))
    assert Attendance.objects.get(session=held, entry=entry).status == "absent"
    assert_derived_rows_are_true(scene.campaign)


def test_a_makeup_class_without_a_name_is_named_by_its_topics(client, scene, held):
    as_user(client, scene.north_organizer)
    client.post(of_campaign("makeup_new", scene), makeup_form(scene, scene.zhao, title=""))
    (topic,) = scene.topics(0)
    assert TrainingSession.objects.get(round="MAKE_UP").title == f"补课：{topic.name}"


def test_people_of_two_branches_are_hosted_by_their_township(client, scene, held):
    as_user(client, scene.north_organizer)
    client.post(of_campaign("makeup_new", scene), makeup_form(scene, scene.zhao, scene.qian))
    session = TrainingSession.objects.get(round="MAKE_UP")
    assert session.host == scene.north_unit and session.parts.count() == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ends": "00:00"}, "结束时间要晚于开始时间"),
        ({"topics": []}, "请至少选一个专题"),
        ({"day": timezone.localdate() + timedelta(days=400)}, "日期要在冬训期间"),
    ],
)
def test_a_makeup_class_that_cannot_be_says_why(client, scene, held, fields, said):
    as_user(client, scene.north_organizer)
    answer = client.post(of_campaign("makeup_new", scene), makeup_form(scene, scene.zhao, **fields))
    assert answer.status_code == 422 and said in answer.content.decode()
    assert not TrainingSession.objects.filter(round="MAKE_UP").exists()


def test_people_of_the_other_township_cannot_be_ticked(client, scene, held):
    as_user(client, scene.north_organizer)
    answer = client.post(of_campaign("makeup_new", scene), makeup_form(scene, scene.sun), follow=True)
    assert "请先在名单上勾选" in answer.content.decode() and "金丝雀" not in answer.content.decode()


def test_the_inspector_reads_lists_and_cannot_act(client, scene, held):
    as_user(client, scene.inspector)
    html(client, of_campaign("roster_list", scene))
    html(client, of_campaign("makeup_list", scene))
    html(client, of_entry("entry_detail", scene, scene.wang))
    assert client.post(of_campaign("makeup_new", scene), makeup_form(scene, scene.zhao)).status_code == 403
    assert client.post(of_entry("waiver_set", scene, scene.wang), {}).status_code == 403
    assert client.post(of_entry("waiver_end", scene, scene.wang), {}).status_code == 403


@pytest.mark.parametrize("name", ["entry_detail", "waiver_set", "waiver_end"])
def test_a_person_of_the_other_township_does_not_exist(client, scene, name):
    as_user(client, scene.south_organizer)
    where = of_entry(name, scene, scene.wang)
    assert (client.get if name == "entry_detail" else client.post)(where).status_code == 404


@pytest.mark.parametrize("name", ["roster_list", "makeup_list"])
def test_a_unit_of_the_other_township_does_not_exist(client, scene, name):
    as_user(client, scene.south_organizer)
    assert client.get(of_campaign(name, scene, f"?unit={scene.north_unit.pk}")).status_code == 404


@pytest.mark.parametrize(
    ("name", "method"),
    [("roster_list", "post"), ("makeup_list", "post"), ("makeup_new", "delete"), ("roster_draw", "delete")],
)
def test_the_wrong_method_is_refused(client, scene, name, method):
    assert getattr(as_user(client, scene.officer), method)(of_campaign(name, scene)).status_code == 405


@pytest.mark.parametrize(
    ("name", "method"), [("entry_detail", "post"), ("waiver_set", "get"), ("waiver_end", "get")]
)
def test_the_wrong_method_on_a_person_is_refused(client, scene, name, method):
    assert (
        getattr(as_user(client, scene.officer), method)(of_entry(name, scene, scene.wang)).status_code == 405
    )


@pytest.mark.parametrize("name", ["roster_list", "makeup_list"])
def test_query_counts_do_not_grow_with_rows(client, scene, name):
    session = scene.session(topics=scene.topics(0), units=[scene.district_unit], host=scene.district_unit)
    scene.mark(session, {scene.sun: "absent"}, actor=scene.officer)
    as_user(client, scene.officer)
    where = of_campaign(name, scene)
    client.get(where)
    first = count(client, where)
    close_parts(actor=scene.officer, session=session, rest="absent", batch=uuid4())
    assert count(client, where) == first


def test_query_counts_of_a_person_do_not_grow_with_sessions(client, scene):
    as_user(client, scene.north_organizer)
    where = of_entry("entry_detail", scene, scene.wang)
    scene.mark(scene.session(topics=scene.topics(0)), {scene.wang: "absent"})
    client.get(where)
    first = count(client, where)
    for days in (-2, -3):
        scene.mark(scene.session(topics=scene.topics(1), days=days), {scene.wang: "absent"})
    assert count(client, where) == first


def count(client, where):
    with CaptureQueriesContext(connection) as caught:
        assert client.get(where).status_code == 200
    return len(caught)
