"""What townships write down beside their registers, a few of each, so that no list of the demo is empty.

Through the services, as the two townships whose accounts are shown would do it. The services ask the
clock: nothing of it is written into a demo made for another day.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from attendance.models import ATTENDED, Attendance, DoubtNote, RosterEntry, Status
from attendance.queries.doubts import DOUBTS, findings
from attendance.queries.home import home_standings
from attendance.services.contacts import log_contact
from attendance.services.doubts import note_doubt
from attendance.services.guests import note_guest
from attendance.services.home_lessons import record_home_lesson, wish_to_task
from attendance.services.judging import MarkInput
from attendance.services.leaves import set_leave
from attendance.services.marks import record_marks
from campaigns.models import Campaign, SessionUnit, TraineeCategory, Unit
from campaigns.services.trainees import count_heads, note_trainees
from organizations.models import Role, User
from organizations.services.members import leave_member
from organizations.tree import within

NUMBERS = UUID("6f2f9a3e-3f0a-4c57-9d68-5a0c7b1d2e41")
# (reason, how many days from today it begins, how long); None: only the next class.
LEAVES = (("ILL", 0, 6), ("PRIVATE", 3, 2), ("DUTY", None, 0))
# (how, days ago, what was said): the last one is due again, the others of the township never were.
CONTACTS = (
    ("PHONE", 2, "问了近况，把第四课的提纲发给他了。"),
    ("WECHAT", 9, "看了学习视频，说春节前回来补课。"),
    ("PHONE", 40, "在工地上，约好晚上再打。"),
)
WISHES = ("想把门口的坡道修平，轮椅好出门。", "想请人教教怎么用手机交医保。")
ELSEWHERE = ("佟远", "外县青石镇柳湾村党支部")
ACTIVISTS = ("乔小满", "邵青禾")
LATE = timedelta(days=9)


def store(campaign: Campaign, today: date) -> None:
    """Once, in the demo's own transaction."""
    if today != timezone.localdate():
        return
    organizers = User.objects.filter(role=Role.ORGANIZER).select_related("organization").order_by("pk")
    first, second = (Town(campaign, actor, today) for actor in organizers[:2])
    first.ask_leave()
    first.contact()
    first.teach_at_home()
    first.note_others(second)
    first.keep_late()
    second.say_who_left()
    look_into(campaign)


