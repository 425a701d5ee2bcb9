"""Sessions page by time and id, as members page by place: page 400 costs what page 1 costs."""

from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet

from campaigns.models import TrainingSession
from organizations.paging import MOST_COUNTED, PAGE_SIZE, KeyPage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def session_page(request, rows: QuerySet[TrainingSession], *, newest_first: bool) -> KeyPage:
    """The page after `?after=`. `total` is counted without annotations, up to a cap."""
    total = rows.order_by().values("pk")[:MOST_COUNTED].count()
    place = read_place(request.GET.get("after", ""))
    sign = "-" if newest_first else ""
    ordered = rows.order_by(f"{sign}starts_at", f"{sign}pk")
    if place:
        compare = "lt" if newest_first else "gt"
        starts_at, pk = place
        beyond = Q(**{f"starts_at__{compare}": starts_at}) | Q(starts_at=starts_at, **{f"pk__{compare}": pk})
        ordered = ordered.filter(beyond)
    found = list(ordered[: PAGE_SIZE + 1])
    following = write_place(found[PAGE_SIZE - 1]) if len(found) > PAGE_SIZE else ""
    return KeyPage(found[:PAGE_SIZE], following, place is None, total)


def write_place(session: TrainingSession) -> str:
    return f"{(session.starts_at - EPOCH) // MICROSECOND}.{session.pk}"


def read_place(token: str) -> tuple[datetime, int] | None:
    """An address that cannot be read shows the first page."""
    parts = token.split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 17 for part in parts):
        return None
    return EPOCH + int(parts[0]) * MICROSECOND, int(parts[1])
