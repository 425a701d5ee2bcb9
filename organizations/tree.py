"""Scope is a range of tree paths.

`path` is treebeard's fixed-width materialized path over the alphabet 0-9A-Z, so a
subtree is the range [p, p + "~"). A range uses the index on both databases;
`startswith` is a full scan on SQLite.
"""

from django.db.models import Q

STEP = 4


def within(field: str, path: str) -> Q:
    """Rows whose `field` lies in the subtree rooted at `path`, the root included."""
    return Q(**{f"{field}__gte": path, f"{field}__lt": path + "~"})


def holds(ancestor: str, path: str) -> bool:
    """Whether `path` is `ancestor` or lies below it."""
    return path.startswith(ancestor)


def ancestors(path: str) -> list[str]:
    """Paths from the root down to `path` itself."""
    return [path[:end] for end in range(STEP, len(path) + 1, STEP)]
