"""A campaign lived at random: every act a township knows, in any order, by anybody.

After each step every derived row must equal a recount that shares no code with
the services. Acts that a rule refuses leave nothing behind, which the same
recount proves. People, units and classes are picked by number from what is there.
"""

from datetime import timedelta
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from attendance.models import Attendance, MarkBatch, Status
from attendance.services.closing import close_parts, reopen_part
from attendance.services.corrections import correct_session, void_session
from attendance.services.judging import MarkInput
from attendance.services.makeup import plan_makeup
from attendance.services.marks import record_marks, undo_batch
from attendance.services.recount import differences
from campaigns.models import SessionUnit
from campaigns.services.campaigns import change_campaign
from campaigns.services.freezing import freeze_unit, thaw_unit
from campaigns.services.sessions import cancel_session
from campaigns.services.topics import change_topic
from reports.indicators import as_json
from reports.queries import figures
from tests.attendance.life_ends import EndActs
from tests.attendance.life_imports import RosterActs
from tests.attendance.life_people import PeopleActs
from tests.attendance.life_scene import (
    DAYS,
    NUMBER,
    ago,
    changes_tell_where_everybody_is,
    no_figure_exceeds_its_denominator,
    rows_copy_their_session,
    run_recount,
    stays_are_one_line,
    who_gave_way_counts_nowhere,
)
from tests.attendance.life_ways import WayActs
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.campaigns.scene import at
from tests.reports import oracle

STATUSES = st.sampled_from([status.value for status in Status])
MINUTES = st.one_of(st.none(), st.integers(0, 720))
MARKS = st.lists(st.tuples(NUMBER, STATUSES, MINUTES), min_size=1, max_size=5)


