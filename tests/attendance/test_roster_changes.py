from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import RosterChange
from attendance.queries.differences import roster_differences
from attendance.services import adopting
from attendance.services.adopting import adopt_differences
from organizations.models import AuditEvent, Member
from organizations.service import Refused
from organizations.services.members import leave_member
from organizations.services.transfers import return_member
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, once

pytestmark = pytest.mark.django_db


def build():
    """After the roster was drawn: one came, one left yesterday, one went floating."""
    scene = Scene()
    scene.held = scene.session(days=0, hour=1)
    scene.mark(scene.held, {scene.wang: "present"})
    scene.newcomer = make_member(scene.north_branch, "陈北戊", branch_since=timezone.localdate())
    with fixture_writes():
        scene.campaign.roster_drawn_on = timezone.localdate() - timedelta(days=10)
        scene.campaign.save()
        yesterday = timezone.localdate() - timedelta(days=1)
        Member.objects.filter(pk=scene.li.pk).update(left_on=yesterday, left_reason="转出")
        Member.objects.filter(pk=scene.zhao.pk).update(is_floating=True)
    return scene


built, scene = once(build)


def page(scene, unit):
    return reverse("attendance:roster_changes", args=[scene.campaign.pk]) + f"?unit={unit.pk}"


def test_no_figure_moves_before_somebody_adopts(scene):
    assert roster_differences(scene.north_unit).total == 3
    assert scene.north_branch_unit.tally.members == 3
    assert_derived_rows_are_true(scene.campaign)


def test_adopting_brings_the_roster_up_to_date_once(scene):
    adopted = adopt_differences(actor=scene.north_organizer, unit=scene.north_unit)
    assert (adopted.joined, adopted.left, adopted.changed) == (1, 1, 1)
    tally = scene.north_branch_unit.tally
    assert (tally.members, tally.why_new, tally.why_floating) == (3, 1, 1)
    assert not scene.entry(scene.li).rows.exists()
    assert roster_differences(scene.north_unit).total == 0
    assert adopt_differences(actor=scene.north_organizer, unit=scene.north_unit).total == 0
    assert AuditEvent.objects.filter(action="roster.adopted").count() == 1
    assert_derived_rows_are_true(scene.campaign)


def test_the_page_adopts_and_says_so(scene, client):
    client.force_login(scene.north_organizer)
    shown = client.get(page(scene, scene.north_unit)).content.decode()
    assert "陈北戊" in shown and "名册有3处不同。" in shown
    answer = client.post(page(scene, scene.north_unit), follow=True)
    assert "加入1人，离册1人，更新1人" in answer.content.decode()


def test_the_other_township_sees_and_adopts_nothing(scene, client):
    client.force_login(scene.south_organizer)
    assert client.get(page(scene, scene.north_unit)).status_code == 404
    assert client.post(page(scene, scene.north_unit)).status_code == 404
    with pytest.raises(Refused):
        adopt_differences(actor=scene.south_organizer, unit=scene.north_unit)


def test_an_inspector_reads_only(scene, client):
    client.force_login(scene.inspector)
    assert client.get(page(scene, scene.north_unit)).status_code == 200
    assert client.post(page(scene, scene.north_unit)).status_code == 403
    assert scene.north_branch_unit.tally.members == 3


def test_who_comes_back_while_the_roster_is_adopted_is_gone_now_and_back_the_next_time(scene, monkeypatch):
    """Differences are several questions; somebody's return may be stored between two of them."""
    today = timezone.localdate()
    leave_member(actor=scene.officer, member=scene.wang, left_on=today - timedelta(days=1), reason="其他")
    asked = []

    class Late:
        def __init__(self, found):
            self.found = found

        def __iter__(self):
            asked.append(self)
            if len(asked) == 4:  # three times the units are looked up, then the lists are read
                return_member(
                    actor=scene.officer, member=scene.wang, branch=scene.north_other_branch, day=today
                )
            return iter(self.found)

    def differences(unit):
        found = roster_differences(unit)
        return replace(found, returned=Late(found.returned))

    monkeypatch.setattr(adopting, "roster_differences", differences)
    adopt_differences(actor=scene.officer, unit=scene.district_unit)
    monkeypatch.undo()
    entry = scene.entry(scene.wang)
    assert len(asked) == 4 and entry.left_on and not entry.stays.filter(until=None).exists()
    adopt_differences(actor=scene.officer, unit=scene.district_unit)
    entry = scene.entry(scene.wang)
    assert (entry.left_on, entry.unit) == (None, scene.north_other_unit)
    assert_derived_rows_are_true(scene.campaign)


def test_what_is_alike_on_both_sides_is_no_change(scene, client):
    client.force_login(scene.north_organizer)
    shown = client.get(page(scene, scene.north_unit)).content.decode()
    assert "流动党员：否 → 是" in shown and "否 → 否" not in shown
    adopt_differences(actor=scene.north_organizer, unit=scene.north_unit)
    assert RosterChange.objects.get(kind="CHANGED").why == "流动党员：否 → 是"
