"""From the ledger to a report."""

import pytest
from django.urls import reverse

from organizations.models import Job
from tests.base import once
from tests.reports.scene import Winter

pytestmark = pytest.mark.django_db

UNITS = "admin:campaigns_unit_changelist"
JOBS = "admin:organizations_job_changelist"


built, winter = once(Winter)


def act(client, page, action, *rows):
    return client.post(
        reverse(page), {"action": action, "_selected_action": [row.pk for row in rows], "index": 0}
    )


def test_an_organizer_asks_for_a_report_from_the_ledger(client, winter):
    client.force_login(winter.north_organizer)
    answer = act(client, UNITS, "report_units", winter.north_unit)
    job = Job.objects.get()
    assert answer.headers["Location"] == reverse("organizations:job_detail", args=[job.uuid])
    act(client, JOBS, "report_again", job)
    assert [one.params["unit"] for one in Job.objects.all()] == [winter.north_unit.pk] * 2


def test_the_other_townships_unit_cannot_be_chosen(client, winter):
    client.force_login(winter.north_organizer)
    act(client, UNITS, "report_units", winter.south_unit)
    assert not Job.objects.exists()