class Town:
    """One township and its organizer."""

    def __init__(self, campaign: Campaign, actor: User, today: date):
        self.campaign, self.actor, self.today = campaign, actor, today
        self.unit = Unit.objects.get(campaign=campaign, organization=actor.organization)
        mine = within("unit__path", self.unit.path)
        self.people = (
            RosterEntry.objects.filter(mine, campaign=campaign, left_on=None)
            .select_related("member", "unit")
            .order_by("pk")
        )
        # Whole branches, each at home: its own sheet.
        parts = SessionUnit.objects.filter(
            mine,
            session__campaign=campaign,
            session__cancelled_at=None,
            session__host=F("unit"),
            audience=SessionUnit.Audience.WHOLE,
        )
        self.classes = parts.select_related("session", "unit").order_by("session__starts_at", "pk")
        self.held = self.classes.filter(session__starts_at__lt=self.moment(today, 0))
        self.todays = self.classes.filter(
            session__starts_at__gte=self.moment(today, 0), session__starts_at__lt=self.moment(today, 23)
        )

    def number(self, what: str) -> UUID:
        """The same in every load."""
        return uuid5(NUMBERS, f"{self.unit.path}:{what}")

    def moment(self, day: date, hour: int) -> datetime:
        return timezone.make_aware(datetime.combine(day, time(hour)))

    def ask_leave(self) -> None:
        """For today's class, for a while, for the next class."""
        plain = list(self.people.filter(required=True, is_floating=False, is_home_bound=False)[:90])
        apart = plain[:: max(len(plain) // len(LEAVES), 1)]
        for entry, (reason, begins, days) in zip(apart, LEAVES, strict=False):
            if when := self.days(begins, days) if begins is not None else self.next_class(entry):
                number = self.number(f"leave {reason}")
                set_leave(actor=self.actor, entry=entry, reason=reason, request_uuid=number, **when)

    def days(self, begins: int, days: int) -> dict[str, Any]:
        since = self.today + timedelta(days=begins)
        return {"since": since, "until": since + timedelta(days=days)}

    def next_class(self, entry: RosterEntry) -> dict[str, Any]:
        coming = self.classes.filter(unit=entry.unit, session__starts_at__gt=self.moment(self.today, 23))
        return {"sessions": [part.session for part in coming[:1]]} if coming[:1] else {}

    def contact(self) -> None:
        for entry, (how, ago, said) in zip(self.people.filter(is_floating=True), CONTACTS, strict=False):
            log_contact(
                actor=self.actor,
                entry=entry,
                how=how,
                day=self.today - timedelta(days=ago),
                content=said,
                request_uuid=self.number(f"contact {ago}"),
            )

    def teach_at_home(self) -> None:
        """Two people one noon, when no class is held; one wish is taken up, the other waits."""
        waiting = home_standings(self.unit).order_by(F("home_on").asc(nulls_first=True), "pk")[:2]
        entries = [standing.entry for standing in waiting]
        if not entries:
            return
        start = self.moment(self.today - timedelta(days=1), 12) + timedelta(minutes=30)
        compulsory = self.campaign.topics.filter(is_compulsory=True).order_by("position", "bit")
        lessons = record_home_lesson(
            actor=self.actor,
            entries=entries,
            topics=list(compulsory[:2]),
            teacher=self.actor.name,
            starts_at=start,
            ends_at=start + timedelta(minutes=60),
            taught="带了大字版材料，一条一条读。",
            wishes={entry.pk: wish for entry, wish in zip(entries, WISHES, strict=False)},
            request_uuid=self.number("home"),
        )
        if len(lessons) > 1:
            wish_to_task(actor=self.actor, lesson=lessons[0])

    def note_others(self, neighbour: "Town") -> None:
        """Who came to an open class besides: of the next township, from far away, no members."""
        part = self.held.filter(recorded_at__isnull=False, closed_at=None).last() or self.todays.last()
        if part is None:
            return
        came = neighbour.people.filter(required=True, is_floating=False)[:1]
        told = [(one.member.name, one.unit.name) for one in came]
        for name, place in [*told, ELSEWHERE]:
            number = self.number(f"guest {name}")
            note_guest(
                actor=self.actor, session=part.session, name=name, says_from=place, request_uuid=number
            )
        about = {"actor": self.actor, "part": part}
        activist, number = TraineeCategory.ACTIVIST, self.number("activists")
        note_trainees(**about, category=activist, names=ACTIVISTS, request_uuid=number)
        count_heads(**about, heads={TraineeCategory.RESIDENT: 6})

    def keep_late(self) -> None:
        """One register kept long after its class; of another only the number of heads is known."""
        waiting = list(self.held.filter(recorded_at=None))
        late = [part for part in waiting if part.session.ends_at < timezone.now() - LATE]
        if late:
            self.send(late[0], [mark_of(one) for one in self.people.filter(unit=late[0].unit, required=True)])
        if counted := [part for part in (*self.todays, *waiting) if part not in late[:1]][-1:]:
            self.send(counted[0], [], heads=self.people.filter(unit=counted[0].unit).count() * 4 // 5)

    def send(self, part: SessionUnit, marks: Sequence[MarkInput], heads: int | None = None) -> None:
        number = self.number(f"register {part.pk}")
        record_marks(
            actor=self.actor,
            session=part.session,
            batch=number,
            marks=marks,
            body_sha256=hashlib.sha256(number.bytes).hexdigest(),
            counted_heads=heads,
        )

    def say_who_left(self) -> None:
        """Told too late: a class after that day has them as having come."""
        since = self.today - timedelta(days=20)
        came = Attendance.objects.filter(entry=OuterRef("pk"), status__in=ATTENDED, held_on__gt=since)
        sound = {"required": True, "member__branch_since": None, "member__joined_party_on__lt": since}
        if gone := self.people.filter(Exists(came), **sound).last():
            leave_member(actor=self.actor, member=gone.member, left_on=since, reason="去世")


def mark_of(entry: RosterEntry) -> MarkInput:
    if entry.is_floating:
        return MarkInput(entry.pk, Status.LEAVE, 0, reason="AWAY")
    return MarkInput(entry.pk, Status.PRESENT, 0)


def look_into(campaign: Campaign) -> None:
    """One finding the inspector has seen."""
    inspector = User.objects.filter(role=Role.INSPECTOR).first()
    top = campaign.units.get(organization=campaign.organization)
    doubt = DOUBTS[DoubtNote.Kind.HEADS]
    found = findings(doubt, top).first()
    if inspector and found:
        words = "核对过签到表：多出来的是列席的老同志。"
        note_doubt(actor=inspector, unit=top, kind=doubt.kind, key=found.key, note=words)
