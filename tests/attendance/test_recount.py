from datetime import timedelta
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone

from attendance.models import RosterEntry, SessionTally, Standing, Tally
from attendance.services import recount, recounting, roster
from attendance.services.exclusively import with_retry
from attendance.services.recount import differences, rebuild
from attendance.services.roster import end_waiver, open_campaign, set_waiver
from campaigns.models import Campaign
from campaigns.services.campaigns import change_campaign
from campaigns.services.freezing import freeze_unit, thaw_unit
from organizations.models import AuditEvent, Job
from organizations.service import Refused
from organizations.services import jobs
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, once
from tests.campaigns.scene import make_campaign

pytestmark = pytest.mark.django_db


def build():
    scene = Scene()
    scene.mark(scene.session(topics=scene.topics(0, 1)), {scene.wang: "present", scene.li: "absent"})
    return scene


built, scene = once(build)


@pytest.mark.parametrize(
    "falsify",
    [
        lambda: Standing.objects.filter(why="ABSENT").update(why="LEAVE"),
        lambda: SessionTally.objects.update(attended=2),
        lambda: Tally.objects.filter(trained=1).update(trained=2),
        lambda: Tally.objects.filter(trained=1).delete(),
    ],
)
def test_check_notices_a_falsified_row_and_a_rebuild_mends_it(scene, falsify):
    assert differences(campaign=scene.campaign) == []
    with fixture_writes():
        falsify()
    output = StringIO()
    with pytest.raises(SystemExit) as stop:
        call_command("rebuild_tallies", "--check", stdout=output)
    assert stop.value.code == 1 and output.getvalue()
    call_command("rebuild_tallies", stdout=StringIO())
    assert differences(campaign=scene.campaign) == []
    assert_derived_rows_are_true(scene.campaign)


def test_opening_draws_everybody_once(scene):
    assert scene.campaign.entries.count() == 6
    assert open_campaign(actor=scene.officer, campaign=scene.campaign) == 6
    assert scene.campaign.entries.count() == 6
    assert scene.south_branch_unit.tally.members == 2


def test_a_member_cannot_be_on_two_open_rosters(scene):
    make_member(scene.north_branch, "陈北戊")
    with pytest.raises(Refused, match="名册"):
        open_campaign(
            actor=scene.officer,
            campaign=make_campaign(scene, label="另一次冬训", opened=False),
        )


def test_a_waived_person_leaves_the_denominator_and_comes_back(scene):
    zhao = scene.entry(scene.zhao)
    today = timezone.localdate()
    set_waiver(actor=scene.north_organizer, entry=zhao, reason="OLD_AGE", since=today)
    set_waiver(actor=scene.north_organizer, entry=zhao, reason="OLD_AGE", since=today)
    tally = scene.north_branch_unit.tally
    assert (tally.members, tally.due, tally.waived) == (3, 2, 1)
    assert_derived_rows_are_true(scene.campaign)
    end_waiver(actor=scene.north_organizer, entry=zhao, until=today)
    tally.refresh_from_db()
    assert (tally.due, tally.waived) == (3, 0)
    assert_derived_rows_are_true(scene.campaign)


def test_a_waived_person_on_the_day_is_optional_and_lifts_no_rate(scene):
    zhao = scene.entry(scene.zhao)
    set_waiver(
        actor=scene.north_organizer,
        entry=zhao,
        reason="IMMOBILE",
        since=timezone.localdate() - timedelta(days=3),
    )
    session = scene.session(days=-1, hour=14)
    scene.mark(session, {scene.wang: "present", scene.zhao: "present"})
    assert zhao.rows.get(session=session).part == "OPTIONAL"
    tally = scene.north_branch_unit.tally
    assert tally.waived_trained == 1 and tally.trained == 1 and tally.optional == 1
    assert_derived_rows_are_true(scene.campaign)


def test_a_waiver_is_set_only_in_scope_and_never_in_the_future(scene):
    zhao, today = scene.entry(scene.zhao), timezone.localdate()
    for actor, since in ((scene.south_organizer, today), (scene.north_organizer, today + timedelta(days=1))):
        with pytest.raises(Refused):
            set_waiver(actor=actor, entry=zhao, reason="OLD_AGE", since=since)


@pytest.mark.parametrize("act", ["set", "end"])
def test_nobody_waives_a_person_who_was_moved_away_while_they_waited(scene, monkeypatch, act):
    zhao, today = scene.entry(scene.zhao), timezone.localdate()
    if act == "end":
        set_waiver(actor=scene.north_organizer, entry=zhao, reason="OLD_AGE", since=today)

    def moved_meanwhile(work):
        with fixture_writes():
            RosterEntry.objects.filter(pk=zhao.pk).update(unit=scene.south_branch_unit)
        return with_retry(work)

    monkeypatch.setattr(roster, "with_retry", moved_meanwhile)
    with pytest.raises(Refused, match="不在您管理的范围内"):
        if act == "end":
            end_waiver(actor=scene.north_organizer, entry=zhao, until=today)
        else:
            set_waiver(actor=scene.north_organizer, entry=zhao, reason="OLD_AGE", since=today)


