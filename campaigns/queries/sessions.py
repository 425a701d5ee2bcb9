"""Which sessions are held, recorded, missing. Predicates are relative to a part (`SessionUnit`)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from campaigns.models import Campaign, SessionUnit, TrainingSession, Unit
from campaigns.queries.campaigns import inside, scope_unit
from organizations.models import User

VALID = Q(session__cancelled_at__isnull=True, session__voided_at__isnull=True)
RECORDED = Q(recorded_at__isnull=False)


def over(now: datetime) -> Q:
    """Parts whose class is over."""
    return Q(session__ends_at__lte=now)


def held(now: datetime) -> Q:
    """Parts of classes that took place: a register is stored, or the time is over."""
    return VALID & (RECORDED | over(now))


def unrecorded(now: datetime) -> Q:
    """Parts whose class is over, neither cancelled nor voided, and whose register is not stored."""
    return Q(recorded_at__isnull=True, due_at__lte=now)


def midnight_after(now: datetime) -> datetime:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)


def week_of(now: datetime) -> tuple[datetime, datetime]:
    monday = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    monday -= timedelta(days=monday.weekday())
    return monday, monday + timedelta(days=7)


ANY = Q()


@dataclass(frozen=True)
class State:
    """What a session must be, and one of its parts in the scope."""

    label: str
    session: Q = ANY
    part: Q = ANY


IS_VALID = Q(cancelled_at__isnull=True, voided_at__isnull=True)


def session_states(now: datetime) -> dict[str, State]:
    """The states a list of sessions may be asked for, by the word in its address."""
    start, end = week_of(now)
    return {
        "week": State("本周", IS_VALID & Q(starts_at__gte=start, starts_at__lt=end)),
        "coming": State("将要", IS_VALID & Q(ends_at__gt=now)),
        "missing": State("未点名", part=unrecorded(now)),
        "recorded": State("已点名", IS_VALID, RECORDED),
        "all": State("全部"),
        # Lists behind figures; not offered as a tab of their own.
        "planned": State("已安排", IS_VALID),
        "held": State("已开课", IS_VALID),  # and took_place()
        "taught": State("已点名且计入", IS_VALID & Q(form__counts=True), RECORDED),
    }


def parts_of(unit: Unit) -> QuerySet[SessionUnit]:
    """Parts of a unit and everything below it."""
    return SessionUnit.objects.filter(inside(unit)).order_by()


def sessions_with(parts: QuerySet[SessionUnit]) -> QuerySet[TrainingSession]:
    """Sessions that have one of these parts: the same rows a distinct count over the parts finds."""
    return TrainingSession.objects.filter(Exists(parts.filter(session=OuterRef("pk"))))


def parts_seen(user: User, campaign: Campaign) -> QuerySet[SessionUnit]:
    """Parts in the account's scope."""
    unit = scope_unit(user, campaign)
    return SessionUnit.objects.none() if unit is None else parts_of(unit)


def sessions_of(unit: Unit, state: str, now: datetime) -> QuerySet[TrainingSession]:
    """Sessions in which the unit, or one below it, has a part of this state: the list behind each figure.

    At the campaign's top every part is below, and no session is without one: there
    the parts are asked only for what is a part's own.
    """
    wanted = session_states(now)[state]
    sessions = TrainingSession.objects.filter(wanted.session, campaign_id=unit.campaign_id)
    if state == "held":
        sessions = sessions.filter(took_place(unit, now))
    if not unit.is_top:
        # By IN, not EXISTS: SQLite then begins with the unit's few parts, as PostgreSQL does either way.
        return sessions.filter(pk__in=parts_of(unit).filter(wanted.part).values("session"))
    parts = SessionUnit.objects.filter(wanted.part, session=OuterRef("pk"))
    return sessions.filter(Exists(parts)) if wanted.part else sessions


