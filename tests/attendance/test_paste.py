"""粘贴: a message beside the roster: proposed, asked, said, stored, taken back."""

import re
from unittest import mock
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attendance.models import Attendance, Mark, MarkBatch, RosterEntry
from attendance.queries.days import held_on
from attendance.services.leaves import set_leave
from attendance.services.marks import record_marks
from organizations.service import Refused
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import Cast, fixture_writes, make_member, once
from tests.prying.forms import Reader

pytestmark = pytest.mark.django_db


class Crowd(Cast):
    """In 北山村 there are also two 陈同名 in different groups, and 刘小明."""

    def __init__(self):
        super().__init__()
        self.chen = make_member(self.north_branch, "陈同名", party_group="第一党小组", initials="ctm")
        self.other_chen = make_member(self.north_branch, "陈同名", party_group="第二党小组", initials="ctm")
        self.ming = make_member(self.north_branch, "刘小明", initials="lxm")
        self.lin = make_member(self.south_branch, "林南丙")


class Town(Scene, Crowd):
    """北山村 expects six: 王北甲 李北乙 赵北丙 陈同名 陈同名 刘小明; 北坡村 one: 钱北丁."""


built, scene = once(Town)


@pytest.fixture
def session(scene):
    return scene.session(topics=scene.topics(0))


def as_user(client, user):
    client.force_login(user, backend="organizations.backends.AccountBackend")
    return client


def url(session):
    return reverse("attendance:paste", args=[session.pk])


def look(client, session, text, **more):
    answer = client.post(url(session), {"text": text} | more)
    return answer, answer.content.decode()


def form_of(html, address):
    """The preview as a browser would send it: what is selected, checked, hidden."""
    reader = Reader(address)
    reader.feed(html)
    form = next(form for form in reader.forms if any(field.name == "batch" for field in form.fields))
    sent = {}
    for field in form.fields:
        sent.setdefault(field.name, field.value)
    texts = re.search(r'<textarea name="text" hidden>(.*?)</textarea>', html, re.S)
    return sent | {"text": texts[1] if texts else ""}


def keep(client, session, text, follow=True, **more):
    """Look, decide `more`, store."""
    _, html = look(client, session, text)
    sent = form_of(html, url(session)) | more
    return client.post(url(session), sent, follow=follow), sent


def statuses(session):
    rows = Attendance.objects.filter(session=session)
    told = rows.values_list("entry__member__name", "status", "reason")
    return {name: (status, reason) for name, status, reason in told}


def part_of(session, **unit):
    return session.parts.get(**unit).pk


def test_a_message_that_adds_up_is_proposed_whole_and_stored_with_one_tap(client, scene, session):
    as_user(client, scene.north_organizer)
    answer, html = look(client, session, "应到6，实到4，请假王北甲（生病），缺席李北乙")
    assert answer.status_code == 200 and "请您定一下" not in html and "notice-warn" not in html
    assert Attendance.objects.count() == MarkBatch.objects.count() == 0
    done, sent = keep(client, session, "应到6，实到4，请假王北甲（生病），缺席李北乙")
    assert "已登记 6人" in done.content.decode()
    stored = statuses(session)
    assert stored["王北甲"] == ("leave", "ILL") and stored["李北乙"] == ("absent", "")
    assert stored["赵北丙"] == stored["刘小明"] == ("present", "")
    assert MarkBatch.objects.get().kind == "paste"
    assert_derived_rows_are_true(scene.campaign)
    client.post(url(session), sent)
    assert MarkBatch.objects.count() == 1 and Mark.objects.count() == 6


def test_nobody_is_guessed_same_names_and_slips_are_asked(client, scene, session):
    as_user(client, scene.north_organizer)
    _, html = look(client, session, "请假：陈同名、刘小名、王二麻子；其余都到了")
    assert "请您定一下 3个" in html and "没提到的 6人怎么算（含上面还没定的2人）" in html
    assert "名册上有2个陈同名" in html and "第一党小组，第5号" in html and "第二党小组，第6号" in html
    assert html.count("刘小明（第4号）") == 1
    sent = form_of(html, url(session))
    answer = client.post(url(session), sent)
    assert answer.status_code == 422 and "“陈同名”还没选是谁" in answer.content.decode()
    assert Attendance.objects.count() == 0


