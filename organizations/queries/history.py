"""The history beside a record: its lines of the audit, and what is kept elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Field, Model, Q

from organizations.imports.lines import BESIDE
from organizations.models import AuditEvent, BulkChange, Member, User
from organizations.tree import ancestors, within

SYSTEM = "系统"


@dataclass(frozen=True)
class Step:
    """A line of a history that is kept elsewhere than in the audit, in the shape of an AuditEvent."""

    at: datetime
    actor_name: str
    summary: str
    details: dict = field(default_factory=dict)


def newest(steps: Iterable[Step | AuditEvent], most: int) -> list[Step | AuditEvent]:
    return sorted(steps, key=lambda step: step.at, reverse=True)[:most]


def record_history(record: Model, user: User, most: int = 50) -> list[Step | AuditEvent]:
    """What happened to one record: its own lines of the audit, and what acts on many did to it."""
    return newest([*AuditEvent.objects.about(record, user)[:most], *bulk_steps(record, user, most)], most)


def bulk_steps(record: Model, user: User, most: int = 50) -> list[Step]:
    """One line for each act on many records that concerned this one, and one more where it was taken back."""
    steps = []
    for change in BulkChange.objects.about(record, user).select_related("act__actor")[:most]:
        act = change.act
        labels = "、".join(line["label"] for line in change.told)
        steps.append(Step(act.at, act.actor.name, f"批量办理（{labels}）", {"changes": change.told}))
        if change.was_undone and act.undone_at:
            back = {"changes": [turned(line) for line in change.told]}
            steps.append(Step(act.undone_at, act.actor.name, f"撤销批量办理（{labels}）", back))
    return steps


def import_steps(member: Member, user: User, most: int = 50) -> list[Step]:
    """One line for each roster that brought or changed this member, and one more where it was taken back.

    Of rosters into the reader's place, below it or above it: what a neighbour imported stays theirs.
    """
    steps = []
    mine = user.organization.path
    in_line = within("batch__organization__path", mine) | Q(batch__organization__path__in=ancestors(mine))
    told = member.imports.filter(in_line).select_related("batch__uploaded_by", "batch__undone_by")
    changes = told.defer("batch__verdict", "batch__settled").order_by("-pk")
    for change in changes[:most]:
        batch = change.batch
        if batch.stored_at is None:
            continue
        who = batch.uploaded_by.name if batch.uploaded_by else SYSTEM
        what = "由名册导入" if change.is_new else f"由名册导入更新：{columns_told(change.before)}"
        steps.append(Step(batch.stored_at, who, what, {"batch": batch.pk, "row": change.row}))
        if batch.undone_at and batch.undone_by:
            steps.append(Step(batch.undone_at, batch.undone_by.name, "撤销名册导入，改回原来的内容"))
    return steps


def columns_told(before: Iterable[str]) -> str:
    """手机、党内职务"""
    names = (Member._meta.get_field(name) for name in before if name not in BESIDE)
    return "、".join(str(field.verbose_name) for field in names if isinstance(field, Field))


def turned(line: dict[str, str]) -> dict[str, str]:
    return line | {"before": line["after"], "after": line["before"]} if "after" in line else line
