"""Transfers answered, and places in the tree changed, at the same moment."""

from functools import partial

import pytest
from django.utils import timezone

from attendance.services.moving import accept_transfer, merge_branch
from organizations.models import Organization, RequestState, Transfer
from organizations.service import Refused
from organizations.services.organizations import create_organization, move_organization
from organizations.services.transfer_requests import ask_transfer, decline_request, withdraw_request
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import make_organization
from tests.races.crowd import all_at_once, surprises

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene():
    return Scene()


def asked(scene):
    return ask_transfer(
        actor=scene.north_organizer, member=scene.wang, wanted="南河村党支部", day=timezone.localdate()
    )


def acceptance(scene, request):
    return partial(
        accept_transfer, actor=scene.south_organizer, request=request, to_branch=scene.south_branch
    )


def is_whole(scene):
    assert_derived_rows_are_true(scene.campaign)
    assert Organization.objects.find_problems() == ([], [], [], [], [])


def test_three_clicks_at_once_accept_once(scene):
    answers = all_at_once([acceptance(scene, asked(scene))] * 3)
    assert surprises(answers) == [] and sorted(answers) == [False, False, True]
    assert Transfer.objects.count() == 1
    is_whole(scene)


def test_of_accepting_withdrawing_and_declining_one_wins(scene):
    request = asked(scene)
    answers = all_at_once(
        [
            acceptance(scene, request),
            partial(withdraw_request, actor=scene.north_organizer, request=request),
            partial(decline_request, actor=scene.south_organizer, request=request, reason="查无此人"),
        ]
    )
    assert surprises(answers) == []
    assert sum(isinstance(answer, Refused) for answer in answers) == 2
    request.refresh_from_db()
    assert (request.state == RequestState.ACCEPTED) == Transfer.objects.exists()
    is_whole(scene)


def test_two_askings_at_once_are_one_request(scene):
    answers = all_at_once([partial(asked, scene)] * 3)
    assert surprises(answers) == [] and scene.wang.transfer_requests.count() == 1


def test_neither_of_two_villages_ends_up_below_itself(scene):
    villages = [
        make_organization(scene.north, f"HZ019{number}", f"湖{number}村党总支", "GENERAL_BRANCH")
        for number in (1, 2)
    ]
    move = partial(move_organization, actor=scene.officer)
    answers = all_at_once(
        [
            partial(move, organization=villages[0], parent=villages[1]),
            partial(move, organization=villages[1], parent=villages[0]),
            partial(
                create_organization,
                actor=scene.officer,
                parent=villages[0],
                code="HZ01911",
                name="第一党支部",
                kind="BRANCH",
            ),
        ]
    )
    assert surprises(answers) == []
    assert [isinstance(answer, Refused) for answer in answers[:2]].count(True) == 1
    is_whole(scene)


def test_two_merges_that_cross_leave_everybody_somewhere(scene):
    merge = partial(merge_branch, actor=scene.north_organizer, day=timezone.localdate())
    here, there = scene.north_branch, scene.north_other_branch
    answers = all_at_once(
        [partial(merge, branch=here, to_branch=there), partial(merge, branch=there, to_branch=here)]
    )
    assert surprises(answers) == []
    is_whole(scene)
