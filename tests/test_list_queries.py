"""Lists that no test beside their own app asks: as many queries for three rows as for one."""

from uuid import uuid4

import pytest
from django.urls import reverse

from reports.services.reports import request_report
from tests.attendance.scene import Scene
from tests.base import make_member, once, query_count
from tests.campaigns.scene import make_campaign

pytestmark = pytest.mark.django_db


built, cast = once(Scene)


@pytest.fixture
def scene(cast, client):
    client.force_login(cast.officer)
    return cast


def asked_for_reports(scene, start, stop):
    for _ in range(start, stop):
        request_report(actor=scene.officer, unit=scene.district_unit, form=uuid4())


def new_members(scene, start, stop):
    for number in range(start, stop):
        make_member(scene.north_branch, f"新来{number}")


def campaigns(scene, start, stop):
    for number in range(start, stop):
        make_campaign(scene, f"练习{number}", kind="PRACTICE", opened=False)


def sessions(scene, start, stop):
    for number in range(start, stop):
        scene.session(days=-1, hour=8 + number)


LISTS = {
    "reports:report_list": (asked_for_reports, False),
    "organizations:job_list": (asked_for_reports, False),
    "campaigns:campaign_list": (campaigns, False),
    "campaigns:session_list": (sessions, False),
    "reports:home": (sessions, False),
    "attendance:roster_changes": (new_members, True),
}


@pytest.mark.parametrize("name", LISTS)
def test_three_rows_cost_as_many_queries_as_one(scene, client, name):
    add, of_campaign = LISTS[name]
    where = reverse(name, args=[scene.campaign.pk] if of_campaign else [])
    add(scene, 0, 1)
    one = query_count(client, where)
    add(scene, 1, 3)
    assert query_count(client, where) == one
