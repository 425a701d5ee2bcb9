"""F5, F6: what a planner should look at again is said, never refused."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns.models import SessionUnit, TrainingSession, Unit
from campaigns.queries.clashes import planning_warnings
from campaigns.services.sessions import cancel_session
from organizations.models import Organization
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db

built, scene = once(Scene)


def said(session, user):
    return "".join(planning_warnings(session, user))


def test_the_same_place_at_the_same_time_is_said(scene):
    scene.session(scene.north_other_unit, title="先安排的课", venue="镇会堂")
    session = scene.session(venue="镇会堂")
    assert (
        said(session, scene.north_organizer)
        == "同一时间“镇会堂”还安排了“先安排的课”（09:00，北坡村党支部）。"
    )
    assert said(scene.session(venue="镇会堂", hour=11), scene.north_organizer) == ""
    assert said(scene.session(venue="村部", hour=14), scene.north_organizer) == ""


def test_people_called_to_two_classes_at_once_are_said(scene):
    scene.session(title="同时的课")
    assert "有人同一时间还要参加“同时的课”" in said(scene.session(hour=10), scene.north_organizer)
    assert said(scene.session(hour=12), scene.north_organizer) == ""  # one after the other
    assert said(scene.session(scene.north_other_unit), scene.north_organizer) == ""


def test_only_audiences_with_people_in_common_clash(scene):
    named = {"audience": "NAMED"}
    unit = scene.north_branch_unit
    scene.session(title="点名的两人", **named, named_members={unit.pk: [scene.wang, scene.li]})
    apart = scene.session(**named, named_members={unit.pk: [scene.zhao]})
    assert said(apart, scene.north_organizer) == ""
    shared = scene.session(**named, named_members={unit.pk: [scene.li]})
    assert "“点名的两人”" in said(shared, scene.north_organizer)
    assert "“点名的两人”" in said(
        scene.session(audience="CATEGORY", category=scene.li.category), scene.officer
    )


def test_people_of_many_branches_are_compared_at_once(scene):
    """A make-up class of a district: SQLite takes no thousand conditions side by side."""
    wang = {scene.north_branch_unit.pk: [scene.wang]}
    session = scene.session(audience="NAMED", named_members=wang)
    with fixture_writes():
        places = [
            Organization(
                code=f"Q{n}", name=f"{n}村党支部", kind="BRANCH", path=f"{scene.north.path}Q{n:03}", depth=3
            )
            for n in range(520)
        ]
        units = [
            Unit(
                campaign=scene.campaign,
                organization=one,
                path=one.path,
                depth=3,
                name=one.name,
                kind=one.kind,
            )
            for one in Organization.objects.bulk_create(places)
        ]
        units = Unit.objects.bulk_create(units)
        parts = [SessionUnit(session=session, unit=unit, audience="NAMED") for unit in units]
        named = SessionUnit.named_members.through
        named.objects.bulk_create(
            named(sessionunit=part, member=scene.zhou) for part in SessionUnit.objects.bulk_create(parts)
        )
    assert said(session, scene.officer) == ""
    scene.session(scene.north_other_unit, title="别处的课")
    scene.session(title="同时的课")
    assert said(session, scene.officer).count("同时的课") == 1
    assert "别处的课" not in said(session, scene.officer)


def test_the_same_class_planned_twice_is_said(scene):
    scene.session(title="早上的课", topics=scene.topics(0))
    again = scene.session(hour=15, topics=scene.topics(0))
    assert "已经安排过“早上的课”" in said(again, scene.north_organizer)
    for different in (
        {"days": 0},
        {"topics": scene.topics(1)},
        {"topics": scene.topics(0), "form": "MAKEUP"},
    ):
        session = scene.session(**({"hour": 19, "topics": scene.topics(0)} | different))
        assert "已经安排过" not in said(session, scene.north_organizer)


def test_only_valid_classes_the_planner_sees_are_named(scene):
    off = scene.session(title="取消的课", venue="镇会堂", days=1)
    cancel_session(actor=scene.officer, session=off, reason="下雪")
    scene.session(scene.south_branch_unit, title="南边的课", venue="镇会堂", days=1)
    with_warning = scene.session(venue="镇会堂", days=1)
    assert said(with_warning, scene.north_organizer) == ""
    assert "南边的课" in said(with_warning, scene.officer)


def test_the_page_plans_the_class_and_says_it(client, scene):
    scene.session(title="同时的课", days=1)
    client.force_login(scene.north_organizer, backend="organizations.backends.AccountBackend")
    sent = {
        "form": scene.campaign.forms.get(code="LECTURE").pk,
        "title": "新安排的课",
        "day": (timezone.localdate() + timedelta(days=1)).isoformat(),
        "start": "10:00",
        "length": "120",
        "units": [scene.north_branch_unit.pk],
        "request_uuid": "6f1c7f64-3b7e-4c39-9a53-0d1f6f9f1a12",
    }
    page = client.post(reverse("campaigns:session_new"), sent, follow=True).content.decode()
    assert "场次安排好了" in page and "有人同一时间还要参加“同时的课”" in page
    session = TrainingSession.objects.get(title="新安排的课")
    edit = client.get(reverse("campaigns:session_edit", args=[session.pk])).context["form"]
    sent |= {"start": "15:00", "version": edit["version"].value()}
    page = client.post(reverse("campaigns:session_edit", args=[session.pk]), sent, follow=True)
    assert "改好了" in page.content.decode() and "同一时间" not in page.content.decode()
