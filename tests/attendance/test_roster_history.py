"""名册变动: every change of the roster is a line with day, kind, why, by whom; the list of them."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from attendance.models import RosterChange
from attendance.queries.confirming import roster_history
from attendance.services.adopting import adopt_differences
from attendance.services.confirming import confirm_roster
from attendance.services.roster import end_waiver, set_waiver
from organizations.models import AuditEvent, Member
from organizations.services.members import change_member, create_member, leave_member
from organizations.services.transfers import return_member, transfer_members
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, once, query_count

pytestmark = pytest.mark.django_db

Kind = RosterChange.Kind
built, scene = once(Scene)


def today():
    return timezone.localdate()


def adopt(scene, **options):
    return adopt_differences(actor=scene.officer, unit=scene.district_unit, **options)


def lines(scene, member):
    rows = RosterChange.objects.filter(entry__member=member).order_by("pk").select_related("unit", "by")
    return [(row.kind, row.unit.name, row.why, row.by.name) for row in rows]


def test_drawing_writes_no_line(scene):
    assert not RosterChange.objects.exists()


def test_joining_is_told_with_who_took_the_member_in(scene):
    new = create_member(actor=scene.north_organizer, branch=scene.north_branch, name="陈北戊")
    adopt(scene)
    assert lines(scene, new) == [(Kind.JOINED, "北山村党支部", "新登记", "北山组织员")]


def test_leaving_and_coming_back_are_told_with_the_reason_and_who_said_so(scene):
    gone = today() - timedelta(days=1)
    leave_member(actor=scene.north_organizer, member=scene.wang, left_on=gone, reason="组织关系转出本区")
    adopt(scene)
    return_member(actor=scene.officer, member=scene.wang, branch=scene.north_branch, day=today())
    adopt(scene)
    assert lines(scene, scene.wang) == [
        (Kind.LEFT, "北山村党支部", "组织关系转出本区", "北山组织员"),
        (Kind.RETURNED, "北山村党支部", "", "区委主管"),
    ]
    assert list(RosterChange.objects.order_by("pk").values_list("day", flat=True)) == [gone, today()]


def test_an_older_act_is_not_taken_for_a_later_one(scene):
    """Left, came back, and gone again by an import, which tells nothing of the single member."""
    days = [today() - timedelta(days=number) for number in (3, 2, 1)]
    leave_member(actor=scene.north_organizer, member=scene.wang, left_on=days[0], reason="其他")
    return_member(actor=scene.officer, member=scene.wang, branch=scene.north_branch, day=days[1])
    with fixture_writes():
        Member.objects.filter(pk=scene.wang.pk).update(left_on=days[2], left_reason="其他")
    adopt(scene)
    assert lines(scene, scene.wang) == [(Kind.LEFT, "北山村党支部", "其他", "区委主管")]
    assert RosterChange.objects.get().day == days[2]


def test_moving_is_told_to_both_branches(scene):
    transfer_members(
        actor=scene.north_organizer, members=[scene.wang], to_branch=scene.north_other_branch, day=today()
    )
    adopt(scene)
    assert lines(scene, scene.wang) == [
        (Kind.MOVED_OUT, "北山村党支部", "转到北坡村党支部", "北山组织员"),
        (Kind.MOVED_IN, "北坡村党支部", "由北山村党支部转来", "北山组织员"),
    ]


def test_a_correction_is_told_with_what_changed(scene):
    change_member(actor=scene.north_organizer, member=scene.li, is_floating=True, post="SECRETARY")
    adopt(scene)
    ((kind, _, why, by),) = lines(scene, scene.li)
    assert (kind, by) == (Kind.CHANGED, "北山组织员")
    assert "流动党员：否 → 是" in why and "党内职务：空 → 书记" in why and "32 → 56" in why


def test_a_waiver_is_told_when_it_is_set_and_when_it_ends(scene):
    entry = scene.entry(scene.li)
    for _ in range(2):  # the second time changes nothing
        set_waiver(actor=scene.north_organizer, entry=entry, reason="ILLNESS", since=today())
    for _ in range(2):
        end_waiver(actor=scene.officer, entry=entry, until=today())
    assert lines(scene, scene.li) == [
        (Kind.WAIVED, "北山村党支部", "重病", "北山组织员"),
        (Kind.WAIVER_ENDED, "北山村党支部", "重病", "区委主管"),
    ]


def test_adopting_again_writes_no_second_line(scene):
    make_member(scene.north_branch, "陈北戊")
    for _ in range(2):
        adopt(scene)
    assert RosterChange.objects.count() == 1


# --- Adopting chosen people -------------------------------------------------------------------------
@pytest.fixture
def waiting(scene):
    """Two came, one left."""
    scene.new = [make_member(scene.north_branch, name) for name in ("陈北戊", "何北己")]
    leave_member(actor=scene.officer, member=scene.li, left_on=today() - timedelta(days=1), reason="其他")
    return scene


def test_chosen_people_are_adopted_and_nobody_else(waiting):
    for total in (2, 0):
        chosen = [waiting.new[0].pk, waiting.li.pk, waiting.wang.pk]
        adopted = adopt_differences(actor=waiting.north_organizer, unit=waiting.north_unit, members=chosen)
        assert adopted.total == total
    assert waiting.entry(waiting.li).left_on
    assert not waiting.campaign.entries.filter(member=waiting.new[1]).exists()
    assert AuditEvent.objects.filter(action="roster.adopted").count() == 1


def test_the_page_adopts_whom_one_ticks(waiting, client):
    client.force_login(waiting.north_organizer)
    where = reverse("attendance:roster_changes", args=[waiting.campaign.pk])
    answer = client.post(where, {"only": "people"}, follow=True)
    assert "还没有勾选人" in answer.content.decode()
    form = {"only": "people", "member": [waiting.new[0].pk, "x", waiting.sun.pk]}
    answer = client.post(where, form, follow=True)
    assert "加入1人，离册0人" in answer.content.decode() and "2处不同" in answer.content.decode()


def test_people_of_elsewhere_are_as_if_not_ticked(waiting):
    other = make_member(waiting.south_branch, "何南丙金丝雀")
    adopted = adopt_differences(
        actor=waiting.north_organizer, unit=waiting.north_unit, members=[other.pk, waiting.sun.pk]
    )
    assert adopted.total == 0 and not waiting.campaign.entries.filter(member=other).exists()


# --- The page ---------------------------------------------------------------------------------------
def where(scene, query=""):
    return reverse("attendance:roster_history", args=[scene.campaign.pk]) + query


@pytest.fixture
def changed(waiting):
    """One left before the roster was confirmed, two joined after it; one of the south joined."""
    adopt(waiting, members=[waiting.li.pk])
    confirm_roster(actor=waiting.north_organizer, unit=waiting.north_unit, knowing=2)
    make_member(waiting.south_branch, "何南丙金丝雀")
    adopt(waiting)
    return waiting


def names(client, scene, query=""):
    return [row.entry.member.name for row in client.get(where(scene, query)).context["page"].rows]


def test_the_list_begins_with_the_confirmation(changed, client):
    client.force_login(changed.north_organizer)
    assert names(client, changed) == ["何北己", "陈北戊"]
    assert names(client, changed, "?since=drawn") == ["何北己", "陈北戊", "李北乙"]
    client.force_login(changed.officer)
    assert len(names(client, changed)) == 4


def test_it_is_filtered_by_kind_unit_and_name(changed, client):
    client.force_login(changed.north_organizer)
    assert names(client, changed, "?since=drawn&kind=LEFT") == ["李北乙"]
    assert names(client, changed, "?q=何") == ["何北己"]
    assert names(client, changed, f"?unit={changed.north_other_unit.pk}") == []
    for query in ("?kind=x", "?since=x", "?after=x", "?after=9999999999999999999"):
        assert client.get(where(changed, query)).status_code == 200
    assert "没有找到" in client.get(where(changed, "?q=没有此人")).content.decode()


def test_a_list_without_lines_says_so(scene, client):
    client.force_login(scene.north_organizer)
    assert "名册还没有变动过" in client.get(where(scene)).content.decode()


def test_three_lines_cost_as_many_queries_as_one(scene, client):
    client.force_login(scene.north_organizer)
    make_member(scene.north_branch, "陈北戊")
    adopt(scene)
    one = query_count(client, where(scene))
    for name in ("何北己", "吕北庚"):
        make_member(scene.north_branch, name)
    adopt(scene)
    assert query_count(client, where(scene)) == one


def test_noting_takes_one_statement_however_many(scene):
    members = [make_member(scene.north_branch, f"新{number}") for number in range(30)]
    written = SimpleNamespace(n=0)

    def count(execute, sql, params, many, context):
        written.n += 'INSERT INTO "attendance_rosterchange"' in sql
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        adopt(scene)
    assert written.n == 1 and roster_history(scene.north_unit).count() == len(members)
