"""What every derived row must be: one SELECT per table, of a few rows or of a province.

Written as SQL around the predicates of `people.py`, because what is counted of
somebody's rows is used many times after it is counted: here it is counted and
named in an inner SELECT. Both databases read the same expressions; only how the
inner SELECT is joined, and two functions, differ.
"""
# ruff: noqa: S608 - names and numbers of our own; what a caller passes is a parameter

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Model, Q

from attendance.models import (
    ATTENDED,
    Attendance,
    Part,
    RosterEntry,
    SessionTally,
    Standing,
    Status,
    Tally,
    Why,
)
from attendance.queries.people import (
    COUNTED,
    EXPECTED,
    MISSED,
    PERSON_SUMS,
    ROUND_FIRST,
    ROUND_HOME,
    TIMES_SUMS,
)
from campaigns.models import Campaign, SessionUnit, Topic, TrainedRule, TrainingForm, TrainingSession, Unit
from organizations.models import BRANCH_KINDS

HAPPENED = Q(status__in=ATTENDED)


@dataclass(frozen=True)
class Rule:
    """All of a campaign that standings depend on; topics by their bit."""

    campaign: int
    trained: str
    minutes_per_hour: int
    drawn_on: date | None
    topics: tuple[int, ...]
    compulsory: tuple[int, ...]


@dataclass(frozen=True)
class Some:
    """Some rows of a table: those whose `column` is one of `ids`."""

    column: str
    ids: tuple[int, ...]

    @property
    def sql(self) -> str:
        return f"{self.column} IN ({', '.join(['%s'] * len(self.ids))})"


@dataclass(frozen=True)
class Wanted:
    """Rows a derived table must hold: each column by its expression, the key first."""

    model: type[Model]
    columns: dict[str, str]
    source: str
    params: tuple[int, ...]

    @property
    def sql(self) -> str:
        named = ", ".join(f'{expression} AS "{name}"' for name, expression in self.columns.items())
        return f"SELECT {named} FROM {self.source}"


def rule_of(campaign: int) -> Rule:
    """Read anew under the lock: a rule changed meanwhile must not be undone by who read it before."""
    facts = ("trained_rule", "minutes_per_hour", "roster_drawn_on", "topics__bit", "topics__is_compulsory")
    rows = list(Campaign.objects.filter(pk=campaign).order_by("topics__bit").values_list(*facts))
    trained, minutes, drawn_on, *_ = rows[0]
    topics = tuple(row[3] for row in rows if row[3] is not None)
    return Rule(campaign, trained, minutes, drawn_on, topics, tuple(row[3] for row in rows if row[4]))


# --- The pieces -----------------------------------------------------------------------------
def table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _where(model: type[Model], condition: Q) -> str:
    """A predicate of the ORM as SQL. Its values are words, numbers and truths of our own."""
    query = model._default_manager.filter(condition).query
    sql, params = query.get_compiler(connection=connection).compile(query.where)
    return sql % tuple(map(_literal, params))


def _literal(value: Any) -> str:
    return str(int(value)) if isinstance(value, int) else f"'{value}'"


def _count(model: type[Model], condition: Q) -> str:
    return f"COUNT(*) FILTER (WHERE {_where(model, condition)})"


def _total(model: type[Model], column: str, condition: Q) -> str:
    return f'COALESCE(SUM({table(model)}."{column}") FILTER (WHERE {_where(model, condition)}), 0)'


def _first_day(condition: Q, bit: int | None = None) -> str:
    # The topic is asked for first: it is the cheap question, and mostly answered no.
    covers = "" if bit is None else f"({table(Attendance)}.topic_mask & {1 << bit}) <> 0 AND "
    return f"MIN({table(Attendance)}.held_on) FILTER (WHERE {covers}{_where(Attendance, condition)})"


def _topics_of(model: type[Model], condition: Q, bits: Iterable[int]) -> str:
    """The mask of these topics covered by any such row. SQLite has no BIT_OR."""
    filtered = f"FILTER (WHERE {_where(model, condition)})"
    mask = f"{table(model)}.topic_mask"
    if connection.vendor == "postgresql":
        return f"COALESCE(BIT_OR({mask} & {_mask(bits)}) {filtered}, 0)"
    return " + ".join(["0", *(f"COALESCE(MAX({mask} & {1 << bit}) {filtered}, 0)" for bit in bits)])


def _mask(bits: Iterable[int]) -> int:
    return sum(1 << bit for bit in bits)


