"""Who asked leave, for which classes, and what the pages say of it."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from attendance.models import ATTENDED, Attendance, Leave, RosterEntry, RosterStay
from attendance.queries.days import held_on, midnight
from campaigns.models import SessionUnit, TrainingForm, TrainingSession, Unit
from campaigns.queries import inside
from organizations.models import named

RUNNING = Q(ended_at__isnull=True)
# Over this share of the hours planned so far: a word to whoever writes the leave down.
MOST_PERCENT = 30
# As the word in the address says it.
LEAVE_STATES = {
    "open": "现在和以后",
    "now": "正在请假",
    "coming": "以后的",
    "past": "过去的",
    "all": "全部",
}
LEAVE_ORDER = ("entry__unit__path", "entry__member__place_in_list", "-id")


def covering(session: TrainingSession) -> Q:
    """Leaves that hold for this class: by its day or by name, and not taken back by then."""
    day = held_on(session)
    about = Q(is_period=True, since__lte=day, until__gte=day) | Q(is_period=False, sessions=session)
    return about & (RUNNING | Q(ended_at__gte=midnight(day + timedelta(days=1))))


def leaves_for(session: TrainingSession, parts: Collection[SessionUnit]) -> dict[int, Leave]:
    """Who of these sheets asked leave for this class, by entry; of several leaves the latest."""
    if not parts:
        return {}
    there = RosterStay.objects.filter(unit__in=[part.unit_id for part in parts]).values("entry")
    found = Leave.objects.filter(covering(session), entry__in=there).order_by("pk")
    return {leave.entry_id: leave for leave in found}


def leaves_on(parts: Sequence[SessionUnit]) -> dict[tuple[int, int], Leave]:
    """`leaves_for` of the sheets of several sessions at once, by session and entry."""
    sessions = {part.session_id: part.session for part in parts}
    if len(sessions) < 2:
        told = leaves_for(parts[0].session, parts) if parts else {}
        return {(session, entry): leave for session in sessions for entry, leave in told.items()}
    days = {pk: held_on(session) for pk, session in sessions.items()}
    about = Q(is_period=True, since__lte=max(days.values()), until__gte=min(days.values()))
    there = RosterStay.objects.filter(unit__in=[part.unit_id for part in parts]).values("entry")
    found = Leave.objects.filter(about | Q(is_period=False, sessions__in=sessions), entry__in=there)
    leaves = found.order_by("pk").prefetch_related("sessions").distinct()
    return {
        (pk, leave.entry_id): leave
        for leave in leaves
        for pk, day in days.items()
        if _is_about(leave, pk, day)
    }


def came_on_leave(session: TrainingSession, parts: Collection[SessionUnit]) -> list[Attendance]:
    """Who of these sheets had asked leave and came all the same."""
    asked = leaves_for(session, parts)
    if not asked:
        return []
    rows = Attendance.objects.filter(session_unit__in=parts, entry__in=asked, status__in=ATTENDED)
    return list(rows.select_related("entry__member").order_by("entry__member__place_in_list", "entry_id"))


def days_of(leave: Leave) -> str:
    """12月3—9日, 12月30日—1月3日."""
    first, last = leave.since, leave.until
    start = f"{first.month}月{first.day}"
    if first == last:
        return f"{start}日"
    if (first.year, first.month) == (last.year, last.month):
        return f"{start}—{last.day}日"
    return f"{start}日—{last.month}月{last.day}日"


def leave_words(leave: Leave) -> str:
    """请假·有事 12月3—9日: beside a name on the register."""
    when = f" {days_of(leave)}" if leave.is_period else "（这一场）"
    return f"请假·{leave.get_reason_display()}{when}"


# --- What a leave is about -------------------------------------------------------------------
def in_days(entry: RosterEntry, since: date, until: date) -> QuerySet[TrainingSession]:
    """Classes of the campaign on these days that are not off."""
    first, end = midnight(since), midnight(until + timedelta(days=1))
    valid = TrainingSession.objects.valid().filter(campaign=entry.campaign_id)
    return valid.filter(starts_at__gte=first, starts_at__lt=end)


def came_to(entry: RosterEntry, sessions: QuerySet[TrainingSession]) -> Attendance | None:
    """The first of these classes at which this person is recorded as there."""
    rows = Attendance.objects.filter(entry=entry, status__in=ATTENDED, session__in=sessions.values("pk"))
    return rows.select_related("session").order_by("held_on", "pk").first()


def sheets_of(entry: RosterEntry, sessions: QuerySet[TrainingSession]) -> list[SessionUnit]:
    """The sheets of these classes on which this person stands, or would by where it belonged that day."""
    row = Attendance.objects.filter(session_unit=OuterRef("pk"), entry=entry)
    stay = RosterStay.objects.filter(entry=entry, unit=OuterRef("unit"))
    found = SessionUnit.objects.filter(Exists(row) | Exists(stay), session__in=sessions.values("pk"))
    parts = found.annotate(is_row=Exists(row)).select_related("session", "unit").order_by("session", "pk")
    stays = list(entry.stays.all())
    return [part for part in parts if part.is_row or any(_held(stay, part) for stay in stays)]


def _held(stay: RosterStay, part: SessionUnit) -> bool:
    day = held_on(part.session)
    return stay.unit_id == part.unit_id and stay.since <= day and (stay.until is None or day < stay.until)


def called_to(entry: RosterEntry) -> QuerySet[TrainingSession]:
    """Classes to which this person is called, whose sheet is not finished."""
    parts = SessionUnit.objects.filter(expecting(entry), session=OuterRef("pk"), closed_at__isnull=True)
    sessions = TrainingSession.objects.valid().filter(campaign=entry.campaign_id)
    return sessions.filter(Exists(parts)).order_by("starts_at", "pk")


def expecting(entry: RosterEntry) -> Q:
    """Parts whose audience this person belongs to."""
    kinds = SessionUnit.Audience
    audience = (
        Q(audience=kinds.WHOLE)
        | Q(audience=kinds.CATEGORY, category=entry.category)
        | Q(audience=kinds.NAMED, named_members=entry.member_id)
    )
    return Q(unit=entry.unit_id) & audience


def share_on_leave(entry: RosterEntry) -> tuple[int, int]:
    """(minutes on leave, minutes planned so far) of the classes this person is called to."""
    mine = SessionUnit.objects.filter(expecting(entry), session=OuterRef("pk"))
    planned = TrainingSession.objects.valid().filter(Exists(mine), campaign=entry.campaign_id)
    planned = planned.exclude(form__hours_rule=TrainingForm.HoursRule.NONE).order_by()
    chosen = Q(leaves__in=entry.leaves.filter(RUNNING, is_period=False).values("pk"))
    for leave in entry.leaves.filter(RUNNING, is_period=True):
        first, end = midnight(leave.since), midnight(leave.until + timedelta(days=1))
        chosen |= Q(starts_at__gte=first, starts_at__lt=end)
    away = TrainingSession.objects.filter(pk__in=planned.filter(chosen).values("pk")).order_by()
    return tuple(found.aggregate(sum=Sum("minutes"))["sum"] or 0 for found in (away, planned))  # type: ignore[return-value]


# --- Lists ----------------------------------------------------------------------------------------
def leaves_of(unit: Unit, state: str, text: str, today: date) -> QuerySet[Leave]:
    """Leaves of people at or below `unit`, in the order of the branches' lists."""
    found = Leave.objects.filter(_when(today)[state], inside(unit, "entry__unit"))
    if text:
        found = found.filter(named(text, "entry__member__"))
    return found.select_related("entry__member", "entry__unit", "set_by", "ended_by").prefetch_related(
        "sessions"
    )