class Life(PeopleActs, RosterActs, WayActs, EndActs):
    """Every act. `run_state_machine_as_test` lives it; `scene` is set before."""

    # --- Classes ---------------------------------------------------------------------------------
    @initialize(number=NUMBER)
    def begin(self, number):
        self.plan(30, 3, number, 0, 120, "WHOLE")
        self.plan(0, 6, number + 1, 0, 90, "WHOLE")

    @rule(
        who=NUMBER,
        days=DAYS,
        number=NUMBER,
        form=NUMBER,
        minutes=st.integers(30, 300),
        audience=st.sampled_from(["WHOLE", "WHOLE", "CATEGORY"]),
    )
    def plan(self, who, days, number, form, minutes, audience):
        """Of one branch, or jointly of a township or the district."""
        host, form = self.pick(self.units(), who), self.pick(self.scene.campaign.forms, form)
        topics = list(self.scene.campaign.topics.order_by("bit"))
        with self.act("plan"):
            self.scene.session(
                host,
                days=-days,
                hour=1,
                form=form.code,
                minutes=minutes,
                topics=[topics[(number + i) % len(topics)] for i in range(number % 3)],
                audience=audience,
                category="PROBATIONARY" if audience == "CATEGORY" else "",
            )

    @rule(number=NUMBER, days=DAYS, home=st.booleans(), topic=NUMBER)
    def make_up(self, number, days, home, topic):
        entry, topic = self.pick(self.entries(), number), self.pick(self.scene.campaign.topics, topic)
        start = at(ago(days), 1)
        with self.act("home teaching" if home else "make-up"):
            session = plan_makeup(
                actor=self.scene.officer,
                unit=entry.unit,
                topics=[topic],
                entries=[entry],
                title="补课",
                starts_at=start,
                ends_at=start + timedelta(hours=1),
                round="HOME" if home else "MAKE_UP",
            )
            self.send(session, [MarkInput(entry.pk, "present", 0)])

    @rule(who=NUMBER, number=NUMBER)
    def cancel(self, who, number):
        session = self.pick(self.sessions(), number)
        if session and who % 3 == 0:
            with self.act("cancel"):
                cancel_session(actor=self.actor(who), session=session, reason="停电")

    @rule(number=NUMBER, topic=NUMBER, days=DAYS, minutes=st.integers(30, 300))
    def correct(self, number, topic, days, minutes):
        if session := self.pick(self.sessions(), number):
            start = at(ago(days), 1)
            with self.act("correct a session"):
                correct_session(
                    actor=self.scene.officer,
                    session=session,
                    title="更正的课",
                    topics=[self.pick(self.scene.campaign.topics, topic)][: topic % 3],
                    starts_at=start,
                    ends_at=start + timedelta(minutes=minutes),
                    minutes=minutes,
                )

    @rule(who=NUMBER, number=NUMBER)
    def void(self, who, number):
        session = self.pick(self.sessions(), number)
        if session and who % 3 == 0:
            with self.act("void"):
                void_session(actor=self.actor(who), session=session, reason="录错了")

    # --- Registers -------------------------------------------------------------------------------
    def send(self, session, marks, actor=None, **options):
        return record_marks(
            actor=actor or self.scene.officer,
            session=session,
            batch=options.pop("batch", None) or uuid4(),
            marks=marks,
            body_sha256=options.pop("body", "0" * 64),
            **options,
        )

    def _mark(self, who, number, marks, stale, twice):
        """Expected people and visitors alike, over what was marked before; now and then sent twice."""
        session = self.pick(self.sessions(), number)
        if session is None:
            return
        versions = dict(Attendance.objects.filter(session=session).values_list("entry_id", "version"))
        chosen = {}
        for person, status, minutes in marks:
            entry = self.pick(self.entries(), person)
            reason = "ILL" if status in ("leave", "absent") and person % 2 else ""
            base = max(0, versions.get(entry.pk, 0) - stale)
            chosen[entry.pk] = MarkInput(entry.pk, status, base, reason, minutes)
        batch = uuid4()
        with self.act("mark"):
            self.send(session, list(chosen.values()), self.actor(who), batch=batch)
            if twice:
                again = self.send(session, list(chosen.values()), self.actor(who), batch=batch)
                assert {mark.outcome for mark in again.marks} == {"duplicate"}

    marked = {
        "who": NUMBER,
        "number": NUMBER,
        "marks": MARKS,
        "stale": st.sampled_from([0, 0, 0, 1]),
        "twice": st.booleans(),
    }
    # Twice in the urn: marking is what most evenings are.
    mark, mark_more = rule(**marked)(_mark), rule(**marked)(_mark)

    def _mark_everybody(self, number, status):
        """The usual evening: the whole sheet in one sending."""
        part = self.pick(SessionUnit.objects.filter(session__campaign=self.scene.campaign), number)
        if part is None:
            return
        here = self.entries().filter(unit=part.unit_id)
        versions = dict(Attendance.objects.filter(session=part.session).values_list("entry_id", "version"))
        marks = [MarkInput(entry.pk, status, versions.get(entry.pk, 0)) for entry in here]
        if marks:
            with self.act("mark a sheet"):
                self.send(self.sessions().get(pk=part.session_id), marks)

    mark_sheet = rule(number=NUMBER, status=STATUSES)(_mark_everybody)
    mark_next_sheet = rule(number=NUMBER, status=STATUSES)(_mark_everybody)

    @rule(number=NUMBER)
    def undo(self, number):
        batches = MarkBatch.objects.filter(session__campaign=self.scene.campaign)
        if batch := self.pick(batches, number):
            with self.act("undo"):
                undo_batch(actor=self.scene.officer, batch=batch, uuid=uuid4())

    @rule(number=NUMBER, who=NUMBER, rest=st.sampled_from(["present", "absent", "unmarked"]))
    def close(self, number, who, rest):
        if session := self.pick(self.sessions(), number):
            with self.act("close"):
                close_parts(
                    actor=self.actor(who), session=session, rest=rest, batch=uuid4(), note="签到表丢失"
                )

    @rule(number=NUMBER)
    def reopen(self, number):
        closed = SessionUnit.objects.filter(
            session__campaign=self.scene.campaign, closed_at__isnull=False
        ).select_related("session__campaign")
        if part := self.pick(closed, number):
            with self.act("reopen"):
                reopen_part(actor=self.scene.officer, part=part, reason="补登")

    # --- The campaign ----------------------------------------------------------------------------
    @rule(chosen=st.sampled_from(["ANY", "COMPULSORY", "HOURS"]))
    def change_rule(self, chosen):
        with self.act("change the trained rule"):
            change_campaign(actor=self.scene.officer, campaign=self.campaign, trained_rule=chosen)

    @rule(number=NUMBER, yes=st.booleans())
    def change_compulsory(self, number, yes):
        with self.act("change a topic"):
            topic = self.pick(self.scene.campaign.topics.select_related("campaign"), number)
            change_topic(actor=self.scene.officer, topic=topic, is_compulsory=yes)

    @rule()
    def recount(self):
        if self.campaign.recount_due_at and not self.units().filter(frozen_at__isnull=False).exists():
            run_recount()
            self.done["recount"] += 1
            assert self.campaign.recount_due_at is None

    @rule(number=NUMBER)
    def freeze_or_thaw(self, number):
        """A frozen unit refuses nearly everything: never two at a time, and not for long."""
        if self.units().filter(frozen_at__isnull=False).exists():
            thaw_unit(actor=self.scene.officer, unit=self.scene.district_unit)
            self.done["thaw"] += 1
        elif number % 3 == 0:
            with self.act("freeze"):
                freeze_unit(actor=self.scene.officer, unit=self.pick(self.units(), number))

    # --- What must hold ----------------------------------------------------------------------------
    @invariant()
    def every_derived_row_is_true(self):
        self.broken = True  # until shown otherwise: a broken run needs no report
        campaign = self.campaign
        no_figure_exceeds_its_denominator(campaign)
        rows_copy_their_session(campaign)
        stays_are_one_line(campaign)
        changes_tell_where_everybody_is(campaign)
        who_gave_way_counts_nowhere(campaign)
        if campaign.recount_due_at is None:
            assert_derived_rows_are_true(campaign)
            assert differences(campaign=campaign) == []
        self.broken = False

    def the_report_agrees(self):
        """Of the simplest rule, which is the one the report's own recount knows."""
        thaw_unit(actor=self.scene.officer, unit=self.scene.district_unit)
        change_campaign(actor=self.scene.officer, campaign=self.campaign, trained_rule="ANY")
        run_recount()
        campaign = self.campaign
        assert_derived_rows_are_true(campaign)
        for unit in self.units():
            # The report's recount tells a subtree by codes, which do not move with a branch.
            if unit.holds_people or unit.depth == 1 or not self.moved_places:
                wanted = oracle.recount(campaign, unit.organization.code)
                assert as_json(figures.values(unit)) == wanted, unit
