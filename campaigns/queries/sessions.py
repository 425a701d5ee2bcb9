"""Which sessions are held, recorded, missing. Predicates are relative to a part (`SessionUnit`)."""

from datetime import datetime, timedelta

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from campaigns.models import Campaign, SessionUnit, TrainingSession, Unit
from organizations.models import User
from organizations.tree import within

VALID = Q(session__cancelled_at__isnull=True, session__voided_at__isnull=True)
RECORDED = Q(recorded_at__isnull=False)


def over(now: datetime) -> Q:
    """Parts whose class is over."""
    return Q(session__ends_at__lte=now)


def held(now: datetime) -> Q:
    """Parts of classes that took place: a register is stored, or the time is over."""
    return VALID & (RECORDED | over(now))


def unrecorded(now: datetime) -> Q:
    """Parts whose class is over and whose register is not stored."""
    return VALID & over(now) & Q(recorded_at__isnull=True)


def week_of(now: datetime) -> tuple[datetime, datetime]:
    monday = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    monday -= timedelta(days=monday.weekday())
    return monday, monday + timedelta(days=7)


def session_states(now: datetime) -> dict[str, tuple[str, Q]]:
    """The states a list of sessions may be asked for, by the word in its address."""
    start, end = week_of(now)
    return {
        "week": ("本周", VALID & Q(session__starts_at__gte=start, session__starts_at__lt=end)),
        "coming": ("将要", VALID & Q(session__ends_at__gt=now)),
        "missing": ("未点名", unrecorded(now)),
        "recorded": ("已点名", VALID & RECORDED),
        "all": ("全部", Q()),
        # Lists behind figures; not offered as a tab of their own.
        "planned": ("已安排", VALID),
        "held": ("已开课", held(now)),
        "taught": ("已点名且计入", VALID & RECORDED & Q(session__form__counts=True)),
    }


def parts_of(unit: Unit) -> QuerySet[SessionUnit]:
    """Parts of a unit and everything below it."""
    return SessionUnit.objects.filter(
        within("unit__path", unit.path), session__campaign_id=unit.campaign_id
    ).order_by()


def sessions_with(parts: QuerySet[SessionUnit]) -> QuerySet[TrainingSession]:
    """Sessions that have one of these parts: the same rows a distinct count over the parts finds."""
    return TrainingSession.objects.filter(Exists(parts.filter(session=OuterRef("pk"))))


def parts_seen(user: User, campaign: Campaign, unit: Unit | None) -> QuerySet[SessionUnit]:
    """Parts in the account's scope, or below one unit of it."""
    if unit is not None:
        return parts_of(unit)
    return SessionUnit.objects.filter(
        unit__in=Unit.objects.visible_to(user), session__campaign=campaign
    ).order_by()


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
    if unit is None and state == "all":
        # Also what the account's units host for others.
        sessions = TrainingSession.objects.visible_to(user).filter(campaign=campaign)
    else:
        wanted = session_states(now or timezone.now())[state][1]
        sessions = sessions_with(parts_seen(user, campaign, unit).filter(wanted))
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


IN_TURN = ("turn", "starts_at", "id")


def by_turn(sessions: QuerySet[TrainingSession], now: datetime) -> QuerySet[TrainingSession]:
    """Adds `turn` for IN_TURN: what waits for its register up to today, what is to come, what is done."""
    waiting = Exists(SessionUnit.objects.filter(session=OuterRef("pk"), recorded_at__isnull=True))
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    turn = Case(
        When(~waiting, then=Value(2)),
        When(starts_at__lt=midnight + timedelta(days=1), then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    return sessions.annotate(turn=turn)


def with_progress(sessions: QuerySet[TrainingSession]) -> QuerySet[TrainingSession]:
    """How many parts a session has, and how many are recorded and closed."""
    return sessions.annotate(
        part_count=Count("parts"),
        recorded_count=Count("parts", filter=Q(parts__recorded_at__isnull=False)),
        closed_count=Count("parts", filter=Q(parts__closed_at__isnull=False)),
    )
