"""Classes and their rows follow the hours rules: what the recount does first after a rule was set."""

from collections.abc import Callable

from django.db.models import Q

from attendance.models import ATTENDED, Attendance
from attendance.services.exclusively import Also, lock_exactly, with_retry
from attendance.services.recount import recount
from campaigns.models import Campaign, SessionUnit, Stage, TrainingSession, Unit
from campaigns.queries.hours import Behind, behind
from campaigns.services.hours import set_worth
from organizations.service import Refused, service

CHUNK = 40  # classes brought up to date under one lock
# Hears done and total between the transactions.
Progress = Callable[[int, int], None]


@service(atomic=False, audited=False)
def follow_rules(*, campaign: Campaign, progress: Progress | None = None) -> int:
    """Bring the classes that are behind the rules, their rows and the figures up to them, a few at a time.

    Minutes a person set stay. Marking may go on meanwhile. Returns how many classes; again does nothing.
    A campaign that is over stays as it is.
    """
    is_over = Campaign.objects.get(pk=campaign.pk).stage == Stage.CLOSED
    waiting = [] if is_over else [one.session for one in behind(campaign.pk)]
    for start in range(0, len(waiting), CHUNK):
        if progress:
            progress(start, len(waiting))
        chunk = waiting[start : start + CHUNK]
        with_retry(lambda also, some=chunk: _follow(campaign, some, also))
    return len(waiting)


def _follow(campaign: Campaign, sessions: list[int], also: Also) -> None:
    """These classes, under the lock of every unit their rows touch."""
    lock_exactly(lambda: _concerned(sessions), also)
    if Campaign.objects.get(pk=campaign.pk).stage == Stage.CLOSED:
        raise Refused("这期冬训已经结束，学时不再折算。", code="closed")
    if Unit.objects.filter(pk__in=_concerned(sessions), frozen_at__isnull=False).exists():
        raise Refused("有单位的数据已经上报锁定，学时暂不能重新折算。请先由上级解锁。", code="frozen")
    found = behind(campaign.pk, sessions)
    set_worth(found=found)
    _rewrite_minutes(found)
    _recount(campaign, [one.session for one in found])


def _rewrite_minutes(found: list[Behind]) -> None:
    by_minutes: dict[int, list[int]] = {}
    for one in found:
        by_minutes.setdefault(one.worth.minutes if one.taught else 0, []).append(one.session)
    for minutes, sessions in by_minutes.items():
        rows = Attendance.objects.filter(session__in=sessions, status__in=ATTENDED, minutes_set=False)
        rows.exclude(minutes=minutes).update(minutes=minutes)


def _recount(campaign: Campaign, sessions: list[int]) -> None:
    rows = Attendance.objects.filter(session__in=sessions)
    parts = SessionUnit.objects.filter(session__in=sessions, recorded_at__isnull=False)
    here = Q(pk__in=rows.values("entry__unit")) | Q(pk__in=parts.values("unit"))
    recount(
        campaign=campaign,
        entries=set(rows.values_list("entry_id", flat=True)),
        parts=parts.values_list("pk", flat=True),
        units=Unit.objects.filter(here).values_list("pk", flat=True),
    )


def _concerned(sessions: list[int]) -> set[int]:
    """Hosts, the parts' units, and where everybody on a sheet belonged and counts now."""
    rows = Attendance.objects.filter(session__in=sessions)
    return {
        *TrainingSession.objects.filter(pk__in=sessions).order_by().values_list("host_id", flat=True),
        *SessionUnit.objects.filter(session__in=sessions).order_by().values_list("unit_id", flat=True),
        *rows.values_list("unit_id", flat=True).distinct(),
        *rows.values_list("entry__unit_id", flat=True).distinct(),
    }
