"""On which day a class counts, and what held on a day."""

from datetime import date, datetime, time

from django.db.models import OuterRef, Q
from django.utils import timezone

from attendance.models import Waiver
from campaigns.models import TrainingSession


def held_on(session: TrainingSession) -> date:
    return timezone.localdate(session.starts_at)


def belonged(day: date | OuterRef) -> Q:
    """Stays and waivers that held on `day`: begun, and not ended by then."""
    return Q(since__lte=day) & (Q(until__isnull=True) | Q(until__gt=day))


def held_then(waiver: Waiver, day: date) -> bool:
    """`belonged`, of one that is read already."""
    return waiver.since <= day and (waiver.until is None or waiver.until > day)


def midnight(day: date) -> datetime:
    """The first moment of a day."""
    return timezone.make_aware(datetime.combine(day, time.min))
