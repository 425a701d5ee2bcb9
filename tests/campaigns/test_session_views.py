import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns.models import TrainingSession
from campaigns.queries import by_turn, listed_sessions
from campaigns.services.registers import set_recorded
from campaigns.services.sessions import cancel_session
from tests.base import make_user
from tests.campaigns.scene import make_campaign, make_session, unit_of


@pytest.fixture
def north(client, cast):
    client.force_login(cast.north_organizer)
    return client


@pytest.fixture
def session(cast, campaign, branch):
    return make_session(cast.north_organizer, campaign, branch)


def typed(campaign, *units, **changes):
    fields = {
        "request_uuid": str(uuid.uuid4()),
        "form": campaign.forms.get(code="LECTURE").pk,
        "title": "",
        "topics": [campaign.topics.first().pk],
        "day": str(timezone.localdate()),
        "start": "14:30",
        "length": "90",
        "venue": "村部",
        "lecturers": "周讲师、吴讲师",
        "units": [unit.pk for unit in units],
    }
    return {**fields, **changes}


NEW = "/sessions/new/"


def test_a_class_is_planned_in_one_page(north, campaign, branch):
    answer = north.post(NEW, typed(campaign, branch))
    session = TrainingSession.objects.get()
    assert answer.url == reverse("campaigns:session_detail", args=[session.pk])
    assert session.host == branch and session.minutes == 90
    assert timezone.localtime(session.starts_at).hour == 14
    assert session.title == f"集中授课：{campaign.topics.first().name}"
    assert {lecturer.name for lecturer in session.lecturers.all()} == {"周讲师", "吴讲师"}


def test_several_branches_together_are_hosted_by_the_township(north, cast, campaign, branch):
    other = unit_of(campaign, cast.north_other_branch)
    north.post(NEW, typed(campaign, branch, other))
    session = TrainingSession.objects.get()
    assert session.host.organization == cast.north and session.parts.count() == 2


def test_the_township_alone_stands_for_its_branches_without_javascript(north, cast, campaign):
    north.post(NEW, typed(campaign, unit_of(campaign, cast.north)))
    assert TrainingSession.objects.get().parts.count() == 2


