"""What pages and figures ask about campaigns. Reads only."""

from campaigns.queries.board import board, branches_with
from campaigns.queries.campaigns import current_campaign, home_unit, scope_unit
from campaigns.queries.service import (
    CONFIRMED,
    DROPPED,
    OPEN,
    OVERDUE,
    RESOLVED,
    count_tasks,
    service_counts,
    task_states,
    tasks_of,
)
from campaigns.queries.sessions import (
    IN_TIME,
    RECORDED,
    SESSION_FILTERS,
    VALID,
    by_turn,
    held,
    listed_sessions,
    over,
    parts_of,
    session_states,
    sessions_of,
    sessions_with,
    unrecorded,
    with_progress,
)
from campaigns.queries.todos import todos

__all__ = [
    "CONFIRMED",
    "DROPPED",
    "IN_TIME",
    "OPEN",
    "OVERDUE",
    "RECORDED",
    "RESOLVED",
    "SESSION_FILTERS",
    "VALID",
    "board",
    "branches_with",
    "by_turn",
    "count_tasks",
    "current_campaign",
    "held",
    "home_unit",
    "listed_sessions",
    "over",
    "parts_of",
    "scope_unit",
    "service_counts",
    "session_states",
    "sessions_of",
    "sessions_with",
    "task_states",
    "tasks_of",
    "todos",
    "unrecorded",
    "with_progress",
]
