"""Two imports, and two campaigns drawn, at the same moment."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from attendance.models import RosterEntry
from attendance.services.roster import open_campaign
from campaigns.models import Stage
from campaigns.services.campaigns import create_campaign
from organizations.models import AuditEvent, ImportBatch, ImportState, Member
from organizations.service import Refused
from organizations.services import imports
from tests.base import Cast
from tests.organizations.workbooks import id_number, person, roster
from tests.races.crowd import all_at_once, surprises

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("张新一", "张新二", "张新三", "张新四")


@pytest.fixture
def cast():
    return Cast()


def checked(cast, branch, organization):
    people = [
        person(name, branch.name, id=id_number(serial=f"{100 + number}")) for number, name in enumerate(NAMES)
    ]
    return imports.check_roster(
        actor=cast.officer, organization=organization, file_name="名册.xlsx", content=roster(*people)
    )


def test_one_checked_roster_stored_by_two_taps_is_stored_once(cast):
    batch = checked(cast, cast.north_branch, cast.north)
    answers = all_at_once([lambda: imports.store_batch(actor=cast.officer, batch=batch)] * 3)
    assert surprises(answers) == []
    assert {answer["created"] for answer in answers} == {4}
    assert Member.objects.filter(name__in=NAMES).count() == 4
    assert AuditEvent.objects.filter(action="roster.stored").count() == 1


@pytest.mark.parametrize(
    "places",
    [
        (("north_branch", "north"), ("north_branch", "district")),
        (("north_other_branch", "north"), ("south_branch", "south")),
    ],
    ids=["the same branch", "another township, known by ID number only"],
)
def test_of_two_rosters_with_the_same_people_one_is_stored_and_one_refused(cast, places):
    before = Member.objects.count()
    batches = [checked(cast, getattr(cast, branch), getattr(cast, top)) for branch, top in places]
    acts = [partial(imports.store_batch, actor=cast.officer, batch=batch) for batch in batches]
    answers = all_at_once(acts)
    assert surprises(answers) == []
    assert [one.code for one in answers if isinstance(one, Refused)] == ["changed_since"]
    assert Member.objects.count() == before + 4
    assert ImportBatch.objects.filter(state=ImportState.STORED).count() == 1


def new_campaign(cast, label, organization=None):
    today = timezone.localdate()
    return create_campaign(
        actor=cast.officer,
        organization=organization or cast.district,
        preset="siwuliu",
        label=label,
        starts_on=today - timedelta(days=30),
        ends_on=today + timedelta(days=90),
    )


def test_a_campaign_started_by_two_taps_has_one_roster(cast):
    campaign = new_campaign(cast, "2026年冬训")
    answers = all_at_once([lambda: open_campaign(actor=cast.officer, campaign=campaign)] * 3)
    assert answers == [6, 6, 6]
    assert RosterEntry.objects.count() == 6
    assert AuditEvent.objects.filter(action="roster.drawn").count() == 1


def test_of_two_campaigns_started_at_once_nobody_is_on_both_rosters(cast):
    campaigns = [new_campaign(cast, "2026年冬训"), new_campaign(cast, "北山镇冬训", cast.north)]
    answers = all_at_once([partial(open_campaign, actor=cast.officer, campaign=one) for one in campaigns])
    assert surprises(answers) == []
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [one.code for one in refused] == ["busy"]
    for one in campaigns:
        one.refresh_from_db()
    assert sorted(one.stage for one in campaigns) == sorted([Stage.OPEN, Stage.PREPARING])
