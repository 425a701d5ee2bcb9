"""Everything the demo knows of its people goes out and comes back, on both databases."""

import pytest
from django.utils import timezone

from organizations.models import Role, User
from organizations.services import rosters
from organizations.services.imports import check_roster
from reports.demo import load

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_whole_demo_comes_back_without_a_difference():
    load.load(demo=load.Demo(300, 7, timezone.localdate()), say=lambda text: None)
    officer = User.objects.filter(role=Role.OFFICER).first()
    for whole in (False, True):
        content = rosters.export_roster(actor=officer, whole=whole, reason="核对")[1]
        batch = check_roster(
            actor=officer, organization=officer.organization, file_name="导出.xlsx", content=content
        )
        counts = batch.verdict["counts"]
        assert batch.verdict["errors"] == [] and counts["unchanged"] > 250
        assert sum(counts[name] for name in ("created", "updated", "skipped", "error_rows")) == 0
