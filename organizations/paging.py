"""Lists page by key: the address says after which row to go on, so page 4,000 costs what page 1 costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce

from django.db.models import Model, Q, QuerySet

PAGE_SIZE = 50
MOST_COUNTED = 10_000
MOST_FOUND = 200  # of a search: who finds more types one letter more
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class KeyPage:
    """One page of a long list. `next` is empty on the last page; `total` is at least so many if `is_more`."""

    rows: list
    next: str
    is_first: bool
    total: int
    is_more: bool = False

    @property
    def total_text(self) -> str:
        return f"{self.total} 以上" if self.is_more else str(self.total)


def key_page(
    request,
    rows: QuerySet,
    *keys: str,
    size: int | None = None,
    total: int | None = None,
    most: int | None = None,
) -> KeyPage:
    """The page after `?after=`, ordered by `keys` ("-id" counts down); the last key must be unique.

    An address that cannot be read shows the first page. What is only shown of a row
    (annotations) is not counted along. `total`: where the caller knows it already;
    else rows are counted up to `most`, unless the first page shows them all.
    """
    size, most = size or PAGE_SIZE, most or MOST_COUNTED
    place = read_place(request.GET.get("after", ""), keys)
    ordered = rows.order_by(*keys)
    if place:
        ordered = ordered.filter(after(keys, place))
    found = list(ordered[: size + 1])
    if total is None and place is None and len(found) <= size:
        total = len(found)
    is_more = total is None and (total := count_up_to(most, rows, keys)) == most
    last = found[size - 1] if len(found) > size else None
    following = write_place(last, keys) if last else ""
    return KeyPage(found[:size], following, place is None, total or 0, is_more)


def chained_page(request, rows: QuerySet, lists: Sequence[QuerySet], *keys: str) -> KeyPage:
    """All `rows`, split into several lists, one after the other, each ordered by `keys`.

    Each is read only when those before it end on this page; the address begins
    with the number of the list it goes on in.
    """
    number, _, token = request.GET.get("after", "").partition(".")
    place = read_place(token, keys) if number in map(str, range(len(lists))) else None
    first = int(number) if place else 0
    found: list[tuple[int, Model]] = []
    for at in range(first, len(lists)):
        ordered = lists[at].order_by(*keys)
        if place and at == first:
            ordered = ordered.filter(after(keys, place))
        found += [(at, row) for row in ordered[: PAGE_SIZE + 1 - len(found)]]
        if len(found) > PAGE_SIZE:
            break
    shown = [row for _, row in found[:PAGE_SIZE]]
    last, row = found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else (0, None)
    following = f"{last}.{write_place(row, keys)}" if row else ""
    total = count_up_to(MOST_COUNTED, rows, keys)
    return KeyPage(shown, following, place is None, total, total == MOST_COUNTED)


def count_up_to(most: int, rows: QuerySet, keys: Sequence[str]) -> int:
    """How many, but no more than `most`: a million rows take their time.

    Counted in the order of the page: who only has to find some begins where the
    page begins, and not with last year's.
    """
    return rows.order_by(keys[0]).values("pk")[:most].count()


def after(keys: tuple[str, ...], place: list) -> Q:
    """Rows behind `place`: equal in the first keys and beyond it in the next.

    That none lies before it in the first key is said once more by itself: only so
    does the database begin reading the index there.
    """
    steps = []
    for at, (key, value) in enumerate(zip(keys, place, strict=True)):
        equal = {plain(k): v for k, v in zip(keys[:at], place[:at], strict=True)}
        compare = "lt" if key.startswith("-") else "gt"
        steps.append(Q(**equal, **{f"{plain(key)}__{compare}": value}))
    bound = "lte" if keys[0].startswith("-") else "gte"
    return Q(**{f"{plain(keys[0])}__{bound}": place[0]}) & reduce(Q.__or__, steps)


def plain(key: str) -> str:
    return key.removeprefix("-")


def is_time(key: str) -> bool:
    return plain(key).endswith("_at")


def is_text(key: str) -> bool:
    """Tree paths are text, moments end in _at, days in _on, every other key we page by is a whole number."""
    return plain(key).endswith("path")


def is_day(key: str) -> bool:
    return plain(key).endswith("_on")


def read_place(token: str, keys: tuple[str, ...]) -> list | None:
    parts = token.split(".")
    if len(parts) != len(keys) or not all(map(can_be_read, keys, parts)):
        return None
    return [read(key, part) for key, part in zip(keys, parts, strict=True)]


def can_be_read(key: str, part: str) -> bool:
    if not (part.isalnum() and part.isascii()):
        return False
    # Days are counted as Python counts them, from 1 to date.max.
    if is_day(key):
        return part.isdigit() and len(part) < 8 and 0 < int(part) <= date.max.toordinal()
    # Longer numbers are years Python cannot count, or more than a database column holds.
    return is_text(key) or (part.isdigit() and len(part) < (17 if is_time(key) else 19))


def read(key: str, part: str) -> str | int | date | datetime:
    if is_day(key):
        return date.fromordinal(int(part))
    if is_time(key):
        return EPOCH + int(part) * MICROSECOND
    return part if is_text(key) else int(part)


def write_place(row: Model, keys: tuple[str, ...]) -> str:
    return ".".join(write(reduce(getattr, plain(key).split("__"), row)) for key in keys)


def write(value: str | int | date | datetime) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return str(value.toordinal())
    return str((value - EPOCH) // MICROSECOND if isinstance(value, datetime) else value)
