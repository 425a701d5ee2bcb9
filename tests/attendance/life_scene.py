"""Where a random life begins, how it picks, and what must hold in it at any moment beside the recount."""

from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from attendance.models import ATTENDED, Attendance, Part, RosterChange, RosterEntry, RosterStay
from attendance.queries import held_on
from attendance.services import recounting
from attendance.services.adopting import adopt_differences
from campaigns.models import Unit
from campaigns.services.campaigns import change_campaign
from organizations.models import Organization
from organizations.service import Refused
from organizations.services import jobs
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member

NUMBER = st.integers(0, 40)
DAYS = st.integers(0, 20)


class LifeScene(Scene):
    """The cast with somebody more in every state, its roster drawn ten days ago."""

    def __init__(self):
        super().__init__()
        with fixture_writes():
            self.north_recorder.is_active = False
            self.north_recorder.save(update_fields=["is_active"])
        make_member(self.north_other_branch, "吴北戊", is_floating=True)
        make_member(self.south_branch, "郑南丙", is_home_bound=True, post="SECRETARY")
        make_member(self.south_branch, "冯南丁", category="PROBATIONARY")
        adopt_differences(actor=self.officer, unit=self.district_unit)
        with fixture_writes():
            self.campaign.roster_drawn_on = timezone.localdate() - timedelta(days=10)
            self.campaign.save(update_fields=["roster_drawn_on"])
            RosterEntry.objects.update(joined_on=self.campaign.starts_on)
            RosterStay.objects.update(since=self.campaign.starts_on)
        change_campaign(actor=self.officer, campaign=self.campaign, hours_member=4, hours_secretary=6)
        run_recount()


def run_recount():
    for pk in recounting.request_due():
        jobs.run(pk, recounting.recount_campaign)


def ago(days):
    return timezone.localdate() - timedelta(days=days)


def no_figure_exceeds_its_denominator(campaign):
    for tally in campaign.tallies.all():
        assert tally.first <= tally.trained <= tally.due <= tally.members == tally.due + tally.waived
        assert tally.done <= tally.due and tally.owing <= tally.due
        assert tally.attended + tally.leave + tally.absent + tally.unmarked == tally.expected


def rows_copy_their_session(campaign):
    for row in Attendance.objects.filter(session__campaign=campaign).select_related("session__form"):
        session = row.session
        assert row.session_unit.session_id == session.pk
        copied = (row.held_on, row.topic_mask, row.counts)
        assert copied == (held_on(session), session.topic_mask, session.counts)
        assert row.part == Part.VISITOR or row.round == session.round
        came = row.status in ATTENDED and session.form.hours_rule != "NONE"
        assert row.minutes_set or row.minutes == (session.minutes if came else 0)


def stays_are_one_line(campaign):
    """Stays follow each other without overlap; the open one is where the entry counts."""
    for entry in campaign.entries.prefetch_related("stays"):
        stays = sorted(entry.stays.all(), key=lambda stay: stay.since)
        for earlier, later in pairwise(stays):
            assert earlier.until is not None and earlier.until <= later.since
        open_units = [stay.unit_id for stay in stays if stay.until is None]
        assert open_units == ([] if entry.left_on else [entry.unit_id])


def who_gave_way_counts_nowhere(campaign):
    """A person has one entry: one that was merged keeps nothing, and the other is nobody's second."""
    for entry in campaign.entries.filter(merged_into__isnull=False):
        assert entry.left_on and not entry.rows.exists() and not entry.stays.exists()
        assert not entry.waivers.exists() and entry.standing.left
    for entry in campaign.entries.filter(left_on__isnull=True).select_related("member"):
        assert entry.member.merged_into_id is None


GONE = (RosterChange.Kind.LEFT,)
HERE = (RosterChange.Kind.JOINED, RosterChange.Kind.RETURNED, RosterChange.Kind.MOVED_IN)
WAIVING = (RosterChange.Kind.WAIVED, RosterChange.Kind.WAIVER_ENDED)


def changes_tell_where_everybody_is(campaign):
    """Whoever reads 名册变动 in order knows who is on the roster, where, and of whom nothing is asked."""
    for entry in campaign.entries.prefetch_related("changes"):
        told = sorted(entry.changes.all(), key=lambda change: change.pk)
        if any(change.kind == RosterChange.Kind.MERGED for change in told):
            continue  # two stories became one
        moves = [change for change in told if change.kind in (*GONE, *HERE)]
        if moves:
            assert (moves[-1].kind in GONE) == bool(entry.left_on), entry
            assert moves[-1].unit_id == entry.unit_id, entry
        else:
            assert entry.left_on is None, entry
        waiving = [change.kind for change in told if change.kind in WAIVING]
        assert entry.required == (not waiving or waiving[-1] == RosterChange.Kind.WAIVER_ENDED), entry


class Being(RuleBasedStateMachine):
    """One run is one transaction, rolled back at its end. People, units and classes are picked by number."""

    scene: LifeScene
    done: Counter = Counter()
    refused: Counter = Counter()
    broken = False
    moved_places = False

    def __init__(self):
        super().__init__()
        self.run = transaction.atomic()
        self.run.__enter__()

    def teardown(self):
        try:
            if not self.broken:
                self.the_report_agrees()
        finally:
            transaction.set_rollback(True)
            self.run.__exit__(None, None, None)

    @property
    def campaign(self):
        self.scene.campaign.refresh_from_db()
        return self.scene.campaign

    @staticmethod
    def pick(rows, number):
        rows = list(rows.order_by("pk"))
        return rows[number % len(rows)] if rows else None

    def actor(self, number):
        people = self.scene.officer, self.scene.north_organizer, self.scene.south_organizer
        return people[number - 30] if number in (31, 32) else people[0]

    def sessions(self):
        return self.scene.campaign.sessions.select_related("campaign", "form", "host")

    def units(self):
        return Unit.objects.filter(campaign=self.scene.campaign).select_related("organization", "campaign")

    def entries(self):
        return self.scene.campaign.entries.select_related("unit", "member")

    def branches(self):
        return Organization.objects.branches()

    @contextmanager
    def act(self, name):
        """A refusal is an answer; nothing of the act may remain."""
        try:
            with transaction.atomic():
                yield
            self.done[name] += 1
        except Refused as refusal:
            self.refused[f"{name}: {refusal.code}"] += 1
