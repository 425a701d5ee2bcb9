"""A village or a general branch goes under another township."""

import pytest
from django.urls import reverse

from attendance.services.adopting import adopt_differences
from attendance.services.tree import adopt_tree
from campaigns.models import Campaign, Unit
from organizations.models import AuditEvent, Member, Organization
from organizations.service import Refused
from organizations.services.organizations import create_organization, move_organization
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, make_organization, make_user, once

pytestmark = pytest.mark.django_db


class Village(Scene):
    """A village of two levels in the north, with somebody in it and an account of its own."""

    def __init__(self):
        super().__init__()
        kind = "GENERAL_BRANCH"
        self.village = make_organization(self.north, "HZ0103", "北湖村党总支", kind)
        self.first = make_organization(self.village, "HZ010301", "北湖村第一党支部")
        self.chen = make_member(self.first, "陈北湖")
        self.keeper = make_user("village", self.village, "ORGANIZER")


built, scene = once(Village)


def move(scene, what=None, to=None, actor=None):
    what, to = what or scene.village, to or scene.south
    return move_organization(actor=actor or scene.officer, organization=what, parent=to)


def fresh(one):
    return Organization.objects.get(pk=one.pk)


def test_everything_below_comes_along_and_keeps_its_scope(scene):
    move(scene)
    assert fresh(scene.south).contains(fresh(scene.first)) and fresh(scene.first).depth == 4
    seen = {user: set(Member.objects.visible_to(user)) for user in people_of(scene)}
    assert scene.chen in seen[scene.keeper] and scene.chen in seen[scene.south_organizer]
    assert scene.chen not in seen[scene.north_organizer]
    assert Organization.objects.find_problems() == ([], [], [], [], [])


def people_of(scene):
    for user in (scene.keeper, scene.south_organizer, scene.north_organizer):
        user.refresh_from_db()
        yield user


def test_it_is_told_to_both_sides_with_old_and_new_and_once(scene):
    last = AuditEvent.objects.latest("pk").pk
    for _ in range(2):
        move(scene)
    here, there = AuditEvent.objects.filter(pk__gt=last).order_by("pk")
    assert (here.path, there.path) == (fresh(scene.village).path, scene.north.path)
    assert here.details["changes"][0]["before"] == "北山镇党委" and "南河" not in there.summary


@pytest.mark.parametrize(
    ("what", "to", "actor", "words"),
    [
        ("village", "first", "officer", "反过来"),
        ("village", "village", "officer", "反过来"),
        ("north", "village", "officer", "反过来"),
        ("village", "south_branch", "officer", "不能再设"),
        ("village", "south", "north_organizer", "不在您的管理范围"),
        ("south_branch", "north", "north_organizer", "不在您的管理范围"),
        ("village", "south", "inspector", "不在您的管理范围"),
        ("village", "south", "keeper", "自己所在的"),
    ],
)
def test_what_makes_no_tree_or_lies_outside_is_refused(scene, what, to, actor, words):
    before = list(Organization.objects.values_list("pk", "path"))
    with pytest.raises(Refused, match=words):
        move(scene, getattr(scene, what), getattr(scene, to), getattr(scene, actor))
    assert list(Organization.objects.values_list("pk", "path")) == before


def test_two_of_one_name_do_not_meet_under_one_superior(scene):
    make_organization(scene.south, "HZ0205", scene.village.name, "GENERAL_BRANCH")
    with pytest.raises(Refused, match="已经有"):
        move(scene)


def test_nobody_inherits_the_history_of_who_had_the_place_before(scene):
    """Scope is a range of paths: the next one in the north must not read what the village did there."""
    old = scene.village.path
    make_something_happen(scene)
    move(scene)
    new = create_organization(
        actor=scene.officer, parent=scene.north, code="HZ0109", name="北坡新村", kind="BRANCH"
    )
    assert new.path != old and fresh(new).path == new.path
    officer = make_user("new", fresh(new), "OFFICER")
    assert [event.target_id for event in AuditEvent.objects.visible_to(officer)] == [str(new.pk)]
    move(scene, to=scene.north)
    assert fresh(scene.village).path not in (old, new.path)
    assert Organization.objects.find_problems() == ([], [], [], [], [])


