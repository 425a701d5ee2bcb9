"""Late and early with minutes; a joint class that is finished part by part."""

import json
import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from attendance.forms.marks import BadBatch, parse_form
from attendance.models import Attendance, Standing
from attendance.queries.history import row_steps
from attendance.services.closing import close_parts
from campaigns.models import TrainingSession
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db

built, scene = once(Scene)
UUID = "6f1c7f64-3b7e-4c39-9a53-0d1f6f9f1a13"


def as_user(client, user):
    client.force_login(user, backend="organizations.backends.AccountBackend")
    return client


def page_of(client, scene, session, user=None, **params):
    as_user(client, user or scene.north_organizer)
    return client.get(reverse("attendance:register", args=[session.pk]), params).content.decode()


def parsed(code, whole=120):
    return parse_form(QueryDict(mutable=True) | {"batch": UUID, "m5.0": code}, whole)[0].marks[0]


# --- Minutes ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("typed, counts", [("20", 100), ("1", 119), ("119", 1), ("２０", 100), (" 20", 100)])
def test_minutes_late_are_taken_from_the_whole_class(typed, counts):
    mark = parsed(f"late:{typed}")
    assert (mark.status, mark.reason, mark.minutes) == ("late", "", counts)
    assert parsed(f"left_early:{typed}").minutes == counts


@pytest.mark.parametrize(
    "typed", ["-2", "0", "0.3", "120", "121", "1e9", "NaN", "１.５", "ILL", "9" * 30, "二十", "1_0"]
)
def test_minutes_that_cannot_be_are_refused_with_a_sentence(typed):
    with pytest.raises(BadBatch, match="填1到119之间的整数"):
        parsed(f"late:{typed}")


def test_left_empty_the_whole_class_counts_and_forms_without_hours_take_none():
    assert parsed("late").minutes is None
    with pytest.raises(BadBatch, match="不填分钟"):
        parsed("late:20", whole=0)


@pytest.mark.parametrize("minutes", [-2, 0, 0.3, 721, 10**9, "20", True])
def test_json_refuses_minutes_nobody_can_have(client, scene, minutes):
    session = scene.session()
    mark = {"entry": scene.entry(scene.wang).pk, "status": "late", "base_version": 0, "minutes": minutes}
    body = json.dumps({"batch": UUID, "marks": [mark | {"marked_at": None}]})
    url = reverse("attendance:marks", args=[session.pk])
    answer = as_user(client, scene.north_organizer).post(url, body, content_type="application/json")
    assert answer.status_code == 400 and "minutes" in answer.json()["error"]


def test_nobody_is_credited_more_than_the_class_lasted(client, scene):
    session = scene.session()
    mark = {"entry": scene.entry(scene.wang).pk, "status": "late", "base_version": 0, "minutes": 300}
    body = json.dumps({"batch": UUID, "marks": [mark | {"marked_at": None}]})
    url = reverse("attendance:marks", args=[session.pk])
    as_user(client, scene.north_organizer).post(url, body, content_type="application/json")
    assert Attendance.objects.get(entry=scene.entry(scene.wang)).minutes == 120


def test_the_register_says_twenty_minutes_late_and_sends_them_only_once(client, scene):
    session = scene.session(topics=scene.topics(0))
    entry = scene.entry(scene.wang)
    url = reverse("attendance:register", args=[session.pk])
    as_user(client, scene.north_organizer)
    done = client.post(url, {"batch": str(uuid4()), f"m{entry.pk}.0": "late:20"}, follow=True)
    assert done.status_code == 200
    row = Attendance.objects.get(entry=entry)
    assert (row.status, row.minutes, row.minutes_set) == ("late", 100, True)
    assert Standing.objects.get(entry=entry).minutes == 100
    page = page_of(client, scene, session)
    assert f'name="m{entry.pk}.1.late:20"' in page
    assert '<option value="late:20" selected>迟到20分钟</option>' in page and 'data-minutes="120"' in page
    assert row_steps(row)[0].details["changes"][0]["after"] == "迟到20分钟，计100分钟"
    sent = reverse("attendance:batch_detail", args=[session.pk, session.batches.get().pk])
    assert "<b>迟到20分钟，计100分钟</b>" in client.get(sent).content.decode()
    # As it was shown it is not sent; without minutes it is the whole class again.
    same = client.post(url, {"batch": str(uuid4()), f"m{entry.pk}.1.late:20": "late:20"})
    assert same.status_code == 422
    client.post(url, {"batch": str(uuid4()), f"m{entry.pk}.1.late:20": "late"})
    row.refresh_from_db()
    assert (row.minutes, row.minutes_set, row.version) == (120, False, 2)
    assert_derived_rows_are_true(scene.campaign)


