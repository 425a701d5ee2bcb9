"""What an edit changed, as people would say it: for the history beside a record.

before = changes.facts(member, ("name", "category"))
... write ...
details = {"changes": changes.between(before, changes.facts(member, ("name", "category")))}
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import Field, Model
from django.utils import timezone

from organizations.models import PRECISION_OF

# What a fact is called in the code → (what people call it, what it is).
Facts = dict[str, tuple[str, str]]
MOST_NAMES = 6
MOST_TOGETHER = 20


def facts(record: Model, names: Iterable[str]) -> Facts:
    """These columns of a record, in words."""
    return {name: fact(record, name) for name in names}


def fact(record: Model, name: str) -> tuple[str, str]:
    field = record._meta.get_field(name)
    assert isinstance(field, Field)
    value = getattr(record, name)
    if value and name in PRECISION_OF:
        return str(field.verbose_name), known_day(value, getattr(record, PRECISION_OF[name]))
    return str(field.verbose_name), words(value, dict(field.flatchoices))


def known_day(day: date, precision: str) -> str:
    """1965年7月12日, or as much of it as is known: 1965年7月, 1965年."""
    shown = {"year": f"{day.year}年", "month": f"{day.year}年{day.month}月"}
    return shown.get(precision) or words(day)


def words(value: Any, choices: Mapping[Any, Any] | None = None) -> str:
    """A value as it would be written on paper; nothing is an empty text."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return f"{words(timezone.localdate(value))} {timezone.localtime(value):%H:%M}"
    if isinstance(value, date):
        return f"{value.year}年{value.month}月{value.day}日"
    return str((choices or {}).get(value, value))


def names(things: Iterable[object], unit: str = "个") -> str:
    """甲、乙、丙: a long list is cut and counted."""
    all_names = [str(thing) for thing in things]
    more = f"等{len(all_names)}{unit}" if len(all_names) > MOST_NAMES else ""
    return "、".join(all_names[:MOST_NAMES]) + more


def between(before: Facts, after: Facts) -> list[dict[str, str]]:
    """Only what differs; a fact that one side does not know is empty there."""
    return [
        {
            "field": name,
            "label": (after.get(name) or before[name])[0],
            "before": before.get(name, ("", ""))[1],
            "after": after.get(name, ("", ""))[1],
        }
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def together(several: Iterable[list[dict[str, str]]]) -> list[dict[str, str]]:
    """What an act on many records changed: each old and new once, and of how many; the commonest first."""
    found = Counter(tuple(line.items()) for lines in several for line in lines)
    return [
        dict(line) | {"label": f"{dict(line)['label']}（{number}条）"}
        for line, number in found.most_common(MOST_TOGETHER)
    ]


def told(differences: list[dict[str, str]]) -> str:
    """期限：11月1日 → 11月9日；承办党员：空 → 张三"""
    return "；".join(
        f"{one['label']}：{one['before'] or '空'} → {one['after'] or '空'}" for one in differences
    )


def labels(differences: list[dict[str, str]]) -> str:
    """（期限、承办党员）, for the sentence; nothing when nothing differs."""
    found = "、".join(dict.fromkeys(one["label"].split("（")[0] for one in differences))
    return f"（{found}）" if found else ""
