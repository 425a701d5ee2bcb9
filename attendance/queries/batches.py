"""What a sending did, and how a session stands after it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.utils import timezone

from attendance.models import ATTENDED, Attendance, Mark, MarkBatch, Part, SessionTally, Status
from campaigns.models import Round, SessionUnit, TrainingSession, Unit
from organizations.models import User

# Branches in their fixed order, people in the branch's own: the key by which lists of people page.
IN_ORDER = ("unit__path", "entry__member__place_in_list", "entry_id")
SUMS = ("expected", "attended", "late", "leave", "absent", "unmarked", "optional", "visitors")

KINDS = MarkBatch.Kind
# What somebody sent, in whatever way: the rest follows from other acts and is not taken back by itself.
UNDOABLE = (KINDS.REGISTER, KINDS.PASTE, KINDS.SHEET, KINDS.IMPORT, KINDS.SYNC, KINDS.CLOSE)


@dataclass(frozen=True)
class Outcome:
    """The marks of one sending, by what became of them. `sent` counts people, not acts.

    Of these `first` had no value before, `changed` another one, `extra` had none and came without being
    expected; the rest stayed as they were.
    """

    batches: list[MarkBatch]
    sent: int = 0
    first: int = 0
    changed: int = 0
    extra: int = 0
    conflicts: list[dict] = field(default_factory=list)
    held: list[Mark] = field(default_factory=list)
    rejected: list[Mark] = field(default_factory=list)

    @property
    def is_undone(self) -> bool:
        return bool(self.batches) and all(hasattr(batch, "undone_by") for batch in self.batches)

    @property
    def can_undo(self) -> bool:
        """One whole sending of marks, not yet taken back, and not itself a taking back."""
        if len(self.batches) != 1 or not self.sent:
            return False
        batch = self.batches[0]
        return batch.kind in UNDOABLE and not hasattr(batch, "undone_by")


def outcome(session: TrainingSession, user: User, uuids: Iterable[UUID]) -> Outcome:
    """What became of the account's own sendings; sendings of others are not shown here."""
    batches = list(
        MarkBatch.objects.filter(session=session, account=user, uuid__in=list(uuids)).select_related(
            "undone_by", "part__unit"
        )
    )
    marks = list(Mark.objects.filter(batch__in=batches).select_related("entry__member", "entry__unit"))
    by_outcome: dict[str, list[Mark]] = {}
    for mark in marks:
        by_outcome.setdefault(mark.outcome, []).append(mark)
    applied = by_outcome.get(Mark.Outcome.APPLIED, [])
    first = [mark for mark in applied if mark.before_status in ("", Status.UNMARKED)]
    extra = _extra(session, first)
    accepted = applied + by_outcome.get(Mark.Outcome.SAME, [])
    return Outcome(
        batches=batches,
        sent=len(accepted),
        first=len(first) - extra,
        changed=len(applied) - len(first),
        extra=extra,
        conflicts=_conflicts(session, by_outcome.get(Mark.Outcome.CONFLICT, [])),
        held=by_outcome.get(Mark.Outcome.HELD, []),
        rejected=_seen(by_outcome.get(Mark.Outcome.REJECTED, []), user),
    )


def _extra(session: TrainingSession, marks: list[Mark]) -> int:
    """How many of these came though nobody expected them: guests, and 不作硬性要求."""
    came = [mark.entry_id for mark in marks if mark.status in ATTENDED]
    rows = Attendance.objects.filter(session=session, entry__in=came)
    return rows.exclude(part=Part.EXPECTED).count()


def _seen(marks: list[Mark], user: User) -> list[Mark]:
    """Only people the account may see: a guessed entry must not tell its name."""
    visible = Unit.objects.visible_to(user).filter(pk__in=[mark.entry.unit_id for mark in marks])
    own = set(visible.values_list("pk", flat=True))
    return [mark for mark in marks if mark.entry.unit_id in own]


def _conflicts(session: TrainingSession, marks: list[Mark]) -> list[dict]:
    """Mine beside theirs, as long as they still differ: whose, and when."""
    entries = [mark.entry_id for mark in marks]
    rows = {row.entry_id: row for row in Attendance.objects.filter(session=session, entry__in=entries)}
    last = {
        mark.entry_id: mark
        for mark in Mark.objects.filter(
            batch__session=session, entry__in=entries, outcome=Mark.Outcome.APPLIED
        )
        .select_related("batch__account")
        .order_by("pk")
    }
    return [
        {"mine": mark, "row": row, "theirs": last.get(mark.entry_id)}
        for mark in marks
        if (row := rows.get(mark.entry_id)) and (row.status, row.reason) != (mark.status, mark.reason)
    ]


def session_sums(parts: Iterable[SessionUnit]) -> dict[str, int]:
    """The foot of the sign-in sheet, over these parts."""
    totals = SessionTally.objects.filter(session_unit__in=[part.pk for part in parts]).aggregate(
        **{f"sum_{name}": Sum(name) for name in SUMS}
    )
    return {name: totals[f"sum_{name}"] or 0 for name in SUMS}


def has_unknown(parts: Iterable[SessionUnit]) -> bool:
    """Whether these open sheets still expect somebody nobody marked; an unopened sheet is all unknown."""
    waiting = [part for part in parts if part.closed_at is None]
    unknown = Attendance.objects.filter(
        session_unit__in=[part.pk for part in waiting], part=Part.EXPECTED, status="unmarked"
    )
    return any(part.recorded_at is None for part in waiting) or unknown.exists()


def session_rows(parts: Iterable[SessionUnit], which: str = "all") -> QuerySet[Attendance]:
    """The rows behind one figure of a session, in the branch's own order."""
    found = Attendance.objects.filter(session_unit__in=[part.pk for part in parts])
    expected = found.filter(part=Part.EXPECTED)
    rows = {
        "expected": expected,
        "attended": expected.filter(status__in=ATTENDED),
        "missing": expected.exclude(status__in=ATTENDED),
        "late": expected.filter(status="late"),
        "leave": expected.filter(status="leave"),
        "absent": expected.filter(status="absent"),
        "unmarked": expected.filter(status="unmarked"),
        "optional": found.filter(part=Part.OPTIONAL, status__in=ATTENDED),
        "visitors": found.filter(part=Part.VISITOR, status__in=ATTENDED),
    }.get(which, found)
    return rows.select_related("entry__member", "unit").order_by(*IN_ORDER)


def report_text(session: TrainingSession, parts: list[SessionUnit], sums: dict[str, int]) -> str:
    """One sentence for WeChat. Numbers only: no names leave the system this way."""
    who = parts[0].unit.name if len(parts) == 1 else f"{session.host.name}{len(parts)}个支部"
    day = timezone.localdate(session.starts_at)
    rest = f"，未登记{sums['unmarked']}人" if sums["unmarked"] else ""
    extra = sums["optional"] + sums["visitors"]
    rest += f"，另来{extra}人" if extra else ""
    return (
        f"{who}{day.month}月{day.day}日{_class_words(session)}：应到{sums['expected']}人，"
        f"实到{sums['attended']}人，请假{sums['leave']}人，缺席{sums['absent']}人{rest}。"
    )


def _class_words(session: TrainingSession) -> str:
    """冬训; of a make-up or home class its kind and name, else one man of one reads like the whole branch."""
    if session.round == Round.FIRST:
        return "冬训"
    kind = Round(session.round).label
    return f"{kind}“{session.title.removeprefix(kind).lstrip('：: ') or session.title}”"
