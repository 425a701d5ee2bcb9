"""Accounts that look up ID numbers of people registered elsewhere, by putting them into rosters (INV-7)."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from organizations.models import AuditEvent, Role, User
from organizations.queries import Todo
from organizations.tree import within

# A roster has a few such lines: people who moved. More in one day are worth a question.
USUAL = 20
SHOWN_FOR = timedelta(days=7)
ACTION = "roster.probing"
WORDS = "登记在别处的身份证号"


def since_midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def looked_up_today(user: User) -> int:
    """How many different numbers of people elsewhere this account's checks met today.

    A roster sent again, corrected, meets the same people: they count once.
    """
    events = AuditEvent.objects.filter(actor=user, action="roster.checked", at__gte=since_midnight())
    marks: set[str] = set()
    unmarked = 0
    for details in events.values_list("details", flat=True):
        found = details.get("review_marks")
        marks |= set(found or [])
        unmarked = max(unmarked, 0 if found else details.get("review", 0))
    return max(len(marks), unmarked)


def probing(user: User) -> QuerySet[AuditEvent]:
    """Alarms of the last days from below the account's own place."""
    below = within("path", user.organization.path) & ~Q(path=user.organization.path)
    return AuditEvent.objects.filter(below, action=ACTION, at__gt=timezone.now() - SHOWN_FOR)


def todos(user: User) -> list[Todo]:
    """For the officer above: which accounts to ask."""
    if not user.is_active or user.role != Role.OFFICER:
        return []
    count = probing(user).values("actor").distinct().count()
    url = f"{reverse('organizations:audit_list')}?{urlencode({'q': WORDS})}"
    text = f"{count}个账号一天里在名册里查了 {USUAL} 个以上{WORDS}，请问一下"
    return [Todo(text, count, url, "warn")] if count else []
