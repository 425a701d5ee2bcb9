"""People move between branches, leave, come back; branches appear, change and merge."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import RosterStay
from attendance.services import exclusively
from attendance.services.adopting import adopt_differences
from attendance.services.moving import merge_branch, move_member
from attendance.services.tree import adopt_tree
from campaigns.models import Unit
from campaigns.services.locking import lock_units
from organizations.models import AuditEvent, Organization, Transfer
from organizations.service import Refused
from organizations.services.members import change_member, create_member, leave_member
from organizations.services.organizations import (
    change_organization,
    close_organization,
    create_organization,
)
from organizations.services.transfers import return_member, transfer_member
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once
from tests.organizations.workbooks import id_number

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


built, scene = once(Scene)


def ago(days):
    return TODAY() - timedelta(days=days)


def move(scene, member, to, day, actor=None):
    return move_member(actor=actor or scene.north_organizer, member=member, to_branch=to, day=day)


def freeze(unit):
    with fixture_writes():
        Unit.objects.filter(pk=unit.pk).update(frozen_at=timezone.now())


def test_a_move_takes_the_person_and_what_they_attended_along(scene):
    scene.mark(scene.session(days=-9, topics=scene.topics(0)), {scene.wang: "present"})
    assert move(scene, scene.wang, scene.north_other_branch, ago(3)) == 1
    assert move(scene, scene.wang, scene.north_other_branch, ago(3)) == 0
    old, new = scene.north_branch_unit.tally, scene.north_other_unit.tally
    assert (old.members, old.trained, old.expected) == (2, 0, 3)
    assert (new.members, new.trained, new.expected) == (2, 1, 0)
    assert_derived_rows_are_true(scene.campaign)


def test_it_is_one_act_with_a_transfer_row(scene):
    events = AuditEvent.objects.count()
    move(scene, scene.wang, scene.north_other_branch, ago(3))
    transfer = Transfer.objects.get()
    assert (transfer.from_branch, transfer.to_branch) == (scene.north_branch, scene.north_other_branch)
    assert AuditEvent.objects.count() == events + 1
    stays = RosterStay.objects.filter(entry=scene.entry(scene.wang)).order_by("since")
    assert [(stay.unit, stay.until) for stay in stays] == [
        (scene.north_branch_unit, ago(3)),
        (scene.north_other_unit, None),
    ]


def test_an_unmarked_row_after_the_day_is_withdrawn_and_a_marked_one_stays(scene):
    before, marked, after = scene.session(days=-9), scene.session(days=-2), scene.session(days=-1)
    scene.mark(before, {scene.li: "present"})
    scene.mark(marked, {scene.wang: "absent", scene.li: "present"})
    scene.mark(after, {scene.li: "present"})
    move(scene, scene.wang, scene.north_other_branch, ago(5))
    rows = scene.entry(scene.wang).rows.values_list("session", "status")
    assert set(rows) == {(before.pk, "unmarked"), (marked.pk, "absent")}
    assert_derived_rows_are_true(scene.campaign)


def test_the_old_branch_still_expects_whoever_belonged_there_on_the_day(scene):
    earlier = scene.session(days=-9)
    move(scene, scene.wang, scene.north_other_branch, ago(3))
    scene.mark(earlier, {scene.wang: "present"})
    assert earlier.rows.get(entry__member=scene.wang).part == "EXPECTED"
    assert_derived_rows_are_true(scene.campaign)


@pytest.mark.parametrize(
    ("to", "days", "actor"),
    [
        ("south_branch", 1, "north_organizer"),
        ("north_branch", 1, "south_organizer"),
        ("north_branch", -1, "north_organizer"),
        ("north", 1, "north_organizer"),
        ("north_branch", 1, "inspector"),
    ],
)
def test_a_move_outside_the_scope_or_time_is_refused(scene, to, days, actor):
    with pytest.raises(Refused):
        move(scene, scene.qian, getattr(scene, to), ago(days), getattr(scene, actor))
    assert not Transfer.objects.exists()


def test_the_level_above_moves_between_townships(scene):
    move(scene, scene.wang, scene.south_branch, ago(1), scene.officer)
    assert scene.south_branch_unit.tally.members == 3
    assert_derived_rows_are_true(scene.campaign)


@pytest.mark.parametrize("side", ["north_branch_unit", "north_other_unit"])
def test_a_frozen_side_refuses_and_nothing_is_stored(scene, side):
    freeze(getattr(scene, side))
    with pytest.raises(Refused, match="锁定"):
        move(scene, scene.wang, scene.north_other_branch, ago(1))
    scene.wang.refresh_from_db()
    assert scene.wang.branch == scene.north_branch and not Transfer.objects.exists()


def test_whoever_left_and_returns_counts_again_with_a_new_stay(scene):
    scene.mark(scene.session(days=-9), {scene.wang: "present"})
    north = {"actor": scene.north_organizer}
    leave_member(**north, member=scene.wang, left_on=ago(6), reason="其他")
    adopt_differences(**north, unit=scene.north_unit)
    assert scene.north_branch_unit.tally.members == 2
    return_member(**north, member=scene.wang, branch=scene.north_other_branch, day=ago(2))
    adopted = adopt_differences(**north, unit=scene.north_unit)
    assert (adopted.returned, adopted.joined, adopted.moved) == (1, 0, 0)
    scene.north_other_unit.tally.refresh_from_db()
    assert (scene.north_other_unit.tally.members, scene.north_other_unit.tally.trained) == (2, 1)
    stays = scene.entry(scene.wang).stays.values_list("since", "until", "unit")
    assert list(stays)[-1] == (ago(2), None, scene.north_other_unit.pk)
    assert adopt_differences(**north, unit=scene.north_unit).total == 0
    assert_derived_rows_are_true(scene.campaign)


def test_a_return_before_the_leaving_or_in_the_future_is_refused(scene):
    north = {"actor": scene.north_organizer, "member": scene.wang}
    leave_member(**north, left_on=ago(3), reason="其他")
    for day in (ago(4), ago(-1)):
        with pytest.raises(Refused):
            return_member(**north, branch=scene.north_branch, day=day)


def test_who_is_registered_anew_by_their_number_is_offered_to_return(scene, client):
    number = id_number("19700101")
    change_member(actor=scene.north_organizer, member=scene.wang, id_number=number)
    leave_member(actor=scene.north_organizer, member=scene.wang, left_on=ago(6), reason="其他")
    form = {"branch": scene.north_other_branch.pk, "name": "王北甲", "category": "FULL", "id_number": number}
    client.force_login(scene.north_organizer)
    answer = client.post(reverse("organizations:member_new"), form)
    back = reverse("organizations:member_return", args=[scene.wang.pk])
    assert answer.status_code == 422 and back in answer.content.decode()
    client.force_login(scene.south_organizer)
    answer = client.post(reverse("organizations:member_new"), form | {"branch": scene.south_branch.pk})
    assert answer.status_code == 422 and "王北甲离开" not in answer.content.decode()
    assert back not in answer.content.decode() and "北山" not in answer.content.decode()


def test_a_transfer_made_without_the_roster_is_a_difference_to_adopt(scene):
    with fixture_writes():
        transfer_member(
            actor=scene.north_organizer, member=scene.wang, to_branch=scene.north_other_branch, day=ago(2)
        )
    assert scene.north_branch_unit.tally.members == 3
    assert adopt_differences(actor=scene.north_organizer, unit=scene.north_unit).moved == 1
    assert_derived_rows_are_true(scene.campaign)


def test_leaving_after_a_move_withdraws_rows_on_the_old_branchs_sheet_too(scene):
    held = scene.session(days=-2)
    move(scene, scene.wang, scene.north_other_branch, ago(1))
    scene.mark(held, {scene.li: "present"})
    with fixture_writes():
        scene.wang.__class__.objects.filter(pk=scene.wang.pk).update(left_on=ago(3), left_reason="其他")
    adopt_differences(actor=scene.north_organizer, unit=scene.north_unit)
    assert_derived_rows_are_true(scene.campaign)


# --- Branches ------------------------------------------------------------------------------------
def test_a_new_branch_is_adopted_and_then_takes_people(scene):
    north = {"actor": scene.north_organizer}
    new = create_organization(**north, parent=scene.north, code="HZ0103", name="北湖村党支部", kind="BRANCH")
    with pytest.raises(Refused, match="名册变动"):
        move(scene, scene.wang, new, ago(1))
    create_member(**north, branch=new, name="陈新")
    assert adopt_tree(**north, unit=scene.north_unit).new == 1
    assert adopt_tree(**north, unit=scene.north_unit).total == 0
    adopt_differences(**north, unit=scene.north_unit)
    move(scene, scene.wang, new, ago(0))
    assert Unit.objects.get(organization=new).tally.members == 2
    assert_derived_rows_are_true(scene.campaign)


def test_a_merged_branch_is_emptied_in_one_act_then_closed(scene):
    scene.mark(scene.session(days=-9), {scene.wang: "present"})
    north, events = {"actor": scene.north_organizer}, AuditEvent.objects.count()
    assert (
        merge_branch(**north, branch=scene.north_branch, to_branch=scene.north_other_branch, day=ago(1)) == 3
    )
    assert AuditEvent.objects.count() == events + 1
    with fixture_writes():
        scene.north_recorder.is_active = False
        scene.north_recorder.save()
    close_organization(**north, organization=scene.north_branch)
    assert adopt_tree(**north, unit=scene.north_unit).closed == 1
    assert scene.north_other_unit.tally.members == 4
    assert Unit.objects.get(pk=scene.north_branch_unit.pk).closed_on == TODAY()
    assert_derived_rows_are_true(scene.campaign)


def test_another_name_and_another_parent_are_adopted_by_the_top(scene):
    change_organization(actor=scene.officer, organization=scene.north_branch, name="北山社区党支部")
    with fixture_writes():
        here, there = (Organization.objects.get(pk=one.pk) for one in (scene.north_branch, scene.south))
        Organization.objects.move(here, there, "first-child")
    with pytest.raises(Refused, match="换了上级"):
        adopt_tree(actor=scene.north_organizer, unit=scene.north_unit)
    adopted = adopt_tree(actor=scene.officer, unit=scene.district_unit)
    assert adopted.moved >= 2 and adopted.renamed == 1
    unit = Unit.objects.get(pk=scene.north_branch_unit.pk)
    assert unit.name == "北山社区党支部" and unit.path.startswith(scene.south_unit.path)
    assert unit.tally.path == unit.path
    assert_derived_rows_are_true(scene.campaign)


def test_a_frozen_township_adopts_no_branch(scene):
    create_organization(
        actor=scene.officer, parent=scene.north, code="HZ0103", name="北湖村党支部", kind="BRANCH"
    )
    freeze(scene.north_unit)
    with pytest.raises(Refused, match="锁定"):
        adopt_tree(actor=scene.officer, unit=scene.district_unit)


# --- Pages --------------------------------------------------------------------------------------
def test_the_pages_move_merge_and_take_back(scene, client):
    client.force_login(scene.north_organizer)
    page = reverse("attendance:member_move", args=[scene.wang.pk])
    assert page in client.get(reverse("organizations:member_detail", args=[scene.wang.pk])).content.decode()
    shown = client.get(page).content.decode()
    assert "北坡村党支部" in shown and "南河" not in shown
    assert client.post(page, {"to_branch": scene.south_branch.pk, "day": ago(1)}).status_code == 422
    sent = client.post(page, {"to_branch": scene.north_other_branch.pk, "day": ago(1)})
    assert sent.status_code == 302 and scene.entry(scene.wang).unit == scene.north_other_unit
    merge = reverse("attendance:branch_merge", args=[scene.north_branch.pk])
    assert client.get(merge).status_code == 200
    client.post(merge, {"to_branch": scene.north_other_branch.pk, "day": ago(0)})
    assert scene.entry(scene.li).unit == scene.north_other_unit
    leave_member(actor=scene.north_organizer, member=scene.li, left_on=ago(0), reason="其他")
    back = reverse("organizations:member_return", args=[scene.li.pk])
    assert client.get(back).status_code == 200
    client.post(back, {"branch": scene.north_branch.pk, "day": ago(0)})
    scene.li.refresh_from_db()
    assert scene.li.left_on is None


def test_the_changes_page_shows_and_adopts_a_new_branch(scene, client):
    north = {"actor": scene.north_organizer}
    new = create_organization(**north, parent=scene.north, code="HZ0103", name="北湖村党支部", kind="BRANCH")
    create_member(**north, branch=new, name="陈新")
    client.force_login(scene.north_organizer)
    page = reverse("attendance:roster_changes", args=[scene.campaign.pk]) + f"?unit={scene.north_unit.pk}"
    shown = client.get(page).content.decode()
    assert "北湖村党支部" in shown and "1名党员一起加入" in shown and "单位有1处不同" in shown
    answer = client.post(page, follow=True).content.decode()
    assert "新设1个" in answer and "加入1人" in answer
    assert Unit.objects.get(organization=new).tally.members == 1


@pytest.mark.parametrize("adopt", [adopt_tree, adopt_differences])
def test_adopting_locks_what_is_below_the_unit_now_wherever_the_page_saw_it(scene, monkeypatch, adopt):
    seen, locked = Unit.objects.get(pk=scene.north_unit.pk), []
    seen.path = "0009" + seen.path  # where it was before it moved

    def remember(ids):
        locked.extend(ids)
        return lock_units(ids)

    monkeypatch.setattr(exclusively, "lock_units", remember)
    adopt(actor=scene.north_organizer, unit=seen)
    assert {scene.north_branch_unit.pk, scene.north_other_unit.pk} <= set(locked)
