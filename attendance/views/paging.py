"""Pages by key: the next page starts behind the last person shown, whatever was added meanwhile."""

import re
from dataclasses import dataclass

from django.db.models import Q, QuerySet

KEY = re.compile(r"([0-9A-Z]{4,250})-(\d{1,9})-(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class KeyPage:
    rows: list
    total: int
    next_key: str
    is_first: bool


def key_page(found: QuerySet, key: str, size: int = 50) -> KeyPage:
    """`found` is ordered by branch path, place in its list, entry; `key` is one of our own next_key."""
    total = found.count()
    match = KEY.fullmatch(key or "")
    if match:
        path, place, entry = match[1], int(match[2]), int(match[3])
        same = Q(unit__path=path)
        found = found.filter(
            Q(unit__path__gt=path)
            | same & Q(entry__member__place_in_list__gt=place)
            | same & Q(entry__member__place_in_list=place, entry_id__gt=entry)
        )
    rows = list(found[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    return KeyPage(rows, total, _key(rows[-1]) if more else "", match is None)


def _key(row) -> str:
    return f"{row.unit.path}-{row.entry.member.place_in_list}-{row.entry_id}"
