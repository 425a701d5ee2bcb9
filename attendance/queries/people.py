"""What figures and lists are made of.

Each predicate is used twice: by the recount, which `derived.py` compiles to SQL, and by
the list behind the figure as `.filter(…)`, so that a list's total is the figure.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Substr

from attendance.models import (
    ATTENDED,
    Attendance,
    Part,
    RosterEntry,
    Standing,
    Status,
    Tally,
    Why,
)
from campaigns.models import Campaign, Round, Topic, Unit
from campaigns.queries import inside
from organizations.queries.search import by_name
from organizations.tree import STEP, within

# --- Standings: one person each -----------------------------------------------------
ON_ROSTER = Q(left=False)
DUE = Q(left=False, required=True)
WAIVED = Q(left=False, required=False)
FIRST = DUE & Q(first_on__isnull=False)
TRAINED = DUE & Q(trained_on__isnull=False)
NOT_TRAINED = DUE & Q(trained_on__isnull=True)
WAIVED_TRAINED = WAIVED & Q(trained_on__isnull=False)
TRAINED_ALL = ON_ROSTER & Q(trained_on__isnull=False)
HOME = ON_ROSTER & Q(home_on__isnull=False)
DONE = DUE & Q(done_on__isnull=False)
OWING = DUE & ~Q(makeup_mask=0)
# Ever missed a compulsory topic, whether made up since or not: where the list began.
OWED = DUE & ~Q(missed_mask=0)
SETTLED = OWED & Q(makeup_mask=0)
# Nobody has seen them yet: the list that must shrink to nothing. By no rule is anybody
# trained who never came; said here so that the index of the untrained serves.
NEVER_CAME = NOT_TRAINED & Q(attended=0)
FLOATING = ON_ROSTER & Q(is_floating=True)
# Taught at home: of whom nothing is asked, or who cannot leave it.
HOME_LINE = ON_ROSTER & (Q(required=False) | Q(is_home_bound=True))
HOME_WAITING = HOME_LINE & Q(home_on__isnull=True)

# The states a list of people may be asked for, by the word in its address.
STATES: dict[str, tuple[str, Q]] = {
    "all": ("全部党员", ON_ROSTER),
    "due": ("应训", DUE),
    "waived": ("不作硬性要求", WAIVED),
    "trained": ("已参训（应训）", TRAINED),
    "trained_all": ("已参训（全员）", TRAINED_ALL),
    "first": ("首训", FIRST),
    "makeup": ("补课后参训", TRAINED & Q(first_on__isnull=True)),
    "not": ("未训", NOT_TRAINED),
    "never": ("一次都没参加的", NEVER_CAME),
    "done": ("学完必训专题", DONE),
    "owed": ("缺过必训专题", OWED),
    "settled": ("缺过、已补上", SETTLED),
    "owing": ("待补课", OWING),
    "home": ("已送学", HOME),
    "home_waiting": ("还没送学上门", HOME_WAITING),
    "floating": ("流动在外", FLOATING),
}


def why(code: str) -> Q:
    """Untrained people of one reason class. Nobody else has a reason, so it says all; and the planner,
    which takes conditions for independent, is not led to think that there are almost none."""
    return Q(why=code)


# --- Attendance rows: person-times ---------------------------------------------------
COUNTED = Q(counts=True, status__in=ATTENDED)
MISSED = Q(counts=True, part=Part.EXPECTED, status__in=[Status.LEAVE, Status.ABSENT])
EXPECTED = Q(part=Part.EXPECTED)
ROUND_FIRST = Q(round=Round.FIRST)
ROUND_HOME = Q(round=Round.HOME)

PERSON_SUMS: dict[str, Q] = {
    "members": ON_ROSTER,
    "due": DUE,
    "waived": WAIVED,
    "first": FIRST,
    "trained": TRAINED,
    "waived_trained": WAIVED_TRAINED,
    "home": HOME & Q(required=True),
    "waived_home": HOME & Q(required=False),
    "done": DONE,
    "owed": OWED,
    "owing": OWING,
    "never": NEVER_CAME,
    "floating": FLOATING,
    "home_waiting": HOME_WAITING,
    **{f"why_{code.lower()}": why(code) for code in Why.values if code},
}
# How long the list of a state is, from the sums: {column: +1 or -1}.
LENGTHS: dict[str, dict[str, int]] = {
    "all": {"members": 1},
    "trained_all": {"trained": 1, "waived_trained": 1},
    "makeup": {"trained": 1, "first": -1},
    "not": {"due": 1, "trained": -1},
    "home": {"home": 1, "waived_home": 1},
    "settled": {"owed": 1, "owing": -1},
    **{name: {name: 1} for name in ("due", "waived", "trained", "first", "never", "done", "owed", "owing")},
    **{name: {name: 1} for name in ("home_waiting", "floating")},
}
TIMES_SUMS = ("expected", "attended", "leave", "absent", "unmarked", "optional", "visitors")
TALLY_COLUMNS = (*PERSON_SUMS, "debts", "minutes", *TIMES_SUMS)


def under(prefix: str, condition: Q) -> Q:
    """The same predicate seen through a relation: under("rows", COUNTED)."""
    children: list[Any] = condition.children
    moved = [
        under(prefix, child) if isinstance(child, Q) else (f"{prefix}__{child[0]}", child[1])
        for child in children
    ]
    return Q(*moved, _connector=condition.connector, _negated=condition.negated)


# --- Sums ------------------------------------------------------------------------------
def tally_sums(unit: Unit, names: Iterable[str] = TALLY_COLUMNS, using: str = "default") -> dict[str, int]:
    """Sums over every branch at or below `unit`: persons, person-times, minutes."""
    rows = Tally.objects.using(using).filter(within("path", unit.path), campaign_id=unit.campaign_id)
    totals = rows.aggregate(**{f"sum_{name}": Sum(name) for name in names})
    return {name: totals[f"sum_{name}"] or 0 for name in names}


def tally_sums_by_child(unit: Unit, using: str = "default") -> dict[str, dict[str, int]]:
    """The same sums for each subtree directly below `unit`, by its path. One query whatever the size."""
    rows = Tally.objects.using(using).filter(within("path", unit.path), campaign_id=unit.campaign_id)
    below = rows.annotate(child=Substr("path", 1, len(unit.path) + STEP)).values("child")
    totals: Any = below.annotate(**{f"sum_{name}": Sum(name) for name in TALLY_COLUMNS})
    return {row["child"]: {name: row[f"sum_{name}"] or 0 for name in TALLY_COLUMNS} for row in totals}


# --- Lists of people ---------------------------------------------------------------------
def standings(unit: Unit, state: str = "all", why_code: str = "", text: str = "") -> QuerySet[Standing]:
    """People at or below `unit`, in the fixed order: branch, then place in its list."""
    _, condition = STATES.get(state, STATES["all"])
    if why_code:
        condition = why(why_code) if state == "not" else condition & why(why_code)
    found = Standing.objects.filter(inside(unit), condition)
    if text:
        found = found.filter(by_name(text, "entry__member__"))
    return found.select_related("entry__member", "unit").order_by(
        "unit__path", "entry__member__place_in_list", "entry_id"
    )


def count_standings(unit: Unit, state: str = "all", why_code: str = "") -> int:
    """How long that list is, without a name: from the sums of the branches, not by reading the people."""
    parts = {f"why_{why_code.lower()}": 1} if why_code else LENGTHS[state]
    sums = tally_sums(unit, parts)
    return sum(sign * sums[name] for name, sign in parts.items())


def entry_history(entry: RosterEntry) -> QuerySet[Attendance]:
    """Every session this person was expected at or came to, by day."""
    return entry.rows.select_related("session", "session_unit__unit").order_by(
        "held_on", "session__starts_at"
    )


def compulsory_topics(campaign: Campaign) -> list[Topic]:
    return list(Topic.objects.filter(campaign=campaign, is_compulsory=True).order_by("position", "bit"))


def makeup_by_topic(unit: Unit) -> list[tuple[Topic, int]]:
    """How many people at or below `unit` still have to make up each compulsory topic."""
    topics = compulsory_topics(unit.campaign)
    owing = Standing.objects.filter(inside(unit), OWING)
    counts = owing.annotate(
        **{f"bit_{t.bit}": F("makeup_mask").bitand(t.mask) for t in topics},
    ).aggregate(
        **{f"topic_{t.bit}": Count("pk", filter=Q(**{f"bit_{t.bit}__gt": 0})) for t in topics},
    )
    return [(topic, counts[f"topic_{topic.bit}"]) for topic in topics]


def owing_topic(found: QuerySet[Standing], topic: Topic) -> QuerySet[Standing]:
    """Of these people, those who have to make up this topic."""
    return found.annotate(owed=F("makeup_mask").bitand(topic.mask)).filter(owed__gt=0)


def topics_in(mask: int, topics: Iterable[Topic]) -> list[Topic]:
    return [topic for topic in topics if mask & topic.mask]
