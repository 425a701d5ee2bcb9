"""What the first page shows: what waits, and the classes of this week."""

from datetime import datetime, time, timedelta

from django.utils import timezone

from attendance.queries import todos as attendance_todos
from campaigns.models import Campaign, TrainingSession
from campaigns.queries import IN_TIME, by_turn, listed_sessions, sessions_with, with_progress
from campaigns.queries import todos as campaign_todos
from campaigns.queries.sessions import RECORDED, VALID, parts_seen
from organizations.models import User
from organizations.queries import Todo
from organizations.queries.accounts import account_todos
from organizations.queries.duplicates import todos as twin_todos
from organizations.queries.probing import todos as probing_todos
from organizations.queries.transfers import todos as transfer_todos

MOST_COMING = 8
MOST_TO_MARK = 50


def todos(user: User) -> list[Todo]:
    """Everything that waits for this account; what must be done before what may be known."""
    lines = [*campaign_todos(user), *attendance_todos(user), *transfer_todos(user), *twin_todos(user)]
    lines += [*account_todos(user), *probing_todos(user)]
    return sorted(lines, key=lambda line: line.level != "warn")


def this_week(user: User, campaign: Campaign, now: datetime) -> list[TrainingSession]:
    """Classes of this week: first what waits for its register, last what is done."""
    sessions = listed_sessions(user, campaign, state="week", now=now).select_related("form")
    found: list[TrainingSession] = []
    for turn in by_turn(sessions, now):
        found += turn[: MOST_COMING - len(found)] if len(found) < MOST_COMING else []
    return with_progress(found)


def rest_of_week(user: User, campaign: Campaign, now: datetime) -> list[TrainingSession]:
    """Classes from today to Sunday, in the order they take place; earlier ones are to-dos or done."""
    begun = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    sessions = listed_sessions(user, campaign, state="week", now=now).filter(starts_at__gte=begun)
    return with_progress(sessions.select_related("form").order_by(*IN_TIME)[:MOST_COMING])


def to_mark(user: User, campaign: Campaign, now: datetime) -> list[TrainingSession]:
    """Classes up to today of which a register in the account's scope is missing."""
    tomorrow = timezone.localdate(now) + timedelta(days=1)
    begun = timezone.make_aware(datetime.combine(tomorrow, time.min))
    parts = parts_seen(user, campaign).filter(VALID, ~RECORDED, session__starts_at__lt=begun)
    return with_progress(sessions_with(parts).select_related("form").order_by(*IN_TIME)[:MOST_TO_MARK])