def took_place(unit: Unit, now: datetime) -> Q:
    """Valid sessions whose time is over, or with a register stored here: nobody is marked before the day,
    so of those still to come only today's are asked."""
    today = TrainingSession.objects.filter(
        IS_VALID, campaign_id=unit.campaign_id, ends_at__gt=now, starts_at__lt=midnight_after(now)
    )
    parts = SessionUnit.objects.filter(RECORDED, ANY if unit.is_top else inside(unit))
    begun = today.filter(Exists(parts.filter(session=OuterRef("pk")))).order_by().values("pk")
    return Q(ends_at__lte=now) | Q(pk__in=begun)


def sessions_seen(unit: Unit) -> QuerySet[TrainingSession]:
    """Sessions the units at or below this one take part in, and those they host for others."""
    sessions = TrainingSession.objects.filter(campaign_id=unit.campaign_id)
    if unit.is_top:
        return sessions
    hosting = sessions.filter(inside(unit, "host")).order_by().values("pk")
    return sessions.filter(pk__in=hosting.union(parts_of(unit).values("session_id")))


def listed_sessions(
    user: User,
    campaign: Campaign,
    *,
    unit: Unit | None = None,
    state: str = "all",
    now: datetime | None = None,
    search: str = "",
    **filters: str,
) -> QuerySet[TrainingSession]:
    """The list behind every figure about sessions; see `session_states` and `SESSION_FILTERS`."""
    scope = unit or scope_unit(user, campaign)
    if scope is None:
        return TrainingSession.objects.none()
    if unit is None and state == "all":
        sessions = sessions_seen(scope)
    else:
        sessions = sessions_of(scope, state, now or timezone.now())
    for name, value in filters.items():
        sessions = sessions.filter(SESSION_FILTERS[name](value))
    if search:
        sessions = sessions.filter(
            Q(title__icontains=search) | Q(venue__icontains=search) | Q(host__name__icontains=search)
        )
    return sessions


def by_task(code: str) -> Exists:
    through = TrainingSession.topics.through.objects
    return Exists(through.filter(trainingsession=OuterRef("pk"), topic__task__code=code))


def by_topic(pk: str) -> Exists:
    through = TrainingSession.topics.through.objects
    return Exists(through.filter(trainingsession=OuterRef("pk"), topic_id=pk))


def by_department(pk: str) -> Exists:
    through = TrainingSession.lecturers.through.objects.filter(trainingsession=OuterRef("pk"))
    return Exists(
        through.filter(lecturer__department__isnull=False)
        if pk == "any"
        else through.filter(lecturer__department_id=pk)
    )


# What a link behind a figure may add: ?side=FIELD, ?form=KICKOFF, ?topic=3, ?task=theory, ?department=any
SESSION_FILTERS = {
    "side": lambda side: Q(form__side=side),
    "form": lambda code: Q(form__code=code),
    "topic": by_topic,
    "task": by_task,
    "department": by_department,
}


IN_TIME = ("starts_at", "id")


def by_turn(sessions: QuerySet[TrainingSession], now: datetime) -> list[QuerySet[TrainingSession]]:
    """Three lists in time, one after the other: what waits for its register up to today, what is to come,
    what is done."""
    waiting = Exists(SessionUnit.objects.filter(session=OuterRef("pk"), recorded_at__isnull=True))
    tomorrow = midnight_after(now)
    turns = (waiting & Q(starts_at__lt=tomorrow), waiting & Q(starts_at__gte=tomorrow), ~waiting)
    return [sessions.filter(turn).order_by(*IN_TIME) for turn in turns]


def with_progress(sessions: Iterable[TrainingSession]) -> list[TrainingSession]:
    """Tells each session of a page how many parts it has, and how many are recorded and closed."""
    shown = list(sessions)
    rows = SessionUnit.objects.filter(session__in=[one.pk for one in shown]).order_by().values("session")
    found = rows.annotate(part=Count("pk"), recorded=Count("recorded_at"), closed=Count("closed_at"))
    counts = {row["session"]: (row["part"], row["recorded"], row["closed"]) for row in found}
    for one in shown:
        one.part_count, one.recorded_count, one.closed_count = counts.get(one.pk, (0, 0, 0))  # type: ignore[attr-defined]
    return shown
