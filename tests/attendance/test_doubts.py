"""存疑清单: each rule with a case that is one and a case that is none; who may see and say what."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, DoubtNote, Tally
from attendance.queries import doubts
from attendance.services.doubts import note_doubt
from campaigns.models import HeadCount, SessionUnit, Trainee
from campaigns.services.registers import set_counted_heads
from organizations.models import AuditEvent, Member
from organizations.service import Refused
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once, query_count

pytestmark = pytest.mark.django_db

built, scene = once(Scene)
Kind = DoubtNote.Kind


def found(scene, kind, unit=None, **more):
    return list(doubts.findings(doubts.DOUBTS[kind], unit or scene.north_unit, **more))


def in_two_places(scene, hour=10):
    first = scene.session(days=-2, hour=9, title="东边的课")
    second = scene.session(scene.north_other_unit, days=-2, hour=hour, title="西边的课")
    scene.mark(first, {scene.wang: "present", scene.li: ("absent", "")})
    scene.mark(second, {scene.qian: "present", scene.wang: "present", scene.li: "present"})
    return first, second


def test_two_classes_at_once(scene):
    first, second = in_two_places(scene)
    # 李 was absent from the one and came to the other.
    [row] = found(scene, Kind.TWO_PLACES)
    assert (row.entry.member, row.session, row.other) == (scene.wang, first, second.pk)
    assert found(scene, Kind.TWO_PLACES, scene.south_unit) == []


def test_one_class_after_the_other_is_no_doubt(scene):
    in_two_places(scene, hour=11)
    assert found(scene, Kind.TWO_PLACES) == []


def test_came_after_having_left(scene):
    session = scene.session(days=-2)
    scene.mark(session, {scene.wang: "present", scene.li: "present", scene.zhao: ("absent", "")})
    day = timezone.localdate()
    with fixture_writes():
        for member, days in ((scene.wang, 3), (scene.li, 2), (scene.zhao, 3)):
            Member.objects.filter(pk=member.pk).update(left_on=day - timedelta(days=days), left_reason="去世")
    # 李 left on that very day, 赵 was not there.
    [row] = found(scene, Kind.GONE)
    assert row.entry.member == scene.wang


def test_shares_of_a_whole_city_are_compared(scene):
    with fixture_writes():
        for unit, waived, members in (
            (scene.north_branch_unit, 4000, 6000),
            (scene.south_branch_unit, 300_000, 1_000_000),
        ):
            Tally.objects.filter(unit=unit).update(waived=waived, members=members)
    assert [row.unit for row in found(scene, Kind.WAIVERS)] == [scene.north_branch_unit]


def test_heads_that_are_not_the_marks(scene):
    session = scene.session(days=-1)
    set_counted_heads(session=session, heads=3)
    assert found(scene, Kind.HEADS) == []  # the sheet is not filled in yet: that is another list
    scene.mark(session, {scene.wang: "present", scene.li: ("absent", ""), scene.qian: "present"})
    [one] = found(scene, Kind.HEADS)
    assert (one.counted_heads, one.came) == (3, 2)
    set_counted_heads(session=session, heads=2)
    assert found(scene, Kind.HEADS) == []


def test_who_is_no_member_may_be_among_the_heads(scene):
    session = scene.session(days=-1)
    scene.mark(session, {scene.wang: "present"})
    part = session.parts.get()
    with fixture_writes():
        facts = {"part": part, "category": "RESIDENT"}
        HeadCount.objects.create(heads=5, set_by=scene.officer, **facts)
        Trainee.objects.create(name="村民甲", created_by=scene.officer, request_uuid=uuid4(), **facts)
    for heads, is_one in ((0, True), (1, False), (7, False), (8, True)):
        set_counted_heads(session=session, heads=heads)
        assert bool(found(scene, Kind.HEADS)) is is_one, heads


@pytest.mark.parametrize(("days", "is_late"), [(7, False), (8, True)])
def test_a_whole_sheet_recorded_too_late(scene, days, is_late):
    session = scene.session(days=-20)
    scene.mark(session, {scene.wang: "present"})
    with fixture_writes():
        SessionUnit.objects.update(recorded_at=session.ends_at + timedelta(days=days))
    assert bool(found(scene, Kind.LATE)) is is_late


@pytest.mark.parametrize(
    ("waived", "members", "is_one"), [(5, 10, True), (4, 8, False), (5, 24, True), (5, 25, False)]
)
def test_more_than_twice_the_usual_share_of_waivers(scene, waived, members, is_one):
    """The campaign has 100 people, 10 of them waived."""
    with fixture_writes():
        rows = Tally.objects.order_by("path")
        first, second, third = rows
        Tally.objects.filter(pk=first.pk).update(waived=waived, members=members)
        Tally.objects.filter(pk=second.pk).update(waived=10 - waived, members=100 - members)
        Tally.objects.filter(pk=third.pk).update(waived=0, members=0)
    hits = [row.pk for row in found(scene, Kind.WAIVERS, scene.district_unit)]
    assert (first.pk in hits) is is_one


def test_what_was_looked_into_moves_to_the_seen(scene):
    in_two_places(scene)
    [row] = found(scene, Kind.TWO_PLACES)
    facts = {"unit": scene.north_unit, "kind": Kind.TWO_PLACES, "key": row.key, "note": "已核对签到表"}
    note = note_doubt(actor=scene.inspector, **facts)
    assert note_doubt(actor=scene.inspector, **facts).pk == note.pk
    assert found(scene, Kind.TWO_PLACES) == []
    [seen] = found(scene, Kind.TWO_PLACES, seen=True)
    assert seen.key == row.key
    assert AuditEvent.objects.filter(action="doubt.noted").count() == 1
    with pytest.raises(Refused, match="区督查已经看过了"):
        note_doubt(actor=scene.officer, **facts | {"note": "另一句"})


def test_other_numbers_are_another_finding(scene):
    session = scene.session(days=-1)
    set_counted_heads(session=session, heads=5)
    scene.mark(session, {scene.wang: "present"})
    [one] = found(scene, Kind.HEADS)
    note_doubt(actor=scene.officer, unit=scene.north_unit, kind=Kind.HEADS, key=one.key, note="数错了")
    assert found(scene, Kind.HEADS) == []
    scene.mark(session, {scene.li: "present"})
    assert len(found(scene, Kind.HEADS)) == 1


def test_a_note_needs_the_role_the_scope_a_finding_and_a_word(scene):
    in_two_places(scene)
    [row] = found(scene, Kind.TWO_PLACES)
    facts = {"unit": scene.north_unit, "kind": Kind.TWO_PLACES, "key": row.key, "note": "看了"}
    for change, words in (
        ({"actor": scene.north_organizer}, "主管和督查"),
        ({"note": "  "}, "写一句"),
        ({"key": "1:2:3"}, "不在清单"),
        ({"kind": "NONE"}, "不在清单"),
    ):
        with pytest.raises(Refused, match=words):
            note_doubt(**{"actor": scene.inspector, **facts, **change})
    assert not DoubtNote.objects.exists()


def where(scene, query=""):
    return reverse("attendance:doubt_list", args=[scene.campaign.pk]) + query


def test_the_page_is_for_officers_and_inspectors(scene, client):
    in_two_places(scene)
    for user, status in (
        (scene.officer, 200),
        (scene.inspector, 200),
        (scene.north_organizer, 403),
        (scene.north_recorder, 403),
        (scene.auditor, 404),
    ):
        client.force_login(user)
        assert client.get(where(scene)).status_code == status, user
    assert client.post(where(scene)).status_code in (403, 404, 405)


def test_an_inspector_says_what_came_of_it(scene, client):
    in_two_places(scene)
    [row] = found(scene, Kind.TWO_PLACES)
    client.force_login(scene.inspector)
    page = client.get(where(scene)).content.decode()
    assert "王北甲" in page and "东边的课" in page and "规则：" in page and "不排名" in page
    campaign = client.get(reverse("campaigns:campaign_detail", args=[scene.campaign.pk])).content.decode()
    assert where(scene) in campaign
    note = reverse("attendance:doubt_note", args=[scene.campaign.pk])
    client.post(note, {"kind": Kind.TWO_PLACES, "key": row.key, "note": "核对过了"})
    answer = client.get(where(scene))
    assert "没有对不上的" in answer.content.decode() and chips(answer) == [0, 0, 0, 0, 0]
    answer = client.get(where(scene, "?seen=1"))
    assert "核对过了" in answer.content.decode() and chips(answer) == [1, 0, 0, 0, 0]
    client.force_login(scene.north_organizer)
    campaign = client.get(reverse("campaigns:campaign_detail", args=[scene.campaign.pk])).content.decode()
    assert where(scene) not in campaign


def chips(answer):
    return [count for _, _, count in answer.context["kinds"]]


@pytest.mark.parametrize("kind", Kind.values)
def test_three_findings_cost_as_many_queries_as_one(scene, client, kind):
    def add(days):
        a, b = in_two_places_at(scene, days)
        set_counted_heads(session=a, heads=9)
        day = timezone.localdate() - timedelta(days=30)
        with fixture_writes():
            SessionUnit.objects.update(recorded_at=timezone.now() + timedelta(days=8))
            Member.objects.filter(pk=scene.wang.pk).update(left_on=day)
        return b

    client.force_login(scene.officer)
    add(-2)
    one = query_count(client, where(scene, f"?kind={kind}"))
    add(-3)
    add(-4)
    assert query_count(client, where(scene, f"?kind={kind}")) == one
    if kind in (Kind.TWO_PLACES, Kind.GONE, Kind.HEADS, Kind.LATE):
        assert client.get(where(scene, f"?kind={kind}")).context["page"].total >= 3


def in_two_places_at(scene, days):
    first = scene.session(days=days, hour=9)
    second = scene.session(scene.north_other_unit, days=days, hour=10)
    scene.mark(first, {scene.wang: "present"})
    scene.mark(second, {scene.wang: "present"})
    return first, second


def test_too_many_rows_are_compared_one_level_down(scene, client, monkeypatch):
    in_two_places(scene)
    monkeypatch.setattr(doubts, "MOST_ROWS", 3)
    client.force_login(scene.officer)
    page = client.get(where(scene)).content.decode()
    # Where counting would keep the page waiting, no chip has a figure.
    monkeypatch.setattr(doubts, "MOST_COUNTED", 3)
    assert chips(client.get(where(scene, "?kind=HEADS"))) == [None] * 5
    assert "请打开下面一级" in page and f"?unit={scene.north_unit.pk}" in page
    assert "规则" in client.get(where(scene, "?kind=HEADS")).content.decode()
    assert Attendance.objects.exists()