def make_something_happen(scene):
    create_organization(
        actor=scene.keeper, parent=scene.village, code="HZ010302", name="北湖村第二党支部", kind="BRANCH"
    )


def test_the_open_campaign_adopts_it_and_the_closed_one_keeps_its_tree(scene):
    adopt_tree(actor=scene.officer, unit=scene.district_unit)
    scene.mark(scene.session(days=-2), {scene.wang: "present"})
    closed = unit_paths(close_and_copy(scene))
    move(scene, scene.north_branch, scene.south)
    with pytest.raises(Refused, match="换了上级"):
        adopt_tree(actor=scene.north_organizer, unit=scene.north_unit)
    assert adopt_tree(actor=scene.officer, unit=scene.district_unit).moved == 1
    unit = Unit.objects.get(pk=scene.north_branch_unit.pk)
    assert unit.path == fresh(scene.north_branch).path == unit.tally.path
    assert (unit.tally.members, unit.tally.trained) == (3, 1)
    assert_derived_rows_are_true(scene.campaign)
    assert unit_paths(Campaign.objects.get(stage="CLOSED")) == closed


def test_a_campaign_loses_who_went_beyond_its_owner_and_takes_them_back(scene, client):
    adopt_tree(actor=scene.officer, unit=scene.district_unit)
    with fixture_writes():
        Campaign.objects.filter(pk=scene.campaign.pk).update(organization=scene.north)
    scene.mark(scene.session(days=-2), {scene.wang: "present"})
    north = Unit.objects.get(pk=scene.north_unit.pk)
    move(scene, scene.north_branch, scene.south)
    client.force_login(scene.north_organizer)
    page = reverse("attendance:roster_changes", args=[scene.campaign.pk]) + f"?unit={north.pk}"
    assert "划到这次冬训以外" in client.get(page).content.decode()
    assert [adopt_tree(actor=scene.north_organizer, unit=north).gone for _ in range(2)] == [1, 0]
    unit = Unit.objects.get(pk=scene.north_branch_unit.pk)
    assert unit.closed_on and unit.tally.members == 0
    entry = scene.entry(scene.wang)
    assert entry.left_on and not entry.is_open
    move(scene, scene.north_branch, scene.north)
    assert adopt_tree(actor=scene.north_organizer, unit=north).moved == 1
    assert adopt_differences(actor=scene.north_organizer, unit=north).returned == 3
    unit = Unit.objects.get(pk=unit.pk)
    assert (unit.closed_on, unit.tally.members, unit.tally.trained) == (None, 3, 1)
    assert adopt_tree(actor=scene.north_organizer, unit=north).total == 0
    assert_derived_rows_are_true(scene.campaign)


def close_and_copy(scene):
    """Last winter's campaign, with the tree it had."""
    with fixture_writes():
        made = Campaign.objects.get(pk=scene.campaign.pk)
        made.pk, made.label, made.stage = None, "去年冬训", "CLOSED"
        made.save()
        for unit in Unit.objects.filter(campaign=scene.campaign):
            unit.pk, unit.campaign = None, made
            unit.save()
    return made


def unit_paths(campaign):
    return dict(campaign.units.values_list("organization", "path"))


def test_the_page_says_what_goes_along_and_does_it(scene, client):
    client.force_login(scene.officer)
    detail = reverse("organizations:organization_detail", args=[scene.village.pk])
    page = reverse("organizations:organization_move", args=[scene.village.pk])
    assert page in client.get(detail).content.decode()
    shown = client.get(page).content.decode()
    assert "1个党支部、1名党员、1个在用的账号" in shown
    assert client.post(page, {"parent": scene.first.pk}).status_code == 422
    assert client.post(page, {"parent": scene.south.pk}, follow=True).status_code == 200
    assert fresh(scene.south).contains(fresh(scene.village))


@pytest.mark.parametrize(
    ("actor", "what"),
    [
        ("south_organizer", "village"),
        ("keeper", "village"),
        ("inspector", "village"),
        ("north_organizer", "north"),
    ],
)
def test_nobody_else_reaches_the_page(scene, client, actor, what):
    client.force_login(getattr(scene, actor))
    page = reverse("organizations:organization_move", args=[getattr(scene, what).pk])
    assert client.get(page).status_code == client.post(page, {"parent": scene.south.pk}).status_code == 404