def _counted(source: str, model: type[Model], key: str, facts: dict[str, str]) -> str:
    """Every row of `source` with facts counted over the rows of `model` that name it by `key`.

    On PostgreSQL LATERAL: each row's own are found by index, so that the plan for a
    few never becomes a scan of everything, whatever the planner thinks they are.
    """
    named = ", ".join(f"{expression} AS {name}" for name, expression in facts.items())
    rows = table(model)
    if connection.vendor == "postgresql":
        return (
            f"(SELECT e.*, f.* FROM {source} e "
            f"CROSS JOIN LATERAL (SELECT {named} FROM {rows} WHERE {rows}.{key} = e.id) f)"
        )
    return f"(SELECT e.*, {named} FROM {source} e LEFT JOIN {rows} ON {rows}.{key} = e.id GROUP BY e.id)"


# --- Standings ------------------------------------------------------------------------------
def standing_rows(rule: Rule, some: Some) -> Wanted:
    """What the standings of these entries must be."""
    entries = f"(SELECT * FROM {table(RosterEntry)} WHERE {some.sql})"
    source = _counted(entries, Attendance, "entry_id", standing_facts(rule))
    return Wanted(Standing, standing_columns(rule), f"{source} e", some.ids)


@lru_cache(maxsize=64)
def standing_facts(rule: Rule) -> dict[str, str]:
    """What is counted over the rows of one entry."""
    expected = EXPECTED & Q(counts=True)
    facts = {
        "came": _first_day(COUNTED),
        "came_first": _first_day(ROUND_FIRST & COUNTED),
        "came_home": _first_day(ROUND_HOME & COUNTED),
        "sum_minutes": _total(Attendance, "minutes", COUNTED),
        "times": _count(Attendance, COUNTED),
        "absences": _count(Attendance, Q(status=Status.ABSENT) & expected),
        "leaves": _count(Attendance, Q(status=Status.LEAVE) & expected),
        "unknown": _count(Attendance, Q(status=Status.UNMARKED) & expected),
        "came_anyway": _count(Attendance, HAPPENED),
        "learned": _topics_of(Attendance, COUNTED, rule.topics),
        "missed": _topics_of(Attendance, MISSED, rule.compulsory),
        **{f"learned_{bit}": _first_day(COUNTED, bit) for bit in rule.compulsory},
    }
    if rule.trained == TrainedRule.COMPULSORY:
        first = ROUND_FIRST & COUNTED
        facts |= {f"learned_first_{bit}": _first_day(first, bit) for bit in rule.compulsory}
    return facts


@lru_cache(maxsize=64)
def standing_columns(rule: Rule) -> dict[str, str]:
    trained = met_on(rule, only_first=False)
    # Without compulsory topics there is nothing to finish: having come once is all.
    done = _last_of([f"e.learned_{bit}" for bit in rule.compulsory]) if rule.compulsory else "e.came"
    owed = [f"CASE WHEN (e.learned & {1 << bit}) = 0 THEN 1 ELSE 0 END" for bit in rule.compulsory]
    return {
        "entry_id": "e.id",
        "campaign_id": "e.campaign_id",
        "unit_id": "e.unit_id",
        "required": "e.required",
        "left": "e.left_on IS NOT NULL",
        "is_floating": "e.is_floating",
        "is_home_bound": "e.is_home_bound",
        "first_on": met_on(rule, only_first=True),
        "trained_on": trained,
        "home_on": "e.came_home",
        "done_on": done,
        "minutes": "e.sum_minutes",
        "attended": "e.times",
        "absent": "e.absences",
        "leave": "e.leaves",
        "unmarked": "e.unknown",
        "debts": f"CASE WHEN e.required THEN {' + '.join(['0', *owed])} ELSE 0 END",
        "topic_mask": "e.learned",
        "missed_mask": "CASE WHEN e.required THEN e.missed ELSE 0 END",
        "makeup_mask": "CASE WHEN e.required THEN e.missed & ~e.learned ELSE 0 END",
        "why": why_untrained(rule, trained),
    }


def met_on(rule: Rule, *, only_first: bool) -> str:
    """The day the trained rule was first met. A waived entry's rule is always ANY."""
    came, learned = ("e.came_first", "e.learned_first") if only_first else ("e.came", "e.learned")
    if rule.trained == TrainedRule.COMPULSORY and rule.compulsory:
        met = _last_of([f"{learned}_{bit}" for bit in rule.compulsory])
    elif rule.trained == TrainedRule.HOURS:
        met = _day_hours_were_reached(rule, COUNTED & ROUND_FIRST if only_first else COUNTED)
    else:
        return came
    return f"CASE WHEN e.required THEN {met} ELSE {came} END"


def _last_of(days: list[str]) -> str:
    """The last of these days, null while any of them is null."""
    if len(days) == 1:
        return days[0]
    greatest = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    known = " AND ".join(f"{day} IS NOT NULL" for day in days)
    return f"CASE WHEN {known} THEN {greatest}({', '.join(days)}) END"