def test_a_changed_rule_is_recounted_by_a_job(scene):
    change_campaign(
        actor=scene.officer,
        campaign=scene.campaign,
        **{
            name: getattr(scene.campaign, name)
            for name in ("label", "starts_on", "ends_on", "target_percent", "hours_member", "hours_secretary")
        },
        makeup_days=30,
        trained_rule="COMPULSORY",
    )
    scene.campaign.refresh_from_db()
    assert scene.campaign.recount_due_at
    assert scene.north_branch_unit.tally.trained == 1
    [job] = recounting.request_due()
    assert recounting.request_due() == [job]
    jobs.run(job, recounting.recount_campaign)
    assert Job.objects.get(pk=job).state == "READY"
    scene.campaign.refresh_from_db()
    assert scene.campaign.recount_due_at is None
    assert Tally.objects.get(unit=scene.north_branch_unit).trained == 0
    assert_derived_rows_are_true(scene.campaign)


def test_a_recount_follows_the_rule_as_stored_not_as_somebody_read_it_before(scene):
    read_before = Campaign.objects.get(pk=scene.campaign.pk)
    change_campaign(actor=scene.officer, campaign=scene.campaign, trained_rule="COMPULSORY")
    wang = scene.entry(scene.wang)
    assert wang.standing.trained_on
    with fixture_writes():
        recount.recount(campaign=read_before, entries=[wang.pk], parts=[], units=[wang.unit_id])
    assert scene.entry(scene.wang).standing.trained_on is None
    assert Tally.objects.get(unit=wang.unit_id).trained == 0


def due_recount(scene):
    changed = change_campaign(actor=scene.officer, campaign=scene.campaign, trained_rule="COMPULSORY")
    scene.campaign.recount_due_at = changed.recount_due_at


def end(job_pk, **columns):
    with fixture_writes():
        Job.objects.filter(pk=job_pk).update(state="FAILED", finished_at=timezone.now(), **columns)


def test_a_failed_recount_is_asked_for_again_and_later_less_often(scene):
    due_recount(scene)
    [first] = recounting.request_due()
    end(first)
    [second] = recounting.request_due()
    assert second != first and recounting.request_due() == [second]
    end(second)
    assert recounting.request_due() == []
    with fixture_writes():
        Job.objects.update(finished_at=timezone.now() - timedelta(hours=2))
    [third] = recounting.request_due()
    jobs.run(third, recounting.recount_campaign)
    scene.campaign.refresh_from_db()
    assert scene.campaign.recount_due_at is None


def test_a_recount_that_would_change_reported_figures_waits_until_they_are_unlocked(scene):
    due_recount(scene)
    freeze_unit(actor=scene.officer, unit=scene.north_branch_unit)
    [first] = recounting.request_due()
    jobs.run(first, recounting.recount_campaign)
    assert Job.objects.get(pk=first).state == "FAILED" and recounting.request_due() == []
    assert Tally.objects.get(unit=scene.north_branch_unit).trained == 1
    thaw_unit(actor=scene.officer, unit=scene.north_branch_unit)
    [second] = recounting.request_due()
    jobs.run(second, recounting.recount_campaign)
    assert Tally.objects.get(unit=scene.north_branch_unit).trained == 0


def test_a_reported_campaign_has_its_new_columns_after_an_update(scene):
    """What 0003, 0005 and 0011 added, as they left it: empty, and a recount asked for that may not write."""
    scene.mark(scene.session(topics=scene.topics(2), days=-2), {scene.zhao: "absent"})
    with fixture_writes():
        RosterEntry.objects.filter(pk=scene.entry(scene.zhao).pk).update(is_floating=True)
        RosterEntry.objects.filter(pk=scene.entry(scene.li).pk).update(is_home_bound=True)
    rebuild(campaign=scene.campaign)
    filled = Tally.objects.get(unit=scene.north_branch_unit)
    assert filled.never and filled.floating and filled.home_waiting and filled.taught_mask and filled.owed
    freeze_unit(actor=scene.officer, unit=scene.north_branch_unit)
    with fixture_writes():
        Standing.objects.update(is_floating=False, is_home_bound=False, missed_mask=0)
        Tally.objects.update(never=0, floating=0, home_waiting=0, taught_mask=0, owed=0)
        SessionTally.objects.update(topic_mask=0)
        Campaign.objects.update(recount_due_at=timezone.now())
        for name in ("0007_fill_new_columns", "0009_who_waits_for_home_teaching"):
            import_module(f"attendance.migrations.{name}").fill(apps, None)
        # Ten million rows take longer than a page may: its limit is lifted where there is one.
        said = []
        editor = SimpleNamespace(connection=SimpleNamespace(vendor="postgresql"), execute=said.append)
        import_module("attendance.migrations.0013_who_ever_missed_a_topic").fill(apps, editor)
        assert said == ["SET LOCAL statement_timeout = 0"]
    assert_derived_rows_are_true(scene.campaign)
    [job] = recounting.request_due()
    jobs.run(job, recounting.recount_campaign)
    scene.campaign.refresh_from_db()
    assert scene.campaign.recount_due_at is None, "no page says for ever that figures are being counted"


def test_a_recount_tells_how_far_it_is_between_its_transactions(scene, monkeypatch):
    monkeypatch.setattr(recount, "CHUNK", 2)
    seen = []
    rebuild(campaign=scene.campaign, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (2, 3)]


def test_rebuilding_twice_writes_the_same(scene):
    rebuild(campaign=scene.campaign)
    assert rebuild(campaign=scene.campaign) == 3
    assert differences(campaign=scene.campaign) == []


def test_opening_a_campaign_is_one_act(scene):
    opened = AuditEvent.objects.filter(target_type="campaigns.campaign", target_id=str(scene.campaign.pk))
    assert list(opened.order_by("pk").values_list("action", flat=True)) == ["campaign.create", "roster.drawn"]
