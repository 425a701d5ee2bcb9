"""送学上门: of whom nothing is asked or who cannot leave home, and whether they were taught there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Max, Q, QuerySet

from attendance.models import Attendance, Standing, Waiver
from attendance.queries.people import COUNTED, HOME_LINE, HOME_WAITING, ROUND_HOME
from campaigns.models import Unit
from campaigns.queries import inside
from organizations.models import named

# The word in the address, the label, who is listed.
HOME_STATES: dict[str, tuple[str, Q]] = {
    "waiting": ("还没送", HOME_WAITING),
    "taught": ("送过的", HOME_LINE & Q(home_on__isnull=False)),
    "all": ("全部", HOME_LINE),
}


@dataclass(frozen=True)
class HomeLine:
    """One person of the list; no waiver means that the roster has them as home-bound."""

    standing: Standing
    waiver: Waiver | None
    times: int
    last_on: date | None


def home_standings(unit: Unit, state: str = "all", text: str = "") -> QuerySet[Standing]:
    """People at or below `unit`, branch by branch, in the order of its list."""
    found = Standing.objects.filter(inside(unit), HOME_STATES[state][1])
    if text:
        found = found.filter(named(text, "entry__member__"))
    return found.select_related("entry__member", "unit")


def home_lines(standings: Iterable[Standing]) -> list[HomeLine]:
    """The waiver of each and how often they were taught at home: two statements for a page."""
    standings = list(standings)
    keys = [standing.pk for standing in standings]
    waivers = running_waivers(keys)
    rows = Attendance.objects.filter(COUNTED, ROUND_HOME, entry__in=keys)
    taught = {
        entry: (times, last)
        for entry, times, last in rows.values_list("entry").annotate(Count("pk"), Max("held_on"))
    }
    return [
        HomeLine(standing, waivers.get(standing.pk), *taught.get(standing.pk, (0, None)))
        for standing in standings
    ]


def running_waivers(entries: Iterable[int]) -> dict[int, Waiver]:
    """The waiver that holds for each of these entries: class of reason, who set it and when."""
    found = Waiver.objects.filter(entry__in=list(entries), until__isnull=True)
    return {waiver.entry_id: waiver for waiver in found.select_related("set_by")}
