"""Service to residents: a problem, its owner, its result, and who confirmed it. Events are its history."""

from datetime import date
from uuid import UUID

from django.utils import timezone

from campaigns.models import Campaign, ServiceEvent, ServiceTask, Unit
from campaigns.services.locking import lock_units
from campaigns.services.sessions import check_open, short
from organizations.models import Member, User
from organizations.service import Refused, service
from organizations.services import audit, changes

Kind = ServiceEvent.Kind
State = ServiceTask.State
NAME_LENGTH = ServiceTask._meta.get_field("confirmed_by").max_length


@service
def open_task(
    *,
    actor: User,
    unit: Unit,
    title: str,
    kind: str = ServiceTask.Kind.PROBLEM,
    detail: str = "",
    beneficiary: str = "",
    owner: Member | None = None,
    deadline: date | None = None,
    request_uuid: UUID | None = None,
) -> ServiceTask:
    """Write down one thing to be done. The same `request_uuid` again gives the same task."""
    lock_open_unit(actor, unit)
    facts = {
        "unit": unit,
        "title": needed(title, "请写清是什么事。"),
        "kind": kind,
        "detail": detail.strip(),
        "beneficiary": beneficiary.strip(),
        "owner": owner,
        "deadline": deadline,
    }
    if request_uuid and (earlier := ServiceTask.objects.filter(request_uuid=request_uuid).first()):
        return sent_before(manageable(actor, earlier), facts)
    check_owner(actor, owner)
    if deadline and deadline < timezone.localdate():
        raise Refused("办理期限不能早于今天，请重新选一天；已经办好的，期限可以不填。", "deadline_past")
    task = ServiceTask.objects.create(campaign_id=unit.campaign_id, request_uuid=request_uuid, **facts)
    step(actor, task, Kind.OPENED, task.detail)
    return task


def sent_before(earlier: ServiceTask, facts: dict) -> ServiceTask:
    """The task this page made already; with other facts it must not look as if they were stored."""
    if any(getattr(earlier, name) != value for name, value in facts.items()):
        raise Refused(
            f"这一页刚才已经登记好“{earlier.title}”，这次填的和那时不一样，没有保存。"
            "要改那一件，请打开它点“修改”；要另外登记一件，请重新打开“登记”。",
            "other_facts",
        )
    return earlier


@service
def change_task(*, actor: User, task: ServiceTask, **fields) -> ServiceTask:
    """Change what was written down (title, kind, detail, beneficiary, owner, deadline) until it is confirmed.

    The same values again change nothing.
    """
    task = locked(actor, task)
    if task.state not in (State.OPEN, State.RESOLVED):
        raise Refused("已经确认或不再办理的事项不能再改；需要时请先退回重办。", "not_open")
    allowed = {"title", "kind", "detail", "beneficiary", "owner", "deadline"}
    changed = [name for name in fields if name in allowed and getattr(task, name) != fields[name]]
    if not changed:
        return task
    if "owner" in changed:
        check_owner(actor, fields["owner"])
    before = changes.facts(task, changed)
    for name in changed:
        setattr(task, name, fields[name])
    needed(task.title, "请写清是什么事。")
    task.save(update_fields=changed)
    differences = changes.between(before, changes.facts(task, changed))
    step(actor, task, Kind.CHANGED, changes.told(differences)[:2000], differences)
    return task


@service
def note_task(*, actor: User, task: ServiceTask, text: str) -> ServiceTask:
    """Add one line of progress. Sent twice it stands there once."""
    task = locked(actor, task)
    text = needed(text, "请写一句进展。")
    last = task.events.order_by("-pk").first()
    if not (last and last.kind == Kind.NOTED and last.text == text and last.by_id == actor.pk):
        step(actor, task, Kind.NOTED, text)
    return task


@service
def resolve_task(
    *, actor: User, task: ServiceTask, result: str, resolved_on: date | None = None
) -> ServiceTask:
    """办结 with its result. Repeating it with the same result changes nothing."""
    task = locked(actor, task)
    result = needed(result, "请写明办理结果，才能办结。")
    day = resolved_on or timezone.localdate()
    if day > timezone.localdate():
        raise Refused("办结日期不能晚于今天。", "future")
    if task.state in (State.RESOLVED, State.CONFIRMED) and task.result == result:
        return task
    if task.state != State.OPEN:
        raise Refused("这件事已经办结或不再办理，不用再办结。", "not_open")
    move(task, state=State.RESOLVED, result=result, resolved_on=day)
    step(actor, task, Kind.RESOLVED, result)
    return task


