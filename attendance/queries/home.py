"""送学上门: of whom nothing is asked or who cannot leave home, and whether they were taught there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from attendance.models import Attendance, HomeLesson, Standing, Waiver
from attendance.queries.people import COUNTED, HOME_LINE, HOME_WAITING, ON_ROSTER, ROUND_HOME
from campaigns.models import Unit
from campaigns.queries import inside
from organizations.models import named

OPEN_WISH = Exists(HomeLesson.objects.filter(entry=OuterRef("pk"), task__isnull=True).exclude(wish=""))
# The word in the address, the label, who is listed.
HOME_STATES: dict[str, tuple[str, Q]] = {
    "waiting": ("还没送", HOME_WAITING),
    "taught": ("送过的", HOME_LINE & Q(home_on__isnull=False)),
    "wish": ("有心愿没办", ON_ROSTER & Q(OPEN_WISH)),
    "all": ("全部", HOME_LINE),
}


@dataclass(frozen=True)
class HomeLine:
    """One person of the list; no waiver means that the roster has them as home-bound.

    `lesson`: the latest visit written down, `wish` the latest one with a wish nobody took up.
    """

    standing: Standing
    waiver: Waiver | None
    times: int
    last_on: date | None
    lesson: HomeLesson | None = None
    wish: HomeLesson | None = None


def home_standings(unit: Unit, state: str = "all", text: str = "") -> QuerySet[Standing]:
    """People at or below `unit`, branch by branch, in the order of its list."""
    found = Standing.objects.filter(inside(unit), HOME_STATES[state][1])
    if text:
        found = found.filter(named(text, "entry__member__"))
    return found.select_related("entry__member", "unit")


def home_lines(standings: Iterable[Standing]) -> list[HomeLine]:
    """The waiver of each, how often they were taught at home, and the last visit: three statements."""
    standings = list(standings)
    keys = [standing.pk for standing in standings]
    waivers = running_waivers(keys)
    rows = Attendance.objects.filter(COUNTED, ROUND_HOME, entry__in=keys)
    taught = {
        entry: (times, last)
        for entry, times, last in rows.values_list("entry").annotate(Count("pk"), Max("held_on"))
    }
    visits = HomeLesson.objects.filter(entry__in=keys).select_related("session").order_by("pk")
    lessons: dict[int, HomeLesson] = {}
    wishes: dict[int, HomeLesson] = {}
    for lesson in visits:
        lessons[lesson.entry_id] = lesson
        if lesson.wish and lesson.task_id is None:
            wishes[lesson.entry_id] = lesson
    return [
        HomeLine(
            standing,
            waivers.get(standing.pk),
            *taught.get(standing.pk, (0, None)),
            lessons.get(standing.pk),
            wishes.get(standing.pk),
        )
        for standing in standings
    ]


def running_waivers(entries: Iterable[int]) -> dict[int, Waiver]:
    """The waiver that holds for each of these entries: class of reason, who set it and when."""
    found = Waiver.objects.filter(entry__in=list(entries), until__isnull=True)
    return {waiver.entry_id: waiver for waiver in found.select_related("set_by")}
