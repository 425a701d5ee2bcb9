"""同一课各支部一起填: a session each, a row each; what a row says goes into its own session only."""

from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, MarkBatch
from attendance.services.leaves import set_leave
from attendance.services.roster import set_waiver
from campaigns.models import Round
from campaigns.queries import same_class
from campaigns.services.sessions import cancel_session
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.attendance.test_many import Crowd, as_user, stored
from tests.base import make_member, make_organization, once, query_count
from tests.campaigns.scene import unit_of

pytestmark = pytest.mark.django_db


class Six(Crowd):
    """Three more branches of the north, with one member each."""

    def __init__(self):
        super().__init__()
        self.more = [make_organization(self.north, f"HZ010{n}", f"北{n}村党支部") for n in (4, 5, 6)]
        for branch in self.more:
            make_member(branch, f"周{branch.name[:3]}")


class Villages(Scene, Six):
    """北山村, 北坡村, 北沟村, and 南河村 of the other township, held the same class on days of their own."""

    def __init__(self):
        super().__init__()
        self.third_unit = unit_of(self.campaign, self.third)
        self.more_units = [unit_of(self.campaign, branch) for branch in self.more]
        self.lesson = {"title": "乡村振兴第一课", "topics": self.topics(0)}
        self.mountain = self.session(days=-3, **self.lesson)
        self.slope = self.session(self.north_other_unit, days=-2, **self.lesson)
        self.ditch = self.session(self.third_unit, days=-1, **self.lesson)
        self.south_held = self.session(self.south_branch_unit, days=-1, **self.lesson)

    def told(self, session, user=None):
        return same_class.branches_together(session, user or self.north_organizer, timezone.now())


built, scene = once(Villages)


def url(session):
    return reverse("attendance:together", args=[session.pk])


def filled(rows, **more):
    """{session: (came, missing)} as the page sends it, a number to each row."""
    sent = {}
    for session, (came, missing) in rows.items():
        part = session.parts.first().pk
        sent |= {f"u{part}": str(uuid4()), f"came{part}": came, f"missing{part}": missing}
    return sent | more


def listed(client, session, **asked):
    return [row.session for row in client.get(url(session), asked).context["rows"]]


def test_each_branch_of_the_scope_is_a_row_in_the_fixed_order(client, scene):
    as_user(client, scene.north_organizer)
    answer = client.get(url(scene.ditch))
    html = answer.content.decode()
    assert [row.session for row in answer.context["rows"]] == [scene.mountain, scene.slope, scene.ditch]
    assert "应到3人" in html and "应到4人" in html and "应到1人" in html
    assert "南河村" not in html and f"/sessions/{scene.south_held.pk}/" not in html
    assert listed(client, scene.mountain, q="坡") == [scene.slope]
    assert "没有找到这个支部" in client.get(url(scene.mountain), {"q": "没有的村"}).content.decode()
    as_user(client, scene.officer)
    assert listed(client, scene.mountain)[-1] == scene.south_held


def test_only_this_very_class_is_listed(client, scene):
    fourth, fifth, sixth = scene.more_units
    off = scene.session(fourth, **scene.lesson)
    cancel_session(actor=scene.officer, session=off, reason="停电")
    scene.session(fourth, **scene.lesson | {"topics": scene.topics(1)})
    scene.session(fourth, **scene.lesson | {"title": "另一课"})
    scene.session(fourth, **scene.lesson, round=Round.MAKE_UP)
    scene.session(scene.north_unit, units=[fourth, fifth], **scene.lesson)
    coming = scene.session(sixth, days=4, **scene.lesson)
    shared = scene.session(fifth, actor=scene.officer, units=[fifth, scene.south_branch_unit], **scene.lesson)
    as_user(client, scene.north_organizer)
    answer = client.get(url(coming))
    rows = [row.session for row in answer.context["rows"]]
    assert rows == [scene.mountain, scene.slope, scene.ditch, shared]
    assert [part.session for part in answer.context["later"]] == [coming]
    assert "还没上的，1个支部" in answer.content.decode()