# --- A joint class, part by part ------------------------------------------------------------------
@pytest.fixture
def joint(scene):
    """The district's class for three branches of two townships; the officer marked everybody."""
    units = [scene.north_branch_unit, scene.north_other_unit, scene.south_branch_unit]
    session = scene.session(scene.district_unit, units=units, title="区里的大课", topics=scene.topics(0))
    scene.mark(
        session,
        {scene.wang: "present", scene.li: "present", scene.zhao: "absent", scene.qian: "present"}
        | {scene.sun: "present", scene.zhou: "present"},
        actor=scene.officer,
    )
    return session


def outcome(scene, session, member, status, actor):
    return [(m.outcome, m.code) for m in scene.mark(session, {member: status}, actor=actor).marks]


def test_each_home_unit_corrects_its_own_until_it_is_finished_and_the_others_go_on(scene, joint):
    assert outcome(scene, joint, scene.wang, "absent", scene.north_organizer) == [("applied", "")]
    assert outcome(scene, joint, scene.sun, "absent", scene.north_organizer) == [("rejected", "other_part")]
    only = [joint.parts.get(unit=scene.north_branch_unit).pk]
    here = {"actor": scene.north_organizer, "session": joint, "rest": ""}
    assert len(close_parts(only=only, batch=uuid4(), **here)) == 1
    # Finished: of this part everything waits, whoever sends it.
    for actor in (scene.north_organizer, scene.officer):
        assert outcome(scene, joint, scene.li, "absent", actor) == [("held", "closed")]
    # The other branches go on, by their own unit and by the host.
    assert outcome(scene, joint, scene.qian, "late", scene.north_organizer) == [("applied", "")]
    assert outcome(scene, joint, scene.sun, "absent", scene.south_organizer) == [("applied", "")]
    assert outcome(scene, joint, scene.zhou, "late", scene.officer) == [("applied", "")]
    # Nobody finishes the part of another unit.
    assert [part.unit for part in close_parts(batch=uuid4(), **here | {"actor": scene.south_organizer})] == [
        scene.south_branch_unit
    ]
    open_parts = joint.parts.filter(closed_at__isnull=True)
    assert [part.unit for part in open_parts] == [scene.north_other_unit]
    assert_derived_rows_are_true(scene.campaign)


def test_a_finished_part_is_called_by_one_word_everywhere(client, scene, joint):
    close_parts(actor=scene.south_organizer, session=joint, rest="", batch=uuid4())
    detail = reverse("campaigns:session_detail", args=[joint.pk])
    as_user(client, scene.officer)
    pages = [
        page_of(client, scene, joint, scene.officer),
        client.get(detail).content.decode(),
        page_of(client, scene, joint, scene.south_organizer),
    ]
    for page in pages:
        assert "已完成登记" in page
        assert not any(word in page for word in ("已锁定", "点名完成", "已经锁定"))
    # What can still be changed is called 点名, what cannot is looked at.
    as_user(client, scene.officer)
    assert "看点名" not in client.get(detail).content.decode()
    as_user(client, scene.south_organizer)
    assert "看点名" in client.get(detail).content.decode()


def test_the_list_says_that_a_class_is_going_on(client, scene):
    session = scene.session(days=1, title="现在的课")
    listed = reverse("campaigns:session_list")
    as_user(client, scene.north_organizer)

    def said():
        page = client.get(listed, {"state": "all", "campaign": scene.campaign.pk}).content.decode()
        return [
            word
            for word in ("还没上课", "正在上课", "未点名", "已点名", "已完成登记")
            if f"</svg>{word}</span>" in page
        ]

    assert said() == ["还没上课"]
    now = timezone.now()
    with fixture_writes():
        TrainingSession.objects.update(
            starts_at=now - timedelta(minutes=5), ends_at=now + timedelta(minutes=5)
        )
    assert said() == ["正在上课"]
    with fixture_writes():
        TrainingSession.objects.update(ends_at=now - timedelta(minutes=1))
    assert said() == ["未点名"]
    scene.mark(session, {scene.wang: "present"})
    assert said() == ["已点名"]
    assert (
        "看点名" not in client.get(listed, {"state": "all", "campaign": scene.campaign.pk}).content.decode()
    )
    close_parts(actor=scene.north_organizer, session=session, rest="absent", batch=uuid4())
    assert said() == ["已完成登记"]
    assert "看点名" in client.get(listed, {"state": "all", "campaign": scene.campaign.pk}).content.decode()


def test_no_page_has_another_word_for_a_finished_sheet():
    """锁定 is said of reported figures only (上报锁定) and of what an officer may do."""
    others = re.compile(r"已锁定|点名完成|(?<!上报)(?<!数据已经)已经锁定|取消或锁定")
    pages = [
        *Path("templates").rglob("*.html"),
        *Path("attendance").rglob("*.py"),
        *Path("static/js").glob("*.js"),
    ]
    assert [str(page) for page in pages if others.search(page.read_text("utf-8"))] == []
