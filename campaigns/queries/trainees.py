"""People in the class who are no members: by name and by head count, side by side and never added."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Sum

from campaigns.models import HeadCount, SessionUnit, Trainee, TraineeCategory


@dataclass(frozen=True)
class OthersLine:
    """One category: so many known by name, so many counted in the room."""

    category: str
    label: str
    named: int
    heads: int


def others(parts: Collection[SessionUnit]) -> list[OthersLine]:
    """Categories of which anybody came to these parts, in the order of the list."""
    here = {"part__in": [part.pk for part in parts]}
    people = Trainee.objects.filter(**here, dropped_at__isnull=True).order_by().values_list("category")
    named = dict(people.annotate(n=Count("pk")))
    counted = HeadCount.objects.filter(**here).order_by().values_list("category")
    heads = dict(counted.annotate(n=Sum("heads")))
    lines = [
        OthersLine(value, label, named.get(value, 0), heads.get(value, 0))
        for value, label in TraineeCategory.choices
    ]
    return [line for line in lines if line.named or line.heads]
