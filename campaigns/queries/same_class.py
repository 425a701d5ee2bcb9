"""One class that the branches hold separately, each as a session of its own."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.models import Round, SessionUnit, TrainingSession, Unit
from campaigns.queries.campaigns import inside, scope_unit
from campaigns.queries.sessions import VALID, midnight_after
from organizations.models import User
from organizations.tree import within

# The branches in their fixed order; of one branch the earlier class first.
SAME_CLASS_ORDER = ("unit__path", "session__starts_at", "pk")
# Whoever stands above more branches fills no registers of theirs, and is not asked to wait for the count.
MOST_BRANCHES = 300


def same_class(session: TrainingSession, user: User) -> QuerySet[SessionUnit]:
    """The sheets of this class an account keeps, one of each session: same title, topics and round.

    A session with several branches of the scope has a page of its own, and a home lesson was
    marked when it was written down. `is_shared`: branches of others were called to it, too.
    """
    scope = scope_unit(user, session.campaign) if user.marks_registers else None
    return _alike(session, scope) if scope else SessionUnit.objects.none()


def _alike(session: TrainingSession, scope: Unit) -> QuerySet[SessionUnit]:
    if session.round == Round.HOME:
        return SessionUnit.objects.none()
    # Not by campaign, which the scope says already: some branches are read, not all sessions of a winter.
    alike = {f"session__{name}": getattr(session, name) for name in ("title", "topic_mask", "round")}
    besides = SessionUnit.objects.filter(session=OuterRef("session")).exclude(pk=OuterRef("pk"))
    here_too = besides.filter(within("unit__path", scope.path))
    found = SessionUnit.objects.filter(inside(scope), VALID, ~Exists(here_too), **alike)
    return found.annotate(is_shared=Exists(besides)).order_by(*SAME_CLASS_ORDER)


def day_has_come(now: datetime) -> Q:
    """Sheets that may be filled: from the morning of the day on."""
    return Q(session__starts_at__lt=midnight_after(now))


def branches_together(session: TrainingSession, user: User, now: datetime) -> int:
    """How many branches hold this class for themselves, up to today; 0 where there are not two."""
    scope = scope_unit(user, session.campaign) if user.marks_registers else None
    if scope is None or scope.holds_people or _is_wide(scope):
        return 0
    sheets = _alike(session, scope).filter(day_has_come(now))
    number = sheets.order_by().values("unit").distinct().count()
    return number if number > 1 else 0


def _is_wide(scope: Unit) -> bool:
    branches = Unit.objects.with_people().filter(within("path", scope.path), campaign=scope.campaign_id)
    return branches.order_by("path")[: MOST_BRANCHES + 1].count() > MOST_BRANCHES
