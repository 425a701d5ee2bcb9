"""One class that several branches hold each for itself, planned in one go."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Lecturer, TraineeCategory, TrainingSession
from campaigns.services import apart
from campaigns.services.apart import Held, plan_apart, undo_apart
from campaigns.services.freezing import freeze_unit
from campaigns.services.registers import set_counted_heads, set_recorded
from campaigns.services.sessions import Plan, adjust_session, plan_session
from campaigns.services.trainees import note_trainees
from organizations.models import AuditEvent, BulkAct
from organizations.service import Refused
from organizations.services import bulk
from tests.base import make_organization
from tests.campaigns.scene import at, make_campaign, make_session, unit_of
from tests.campaigns.test_session_views import NEW, typed

pytestmark = pytest.mark.django_db
SESSIONS = TrainingSession.objects


@pytest.fixture
def units(cast, campaign):
    return [unit_of(campaign, one) for one in (cast.north_branch, cast.north_other_branch)]


def plan_of(campaign, **more):
    start = at(timezone.localdate())
    facts = {"starts_at": start, "ends_at": start + timedelta(hours=2), "units": [], "venue": "村部"}
    facts |= {"title": "第一课", "form": campaign.forms.get(code="LECTURE"), "lecturer_names": ["周讲师"]}
    return Plan(**facts | {"topics": list(campaign.topics.all()[:1])} | more)


def planned(actor, campaign, units, *, number=None, days=None, host=None, **more):
    """`days`: how much later than today each holds it."""
    plan = plan_of(campaign, **more)
    days = days or [0] * len(units)
    held = [
        Held(unit, plan.starts_at + timedelta(days=n), f"{unit.name}会议室")
        for unit, n in zip(units, days, strict=True)
    ]
    facts = {"campaign": campaign, "host": host or units[0].campaign.units.get(depth=2), "plan": plan}
    return plan_apart(actor=actor, held=held, request_uuid=number or uuid4(), **facts)


@pytest.fixture
def north_unit(cast, campaign):
    return unit_of(campaign, cast.north)


def by_branch():
    return {one.host.name: one for one in SESSIONS.select_related("host").order_by("pk")}


def test_each_branch_hosts_a_session_of_its_own(cast, campaign, units, north_unit):
    planned(cast.north_organizer, campaign, units, days=[0, 2], host=north_unit)
    mountain, slope = by_branch().values()
    assert [part.unit for part in mountain.parts.all()] == [units[0]] and mountain.host == units[0]
    assert [part.unit for part in slope.parts.all()] == [units[1]]
    assert slope.starts_at - mountain.starts_at == timedelta(days=2)
    assert slope.venue == "北坡村党支部会议室" and slope.minutes == mountain.minutes == 120
    assert slope.topic_mask == 1 and list(slope.topics.all()) == list(mountain.topics.all())
    assert slope.parts.get().due_at == slope.ends_at
    # One lecturer, kept where all of them find the name again.
    assert Lecturer.objects.get() in slope.lecturers.all()
    assert Lecturer.objects.get().organization == cast.north


def test_it_is_one_act_of_one_event_and_stands_in_the_history_of_each(
    client, cast, campaign, units, north_unit
):
    act = planned(cast.north_organizer, campaign, units, host=north_unit)
    event = AuditEvent.objects.get(action="bulk.session.plan_apart")
    assert event.summary == "安排各支部分别上“第一课”，2个支部各一场" and act.changes.count() == 2
    client.force_login(cast.north_organizer)
    page = client.get(reverse("campaigns:session_detail", args=[SESSIONS.first().pk]))
    assert "批量办理（安排场次）" in page.content.decode()


def test_sent_again_it_is_the_same_act_and_with_other_facts_it_is_refused(cast, campaign, units, north_unit):
    number, me = uuid4(), cast.north_organizer
    sent = {"number": number, "host": north_unit}
    assert planned(me, campaign, units, **sent) == planned(me, campaign, units, **sent)
    for other in ({"days": [0, 1]}, {"title": "另一课"}, {"lecturer_names": []}, {"topics": []}):
        with pytest.raises(Refused, match="和那时不一样"):
            planned(me, campaign, units, **sent | other)
    with pytest.raises(Refused, match="刚才已经安排好"):
        plan = plan_of(campaign, units=units)
        plan_session(actor=me, campaign=campaign, host=north_unit, plan=plan, request_uuid=number)
    assert SESSIONS.count() == 2


def test_a_page_that_planned_one_class_plans_no_others(cast, campaign, units, north_unit):
    number = uuid4()
    make_session(cast.north_organizer, campaign, units[0], request_uuid=number)
    with pytest.raises(Refused, match="已经安排好一场"):
        planned(cast.north_organizer, campaign, units, number=number, host=north_unit)


def test_one_branch_that_may_not_refuses_all_by_name(cast, campaign, units, north_unit):
    with pytest.raises(Refused, match="北坡村党支部：日期要在冬训期间"):
        planned(cast.north_organizer, campaign, units, days=[0, 400], host=north_unit)
    with pytest.raises(Refused, match="管理范围"):
        south = unit_of(campaign, cast.south_branch)
        planned(cast.north_organizer, campaign, [units[0], south], host=north_unit)
    with pytest.raises(Refused, match="2到100个"):
        planned(cast.north_organizer, campaign, units[:1], host=north_unit)
    freeze_unit(actor=cast.officer, unit=units[1])
    with pytest.raises(Refused, match="北坡村党支部”的数字已经确认"):
        planned(cast.north_organizer, campaign, units, host=north_unit)
    assert not SESSIONS.exists() and not BulkAct.objects.exists()


def test_taking_it_back_cancels_all_of_them_once(cast, campaign, units, north_unit):
    number, me = uuid4(), cast.north_organizer
    act = planned(me, campaign, units, number=number, host=north_unit)
    assert bulk.take_back(actor=me, act=act).done == 2
    assert not SESSIONS.filter(cancelled_at=None).exists()
    assert not SESSIONS.filter(parts__due_at__isnull=False).exists()
    assert "，取消2条" in AuditEvent.objects.get(action="bulk.undone").summary
    assert undo_apart(actor=me, act=act).done == 0
    with pytest.raises(Refused, match="已经撤销了"):
        planned(me, campaign, units, number=number, host=north_unit)
    with pytest.raises(Refused, match="自己办的"):
        undo_apart(actor=cast.officer, act=act)


def test_what_was_opened_or_changed_since_stays_and_is_named(cast, campaign, units, north_unit):
    third = make_organization(cast.north, "HZ0103", "北沟村党支部")
    winter = make_campaign(cast, "另一期")
    units = [unit_of(winter, one) for one in (cast.north_branch, cast.north_other_branch, third)]
    act = planned(cast.north_organizer, winter, units, host=unit_of(winter, cast.north))
    mountain, slope, _ = by_branch().values()
    set_recorded(parts=mountain.parts.all())
    adjust_session(actor=cast.north_organizer, session=slope, venue="祠堂")
    undone = undo_apart(actor=cast.north_organizer, act=act)
    assert undone.done == 1 and [name.partition("（")[0] for name in undone.left] == [
        "北山村党支部",
        "北坡村党支部",
    ]
    assert "已经点过名" in undone.left[0] and "后来又改过" in undone.left[1]
    assert [one.cancelled_at is None for one in by_branch().values()] == [True, True, False]


@pytest.mark.parametrize(
    "changed", [{"lecturer_names": ["郑讲师"]}, {"audience": "CATEGORY", "category": "PROBATIONARY"}]
)
def test_another_lecturer_or_audience_is_a_change_too(cast, campaign, units, north_unit, changed):
    act = planned(cast.north_organizer, campaign, units, host=north_unit)
    mountain = by_branch()["北山村党支部"]
    adjust_session(actor=cast.north_organizer, session=mountain, **changed)
    undone = undo_apart(actor=cast.north_organizer, act=act)
    assert undone.done == 1 and undone.left == ["北山村党支部（后来又改过）"]


def test_a_class_of_which_somebody_told_who_came_stays(cast, campaign, units, north_unit):
    act = planned(cast.north_organizer, campaign, units, host=north_unit)
    counted, named = by_branch().values()
    set_counted_heads(session=counted, heads=31)
    note = {"category": TraineeCategory.ACTIVIST, "names": ["乔小满"], "request_uuid": uuid4()}
    note_trainees(actor=cast.north_organizer, part=named.parts.get(), **note)
    with pytest.raises(Refused, match=r"北山村党支部（已经报了到场的人.*北坡村党支部（已经报了到场的人"):
        undo_apart(actor=cast.north_organizer, act=act)
    assert not SESSIONS.filter(cancelled_at__isnull=False).exists()


def test_where_none_can_go_it_is_refused(cast, campaign, units, north_unit):
    act = planned(cast.north_organizer, campaign, units, host=north_unit)
    for session in SESSIONS.all():
        set_recorded(parts=session.parts.all())
    with pytest.raises(Refused, match=r"没有撤销：北山村党支部（已经点过名.*北坡村党支部（已经点过名"):
        undo_apart(actor=cast.north_organizer, act=act)
    act.refresh_from_db()
    assert act.undone_at is None


def test_three_branches_are_planned_in_as_many_statements_as_two(cast, campaign, units, north_unit):
    third = make_organization(cast.north, "HZ0103", "北沟村党支部")
    winter = make_campaign(cast, "另一期")
    three = [unit_of(winter, one) for one in (cast.north_branch, cast.north_other_branch, third)]
    asked = []
    for some in (three[:2], three):
        with CaptureQueriesContext(connection) as captured:
            planned(cast.north_organizer, winter, some, host=unit_of(winter, cast.north), lecturer_names=[])
        asked.append(len(captured))
    assert asked[0] == asked[1]


# --- Pages ----------------------------------------------------------------------------------------
@pytest.fixture
def north(client, cast):
    client.force_login(cast.north_organizer)
    return client


def rows(units, **changes):
    """The second page as it is sent unchanged."""
    sent = {"rows": "1", "way": "apart"}
    for unit in units:
        row = {"day": str(timezone.localdate()), "start": "14:30", "venue": "村部"}
        sent |= {f"b{unit.pk}-{name}": value for name, value in row.items()}
    return sent | changes


def test_the_page_asks_for_each_branch_and_leads_to_filling_them(north, campaign, units, north_unit):
    first = typed(campaign, north_unit, way="apart")
    asked = north.post(NEW, first)
    html = asked.content.decode()
    assert asked.status_code == 200 and not SESSIONS.exists()
    assert [row.unit for row in asked.context["rows"]] == units
    assert html.count('value="村部"') >= 2 and html.count('value="14:30"') == 3
    assert f'name="request_uuid" value="{first["request_uuid"]}"' in html
    answer = north.post(NEW, first | rows(units, **{f"b{units[1].pk}-venue": "祠堂"}), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("attendance:together", args=[SESSIONS.last().pk])
    html = answer.content.decode()
    assert "安排好了，2个支部各一场" in html and "北坡村党支部" in html
    assert reverse("admin:organizations_bulkact_change", args=[BulkAct.objects.get().pk]) in html
    assert [one.venue for one in by_branch().values()] == ["村部", "祠堂"]


def test_a_wrong_row_is_said_and_the_way_back_keeps_what_was_typed(north, campaign, units, north_unit):
    first = typed(campaign, north_unit, way="apart", title="乡村振兴")
    wrong = north.post(NEW, first | rows(units, **{f"b{units[1].pk}-day": "2031-01-01"}))
    assert wrong.status_code == 422 and "冬训期间" in wrong.content.decode() and not SESSIONS.exists()
    back = north.post(NEW, first | rows(units) | {"back": "1"})
    assert back.status_code == 200 and 'value="乡村振兴"' in back.content.decode()
    assert not SESSIONS.exists()


def test_one_branch_needs_no_second_step_and_too_many_are_refused(
    north, campaign, units, north_unit, monkeypatch
):
    north.post(NEW, typed(campaign, units[0], way="apart"))
    assert SESSIONS.get().host == units[0]
    monkeypatch.setattr(apart, "MOST_APART", 1)
    answer = north.post(NEW, typed(campaign, north_unit, way="apart"))
    assert answer.status_code == 422 and "一次最多安排1个支部" in answer.content.decode()


def test_who_sits_elsewhere_at_that_time_is_said(north, cast, campaign, units, north_unit):
    make_session(cast.north_organizer, campaign, units[1], title="主题党日", days=0)
    sent = typed(campaign, north_unit, way="apart") | rows(units, **{f"b{units[1].pk}-start": "10:00"})
    html = north.post(NEW, sent, follow=True).content.decode()
    assert "北坡村党支部同一时间还有“主题党日”" in html and "北山村党支部同一时间" not in html