def test_what_was_decided_is_stored_and_the_unknown_name_stays_listed(client, scene, session):
    as_user(client, scene.north_organizer)
    part, second = part_of(session), scene.entry(scene.other_chen).pk
    ming = scene.entry(scene.ming).pk
    choices = {
        f"p{part}d0": f"{second}.0",
        f"p{part}d1": f"{ming}.0",
        f"p{part}d2": "text",
        f"p{part}rest": "none",
    }
    done, _ = keep(client, session, "请假：陈同名、刘小名、王二麻子；其余都到了", **choices)
    assert "没认出来的" in done.content.decode() and "王二麻子" in done.content.decode()
    rows = dict(Attendance.objects.values_list("entry", "status"))
    assert rows[second] == rows[ming] == "leave" and rows[scene.entry(scene.chen).pk] == "unmarked"
    assert MarkBatch.objects.get().unread == "王二麻子"


def test_with_a_missing_name_open_the_rest_cannot_all_have_come(client, scene, session):
    as_user(client, scene.north_organizer)
    part = part_of(session)
    answer, _ = keep(
        client, session, "请假：王二麻子；其余都到了", **{f"p{part}d0": "text", f"p{part}rest": "present"}
    )
    assert answer.status_code == 422 and "王二麻子没来，又没对上名字" in answer.content.decode()
    assert Attendance.objects.count() == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("应到8，实到6，请假王北甲、李北乙", "文字里应到8人，名册上应到6人。"),
        ("应到6，实到3，请假王北甲、李北乙", "没来的应有3人，写了名字的有2人，还差1个名字。"),
        ("应到6，实到5，请假王北甲、李北乙", "没来的应有1人，写了名字的有2人，多出1人。"),
        ("应到6，实到5，请假2人：王北甲", "写了请假2人，名字有1个。"),
        ("应到6，实到7，请假王北甲", "实到7人，比应到6人还多"),
        ("应到6，实到4", "没来的2人没写名字"),
        ("实到4，实到5，请假王北甲", "实到写了4、5几个数"),
    ],
)
def test_sums_that_do_not_add_up_are_said_and_somebody_decides(client, scene, session, text, said):
    as_user(client, scene.north_organizer)
    _, html = look(client, session, text)
    assert said in html
    if "没写名字" not in said:
        assert f'name="p{part_of(session)}rest" value="present" required checked' not in html


def test_a_number_without_names_is_kept_as_heads_and_waits_for_names(client, scene, session):
    as_user(client, scene.north_organizer)
    done, _ = keep(client, session, "应到6，实到4")
    session.refresh_from_db()
    assert done.status_code == 200 and session.counted_heads == 4
    assert Attendance.objects.count() == 0
    assert session.parts.get().recorded_at is None
    assert_derived_rows_are_true(scene.campaign)


def test_all_came_is_all_came(client, scene, session):
    as_user(client, scene.north_organizer)
    keep(client, session, "全到")
    assert {status for status, _ in statuses(session).values()} == {"present"}


def test_old_stands_beside_new_and_who_is_not_named_keeps_it(client, scene, session):
    scene.mark(session, {scene.wang: ("leave", "ILL"), scene.li: "present"})
    as_user(client, scene.north_organizer)
    _, html = look(client, session, "王北甲来了，赵北丙没来，其余都到了")
    assert "现在：请假·生病" in html and "已经登记过、这次没提到 1人" in html
    keep(client, session, "王北甲来了，赵北丙没来，其余都到了")
    stored = statuses(session)
    assert stored["王北甲"] == ("present", "") and stored["赵北丙"][0] == "absent"
    assert stored["李北乙"] == ("present", "")


def test_a_page_that_grew_old_shows_the_conflict_and_loses_nothing(client, scene, session):
    as_user(client, scene.north_organizer)
    _, html = look(client, session, "王北甲请假，其余都到了")
    sent = form_of(html, url(session))
    scene.mark(session, {scene.wang: "absent"}, actor=scene.officer)
    done = client.post(url(session), sent, follow=True).content.decode()
    assert "1人要请您定一下" in done and "区委主管" in done
    assert statuses(session)["王北甲"] == ("absent", "") and statuses(session)["李北乙"] == ("present", "")


def test_late_and_early_take_their_minutes_off(client, scene, session):
    as_user(client, scene.north_organizer)
    keep(client, session, "王北甲迟到10分钟，李北乙早退半小时，其余都到了")
    rows = dict(Attendance.objects.values_list("entry__member__name", "minutes"))
    assert (rows["王北甲"], rows["李北乙"], rows["赵北丙"]) == (110, 90, 120)


