"""What counts as solved, open and late: one predicate for the figure and for its list."""

from datetime import date

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from campaigns.models import ServiceTask, Unit
from campaigns.queries.campaigns import inside

OPEN = Q(state=ServiceTask.State.OPEN)
RESOLVED = Q(state__in=[ServiceTask.State.RESOLVED, ServiceTask.State.CONFIRMED])
CONFIRMED = Q(state=ServiceTask.State.CONFIRMED)
DROPPED = Q(state=ServiceTask.State.DROPPED)


def OVERDUE(today: date) -> Q:
    """Open past its deadline. It turns with the calendar, so it is asked, never stored."""
    return OPEN & Q(deadline__lt=today)


def tasks_of(unit: Unit) -> QuerySet[ServiceTask]:
    """The service tasks of a unit and everything below it."""
    below = Q(campaign_id=unit.campaign_id) if unit.is_top else inside(unit)
    return ServiceTask.objects.filter(below)


def task_states(today: date | None = None) -> dict[str, tuple[str, Q]]:
    """The tabs of the list, by the word in its address."""
    return {
        "all": ("全部", Q()),
        "open": ("办理中", OPEN),
        "overdue": ("超期", OVERDUE(today or timezone.localdate())),
        "done": ("已办结", RESOLVED),
        "dropped": ("不再办理", DROPPED),
    }


def count_tasks(tasks: QuerySet[ServiceTask], today: date | None = None) -> dict[str, int]:
    states = task_states(today)
    return tasks.aggregate(**{f"n_{name}": Count("pk", filter=q) for name, (_, q) in states.items()})


def service_counts(unit: Unit, today: date | None = None) -> dict[str, int]:
    """How many tasks of the unit stand where: all, open, overdue, done (解决难题，件), dropped."""
    counts = count_tasks(tasks_of(unit).order_by(), today)
    return {name.removeprefix("n_"): number for name, number in counts.items()}
