"""请假: asked in advance, offered on the register, overruled by who comes; it moves no figure."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, Leave, Mark, Standing, Tally
from attendance.queries.leaves import days_of, share_on_leave
from attendance.services.closing import close_parts, reopen_part
from attendance.services.leaves import end_leave, set_leave
from attendance.services.merging import merge_people
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once, query_count

pytestmark = pytest.mark.django_db

built, scene = once(Scene)
TODAY = timezone.localdate
ASKED = "leave-asked"


def day(days):
    return TODAY() + timedelta(days=days)


def ask(scene, member, since=-2, until=2, **fields):
    values = {
        "actor": scene.north_organizer,
        "entry": scene.entry(member),
        "reason": "PRIVATE",
        "request_uuid": uuid4(),
        "since": since if since is None or isinstance(since, date) else day(since),
        "until": until if until is None or isinstance(until, date) else day(until),
    }
    return set_leave(**values | fields)


def register(client, scene, session, user=None):
    client.force_login(user or scene.north_organizer, backend="organizations.backends.AccountBackend")
    return client.get(reverse("attendance:register", args=[session.pk])).content.decode()


def test_the_register_offers_leave_with_its_reason_and_says_until_when(client, scene):
    session = scene.session()
    ask(scene, scene.wang)
    page = register(client, scene, session)
    assert page.count('<option value="leave:PRIVATE" selected>') == 1
    assert page.count('<option value="present" selected>') == 2
    words = days_of(Leave.objects.get())
    assert f"请假·有事 {words}" in page
    assert Attendance.objects.count() == 0


def test_leave_goes_before_floating_and_only_its_days_are_offered(client, scene):
    entry = scene.entry(scene.wang)
    with fixture_writes():
        entry.is_floating = True
        entry.save()
    ask(scene, scene.wang, since=-1, until=-1)
    assert 'value="leave:PRIVATE" selected' in register(client, scene, scene.session(days=-1))
    for days in (-2, 0):
        page = register(client, scene, scene.session(days=days, hour=0))
        assert 'value="leave:AWAY" selected' in page and ASKED not in page


def test_leave_for_chosen_classes_covers_no_other_class(client, scene):
    chosen, other = scene.session(hour=8), scene.session(hour=14)
    ask(scene, scene.wang, sessions=[chosen], since=None, until=None)
    assert "请假·有事（这一场）" in register(client, scene, chosen)
    assert ASKED not in register(client, scene, other)


def test_who_comes_is_there_and_the_leave_stays_in_history(client, scene):
    """C24, C25: presence wins, both are kept, and the page says so."""
    session = scene.session(topics=scene.topics(0))
    ask(scene, scene.wang)
    scene.mark(session, {scene.wang: ("leave", "PRIVATE"), scene.li: "present", scene.zhao: "absent"})
    sent = scene.mark(session, {scene.wang: "present"})
    row = Attendance.objects.get(session=session, entry=scene.entry(scene.wang))
    assert (row.status, row.reason, row.version) == ("present", "", 2)
    assert list(Mark.objects.filter(entry=row.entry).order_by("pk").values_list("status", flat=True)) == [
        "leave",
        "present",
    ]
    assert Leave.objects.get().ended_at is None
    page = register(client, scene, session)
    assert "登记了请假，那天来了" in page and f'name="m{row.entry_id}.2.present"' in page
    done = client.get(reverse("attendance:register", args=[session.pk]), {"batch": str(sent.batch.uuid)})
    assert "登记了请假，那天来了" in done.content.decode()
    entry = client.get(reverse("attendance:entry_detail", args=[row.entry_id])).content.decode()
    assert "登记了请假，当天来了" in entry and session.title in entry


def test_an_old_sending_does_not_bring_back_what_a_person_corrected(scene):
    """C26: the same sending again, after the organizer's correction to absent."""
    session, batch = scene.session(), uuid4()
    scene.mark(session, {scene.wang: "present"}, batch=batch, body="x" * 64)
    scene.mark(session, {scene.wang: ("absent", "UNKNOWN")})
    again = scene.mark(session, {scene.wang: "present"}, batch=batch, body="x" * 64, base=0)
    assert [mark.outcome for mark in again.marks] == ["duplicate"]
    late = scene.mark(session, {scene.wang: "present"}, base=1)
    assert [mark.outcome for mark in late.marks] == ["conflict"]
    assert Attendance.objects.get(entry=scene.entry(scene.wang)).status == "absent"