@service
def confirm_task(*, actor: User, task: ServiceTask, confirmed_by: str) -> ServiceTask:
    """The person helped, or somebody for them, says it is done. Repeating it changes nothing."""
    task = locked(actor, task)
    name = short(needed(confirmed_by, "请写确认人，例如户主姓名。"), NAME_LENGTH, "确认人")
    if task.state == State.CONFIRMED and task.confirmed_by == name:
        return task
    if task.state != State.RESOLVED:
        raise Refused("先办结，再确认。", "not_resolved")
    move(task, state=State.CONFIRMED, confirmed_by=name)
    step(actor, task, Kind.CONFIRMED, f"{name}确认")
    return task


@service
def reopen_task(*, actor: User, task: ServiceTask, reason: str) -> ServiceTask:
    """Back to open: the result did not hold. What was written before stays in the events."""
    task = locked(actor, task)
    if task.state == State.OPEN:
        return task
    reason = needed(reason, "请写退回重办的原因。")
    move(task, state=State.OPEN, result="", resolved_on=None, confirmed_by="")
    step(actor, task, Kind.REOPENED, reason)
    return task


@service
def drop_task(*, actor: User, task: ServiceTask, reason: str) -> ServiceTask:
    """It will not be done here, and why. Repeating it changes nothing."""
    task = locked(actor, task)
    if task.state == State.DROPPED:
        return task
    if task.state != State.OPEN:
        raise Refused("已办结的事项不能改为不再办理；请先退回重办。", "not_open")
    reason = needed(reason, "请写不再办理的原因。")
    move(task, state=State.DROPPED)
    step(actor, task, Kind.DROPPED, reason)
    return task


def lock_open_unit(actor: User, unit: Unit) -> None:
    """Lock the unit, then read again what forbids the write."""
    if not Unit.objects.manageable_by(actor).filter(pk=unit.pk).exists():
        raise Refused("这个单位不在您的管理范围内。", "scope")
    (now,) = lock_units([unit.pk])
    check_open(Campaign.objects.get(pk=now.campaign_id))
    if now.frozen_at:
        raise Refused(f"“{now.name}”的数字已经确认上报，不能再改；需要时请上级退回。", "frozen")
    if now.closed_on:
        raise Refused(f"“{now.name}”已经撤销，请登记在接续它的单位下。", "unit_closed")


def locked(actor: User, task: ServiceTask) -> ServiceTask:
    lock_open_unit(actor, task.unit)
    return manageable(actor, task)


def manageable(actor: User, task: ServiceTask) -> ServiceTask:
    found = ServiceTask.objects.manageable_by(actor).select_related("unit__organization").filter(pk=task.pk)
    row = found.first()
    if row is None:
        raise Refused("这件事不在您的管理范围内。", "scope")
    return row


def check_owner(actor: User, owner: Member | None) -> None:
    if owner and not Member.objects.manageable_by(actor).present().filter(pk=owner.pk).exists():
        raise Refused("承办党员不在您的管理范围内，请重新选择。", "owner")


def needed(text: str, otherwise: str) -> str:
    if not text.strip():
        raise Refused(otherwise, "empty")
    return text.strip()


def move(task: ServiceTask, **columns) -> None:
    for name, value in columns.items():
        setattr(task, name, value)
    task.save(update_fields=columns)


def step(
    actor: User, task: ServiceTask, kind: str, text: str, differences: list[dict[str, str]] | None = None
) -> None:
    """The task's own history, and the audit's line: what it was, and what was said about it."""
    event = ServiceEvent.objects.create(task=task, kind=kind, text=text, by=actor)
    audit.record(
        actor=actor,
        action=f"service.{kind.lower()}",
        summary=f"办实事“{task.title}”：{event.get_kind_display()}"
        + (changes.labels(differences) if differences else f"，{text}" if text else ""),
        target=task,
        organization=task.unit.organization,
        details={"changes": differences} if differences else None,
    )
