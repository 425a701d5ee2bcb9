"""What is in a branch that is to be emptied: shown before it is done."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet
from django.utils import timezone

from campaigns.models import SessionUnit, Stage, TrainingSession, Unit
from campaigns.queries import IN_TIME, sessions_with
from campaigns.queries.sessions import RECORDED, VALID
from organizations.models import Member, Organization, RequestState, TransferRequest, User

MOST_CLASSES = 10


@dataclass(frozen=True)
class BranchContents:
    """People, requests that wait, classes nobody has marked yet, accounts in use."""

    people: int
    requests: int
    class_count: int
    classes: list[TrainingSession]
    accounts: QuerySet[User]
    is_frozen: bool


def contents_of(branch: Organization) -> BranchContents:
    people = Member.objects.present().filter(branch=branch)
    waiting = TransferRequest.objects.filter(from_branch=branch, state=RequestState.WAITING)
    parts = unmarked_parts(branch, timezone.now())
    units = Unit.objects.filter(organization=branch, campaign__stage=Stage.OPEN)
    return BranchContents(
        people=people.count(),
        requests=waiting.count(),
        class_count=parts.aggregate(n=Count("session", distinct=True))["n"],
        classes=list(sessions_with(parts).order_by(*IN_TIME)[:MOST_CLASSES]),
        accounts=User.objects.filter(organization=branch, is_active=True),
        is_frozen=units.filter(frozen_at__isnull=False).exists(),
    )


def unmarked_parts(branch: Organization, now: datetime) -> QuerySet[SessionUnit]:
    """Of the running campaigns, from today on; earlier ones are still marked by who belonged there then."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    parts = SessionUnit.objects.filter(unit__organization=branch, session__campaign__stage=Stage.OPEN)
    return parts.filter(VALID, ~RECORDED, session__starts_at__gte=today).order_by()