def _day_hours_were_reached(rule: Rule, condition: Q) -> str:
    """The day on which the minutes of such rows reached the entry's own hours target."""
    target = f"e.hours_target * {rule.minutes_per_hour}"
    so_far = (
        f"SELECT held_on, SUM(minutes) OVER (ORDER BY held_on) AS so_far "
        f"FROM {table(Attendance)} WHERE entry_id = e.id AND {_where(Attendance, condition)}"
    )
    # All rows together tell who need not be asked for the day.
    day = f"(SELECT MIN(r.held_on) FROM ({so_far}) r WHERE r.so_far >= {target})"
    return f"CASE WHEN e.sum_minutes >= {target} THEN {day} END"


def why_untrained(rule: Rule, trained: str) -> str:
    """Exclusive, in the order of `Why`; none for who is waived, gone or trained."""
    drawn_on = f"'{rule.drawn_on}'" if rule.drawn_on else "NULL"
    reasons = (
        (f"NOT e.required OR e.left_on IS NOT NULL OR ({trained}) IS NOT NULL", Why.NONE),
        ("e.absences > 0", Why.ABSENT),
        ("e.is_floating", Why.FLOATING),
        ("e.is_home_bound", Why.HOME_BOUND),
        ("e.leaves > 0", Why.LEAVE),
        ("e.unknown > 0", Why.UNMARKED),
        ("e.came_anyway > 0", Why.SHORT),
        (f"e.joined_on > {drawn_on}", Why.NEW),
    )
    cases = " ".join(f"WHEN {condition} THEN '{why.value}'" for condition, why in reasons)
    return f"CASE {cases} ELSE '{Why.NO_SESSION.value}' END"


# --- Sheets ---------------------------------------------------------------------------------
def session_tally_rows(some: Some) -> Wanted:
    """What the tallies of these parts must be; a part nobody recorded has none."""
    parts = f"(SELECT * FROM {table(SessionUnit)} WHERE recorded_at IS NOT NULL AND {some.sql})"
    counts = (
        f"(SELECT f.counts AND s.cancelled_at IS NULL AND s.voided_at IS NULL "
        f"FROM {table(TrainingSession)} s JOIN {table(TrainingForm)} f ON f.id = s.form_id "
        f"WHERE s.id = e.session_id)"
    )
    columns = {
        "session_unit_id": "e.id",
        "session_id": "e.session_id",
        "unit_id": "e.unit_id",
        "counts": counts,
        "topic_mask": f"(SELECT s.topic_mask FROM {table(TrainingSession)} s WHERE s.id = e.session_id)",
        **{name.removeprefix("n_"): f"e.{name}" for name in sheet_facts()},
    }
    source = _counted(parts, Attendance, "session_unit_id", sheet_facts())
    return Wanted(SessionTally, columns, f"{source} e", some.ids)


@lru_cache
def sheet_facts() -> dict[str, str]:
    """The foot of one sign-in sheet."""
    conditions = {
        "n_expected": EXPECTED,
        "n_attended": EXPECTED & HAPPENED,
        "n_late": EXPECTED & Q(status=Status.LATE),
        "n_leave": EXPECTED & Q(status=Status.LEAVE),
        "n_absent": EXPECTED & Q(status=Status.ABSENT),
        "n_unmarked": EXPECTED & Q(status=Status.UNMARKED),
        "n_optional": Q(part=Part.OPTIONAL) & HAPPENED,
        "n_visitors": Q(part=Part.VISITOR) & HAPPENED,
    }
    counts = {name: _count(Attendance, condition) for name, condition in conditions.items()}
    return counts | {"n_minutes": _total(Attendance, "minutes", HAPPENED)}


# --- Branches -------------------------------------------------------------------------------
def tally_rows(some: Some) -> Wanted:
    """What the tallies of these units must be; only kinds that hold people have one."""
    kinds = ", ".join(f"'{kind.value}'" for kind in BRANCH_KINDS)
    units = f"(SELECT id, campaign_id, path FROM {table(Unit)} WHERE kind IN ({kinds}) AND {some.sql})"
    persons = _counted(units, Standing, "unit_id", person_facts())
    source = _counted(persons, SessionTally, "unit_id", times_facts())
    names = (*person_facts(), *times_facts())
    columns = {
        "unit_id": "e.id",
        "campaign_id": "e.campaign_id",
        "path": "e.path",
        **{name.removeprefix("n_"): f"e.{name}" for name in names},
    }
    return Wanted(Tally, columns, f"{source} e", some.ids)


@lru_cache
def person_facts() -> dict[str, str]:
    persons = {f"n_{name}": _count(Standing, condition) for name, condition in PERSON_SUMS.items()}
    totals = {f"n_{name}": _total(Standing, name, PERSON_SUMS["due"]) for name in ("debts", "minutes")}
    return persons | totals


@lru_cache
def times_facts() -> dict[str, str]:
    times = {f"n_{name}": _total(SessionTally, name, Q(counts=True)) for name in TIMES_SUMS}
    return times | {"n_taught_mask": _topics_of(SessionTally, Q(counts=True), range(Topic.MAX))}
