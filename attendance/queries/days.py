"""On which day a class counts, and what held on a day."""

from datetime import date, datetime, time

from django.db.models import Q
from django.utils import timezone

from campaigns.models import TrainingSession


def held_on(session: TrainingSession) -> date:
    return timezone.localdate(session.starts_at)


def belonged(day: date) -> Q:
    """Stays and waivers that held on `day`: begun, and not ended by then."""
    return Q(since__lte=day) & (Q(until__isnull=True) | Q(until__gt=day))


def midnight(day: date) -> datetime:
    """The first moment of a day."""
    return timezone.make_aware(datetime.combine(day, time.min))
