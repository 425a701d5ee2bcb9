"""What an account sees of several winters, beside the rule written out row by row."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import CampaignKind, SessionUnit, Stage, TrainingSession, Unit
from campaigns.services.campaigns import create_campaign, draw_units, mark_open
from campaigns.services.stages import mark_closed
from organizations.models import Organization, OrganizationKind, Role, User
from organizations.services.organizations import move_organization
from tests.base import Cast, fixture_writes, make_organization, make_user, once
from tests.campaigns.scene import make_campaign, make_session, unit_of

pytestmark = pytest.mark.django_db


class Winters(Cast):
    """A winter that is over and kept its tree, this one, a prepared one, two owned below, classes in all.

    Between the first two a branch went from the north to the south, and a new one took its place in the tree.
    """

    def __init__(self):
        super().__init__()
        self.last = make_campaign(self, "去年")
        north, south = unit_of(self.last, self.north), unit_of(self.last, self.south)
        branch, other = unit_of(self.last, self.north_other_branch), unit_of(self.last, self.south_branch)
        make_session(self.officer, self.last, north, title="镇里", units=[branch])
        make_session(self.officer, self.last, north, title="两镇一起", units=[branch, other])
        make_session(self.officer, self.last, unit_of(self.last, self.district), title="区里", units=[south])
        make_session(self.officer, self.last, south, title="南河办，北山听", units=[branch])
        mark_closed(campaign=self.last)
        move_organization(actor=self.officer, organization=self.north_other_branch, parent=self.south)
        make_organization(self.north, "HZ0103", "新设党支部")
        for organization in Organization.objects.all():
            setattr(self, organization.code, organization)
        self.now = make_campaign(self, "今年")
        moved, new = unit_of(self.now, self.HZ0102), unit_of(self.now, self.HZ0103)
        assert new.path == branch.path
        make_session(self.officer, self.now, moved, title="走了的支部")
        make_session(self.officer, self.now, new, title="新设的支部")
        make_session(self.officer, self.now, unit_of(self.now, self.south), title="南河", units=[moved])
        make_campaign(self, "明年", opened=False)
        for township in (self.HZ01, self.HZ02):
            self.own(township)

    def own(self, township):
        officer = make_user(f"officer-{township.code}", township, Role.OFFICER)
        today = timezone.localdate()
        campaign = create_campaign(
            actor=officer,
            organization=township,
            preset="siwuliu",
            label="练习",
            starts_on=today - timedelta(days=30),
            ends_on=today + timedelta(days=90),
            kind=CampaignKind.PRACTICE,
        )
        draw_units(actor=officer, campaign=campaign)
        campaign = mark_open(actor=officer, campaign=campaign)
        branch = campaign.units.filter(kind=OrganizationKind.BRANCH).order_by("path").first()
        make_session(officer, campaign, branch, title="练习课")


built, scene = once(Winters)


def units_of(user) -> set[int]:
    """The rule, row by row."""
    if not user.is_active or not user.sees_records:
        return set()
    units = list(Unit.objects.select_related("campaign__organization"))
    roots = {unit.campaign_id: unit.path for unit in units if unit.organization_id == user.organization_id}
    return {
        unit.pk
        for unit in units
        if unit.campaign.organization.path.startswith(user.organization.path)
        or (unit.campaign_id in roots and unit.path.startswith(roots[unit.campaign_id]))
    }


def sessions_of(user) -> set[int]:
    units = units_of(user)
    hosted = {pk for pk, host in TrainingSession.objects.values_list("pk", "host") if host in units}
    return hosted | {pk for pk, unit in SessionUnit.objects.values_list("session", "unit") if unit in units}


def everybody():
    for organization in Organization.objects.all():
        for role in Role:
            for is_active in (True, False):
                yield User(organization=organization, role=role, is_active=is_active)


def listed(rows) -> list[int]:
    return sorted(rows.values_list("pk", flat=True))


def test_everybody_sees_the_units_and_classes_the_rule_names(scene):
    seen = set()
    for user in everybody():
        units, sessions = units_of(user), sessions_of(user)
        assert listed(Unit.objects.visible_to(user)) == sorted(units)
        assert listed(TrainingSession.objects.visible_to(user)) == sorted(sessions)
        seen.add((frozenset(units), frozenset(sessions)))
    assert len(seen) == 8  # seven places, no two alike, and nobody


def test_one_class_a_page_and_none_are_cut_from_the_same_set(scene):
    for user in everybody():
        sessions = sessions_of(user)
        mine = TrainingSession.objects.visible_to(user)
        for pk in TrainingSession.objects.values_list("pk", flat=True):
            assert mine.filter(pk=pk).exists() == (pk in sessions)
            assert mine.exclude(pk=pk).count() == len(sessions - {pk})


def test_a_branch_that_moved_is_seen_by_its_superior_of_that_winter(scene):
    north, south = (User(organization=o, role=Role.ORGANIZER) for o in (scene.HZ01, scene.HZ02))
    then, now = (unit_of(winter, scene.HZ0102) for winter in (scene.last, scene.now))
    scene.last.refresh_from_db()
    assert scene.last.stage == Stage.CLOSED
    assert {then.pk, now.pk} & set(listed(Unit.objects.visible_to(north))) == {then.pk}
    assert {then.pk, now.pk} & set(listed(Unit.objects.visible_to(south))) == {now.pk}
    titles = set(TrainingSession.objects.visible_to(north).values_list("title", flat=True))
    assert {"镇里", "两镇一起", "南河办，北山听"} <= titles and not {"走了的支部", "南河"} & titles


def test_an_owner_that_moved_elsewhere_takes_its_winter_along(scene):
    with fixture_writes():
        Organization.objects.move(scene.HZ01, scene.HZ02, "last-child")
    for user in everybody():
        assert listed(Unit.objects.visible_to(user)) == sorted(units_of(user))
        assert listed(TrainingSession.objects.visible_to(user)) == sorted(sessions_of(user))


def test_a_class_without_anybody_is_its_hosts(scene):
    with fixture_writes():
        SessionUnit.objects.filter(session__title__in=["镇里", "南河"]).delete()
    for user in everybody():
        assert listed(TrainingSession.objects.visible_to(user)) == sorted(sessions_of(user))