def test_somebody_of_the_scope_may_be_a_visitor_and_a_stranger_is_never_found(client, scene, session):
    as_user(client, scene.north_organizer)
    text = "参加人员：王北甲、钱北丁、林南丙"
    _, html = look(client, session, text)
    assert "钱北丁（北坡村党支部，外单位来听）" in html
    assert "林南丙" in html and "南河村" not in html
    qian, lin = scene.entry(scene.qian).pk, scene.entry(scene.lin).pk
    assert f'value="{qian}.0"' in html and f'value="{lin}.0"' not in html
    part = part_of(session)
    choices = {f"p{part}d0": f"{qian}.0", f"p{part}d1": "text", f"p{part}rest": "none"}
    keep(client, session, text, **choices)
    assert Attendance.objects.get(entry=qian).part == "VISITOR"
    assert MarkBatch.objects.get().unread == "林南丙"


def test_several_branches_in_one_message_are_read_at_once(client, scene):
    session = scene.session(scene.north_unit, units=[scene.north_branch_unit, scene.north_other_unit])
    as_user(client, scene.north_organizer)
    text = "北山村：应到6，实到5，请假王北甲\n北坡村：应到1，实到1，全到\n西湖村：应到9，实到9"
    _, html = look(client, session, text)
    assert "这几段说的是哪个支部" in html and "西湖村" in html
    _, html = look(client, session, text, s2="skip")
    assert "请您定一下" not in html
    done = client.post(url(session), form_of(html, url(session)), follow=True)
    assert done.status_code == 200
    assert MarkBatch.objects.filter(kind="paste").count() == 2
    assert statuses(session)["钱北丁"] == ("present", "") and statuses(session)["王北甲"][0] == "leave"
    assert [batch.part.unit.name for batch in MarkBatch.objects.order_by("pk")] == [
        "北山村党支部",
        "北坡村党支部",
    ]


def test_of_several_branches_the_refused_one_is_asked_again_and_the_stored_ones_are_named(client, scene):
    session = scene.session(scene.north_unit, units=[scene.north_branch_unit, scene.north_other_unit])
    as_user(client, scene.north_organizer)
    text = "北山村：应到6，实到5，请假王北甲\n北坡村：应到1，实到1，全到"
    _, html = look(client, session, text)
    first = form_of(html, url(session))
    refused = "请先请上级解锁。"

    def once(**sending):
        if sending["part"].unit_id == scene.north_other_unit.pk:
            raise Refused(refused)
        return record_marks(**sending)

    with mock.patch("attendance.views.paste.record_marks", once):
        page = client.post(url(session), first)
    html = page.content.decode()
    assert page.status_code == 422 and f"北坡村党支部没有存：{refused}" in html
    assert "已经存好的不用再存：北山村党支部。" in html
    # Nothing is asked again of the stored branch; the rest is sent, and the outcome tells of both.
    rest = form_of(html, url(session))
    mine, other = (part_of(session, unit=unit) for unit in (scene.north_branch_unit, scene.north_other_unit))
    assert not any(name.startswith(f"p{mine}") for name in rest)
    done = client.post(url(session), rest | {f"p{other}rest": "absent"})
    assert done.status_code == 302 and done.url.count("batch=") == 2
    assert statuses(session)["钱北丁"] == ("absent", "") and statuses(session)["王北甲"][0] == "leave"
    # The page of before, sent once more with another choice: what is stored stands, and the page says so.
    again = client.post(url(session), first | {f"p{mine}rest": "absent"}, follow=True).content.decode()
    assert "北山村党支部刚才已经存过，后来改的没有存" in again and MarkBatch.objects.count() == 2
    assert statuses(session)["李北乙"] == ("present", "")


def test_a_piece_without_a_branch_is_asked_about(client, scene):
    session = scene.session(scene.north_unit, units=[scene.north_branch_unit, scene.north_other_unit])
    as_user(client, scene.north_organizer)
    _, html = look(client, session, "应到6，实到5，请假王北甲")
    assert "没写支部" in html
    part = session.parts.get(unit=scene.north_other_unit).pk
    _, html = look(client, session, "实到1，全到", part=part)
    assert "没写支部" not in html and "北坡村党支部" in html


def test_whom_the_register_offers_as_away_is_not_silently_there(client, scene, session):
    """The sums say that everybody else came: 王北甲 is away by the roster, 李北乙 asked leave."""
    as_user(client, scene.north_organizer)
    with fixture_writes():
        RosterEntry.objects.filter(member=scene.wang).update(is_floating=True)
    day, li = held_on(session), scene.entry(scene.li)
    set_leave(actor=scene.officer, entry=li, reason="ILL", request_uuid=uuid4(), since=day, until=day)
    text, rest = "应到6，实到5，缺席赵北丙", f"p{part_of(session)}rest"
    _, html = look(client, session, text)
    assert "其中流动1人、请假1人：点名页按请假列着" in html
    assert not re.search(rf'name="{rest}"[^>]* checked', html)
    assert keep(client, session, text)[0].status_code == 422
    keep(client, session, text, **{rest: "offered"})
    stored = statuses(session)
    assert stored["王北甲"] == ("leave", "AWAY") and stored["李北乙"] == ("leave", "ILL")
    assert stored["赵北丙"] == ("absent", "") and stored["刘小明"] == ("present", "")
    assert "按请假列着" not in look(client, session, "全到")[1]


