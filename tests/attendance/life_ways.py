"""Acts of a random life: leave, guests, home lessons, contacts, rules of hours, taking whole acts back."""

from datetime import timedelta
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import rule

from attendance.models import Attendance, Guest, Leave, MarkBatch
from attendance.services.closing import close_parts
from attendance.services.contacts import log_contact
from attendance.services.guests import claim_guest, drop_guest, note_guest
from attendance.services.home_lessons import record_home_lesson
from attendance.services.judging import MarkInput
from attendance.services.leaves import end_leave, set_leave
from attendance.services.undoing import take_back
from campaigns.models import HoursKind, SessionUnit, TraineeCategory
from campaigns.services.hours import set_hours_rule
from campaigns.services.trainees import count_heads, note_trainees
from tests.attendance.life_scene import DAYS, NUMBER, Being, ago
from tests.campaigns.scene import at


class WayActs(Being):
    """What happens around the register, and the ways of taking a whole act back."""

    @rule(number=NUMBER, days=DAYS, long=st.integers(-3, 10), which=NUMBER, ask=st.booleans())
    def ask_leave(self, number, days, long, which, ask):
        """For some days, or for a class; a plan, so no figure may move (the recount knows no leave)."""
        entry, session = self.pick(self.entries(), number), self.pick(self.sessions(), which)
        period = {"since": ago(days), "until": ago(days - long)}
        with self.act("ask leave"):
            set_leave(
                actor=self.actor(which),
                entry=entry,
                reason="AWAY",
                request_uuid=uuid4(),
                **(period if ask or session is None else {"sessions": [session]}),
            )

    @rule(number=NUMBER)
    def end_a_leave(self, number):
        if leave := self.pick(Leave.objects.all(), number):
            with self.act("end a leave"):
                end_leave(actor=self.scene.officer, leave=leave)

    @rule(number=NUMBER, other=NUMBER, days=DAYS, topic=NUMBER, twice=st.booleans())
    def teach_at_home(self, number, other, days, topic, twice):
        entries = [self.pick(self.entries(), one) for one in {number, other}]
        start, uuid = at(ago(days), 3), uuid4()
        with self.act("home lesson"):
            for _ in range(2 if twice else 1):
                record_home_lesson(
                    actor=self.scene.officer,
                    entries=entries,
                    topics=[self.pick(self.scene.campaign.topics, topic)],
                    teacher="李老师",
                    starts_at=start,
                    ends_at=start + timedelta(minutes=50),
                    request_uuid=uuid,
                )

    @rule(number=NUMBER, days=DAYS)
    def contact(self, number, days):
        floating = self.entries().filter(is_floating=True)
        if entry := self.pick(floating, number):
            with self.act("contact"):
                log_contact(
                    actor=self.scene.officer, entry=entry, how="PHONE", day=ago(days), request_uuid=uuid4()
                )

    @rule(number=NUMBER, person=NUMBER, how=st.sampled_from(["note", "claim", "claim", "drop"]))
    def guest(self, number, person, how):
        """Somebody from the other township sits in: a name, until the home unit says who it is."""
        session, entry = self.pick(self.sessions(), number), self.pick(self.entries(), person)
        guest = self.pick(Guest.objects.standing().select_related("part__session__campaign"), number)
        keeper = self.keeper_of(entry.member.branch)
        with self.act(f"{how} a guest"):
            if how == "note" or guest is None:
                host = self.scene.south_organizer if keeper == self.scene.north_organizer else keeper
                note_guest(
                    actor=host,
                    session=session,
                    name=entry.member.name,
                    says_from=entry.unit.name,
                    request_uuid=uuid4(),
                )
            elif how == "drop":
                drop_guest(actor=self.scene.officer, guest=guest)
            else:
                found = self.entries().filter(member__name=guest.name).first()
                home = self.keeper_of(found.member.branch) if found else keeper
                claim_guest(actor=home, guest=guest, entry=found or entry)

    @rule(number=NUMBER)
    def take_a_whole_act_back(self, number):
        batches = MarkBatch.objects.filter(session__campaign=self.scene.campaign)
        closings = batches.filter(kind=MarkBatch.Kind.CLOSE)
        if batch := self.pick(closings if number % 2 and closings.exists() else batches, number):
            with self.act(f"take back: {batch.kind}"):
                take_back(actor=self.scene.officer, batch=batch, uuid=uuid4())

    @rule(
        number=NUMBER,
        people=st.lists(NUMBER, max_size=4),
        status=st.sampled_from(["present", "absent", "leave", "late"]),
        heads=st.one_of(st.none(), st.integers(0, 60)),
        way=st.sampled_from(["paste", "sheet", "import", "many"]),
    )
    def hand_in(self, number, people, status, heads, way):
        """A message, a sheet that came back, a list, a page of many branches: one sending for each branch
        or one for all, of people anywhere, or of a number alone."""
        part = self.pick(self.parts(), number)
        if part is None:
            return
        stored = dict(Attendance.objects.filter(session=part.session).values_list("entry_id", "version"))
        named = {self.pick(self.entries(), person).pk for person in people}
        kind = MarkBatch.Kind.PASTE if way == "many" else way
        parts = self.parts().filter(session=part.session) if way == "many" else [part]
        with self.act(f"hand in: {way}"):
            for one in parts:
                marks = [MarkInput(entry, status, stored.get(entry, 0)) for entry in sorted(named)]
                alone = one if way in ("paste", "many") else None
                self.send(one.session, marks, self.actor(number), kind=kind, counted_heads=heads, part=alone)
                named = set()

    @rule(number=NUMBER, heads=st.integers(0, 30), by_name=st.booleans(), which=NUMBER)
    def others(self, number, heads, by_name, which):
        """People who are no members stand in no figure of members."""
        if part := self.pick(self.parts(), number):
            category = TraineeCategory.values[which % len(TraineeCategory.values)]
            with self.act("no members"):
                if by_name:
                    facts = {"names": ["旁听的人"], "request_uuid": uuid4()}
                    note_trainees(actor=self.actor(number), part=part, category=category, **facts)
                else:
                    count_heads(actor=self.actor(number), part=part, heads={category: heads})

    @rule(number=NUMBER, rest=st.sampled_from(["present", "absent", "unmarked"]))
    def close_one_part(self, number, rest):
        """Of a joint class one branch is done, the others go on."""
        if part := self.pick(self.parts(), number):
            with self.act("close one part"):
                facts = {"rest": rest, "note": "签到表丢失", "only": [part.pk], "batch": uuid4()}
                close_parts(actor=self.scene.officer, session=part.session, **facts)

    def parts(self):
        here = SessionUnit.objects.filter(session__campaign=self.scene.campaign)
        return here.select_related("unit", "session__campaign", "session__form", "session__host")

    @rule(number=NUMBER, days=DAYS, minutes=st.one_of(st.none(), st.integers(1, 400)))
    def change_worth(self, number, days, minutes):
        """From a day on a class is worth this: the classes behind it follow with the recount."""
        kinds = list(HoursKind.values)
        with self.act("rule of hours"):
            set_hours_rule(
                actor=self.scene.officer,
                campaign=self.campaign,
                kind=kinds[number % len(kinds)],
                since=ago(days),
                minutes=minutes,
                source="区委组织部通知",
            )
