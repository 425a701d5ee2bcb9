"""Lists page by key: the address says after which row to go on, so page 4,000 costs what page 1 costs."""

from dataclasses import dataclass
from functools import reduce

from django.db.models import Model, Q, QuerySet

PAGE_SIZE = 50
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class KeyPage:
    """One page of a long list. `next` is empty on the last page; `total` stops at MOST_COUNTED."""

    rows: list
    next: str
    is_first: bool
    total: int

    @property
    def total_text(self) -> str:
        return f"{MOST_COUNTED} 以上" if self.total == MOST_COUNTED else str(self.total)


def key_page(request, rows: QuerySet, *keys: str, size: int = PAGE_SIZE) -> KeyPage:
    """The page after `?after=`, ordered by `keys` ("-id" counts down); the last key must be unique.

    An address that cannot be read shows the first page.
    """
    total = rows.order_by()[:MOST_COUNTED].count()
    place = read_place(request.GET.get("after", ""), keys)
    ordered = rows.order_by(*keys)
    if place:
        ordered = ordered.filter(after(keys, place))
    found = list(ordered[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return KeyPage(found[:size], write_place(last, keys) if last else "", place is None, total)


def after(keys: tuple[str, ...], place: list) -> Q:
    """Rows behind `place`: equal in the first keys and beyond it in the next."""
    steps = []
    for at, (key, value) in enumerate(zip(keys, place, strict=True)):
        equal = {plain(k): v for k, v in zip(keys[:at], place[:at], strict=True)}
        compare = "lt" if key.startswith("-") else "gt"
        steps.append(Q(**equal, **{f"{plain(key)}__{compare}": value}))
    return reduce(Q.__or__, steps)


def plain(key: str) -> str:
    return key.removeprefix("-")


def is_text(key: str) -> bool:
    """Tree paths are text, every other key we page by is a whole number."""
    return plain(key).endswith("path")


def read_place(token: str, keys: tuple[str, ...]) -> list | None:
    parts = token.split(".")
    if len(parts) != len(keys) or not all(part.isalnum() and part.isascii() for part in parts):
        return None
    if any(
        not is_text(key) and not (part.isdigit() and len(part) < 19)
        for key, part in zip(keys, parts, strict=True)
    ):
        return None
    return [part if is_text(key) else int(part) for key, part in zip(keys, parts, strict=True)]


def write_place(row: Model, keys: tuple[str, ...]) -> str:
    return ".".join(str(reduce(getattr, plain(key).split("__"), row)) for key in keys)
