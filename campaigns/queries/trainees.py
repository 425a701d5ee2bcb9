"""People in the class who are no members: by name and by head count, side by side and never added."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum

from campaigns.models import HeadCount, SessionUnit, Trainee, TraineeCategory


@dataclass(frozen=True)
class OthersLine:
    """One category: so many known by name, so many counted in the room."""

    category: str
    label: str
    named: int
    heads: int


def others(parts: Collection[SessionUnit] | QuerySet[SessionUnit]) -> list[OthersLine]:
    """Categories of which anybody came to these parts, in the order of the list."""
    people = Trainee.objects.filter(part__in=parts, dropped_at__isnull=True)
    named = dict(people.order_by().values_list("category").annotate(n=Count("pk")))
    counted = HeadCount.objects.filter(part__in=parts).order_by().values_list("category")
    heads = dict(counted.annotate(n=Sum("heads")))
    lines = [
        OthersLine(value, label, named.get(value, 0), heads.get(value, 0))
        for value, label in TraineeCategory.choices
    ]
    return [line for line in lines if line.named or line.heads]