def test_leave_moves_no_figure_by_itself(scene):
    session = scene.session(topics=scene.topics(0))
    scene.mark(session, {scene.li: "present"})

    def figures():
        return list(Standing.objects.order_by("pk").values()), list(Tally.objects.order_by("pk").values())

    before = figures()
    end_leave(actor=scene.north_organizer, leave=ask(scene, scene.wang))
    assert figures() == before and Attendance.objects.get(entry=scene.entry(scene.wang)).version == 0


def test_leave_for_a_class_somebody_came_to_is_refused_until_corrected(scene):
    """F16."""
    session = scene.session()
    scene.mark(session, {scene.wang: "late"})
    with pytest.raises(Refused, match=r"已经登记到了.*先在点名里更正"):
        ask(scene, scene.wang)
    with pytest.raises(Refused, match="已经登记到了"):
        ask(scene, scene.wang, sessions=[session], since=None, until=None)
    assert Leave.objects.count() == 0
    scene.mark(session, {scene.wang: ("absent", "")})
    assert ask(scene, scene.wang).is_period


def test_leave_for_the_past_is_refused_once_the_sheet_is_finished(scene):
    """F17; what comes later may still be asked for."""
    session = scene.session(days=-3)
    scene.mark(session, {scene.wang: ("absent", ""), scene.li: "present"})
    close_parts(actor=scene.north_organizer, session=session, rest="absent", batch=uuid4())
    with pytest.raises(Refused, match="已经完成登记"):
        ask(scene, scene.wang, since=-3, until=3)
    with pytest.raises(Refused, match="登记已经完成"):
        ask(scene, scene.wang, sessions=[session], since=None, until=None)
    assert ask(scene, scene.wang, since=-2, until=3)
    # The others of the branch likewise; another branch was not at this class.
    with pytest.raises(Refused, match="已经完成登记"):
        ask(scene, scene.zhao, since=-4, until=-3)
    assert ask(scene, scene.qian, since=-4, until=-3)
    reopen_part(actor=scene.north_organizer, part=session.parts.get(), reason="补请假")
    assert ask(scene, scene.zhao, since=-4, until=-3)


@pytest.mark.parametrize("lock", ["frozen", "closed", "left"])
def test_leave_is_refused_where_nothing_may_change_any_more(scene, lock):
    entry = scene.entry(scene.wang)
    with fixture_writes():
        if lock == "frozen":
            scene.north_branch_unit.frozen_at = timezone.now()
            scene.north_branch_unit.save()
        elif lock == "closed":
            scene.campaign.stage = "CLOSED"
            scene.campaign.save()
        else:
            entry.left_on = day(-1)
            entry.save()
    with pytest.raises(Refused):
        ask(scene, scene.wang)


@pytest.mark.parametrize(
    "since, until",
    [
        (date(1, 1, 1), date(9999, 12, 31)),
        (date(9999, 12, 31), date(9999, 12, 31)),
        (date(1, 1, 1), date(1, 1, 1)),
        (day(2), day(1)),
        (day(0), None),
        (None, None),
    ],
)
def test_impossible_days_are_refused(scene, since, until):
    with pytest.raises(Refused):
        ask(scene, scene.wang, since=since, until=until)


def test_the_same_request_gives_the_same_leave_and_days_asked_twice_are_refused(scene):
    request = uuid4()
    first = ask(scene, scene.wang, request_uuid=request)
    assert ask(scene, scene.wang, request_uuid=request) == first
    for member, other in ((scene.li, {}), (scene.wang, {"until": 3}), (scene.wang, {"reason": "ILL"})):
        with pytest.raises(Refused, match="提交编号"):
            ask(scene, member, request_uuid=request, **other)
    with pytest.raises(Refused, match="已经登记过请假"):
        ask(scene, scene.wang, since=2, until=5)
    assert Leave.objects.count() == 1
    assert AuditEvent.objects.filter(action="leave.set").count() == 1


