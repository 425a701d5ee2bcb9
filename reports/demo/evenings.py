"""The figures of past evenings, so that 比上周 has a week to look back on.

Counted from standings and tallies by the day things happened, with a query of
their own: in the demo every register was kept on its evening, so what is known
now by that day is what was known then. Figures that cannot be told so are left
out rather than guessed.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from django.db import connection

from campaigns.models import Campaign, Unit
from organizations.models import BRANCH_KINDS
from organizations.tree import STEP
from reports import indicators
from reports.demo import bulk
from reports.models import DailyFigure

EVENINGS = 14
CODES = (
    *("MEM_ALL", "MEM_WAIVED", "MEM_DUE", "TR_FIRST", "TR_MAKEUP", "TR_HOME", "TR_ALL", "NOT_YET"),
    *("RATE_FIRST", "RATE_DUE", "RATE_ALL", "ATT_RATE", "DONE_RATE", "UNMARKED"),
)
# Sums of persons: from which day somebody counts, and who.
PERSONS = {
    "members": ("e.joined_on", "s.required = s.required"),
    "due": ("e.joined_on", "s.required"),
    "waived": ("e.joined_on", "NOT s.required"),
    "first": ("s.first_on", "s.required"),
    "trained": ("s.trained_on", "s.required"),
    "waived_trained": ("s.trained_on", "NOT s.required"),
    "home": ("s.home_on", "s.required"),
    "waived_home": ("s.home_on", "NOT s.required"),
    "done": ("s.done_on", "s.required"),
}
TIMES = ("expected", "attended", "unmarked")
ByDay = dict[str, dict[str, dict[date, int]]]


def store(campaign: Campaign, today: date) -> None:
    """One row for each unit above the branches and each of the last evenings."""
    bulk.write(DailyFigure, ["unit_id", "day", "values"], rows(campaign, today))


def rows(campaign: Campaign, today: date) -> Iterator[tuple]:
    units = Unit.objects.filter(campaign=campaign).exclude(kind__in=BRANCH_KINDS)
    places = list(units.order_by("path").values_list("pk", "path"))
    settings = {"target": campaign.target_percent, "minutes_per_hour": campaign.minutes_per_hour}
    happened = by_day(campaign)
    for pk, path in places:
        for back in range(EVENINGS, 0, -1):
            day = today - timedelta(days=back)
            sums = settings | {name: until(happened, path, name, day) for name in (*PERSONS, *TIMES)}
            values = indicators.as_json(indicators.of(sums, CODES))
            yield pk, day.isoformat(), json.dumps(values)


def until(happened: ByDay, path: str, name: str, day: date) -> int:
    return sum(many for on, many in happened.get(path, {}).get(name, {}).items() if on <= day)


def by_day(campaign: Campaign) -> ByDay:
    """Sums of every subtree above the branches, by the day they came about."""
    found: ByDay = defaultdict(lambda: defaultdict(Counter))
    params = {"campaign": campaign.pk, "step": STEP}

    def add(place: str, name: str, on: date | str, many: int) -> None:
        for width in range(STEP, len(place) + 1, STEP):
            found[place[:width]][name][as_date(on)] += many

    with connection.cursor() as cursor:
        for name, (day, who) in PERSONS.items():
            cursor.execute(PEOPLE.format(day=day, who=who), params)
            for place, on, many in cursor.fetchall():
                add(place, name, on, many)
        cursor.execute(ROWS.format(day=bulk.local_day("c.starts_at")), params)
        for place, on, *sums in cursor.fetchall():
            for name, many in zip(TIMES, sums, strict=True):
                add(place, name, on, many)
    return found


def as_date(value: date | str) -> date:
    """SQLite hands out text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


# A branch's people belong to every organization above it; the lowest of these is enough to ask for.
PEOPLE = """SELECT substr(u.path, 1, length(u.path) - %(step)s), {day}, COUNT(*) FROM attendance_standing s
    JOIN attendance_rosterentry e ON e.id = s.entry_id JOIN campaigns_unit u ON u.id = s.unit_id
    WHERE s.campaign_id = %(campaign)s AND {who} AND {day} IS NOT NULL GROUP BY 1, 2"""
ROWS = """SELECT substr(u.path, 1, length(u.path) - %(step)s), {day},
    SUM(t.expected), SUM(t.attended), SUM(t.unmarked)
    FROM attendance_sessiontally t JOIN campaigns_trainingsession c ON c.id = t.session_id
    JOIN campaigns_unit u ON u.id = t.unit_id
    WHERE c.campaign_id = %(campaign)s AND t.counts GROUP BY 1, 2"""