def _when(today: date) -> dict[str, Q]:
    return {
        "open": RUNNING & Q(until__gte=today),
        "now": RUNNING & Q(since__lte=today, until__gte=today),
        "coming": RUNNING & Q(since__gt=today),
        "past": Q(ended_at__isnull=False) | Q(until__lt=today),
        "all": Q(),
    }


def people_on_leave(unit: Unit, text: str, today: date) -> dict[str, int]:
    """How many people stand in each list: who asked twice is one. One statement."""
    found = Leave.objects.filter(inside(unit, "entry__unit"))
    if text:
        found = found.filter(named(text, "entry__member__"))
    sums = {state: Count("entry", filter=when or None, distinct=True) for state, when in _when(today).items()}
    return found.aggregate(**sums)


def leave_history(entry: RosterEntry) -> list[tuple[Leave, list[Attendance]]]:
    """Every leave of this person, the latest first, each with the classes to which he came all the same."""
    leaves = list(entry.leaves.select_related("set_by", "ended_by").prefetch_related("sessions"))
    rows = list(entry.rows.filter(status__in=ATTENDED).select_related("session").order_by("held_on"))
    return [
        (leave, [row for row in rows if _is_about(leave, row.session_id, row.held_on)]) for leave in leaves
    ]


def _is_about(leave: Leave, session: int, day: date) -> bool:
    """`covering`, of a leave that is read already."""
    if leave.ended_at and timezone.localdate(leave.ended_at) <= day:
        return False
    if leave.is_period:
        return leave.since <= day <= leave.until
    return session in {one.pk for one in leave.sessions.all()}