def test_taken_back_it_offers_nothing_any_more_and_twice_is_once(client, scene):
    session = scene.session(days=0, hour=0)
    leave = ask(scene, scene.wang)
    for _ in range(2):
        end_leave(actor=scene.north_organizer, leave=leave)
    assert ASKED not in register(client, scene, session)
    # What was before that day keeps its leave.
    assert ASKED in register(client, scene, scene.session(days=-1, hour=3))
    assert AuditEvent.objects.filter(action="leave.ended").count() == 1
    assert ask(scene, scene.wang)


def test_only_whoever_manages_the_person_sets_or_ends_a_leave(client, scene):
    for user in (scene.south_organizer, scene.inspector, scene.north_recorder, scene.auditor):
        with pytest.raises(Refused, match="不在您管理的范围"):
            ask(scene, scene.wang, actor=user)
    leave = ask(scene, scene.wang)
    with pytest.raises(Refused, match="不在您管理的范围"):
        end_leave(actor=scene.south_organizer, leave=leave)
    client.force_login(scene.south_organizer, backend="organizations.backends.AccountBackend")
    for name in ("entry_leave_set", "entry_leave_end"):
        assert client.post(reverse(f"attendance:{name}", args=[leave.entry_id])).status_code == 404


def test_much_leave_is_a_hint_and_no_refusal(client, scene):
    """F18: two of four hours."""
    scene.session(days=1)
    scene.session(days=2)
    client.force_login(scene.north_organizer, backend="organizations.backends.AccountBackend")
    entry = scene.entry(scene.wang)
    page = client.post(
        reverse("attendance:entry_leave_set", args=[entry.pk]),
        {"reason": "ILL", "since": day(1).isoformat(), "until": "", "request_uuid": str(uuid4())},
        follow=True,
    ).content.decode()
    assert "请假登记好了" in page and "50%" in page and "超过30%" in page
    assert share_on_leave(entry) == (120, 240)
    assert "取消这次请假" in page


def test_the_list_tells_now_coming_and_past_apart(client, scene):
    ask(scene, scene.wang, since=-1, until=1)
    ask(scene, scene.li, since=3, until=4)
    end_leave(actor=scene.north_organizer, leave=ask(scene, scene.zhao, since=3, until=4))
    url = reverse("attendance:leave_list", args=[scene.campaign.pk])
    client.force_login(scene.north_organizer, backend="organizations.backends.AccountBackend")
    listed = {"now": "王北甲", "coming": "李北乙", "past": "赵北丙"}
    for state in listed:
        page = client.get(url, {"state": state}).content.decode()
        assert [name for name in listed.values() if name in page] == [listed[state]]
    # Opened without a state: who is away and who will be, each person once.
    ask(scene, scene.li, since=6, until=6)
    page = client.get(url)
    assert "请假（现在和以后） 2人" in page.content.decode() and "赵北丙" not in page.content.decode()
    assert [count for _, _, count in page.context["states"]] == [2, 1, 1, 1, 3]
    assert "没有找到" in client.get(url, {"q": "孙南甲"}).content.decode()
    client.force_login(scene.south_organizer, backend="organizations.backends.AccountBackend")
    assert "现在和以后都没有人请假" in client.get(url).content.decode()


def test_pages_take_no_more_queries_for_more_leaves(client, scene):
    session = scene.session()
    client.force_login(scene.north_organizer, backend="organizations.backends.AccountBackend")
    register, listed = (
        reverse("attendance:register", args=[session.pk]),
        reverse("attendance:leave_list", args=[scene.campaign.pk]),
    )
    ask(scene, scene.wang)
    one = query_count(client, register), query_count(client, listed, state="all")
    ask(scene, scene.li)
    ask(scene, scene.zhao, sessions=[session], since=None, until=None)
    assert (query_count(client, register), query_count(client, listed, state="all")) == one


def test_leave_follows_somebody_who_stood_there_twice(scene):
    from_there = ask(scene, scene.li)
    merge_people(actor=scene.north_organizer, winner=scene.wang, loser=scene.li)
    from_there.refresh_from_db()
    assert from_there.entry == scene.entry(scene.wang)