def test_every_row_is_stored_in_its_own_session(client, scene):
    as_user(client, scene.north_organizer)
    rows = {scene.mountain: ("2", "王北甲（生病）"), scene.ditch: ("0", "朱北己")}
    answer = client.post(url(scene.slope), filled(rows), follow=True)
    assert answer.status_code == 200 and "2个支部存好了" in answer.content.decode()
    sendings = MarkBatch.objects.order_by("session_id")
    assert [batch.session_id for batch in sendings] == [scene.mountain.pk, scene.ditch.pk]
    here = ("present", "")
    assert stored(scene.mountain) == {"王北甲": ("leave", "ILL"), "李北乙": here, "赵北丙": here}
    assert stored(scene.ditch) == {"朱北己": ("absent", "")} and stored(scene.slope) == {}
    assert_derived_rows_are_true(scene.campaign)
    undo = reverse("attendance:register_undo", args=[scene.ditch.pk])
    assert undo in answer.content.decode()
    client.post(undo, {"batch": sendings[1].uuid})
    assert stored(scene.ditch) == {} and len(stored(scene.mountain)) == 3


def test_sent_again_it_changes_nothing_and_shows_the_same(client, scene):
    as_user(client, scene.north_organizer)
    sent = filled({scene.mountain: ("3", ""), scene.ditch: ("1", ""), scene.slope: ("2", "")})
    for _ in range(2):
        assert "3个支部存好了" in client.post(url(scene.mountain), sent, follow=True).content.decode()
    assert MarkBatch.objects.count() == 3 and Attendance.objects.count() == 4
    assert scene.slope.parts.get().counted_heads == 2
    scene.slope.refresh_from_db()
    assert scene.slope.counted_heads == 2


def test_a_wrong_row_stays_with_its_text_and_holds_up_no_other(client, scene):
    as_user(client, scene.north_organizer)
    sent = filled({scene.mountain: ("3", ""), scene.slope: ("3", "张不存在"), scene.ditch: ("1", "")})
    answer = client.post(url(scene.mountain), sent)
    html = answer.content.decode()
    assert answer.status_code == 422 and "2个支部存好了，1个要再看" in html
    assert "张不存在" in html and "名册上没有这个名字" in html
    assert stored(scene.slope) == {} and len(stored(scene.mountain)) == 3
    sent = filled({scene.slope: ("3", "陈同名请假")})
    html = client.post(url(scene.mountain), sent).content.decode()
    assert "请在下面选" in html and "第二党小组" in html


def test_names_that_follow_a_number_are_no_second_sending_of_it(client, scene):
    as_user(client, scene.north_organizer)
    sent = filled({scene.mountain: ("2", ""), scene.slope: ("3", "张不存在")})
    again = client.post(url(scene.mountain), sent)
    numbers = {row.session: row.text.number for row in again.context["rows"]}
    part = scene.mountain.parts.get().pk
    assert str(numbers[scene.mountain]) != sent[f"u{part}"]
    named = sent | {f"missing{part}": "王北甲"}
    changed = client.post(url(scene.mountain), named)
    assert "这一行刚才存过，现在改了" in changed.content.decode() and stored(scene.mountain) == {}
    row = next(row for row in changed.context["rows"] if row.session == scene.mountain)
    client.post(url(scene.mountain), named | {f"u{part}": str(row.text.number)})
    assert stored(scene.mountain)["王北甲"] == ("absent", "")


def test_a_class_cancelled_meanwhile_gives_its_words_back(client, scene):
    as_user(client, scene.north_organizer)
    sent = filled({scene.mountain: ("2", "王北甲"), scene.ditch: ("1", "")})
    cancel_session(actor=scene.officer, session=scene.mountain, reason="停电")
    html = client.post(url(scene.slope), sent, follow=True).content.decode()
    assert "1个支部存好了" in html and "您写的：实到2　王北甲" in html
    assert MarkBatch.objects.get().session_id == scene.ditch.pk


