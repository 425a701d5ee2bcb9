"""Many classes or service tasks at once; `organizations.services.bulk` keeps what each was."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from campaigns.models import ServiceEvent, ServiceTask, SessionUnit, Stage, TrainingSession, Unit
from campaigns.services.locking import lock_units
from campaigns.services.service_tasks import check_owner
from campaigns.services.sessions import REASON_LENGTH, short
from organizations.models import BulkAct, Member, User
from organizations.service import Refused, service
from organizations.services import bulk, changes

CANCEL, TASKS = "session.cancel", "servicetask.change"
bulk.FINAL[CANCEL] = "取消了的场次不能恢复；还要上课，请另安排一场。"


@service
def cancel_sessions(*, actor: User, ids: Sequence[int], reason: str, request_uuid: UUID) -> BulkAct | None:
    """None of these classes takes place. The same `request_uuid` again gives the same act.

    One with marks, or whose figures are accepted, refuses all, by name. None when all were cancelled already.
    """
    reason = short(reason, REASON_LENGTH, "取消的原因")
    if not reason:
        raise Refused("请写一句取消的原因。", "reason_missing")
    sent = bulk.sending(CANCEL, ids, {"reason": reason})
    if earlier := bulk.sent_before(actor, request_uuid, sent):
        return earlier
    found = bulk.fetched(fetch_sessions, actor, ids)
    for session in found:
        bulk.require_possible(session, session_refusal(session))
    sessions = [session for session in found if session.cancelled_at is None]
    if not sessions:
        return None
    now = timezone.now()
    TrainingSession.objects.filter(pk__in=[session.pk for session in sessions]).update(
        cancelled_at=now, void_reason=reason
    )
    SessionUnit.objects.filter(session__in=sessions).update(due_at=None)
    told = [{"field": "state", "label": "场次", "before": "已安排", "after": f"取消，{reason}"}]
    lines = [bulk.Line(session, session.host.organization, {}, {}, told) for session in sessions]
    summary = f"批量取消{len(sessions)}场：{changes.names(sessions, '场')}，原因：{reason}"
    return bulk.keep(actor, CANCEL, summary, request_uuid, lines, sent)


def fetch_sessions(actor: User, ids: Sequence[int]) -> list[TrainingSession]:
    """Classes the account hosts, read again under the lock of every unit concerned."""
    hosted = TrainingSession.objects.hosted_by(actor).filter(pk__in=ids)
    wanted = list(hosted.values_list("pk", flat=True))
    parts = SessionUnit.objects.filter(session__in=wanted).values_list("unit_id", flat=True)
    lock_units({*hosted.values_list("host_id", flat=True), *parts})
    rows = TrainingSession.objects.filter(pk__in=wanted).order_by("pk")
    return list(rows.select_related("campaign", "host__organization").prefetch_related("parts__unit"))


def session_refusal(session: TrainingSession) -> str:
    parts = list(session.parts.all())
    if session.voided_at:
        return "已经作废"
    if any(part.recorded_at for part in parts):
        return "已经点过名，要改请点“更正场次”"
    if session.campaign.stage != Stage.OPEN:
        return "所在的冬训没有开始或已经结束"
    frozen = [unit.name for unit in (session.host, *(part.unit for part in parts)) if unit.frozen_at]
    return f"“{frozen[0]}”的数字已经确认上报，需要时请上级退回" if frozen else ""


# --- Service tasks: owner and deadline ------------------------------------------------------
def fetch_tasks(actor: User, ids: Sequence[int]) -> list[ServiceTask]:
    mine = ServiceTask.objects.filter(
        pk__in=ids, unit__in=Unit.objects.manageable_by(actor).values("pk").order_by()
    )
    found = dict(mine.values_list("pk", "unit_id"))
    lock_units(found.values())
    rows = ServiceTask.objects.filter(pk__in=found).order_by("pk")
    return list(rows.select_related("campaign", "unit__organization"))


def task_refusal(actor: User, task: ServiceTask) -> str:
    if task.state not in (ServiceTask.State.OPEN, ServiceTask.State.RESOLVED):
        return "已经确认或不再办理，要改请先退回重办"
    if task.campaign.stage != Stage.OPEN:
        return "所在的冬训没有开始或已经结束"
    if task.unit.frozen_at:
        return f"“{task.unit.name}”的数字已经确认上报，需要时请上级退回"
    return f"“{task.unit.name}”已经撤销" if task.unit.closed_on else ""


def check_task_values(actor: User, values: dict[str, Any]) -> None:
    owner = values.get("owner_id")
    if owner:
        check_owner(actor, Member(pk=owner))
    deadline = values.get("deadline")
    if deadline and deadline < timezone.localdate():
        raise Refused("办理期限不能早于今天，请重新选一天。", "deadline_past")


def note_tasks(actor: User, tasks: list[ServiceTask], told: dict[int, bulk.Told]) -> None:
    """Each task's own history has its line, too."""
    kind = ServiceEvent.Kind.CHANGED
    ServiceEvent.objects.bulk_create(
        ServiceEvent(task=task, kind=kind, by=actor, text=changes.told(told[task.pk])[:2000])
        for task in tasks
    )


bulk.EDITS[TASKS] = bulk.Edit(
    model=ServiceTask,
    noun="实事",
    columns=("owner_id", "deadline"),
    fetch=fetch_tasks,
    refusal=task_refusal,
    organization=lambda task: task.unit.organization,
    check=check_task_values,
    after=note_tasks,
)
