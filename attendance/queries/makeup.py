"""A make-up class before it is planned: whom it would clear of what, and whom not, and why."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from attendance.models import ATTENDED, Attendance, Part, RosterEntry, Status
from campaigns.models import Round, SessionUnit, Topic, Unit
from organizations.tree import STEP, ancestors

NOT_NEEDED, NOT_EXPECTED = "MAKEUP_NOT_NEEDED", "MAKEUP_NOT_EXPECTED"
BEFORE, OVERLAP = "MAKEUP_BEFORE", "OVERLAP"
MISSING = (Status.LEAVE, Status.ABSENT)


@dataclass(frozen=True)
class Verdict:
    """One person: the topics the class would settle, or the code and words of why it would not.

    `missed` are the classes made up for; `busy` names a class planned for the same time.
    """

    entry: RosterEntry
    topics: list[Topic] = field(default_factory=list)
    code: str = ""
    words: str = ""
    missed: list[Attendance] = field(default_factory=list)
    busy: str = ""

    @property
    def clears(self) -> bool:
        return not self.code


def verdicts(
    entries: Sequence[RosterEntry],
    topics: Sequence[Topic],
    starts_at: datetime,
    ends_at: datetime,
    round: str = Round.MAKE_UP,
) -> list[Verdict]:
    """What the class would do for each, in their order: three statements at most, however many."""
    rows: dict[int, list[Attendance]] = {}
    found = Attendance.objects.filter(entry__in=[entry.pk for entry in entries])
    for row in found.select_related("session").order_by("held_on", "pk"):
        rows.setdefault(row.entry_id, []).append(row)
    busy = _planned_then(entries, starts_at, ends_at)
    judge = _judge_home if round == Round.HOME else _judge
    return [judge(entry, topics, rows.get(entry.pk, []), (starts_at, ends_at), busy) for entry in entries]


Times = tuple[datetime, datetime]


def _judge(
    entry: RosterEntry, topics: Sequence[Topic], rows: list[Attendance], times: Times, busy: dict[int, str]
) -> Verdict:
    if entry.left_on:
        return Verdict(entry, code=NOT_EXPECTED, words="已离开名册，不用补课")
    if not entry.required:
        return Verdict(entry, code=NOT_EXPECTED, words="不作硬性要求，不用补课；可以送学上门")
    learnt = _learnt(rows)
    wanted = [topic for topic in topics if not learnt & topic.mask]
    if not wanted:
        return Verdict(entry, code=NOT_NEEDED, words=_where_learnt(rows, topics))
    day = timezone.localdate(times[0])
    missed = [row for row in rows if _was_missed(row) and row.topic_mask & sum(t.mask for t in wanted)]
    late = [topic for topic in wanted if _first_missed_after(missed, topic, day)]
    clears = [topic for topic in wanted if topic not in late]
    if not clears:
        first = missed[0].held_on
        return Verdict(entry, code=BEFORE, words=f"缺的课在{_day(first)}，补课要在那天或以后")
    if words := _elsewhere(rows, times):
        return Verdict(entry, code=OVERLAP, words=words)
    mask = sum(topic.mask for topic in clears)
    return Verdict(
        entry, clears, missed=[row for row in missed if row.topic_mask & mask], busy=busy.get(entry.pk, "")
    )


def _judge_home(
    entry: RosterEntry, topics: Sequence[Topic], rows: list[Attendance], times: Times, busy: dict[int, str]
) -> Verdict:
    """A visit needs no debt: somebody is taught again, and of whom nothing is asked is taught too."""
    if entry.left_on:
        return Verdict(entry, code=NOT_EXPECTED, words="已离开名册")
    if words := _elsewhere(rows, times):
        return Verdict(entry, code=OVERLAP, words=words)
    learnt = _learnt(rows)
    return Verdict(entry, [topic for topic in topics if not learnt & topic.mask], busy=busy.get(entry.pk, ""))


def _counted(row: Attendance) -> bool:
    return row.counts and row.status in ATTENDED


def _was_missed(row: Attendance) -> bool:
    return row.counts and row.part == Part.EXPECTED and row.status in MISSING


def _learnt(rows: Iterable[Attendance]) -> int:
    mask = 0
    for row in rows:
        mask |= row.topic_mask if _counted(row) else 0
    return mask


def _where_learnt(rows: Iterable[Attendance], topics: Sequence[Topic]) -> str:
    wanted = sum(topic.mask for topic in topics)
    first = next(row for row in rows if _counted(row) and row.topic_mask & wanted)
    return f"已经学过（{_day(first.held_on)}{first.session.title}），不用补"


def _first_missed_after(missed: Iterable[Attendance], topic: Topic, day) -> bool:
    """A topic missed on later days only was not owed yet on `day`; one never missed may be learnt any day."""
    days = [row.held_on for row in missed if row.topic_mask & topic.mask]
    return bool(days) and min(days) > day


def _elsewhere(rows: Iterable[Attendance], times: Times) -> str:
    starts_at, ends_at = times
    for row in rows:
        other = row.session
        if (
            other.is_valid
            and row.status in ATTENDED
            and other.starts_at < ends_at
            and other.ends_at > starts_at
        ):
            return f"那个时间在“{other.title}”上课，已登记到课"
    return ""


def _planned_then(entries: Sequence[RosterEntry], starts_at: datetime, ends_at: datetime) -> dict[int, str]:
    """Who is expected in another planned class at that time: a warning, for plans change."""
    planned = SessionUnit.objects.filter(
        unit__in={entry.unit_id for entry in entries},
        recorded_at__isnull=True,
        session__cancelled_at__isnull=True,
        session__voided_at__isnull=True,
        session__starts_at__lt=ends_at,
        session__ends_at__gt=starts_at,
    )
    parts = list(planned.select_related("session").order_by("session__starts_at", "pk"))
    named = SessionUnit.named_members.through.objects.filter(
        sessionunit__in=[part.pk for part in parts if part.audience == SessionUnit.Audience.NAMED],
        member__in=[entry.member_id for entry in entries],
    )
    asked = set(named.values_list("sessionunit", "member"))
    found: dict[int, str] = {}
    for part in parts:
        mine = (entry for entry in entries if entry.unit_id == part.unit_id and _calls(part, entry, asked))
        found.update((entry.pk, part.session.title) for entry in mine)
    return found


def _calls(part: SessionUnit, entry: RosterEntry, asked: Set[tuple[int, int]]) -> bool:
    """`asked`: (part, member) of the classes for people by name."""
    if part.audience == SessionUnit.Audience.CATEGORY:
        return entry.category == part.category
    return part.audience == SessionUnit.Audience.WHOLE or (part.pk, entry.member_id) in asked


def surplus(rows: Iterable[Attendance]) -> set[int]:
    """Rows of make-up or home classes that settled nothing after all: everything was learnt elsewhere.

    So it is when the class that was missed is corrected to present afterwards. They stay, counted
    once; the page says 多补了一次.
    """
    rows = [row for row in rows if _counted(row)]
    first = 0
    for row in rows:
        first |= row.topic_mask if row.round == Round.FIRST else 0
    extra = [row for row in rows if row.round == Round.MAKE_UP and row.topic_mask]
    return {row.pk for row in extra if row.topic_mask & ~first == 0}


def common_unit(entries: Sequence[RosterEntry]) -> Unit | None:
    """The branch itself where everybody is of one, else the lowest unit above them all."""
    paths = [entry.unit.path for entry in entries]
    low, high = min(paths), max(paths)
    shared = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    above = ancestors(low[: shared // STEP * STEP])
    found = Unit.objects.filter(campaign=entries[0].campaign_id, path__in=above)
    return found.order_by("-path").select_related("campaign", "organization").first()


def _day(day) -> str:
    return f"{day.month}月{day.day}日"