def test_rows_of_others_are_neither_shown_nor_stored(client, scene):
    assert as_user(client, scene.south_organizer).get(url(scene.mountain)).status_code == 404
    assert as_user(client, scene.inspector).get(url(scene.mountain)).status_code == 403
    as_user(client, scene.north_organizer)
    assert client.get(url(scene.south_held)).status_code == 404
    answer = client.post(url(scene.mountain), filled({scene.south_held: ("2", "")}), follow=True)
    assert "不归您登记" in answer.content.decode() and MarkBatch.objects.count() == 0
    assert listed(as_user(client, scene.north_recorder), scene.mountain) == [scene.mountain]


def test_the_way_there_is_offered_where_two_branches_hold_it(client, scene, monkeypatch):
    alone = scene.session(title="只有一个支部上", topics=scene.topics(0))
    assert (scene.told(scene.mountain), scene.told(alone)) == (3, 0)
    assert scene.told(scene.mountain, scene.north_recorder) == 0
    assert scene.told(scene.mountain, scene.inspector) == 0
    as_user(client, scene.north_organizer)
    for page in ("attendance:register", "campaigns:session_detail"):
        html = client.get(reverse(page, args=[scene.mountain.pk])).content.decode()
        assert "同一课各支部一起填（3个支部）" in html and url(scene.mountain) in html
        assert "一起填" not in client.get(reverse(page, args=[alone.pk])).content.decode()
    monkeypatch.setattr(same_class, "MOST_BRANCHES", 5)
    assert scene.told(scene.mountain) == 0


def test_each_row_knows_who_belonged_was_waived_and_asked_leave_on_its_own_day(client, scene):
    days = {days: timezone.localdate() + timezone.timedelta(days=days) for days in (-3, -2)}
    told = {"actor": scene.officer, "request_uuid": uuid4(), "reason": "PRIVATE"}
    set_leave(**told, entry=scene.entry(scene.qian), since=days[-3], until=days[-3])
    set_leave(
        **told | {"request_uuid": uuid4()},
        entry=scene.entry(scene.li),
        since=days[-3],
        until=days[-2],
    )
    for member in (scene.zhao, scene.he):
        set_waiver(actor=scene.officer, entry=scene.entry(member), reason="CARE", since=days[-2])
    again = scene.session(days=-2, hour=15, **scene.lesson)
    as_user(client, scene.north_organizer)
    sheets = {row.session: row.sheet for row in client.get(url(scene.mountain)).context["rows"]}

    def names(session, kind="expected"):
        return [person.name for person in getattr(sheets[session], kind)]

    assert names(scene.mountain) == ["王北甲", "李北乙", "赵北丙"] and names(again) == ["王北甲", "李北乙"]
    assert names(again, "waived") == ["赵北丙"] and sheets[again].waived[0].waiver
    assert names(scene.slope, "waived") == ["何北戊"] and "何北戊" not in names(scene.slope)
    on_leave = {(session, one.name) for session in sheets for one in sheets[session].expected if one.leave}
    assert on_leave == {(scene.mountain, "李北乙"), (again, "李北乙")}


def test_six_rows_cost_as_many_queries_as_two(client, scene):
    units = [scene.north_branch_unit, scene.north_other_unit, scene.third_unit, *scene.more_units]
    two = [scene.session(unit, days=-n, title="两个支部的课") for n, unit in enumerate(units[:2], 1)]
    six = [scene.session(unit, days=-n, title="六个支部的课") for n, unit in enumerate(units, 1)]
    as_user(client, scene.north_organizer)
    assert len(listed(client, six[0])) == 6
    assert query_count(client, url(two[0])) == query_count(client, url(six[0]))
    for page in ("attendance:register", "campaigns:session_detail"):
        costs = [query_count(client, reverse(page, args=[one[0].pk])) for one in (two, six)]
        assert costs[0] == costs[1]
