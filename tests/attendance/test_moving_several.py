"""Several chosen people move at once and may come back; a branch is emptied and closed in one act."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.services.moving import merge_branch, move_member
from attendance.services.moving_several import move_several, undo_move
from campaigns.models import Unit
from organizations.models import AuditEvent, BulkAct, Member, Organization, Transfer
from organizations.service import Refused
from organizations.services.members import leave_member
from organizations.services.transfer_requests import ask_transfer
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db
built, scene = once(Scene)


def ago(days):
    return timezone.localdate() - timedelta(days=days)


def move(scene, *members, actor=None, days=1, **more):
    more = {"to_branch": scene.north_other_branch, "day": ago(days), "request_uuid": uuid4()} | more
    return move_several(actor=actor or scene.north_organizer, members=members, **more)


def undo(scene, act, actor=None):
    return undo_move(actor=actor or scene.north_organizer, act=act)


def branch_of(member):
    return Member.objects.get(pk=member.pk).branch


def free_of_accounts(scene):
    with fixture_writes():
        scene.north_recorder.is_active = False
        scene.north_recorder.save()


# --- Together -------------------------------------------------------------------------------------
def test_the_chosen_move_in_one_act_and_the_same_page_again_moves_nobody(scene):
    events, key = AuditEvent.objects.count(), uuid4()
    act = move(scene, scene.wang, scene.li, request_uuid=key)
    assert move(scene, scene.wang, scene.li, request_uuid=key) == act
    assert AuditEvent.objects.count() == events + 1 and Transfer.objects.count() == 2
    assert scene.north_branch_unit.tally.members == 1 and scene.north_other_unit.tally.members == 3
    assert_derived_rows_are_true(scene.campaign)


@pytest.mark.parametrize(
    ("members", "to", "actor"),
    [
        (("wang", "li"), "south_branch", "north_organizer"),
        (("wang", "sun"), "north_other_branch", "north_organizer"),
        (("wang", "sun"), "north_other_branch", "officer"),  # of two branches
        ((), "north_other_branch", "north_organizer"),
        (("wang",), "north_other_branch", "inspector"),
    ],
)
def test_outside_the_scope_or_from_two_branches_nobody_moves(scene, members, to, actor):
    people = [getattr(scene, name) for name in members]
    with pytest.raises(Refused):
        move(scene, *people, to_branch=getattr(scene, to), actor=getattr(scene, actor))
    assert not Transfer.objects.exists() and not BulkAct.objects.exists()


# --- And back -------------------------------------------------------------------------------------
def test_undoing_brings_back_branch_group_post_and_the_sheet(scene):
    with fixture_writes():
        Member.objects.filter(pk=scene.wang.pk).update(party_group="二组", post="SECRETARY")
    session = scene.session(days=-1)
    scene.mark(session, {scene.li: "present"})
    kept = ("branch", "branch_since", "party_group", "post", "place_in_list")
    before = Member.objects.values(*kept).get(pk=scene.wang.pk)
    act = move(scene, scene.wang, scene.zhao, days=2)
    assert session.rows.count() == 1
    undone = undo(scene, act)
    assert (undone.done, undone.left) == (2, [])
    assert Member.objects.values(*kept).get(pk=scene.wang.pk) == before
    assert session.rows.filter(status="unmarked", part="EXPECTED").count() == 2
    assert scene.north_branch_unit.tally.members == 3 and scene.north_other_unit.tally.members == 1
    assert_derived_rows_are_true(scene.campaign)
    events = AuditEvent.objects.count()
    assert undo(scene, act).done == 0 and AuditEvent.objects.count() == events


def test_who_changed_since_is_left_alone_by_name(scene):
    north = {"actor": scene.north_organizer}
    act = move(scene, scene.wang, scene.li, scene.zhao, days=3)
    leave_member(**north, member=Member.objects.get(pk=scene.wang.pk), left_on=ago(1), reason="其他")
    move_member(**north, member=scene.li, to_branch=scene.north_branch, day=ago(0))
    undone = undo(scene, act)
    assert undone.done == 1 and undone.left == ["王北甲（后来登记离开了）", "李北乙（后来又转过）"]
    assert branch_of(scene.zhao) == scene.north_branch and branch_of(scene.wang) == scene.north_other_branch
    assert_derived_rows_are_true(scene.campaign)


@pytest.mark.parametrize("why", ["somebody else", "too late", "frozen", "closed"])
def test_an_undo_that_may_not_be_is_refused_whole(scene, why):
    act = move(scene, scene.wang)
    with fixture_writes():
        if why == "too late":
            BulkAct.objects.update(at=timezone.now() - timedelta(hours=25))
        elif why == "frozen":
            Unit.objects.filter(pk=scene.north_branch_unit.pk).update(frozen_at=timezone.now())
        elif why == "closed":
            Organization.objects.filter(pk=scene.north_branch.pk).update(closed_on=ago(0))
    with pytest.raises(Refused):
        undo(scene, act, scene.officer if why == "somebody else" else None)
    assert branch_of(scene.wang) == scene.north_other_branch
    act.refresh_from_db()
    assert act.undone_at is None


# --- Merging --------------------------------------------------------------------------------------
def merge(scene, close=True, actor=None):
    return merge_branch(
        actor=actor or scene.north_organizer,
        branch=scene.north_branch,
        to_branch=scene.north_other_branch,
        day=ago(0),
        close=close,
    )


def test_a_branch_is_emptied_and_closed_in_one_act(scene):
    free_of_accounts(scene)
    assert [merge(scene), merge(scene)] == [3, 0]
    assert Organization.objects.get(pk=scene.north_branch.pk).closed_on == ago(0)
    assert_derived_rows_are_true(scene.campaign)


def test_a_branch_that_cannot_be_closed_keeps_its_people(scene):
    with pytest.raises(Refused, match="账号"):
        merge(scene)
    assert branch_of(scene.wang) == scene.north_branch and not Transfer.objects.exists()


# --- Pages ----------------------------------------------------------------------------------------
def address(name, pk):
    return reverse(f"attendance:{name}", args=[pk])


def test_the_pages_move_several_and_undo(scene, client):
    client.force_login(scene.north_organizer)
    page = address("branch_move", scene.north_branch.pk)
    detail = reverse("organizations:organization_detail", args=[scene.north_branch.pk])
    assert page in client.get(detail).content.decode()
    assert "赵北丙" in client.get(page).content.decode()
    sent = {"to_branch": scene.north_other_branch.pk, "day": ago(0), "request_uuid": uuid4()}
    assert client.post(page, sent).status_code == 422
    answer = client.post(page, sent | {"members": [scene.wang.pk, scene.li.pk]}, follow=True)
    shown, act = answer.content.decode(), BulkAct.objects.get()
    assert "2人由北山村党支部转到北坡村党支部" in shown and address("moved_undo", act.pk) in shown
    back = client.post(address("moved_undo", act.pk), follow=True).content.decode()
    assert "转回2人" in back and address("moved_undo", act.pk) not in back


def test_the_merge_page_says_what_is_in_the_branch(scene, client):
    client.force_login(scene.north_organizer)
    ask_transfer(actor=scene.north_organizer, member=scene.wang, wanted="南河村党支部", day=ago(0))
    scene.session(days=1, title="明天的课")
    page = address("branch_merge", scene.north_branch.pk)
    shown = client.get(page).content.decode()
    for words in ("3名党员", "1份转接申请", "1场未点名的课", "明天的课", "1个在用的账号"):
        assert words in shown, words
    assert 'name="close"' not in shown
    free_of_accounts(scene)
    assert 'name="close"' in client.get(page).content.decode()
    sent = {"to_branch": scene.north_other_branch.pk, "day": ago(0), "close": "on"}
    assert "已经撤销" in client.post(page, sent, follow=True).content.decode()


@pytest.mark.parametrize("actor", ["south_organizer", "inspector", "north_recorder"])
def test_nobody_else_reaches_these_pages(scene, client, actor):
    act = move(scene, scene.wang)
    client.force_login(getattr(scene, actor))
    for name, pk in (
        ("branch_move", scene.north_branch.pk),
        ("branch_merge", scene.north_branch.pk),
        ("moved_detail", act.pk),
        ("moved_undo", act.pk),
    ):
        method = client.post if name == "moved_undo" else client.get
        assert method(address(name, pk)).status_code == 404, name
    client.force_login(scene.north_organizer)
    assert client.get(address("moved_undo", act.pk)).status_code == 405