def test_sending_twice_gives_one_class(north, campaign, branch):
    fields = typed(campaign, branch)
    assert north.post(NEW, fields).url == north.post(NEW, fields).url
    assert TrainingSession.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"day": "2031-01-01"}, "day", "冬训期间"),
        ({"length": "", "other_minutes": "-5"}, "other_minutes", "晚于开始时间"),
        ({"length": "", "other_minutes": "900"}, "other_minutes", "12小时"),
        ({"length": ""}, "other_minutes", "时长"),
        ({"units": []}, "units", "请选择参加的党支部"),
        ({"start": "abc"}, "start", "09:00"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(north, campaign, branch, changes, field, sentence):
    answer = north.post(NEW, typed(campaign, branch, **changes))
    assert answer.status_code == 422 and not TrainingSession.objects.exists()
    assert sentence in answer.context["form"].errors[field][0]
    assert sentence in answer.content.decode()


def test_a_foreign_unit_in_the_post_changes_nothing(north, cast, campaign, branch):
    answer = north.post(NEW, typed(campaign, branch, unit_of(campaign, cast.south_branch)))
    assert answer.status_code == 422 and "管理范围" in answer.content.decode()
    assert not TrainingSession.objects.exists()


def test_the_form_offers_own_units_only(north, cast, campaign):
    page = north.get(NEW).content.decode()
    assert "北坡村党支部" in page and "南河村党支部" not in page
    assert north.get(f"{NEW}?unit={unit_of(campaign, cast.south).pk}").status_code == 404


def test_a_branch_account_has_its_own_branch_ticked(client, cast, campaign, branch):
    client.force_login(make_user("branch", cast.north_branch, "ORGANIZER"))
    page = client.get(NEW)
    assert page.context["form"].ticked == {str(branch.pk)} and page.context["units"] == [branch]


def test_who_only_marks_or_reads_plans_nothing(client, cast, campaign, branch):
    for user in (cast.north_recorder, cast.inspector):
        client.force_login(user)
        assert client.get(NEW).status_code == 404
        assert client.post(NEW, typed(campaign, branch)).status_code == 404


def test_before_the_start_the_page_says_why(north, cast):
    make_campaign(cast, opened=False)
    assert "筹备" in north.get(NEW).content.decode()


def test_a_planned_class_is_changed(north, cast, campaign, branch, session):
    address = reverse("campaigns:session_edit", args=[session.pk])
    assert north.get(address).context["form"].ticked == {str(branch.pk)}
    answer = north.post(address, typed(campaign, branch, title="改了名"))
    session.refresh_from_db()
    assert answer.status_code == 302 and session.title == "改了名"


def test_a_recorded_class_is_not_changed_here(north, campaign, branch, session):
    set_recorded(parts=session.parts.all())
    answer = north.post(reverse("campaigns:session_edit", args=[session.pk]), typed(campaign, branch))
    assert answer.status_code == 422 and "更正场次" in answer.content.decode()


def test_a_class_of_named_people_keeps_them_when_it_is_moved(north, cast, campaign, branch):
    session = make_session(
        cast.north_organizer, campaign, branch, audience="NAMED", named_members={branch.pk: [cast.wang]}
    )
    north.post(reverse("campaigns:session_edit", args=[session.pk]), typed(campaign, branch))
    part = session.parts.get()
    assert part.audience == "NAMED" and list(part.named_members.all()) == [cast.wang]


def test_a_class_with_foreign_parts_is_left_to_the_level_above(north, cast, campaign, branch):
    units = [branch, unit_of(campaign, cast.south_branch)]
    session = make_session(cast.officer, campaign, branch, units=units)
    answer = north.post(reverse("campaigns:session_edit", args=[session.pk]), typed(campaign, branch))
    assert answer.status_code == 422 and session.parts.count() == 2
    page = north.get(reverse("campaigns:session_detail", args=[session.pk])).content.decode()
    assert "另有 1 个" in page and "南河村" not in page


@pytest.mark.parametrize("name", ["session_detail", "session_edit"])
def test_another_township_finds_nothing(client, cast, session, name):
    client.force_login(cast.south_organizer)
    assert client.get(reverse(f"campaigns:{name}", args=[session.pk])).status_code == 404
    assert client.post(reverse("campaigns:session_cancel", args=[session.pk])).status_code == 404
    assert "冬训第一课" not in client.get("/sessions/").content.decode()


def test_cancelling_needs_a_reason_and_post(north, session):
    address = reverse("campaigns:session_cancel", args=[session.pk])
    assert north.get(address).status_code == 405
    north.post(address, {"reason": " "})
    session.refresh_from_db()
    assert session.cancelled_at is None
    north.post(address, {"reason": "大雪"})
    session.refresh_from_db()
    assert session.cancelled_at is not None
    assert "大雪" in north.get(reverse("campaigns:session_detail", args=[session.pk])).content.decode()


@pytest.mark.parametrize(
    ("state", "titles"),
    [
        ("all", {"昨天", "明天", "点过", "取消"}),
        ("missing", {"昨天"}),
        ("recorded", {"点过"}),
        ("coming", {"明天"}),
        ("nonsense", {"昨天", "明天", "点过", "取消"}),
    ],
)
def test_the_list_by_state(north, cast, campaign, branch, state, titles):
    actor = cast.north_organizer
    make_session(actor, campaign, branch, title="昨天", days=-1)
    make_session(actor, campaign, branch, title="明天", days=1)
    set_recorded(parts=make_session(actor, campaign, branch, title="点过", days=-1).parts.all())
    cancel_session(
        actor=actor, session=make_session(actor, campaign, branch, title="取消", days=2), reason="雪"
    )
    page = north.get(f"/sessions/?state={state}").context["page"]
    assert {row.title for row in page.rows} == titles and page.total == len(titles)


def test_the_list_is_searched_and_narrowed_to_a_unit(north, cast, campaign, branch, session):
    other = unit_of(campaign, cast.north_other_branch)
    make_session(cast.north_organizer, campaign, other, title="别处的课", venue="祠堂")
    assert [row.title for row in north.get("/sessions/?q=祠堂").context["page"].rows] == ["别处的课"]
    assert [row.title for row in north.get(f"/sessions/?unit={branch.pk}").context["page"].rows] == [
        "冬训第一课"
    ]
    assert "没有找到" in north.get("/sessions/?q=没有的").content.decode()


def test_a_week_begins_with_what_waits_and_ends_with_what_is_done(cast, campaign, branch):
    actor, today = cast.north_organizer, timezone.localdate()
    wednesday = 2 - today.weekday()
    for title, day in (("上周", -3), ("明天", 1), ("今天", 0), ("昨天", -1), ("下周", 6)):
        make_session(actor, campaign, branch, title=title, days=wednesday + day)
    done = make_session(actor, campaign, branch, title="点过", days=wednesday - 1)
    set_recorded(parts=done.parts.all())
    now = timezone.now() + timedelta(days=wednesday)
    week = by_turn(listed_sessions(actor, campaign, state="week", now=now), now)
    assert [[row.title for row in turn] for turn in week] == [["昨天", "今天"], ["明天"], ["点过"]]


def test_a_week_without_classes_says_where_they_are(north, cast, campaign, branch):
    make_session(cast.north_organizer, campaign, branch, days=8)
    html = north.get("/sessions/").content.decode()
    assert "本周没有场次" in html and "state=coming" in html and "state=all" in html


def test_only_a_class_whose_day_has_come_offers_its_register(north, cast, campaign, branch):
    actor = cast.north_organizer
    past = make_session(actor, campaign, branch, days=-1)
    coming = make_session(actor, campaign, branch, days=2)
    gone = make_session(actor, campaign, branch, days=3)
    cancel_session(actor=actor, session=gone, reason="雪")
    html = north.get("/sessions/?state=all").content.decode()
    assert f"/sessions/{past.pk}/register/" in html
    assert f"/sessions/{coming.pk}/sheet/" in html
    assert not any(f"/sessions/{row.pk}/register/" in html for row in (coming, gone))


def test_the_list_pages_by_key_without_loss(north, cast, campaign, branch, monkeypatch):
    monkeypatch.setattr("organizations.paging.PAGE_SIZE", 2)
    for _ in range(5):
        make_session(cast.north_organizer, campaign, branch)
    seen, after = [], ""
    for _ in range(3):
        page = north.get(f"/sessions/?state=all&after={after}").context["page"]
        seen += [row.pk for row in page.rows]
        after = page.next
    assert len(seen) == len(set(seen)) == 5 and not after
    assert north.get("/sessions/?state=all&after=x.y").context["page"].is_first


def test_a_week_of_several_pages_keeps_its_turns(north, cast, campaign, branch, monkeypatch):
    monkeypatch.setattr("organizations.paging.PAGE_SIZE", 2)
    for number in range(3):
        make_session(cast.north_organizer, campaign, branch, title=f"等{number}", days=0)
    for number in range(2):
        done = make_session(cast.north_organizer, campaign, branch, title=f"完{number}", days=0)
        set_recorded(parts=done.parts.all())
    seen, after = [], ""
    for _ in range(3):
        page = north.get(f"/sessions/?state=week&after={after}").context["page"]
        seen += [row.title for row in page.rows]
        after = page.next
    assert seen == ["等0", "等1", "等2", "完0", "完1"] and not after and page.total == 5
    assert north.get("/sessions/?state=week&after=7.1.1").context["page"].is_first


def test_a_list_too_long_to_count_says_at_least_how_long(north, cast, campaign, branch, monkeypatch):
    monkeypatch.setattr("campaigns.views.sessions.MOST_FOUND", 2)
    monkeypatch.setattr("organizations.paging.PAGE_SIZE", 2)
    for _ in range(3):
        make_session(cast.north_organizer, campaign, branch)
    assert "共 2 以上 场" in north.get("/sessions/?state=all").content.decode()
    assert "共 0 场" in north.get("/sessions/?state=all&q=没有").content.decode()


@pytest.mark.parametrize("query", ["campaign=x", "campaign=99", "unit=99", "topic=x", "department=x"])
def test_an_address_made_up_is_404(north, session, query):
    assert north.get(f"/sessions/?{query}").status_code == 404


def test_lists_cost_the_same_for_one_and_three(
    north, cast, campaign, branch, session, django_assert_num_queries
):
    north.get("/sessions/")
    with CaptureQueriesContext(connection) as one:
        north.get("/sessions/")
    for _ in range(2):
        make_session(cast.north_organizer, campaign, branch)
    with django_assert_num_queries(len(one)):
        north.get("/sessions/")


def test_without_a_campaign_the_pages_say_what_to_do(north):
    assert "还没有冬训" in north.get("/sessions/").content.decode()
    assert "还没有冬训" in north.get("/service/").content.decode()
    assert "还没有冬训" in north.get(NEW).content.decode()


def test_a_day_is_the_campaigns_day_even_at_its_end(north, campaign, branch):
    answer = north.post(NEW, typed(campaign, branch, day=str(campaign.ends_on)))
    assert answer.status_code == 302
    assert (campaign.ends_on + timedelta(days=1)) > timezone.localdate()
