"""补不齐的: who still lacks a compulsory topic that no planned class will bring to them.

Set-based: what is still planned is summed up by unit, by unit and category, and by named
member; each person's own missing topics are compared with it. One SELECT for a branch or a province.
"""
# ruff: noqa: S608 - tables, columns and topic masks are ours; what a caller passes is a parameter

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from attendance.models import RosterEntry, Standing
from attendance.queries.derived import table
from attendance.queries.people import compulsory_topics, topics_in
from campaigns.models import Campaign, SessionUnit, Topic, TrainingForm, TrainingSession, Unit
from organizations.queries.search import by_name
from organizations.tree import STEP

# More people than this are not compared while a page waits: it says which level to open.
MOST_MEMBERS = 60_000


def children_of(unit: Unit) -> list[Unit]:
    return list(Unit.objects.children(unit).order_by("path"))


def last_moment(campaign: Campaign) -> datetime:
    return timezone.make_aware(datetime.combine(campaign.ends_on + timedelta(days=1), time()))


def too_late(unit: Unit, now: datetime, text: str = "") -> QuerySet[Standing]:
    """People at or below `unit` who cannot finish with what is still planned, in the fixed order."""
    sql, params = _select(unit, now, "st.entry_id")
    found = Standing.objects.filter(pk__in=RawSQL(sql, params))  # noqa: S611
    if text:
        found = found.filter(by_name(text, "entry__member__"))
    return found.select_related("entry__member", "unit")


@dataclass(frozen=True)
class Late:
    """One unit directly below: how many of its people cannot finish any more."""

    unit: Unit
    people: int


def too_late_by_child(unit: Unit, now: datetime) -> list[Late]:
    """The same people counted by the unit directly below; units with nobody are left out."""
    child = f"SUBSTR(u.path, 1, {len(unit.path) + STEP})"
    sql, params = _select(unit, now, f"{child} AS child, COUNT(*) AS n", f" GROUP BY {child}")
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        counts = dict(cursor.fetchall())
    children = Unit.objects.children(unit).order_by("path")
    return [Late(one, counts[one.path]) for one in children if one.path in counts]


def what_is_missing(
    standings: Sequence[Standing], unit: Unit, now: datetime, topics: list[Topic]
) -> dict[int, list[Topic]]:
    """Of people on one page: the topics nothing planned will bring them."""
    ids = [standing.pk for standing in standings]
    if not ids:
        return {}
    among = f" AND st.entry_id IN ({', '.join(['%s'] * len(ids))})"
    # What is planned is summed up for the branches of the page only.
    paths = [standing.unit.path for standing in standings]
    columns = f"st.entry_id, {_lacks(topics)}"
    sql, params = _select(unit, now, columns, among, (min(paths), max(paths) + "~"))
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, *ids])
        return {entry: topics_in(mask, topics) for entry, mask in cursor.fetchall()}


# --- The statement ---------------------------------------------------------------------------
def _mask(topics: Iterable[Topic]) -> int:
    return sum(topic.mask for topic in topics)


def _covered(topics: Iterable[Topic]) -> str:
    """The mask of these topics in any of the grouped sessions. SQLite has no BIT_OR."""
    if connection.vendor == "postgresql":
        return f"BIT_OR(f.topic_mask & {_mask(topics)})"
    return " + ".join(["0", *(f"MAX(f.topic_mask & {topic.mask})" for topic in topics)])


def _lacks(topics: Iterable[Topic]) -> str:
    return f"({_mask(topics)} & ~(st.topic_mask | COALESCE(whole.mask, 0) | COALESCE(own.mask, 0)))"


def _select(
    unit: Unit, now: datetime, columns: str, ending: str = "", paths: tuple[str, str] | None = None
) -> tuple[str, list[Any]]:
    """`whole`: what is planned for everybody of a unit; `own`: what is planned for somebody besides,
    by category or by name. Most people have only the first, so that the roster need not be read.
    EXISTS, where a join would do: SQLite would go through all units for every session.
    """
    topics = compulsory_topics(unit.campaign)
    parts, members = table(SessionUnit), table(SessionUnit.named_members.through)
    entries, covered = table(RosterEntry), _covered(topics)
    sql = f"""
        WITH f AS (
            SELECT s.id, s.topic_mask FROM {table(TrainingSession)} s
            JOIN {table(TrainingForm)} form ON form.id = s.form_id
            WHERE s.campaign_id = %s AND s.cancelled_at IS NULL AND s.voided_at IS NULL AND form.counts
            AND s.ends_at > %s AND s.starts_at > %s AND s.starts_at < %s AND s.topic_mask <> 0
        ), p AS (
            SELECT p.id, p.unit_id, p.audience, p.category, f.topic_mask
            FROM f JOIN {parts} p ON p.session_id = f.id
            WHERE p.closed_at IS NULL AND EXISTS (
                SELECT 1 FROM {table(Unit)} u
                WHERE u.id = p.unit_id AND u.campaign_id = %s AND u.path >= %s AND u.path < %s
            )
        ), whole AS (
            SELECT f.unit_id, {covered} AS mask FROM p f WHERE f.audience = 'WHOLE' GROUP BY f.unit_id
        ), asked AS (
            SELECT e.id AS entry_id, p.topic_mask FROM p
            JOIN {entries} e ON e.unit_id = p.unit_id AND e.category = p.category
            WHERE p.audience = 'CATEGORY'
            UNION ALL
            SELECT e.id, p.topic_mask FROM p
            JOIN {members} m ON m.sessionunit_id = p.id
            JOIN {entries} e ON e.member_id = m.member_id AND e.campaign_id = %s AND e.unit_id = p.unit_id
            WHERE p.audience = 'NAMED'
        ), own AS (
            SELECT f.entry_id, {covered} AS mask FROM asked f GROUP BY f.entry_id
        )
        SELECT {columns} FROM {table(Unit)} u
        JOIN {table(Standing)} st ON st.unit_id = u.id
        LEFT JOIN whole ON whole.unit_id = st.unit_id
        LEFT JOIN own ON own.entry_id = st.entry_id
        WHERE u.campaign_id = %s AND u.path >= %s AND u.path < %s
        AND st.required AND NOT st."left" AND {_lacks(topics)} <> 0{ending}
    """
    here = [unit.campaign_id, *(paths or (unit.path, unit.path + "~"))]
    campaign = unit.campaign_id
    return sql, [campaign, now, now, last_moment(unit.campaign), *here, campaign, *here]
