"""流动联系: who keeps in touch with each floating member, when they last were, and with whom nobody was."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import DateField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from attendance.models import ContactLog, Standing
from attendance.queries.people import FLOATING, tally_sums
from campaigns.models import Campaign, Unit
from campaigns.queries import inside
from organizations.queries.search import by_name

# Stands for "never", so that who was never contacted comes first.
NEVER = date(1900, 1, 1)
IN_TURN = ("last_on", "entry_id")
# More people than this are not put in turn while a page waits.
MOST_FLOATING = 20_000


def contact_states(campaign: Campaign, today: date) -> dict[str, tuple[str, Q]]:
    """The word in the address, the label, who: what is late turns with the day."""
    days = campaign.contact_days
    late = today - timedelta(days=days)
    return {
        "all": ("全部", Q()),
        "due": ("该联系的", Q(last_on__lt=late)),
        "never": ("从来没联系过", Q(last_on=NEVER)),
        "late": (f"超过{days}天没联系", Q(last_on__gt=NEVER, last_on__lt=late)),
        "nobody": ("没定联系人", Q(entry__member__contact_person="")),
    }


def floating(unit: Unit, state: Q, text: str = "") -> QuerySet[Standing]:
    """Floating members at or below `unit`, the longest not contacted first (`IN_TURN`)."""
    latest = ContactLog.objects.filter(entry=OuterRef("pk")).order_by("-day", "-pk").values("day")[:1]
    last_on = Coalesce(Subquery(latest), Value(NEVER), output_field=DateField())
    found = Standing.objects.filter(inside(unit), FLOATING).annotate(last_on=last_on).filter(state)
    if text:
        found = found.filter(by_name(text, "entry__member__"))
    return found.select_related("entry__member", "unit")


def count_due(unit: Unit, campaign: Campaign, today: date) -> int:
    """How many were never contacted, or not for too long."""
    return floating(unit, contact_states(campaign, today)["due"][1]).count()


def too_many(unit: Unit) -> int:
    """How many floating members are at or below `unit`, too many to put in turn at once."""
    people = tally_sums(unit, ("floating",))["floating"]
    return people if people > MOST_FLOATING else 0


@dataclass(frozen=True)
class ContactLine:
    """One person of the list; no log means that nobody wrote a contact down."""

    standing: Standing
    last: ContactLog | None
    times: int
    days_ago: int
    is_late: bool


def contact_lines(standings: Iterable[Standing], campaign: Campaign, today: date) -> list[ContactLine]:
    """The last contact of each: one statement for a page."""
    standings = list(standings)
    logs: dict[int, list[ContactLog]] = {}
    for log in ContactLog.objects.filter(entry__in=standings_keys(standings)).select_related("by"):
        logs.setdefault(log.entry_id, []).append(log)
    return [_line(standing, logs.get(standing.pk, []), campaign, today) for standing in standings]


def standings_keys(standings: Iterable[Standing]) -> list[int]:
    return [standing.pk for standing in standings]


def _line(standing: Standing, logs: list[ContactLog], campaign: Campaign, today: date) -> ContactLine:
    last = max(logs, key=lambda log: (log.day, log.pk), default=None)
    days = (today - last.day).days if last else 0
    return ContactLine(standing, last, len(logs), days, last is None or days > campaign.contact_days)