def test_heads_of_one_branch_are_kept_with_that_branch(client, scene):
    session = scene.session(scene.north_unit, units=[scene.north_branch_unit, scene.north_other_unit])
    as_user(client, scene.north_organizer)
    keep(client, session, "北山村：应到6，实到4")
    session.refresh_from_db()
    heads = dict(session.parts.values_list("unit__name", "counted_heads"))
    assert heads == {"北山村党支部": 4, "北坡村党支部": None} and session.counted_heads is None


def test_it_is_taken_back_and_who_changed_since_is_named(client, scene, session):
    as_user(client, scene.north_organizer)
    done, _ = keep(client, session, "王北甲请假，其余都到了")
    assert "撤销刚才这次" in done.content.decode()
    scene.mark(session, {scene.li: "absent"}, actor=scene.officer)
    batch = MarkBatch.objects.get(kind="paste")
    answer = client.post(
        reverse("attendance:register_undo", args=[session.pk]),
        {"batch": batch.uuid, "uuid": uuid4()},
        follow=True,
    )
    assert "李北乙后来又被改过，没有动" in answer.content.decode()
    assert statuses(session)["王北甲"][0] == "unmarked" and statuses(session)["李北乙"][0] == "absent"
    assert_derived_rows_are_true(scene.campaign)


def test_outside_the_scope_there_is_no_page_and_readers_may_not_write(client, scene, session):
    assert as_user(client, scene.south_organizer).get(url(session)).status_code == 404
    assert as_user(client, scene.inspector).post(url(session), {"text": "全到"}).status_code == 403
    assert as_user(client, scene.north_recorder).get(url(session)).status_code == 200


def test_a_foreign_part_or_person_in_the_form_is_refused(client, scene, session):
    as_user(client, scene.north_organizer)
    other = scene.session(scene.south_branch_unit).parts.get().pk
    _, html = look(client, session, "全到")
    sent = form_of(html, url(session))
    answer = client.post(url(session), sent | {f"p{other}heads": "3"})
    assert answer.status_code == 422 and Attendance.objects.count() == 0
    stranger = scene.entry(scene.sun).pk
    done = client.post(url(session), sent | {f"p{part_of(session)}m{stranger}.0": "present"}, follow=True)
    assert "孙南甲" not in done.content.decode()
    assert not Attendance.objects.filter(entry=stranger).exists()


def test_nonsense_in_the_fields_is_refused_in_words(client, scene, session):
    as_user(client, scene.north_organizer)
    _, html = look(client, session, "王北甲迟到10分钟，陈同名请假，其余都到了")
    sent, part = form_of(html, url(session)), part_of(session)
    chosen = {f"p{part}d0": f"{scene.entry(scene.chen).pk}.0", f"p{part}d0.late": "²"}
    for wrong in (
        {"p" + "9" * 19 + "heads": "3"},
        {f"p{part}heads": "²"},
        {f"p{part}heads": "9999999"},
        {f"p{part}rest": "everybody"},
        {f"p{part}d0": "7"},
        {f"p{part}d0.code": "sleeping"},
        {f"p{part}m" + "9" * 19 + ".0": "present"},
        {"batch": "no number"},
    ):
        answer = client.post(url(session), sent | chosen | wrong)
        assert answer.status_code == 422 and "notice-warn" in answer.content.decode(), wrong
    assert MarkBatch.objects.count() == 0
    assert client.post(url(session), sent | chosen).status_code == 302


def test_reading_takes_the_same_queries_for_one_name_and_for_ten(client, scene, session):
    as_user(client, scene.north_organizer)
    counts = []
    for text in (
        "全到，王北丁请假",
        "请假：王北甲、李北乙、刘小名、陈同名、王二麻子、孙悟空、猪八戒，其余都到了",
    ):
        look(client, session, text)
        with CaptureQueriesContext(connection) as captured:
            look(client, session, text)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_an_empty_page_says_so_and_hostile_text_is_only_text(client, scene, session):
    as_user(client, scene.north_organizer)
    assert "请先粘贴文字" in look(client, session, "  ")[1]
    _, html = look(client, session, "<script>alert(1)</script>请假：<b>王五六</b>")
    assert "<script>alert" not in html and "<b>王五六" not in html
