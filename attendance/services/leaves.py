"""Asking leave in advance and taking it back. No figure moves: a register does that."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from attendance.models import Leave, RosterEntry
from attendance.queries.days import held_on
from attendance.queries.leaves import (
    RUNNING,
    called_to,
    came_to,
    days_of,
    in_days,
    leave_words,
    sheets_of,
)
from attendance.services.exclusively import Also, lock_exactly, with_retry
from campaigns.models import TrainingSession
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit

MOST_SESSIONS = 50
FROZEN = "本单位的数据已经上报锁定。要改，请先请上级解锁。"


@service(atomic=False)
def set_leave(
    *,
    actor: User,
    entry: RosterEntry,
    reason: str,
    request_uuid: UUID,
    since: date | None = None,
    until: date | None = None,
    sessions: Sequence[TrainingSession] = (),
) -> Leave:
    """Somebody will not come: from `since` to `until`, both included, or to the classes named.

    The same `request_uuid` again gives the leave that is stored; with other facts it is refused.
    Refused where the person is recorded as there (to be corrected first), or where a sheet it is
    about is finished.
    """
    _require_in_scope(actor, entry)
    if reason not in Leave.Reason.values:
        raise Refused("请选择请假的原因。", code="reason")
    wanted = {session.pk for session in sessions}
    if len(wanted) > MOST_SESSIONS:
        raise Refused(f"一次最多选{MOST_SESSIONS}场，时间长的请填从哪天到哪天。", code="sessions")

    def act(also: Also) -> Leave:
        fresh = _locked(actor, entry, also, since, until, wanted)
        if stored := Leave.objects.filter(request_uuid=request_uuid).first():
            if not _is_same(stored, entry, reason, since, until, wanted):
                raise Refused("这个提交编号已经用过，请刷新页面再登记。", code="key_reuse")
            return stored
        first, last = _days(fresh, since, until, wanted)
        _refuse_what_is_recorded(fresh, first, last, wanted)
        _refuse_twice(fresh, first, last, wanted)
        return _store(actor, fresh, reason, request_uuid, first, last, wanted)

    return with_retry(act)


def _is_same(
    stored: Leave, entry: RosterEntry, reason: str, since: date | None, until: date | None, wanted: set[int]
) -> bool:
    """Whether this is what was stored: a page that was changed and sent again would seem to be."""
    if (stored.entry_id, stored.reason, stored.is_period) != (entry.pk, reason, not wanted):
        return False
    if wanted:
        return set(stored.sessions.values_list("pk", flat=True)) == wanted
    return (stored.since, stored.until) == (since, until)


def _require_in_scope(actor: User, entry: RosterEntry) -> None:
    if not RosterEntry.objects.manageable_by(actor).filter(pk=entry.pk).exists():
        raise Refused("这名党员不在您管理的范围内。", code="scope")


def _locked(
    actor: User, entry: RosterEntry, also: Also, since: date | None, until: date | None, wanted: set[int]
) -> RosterEntry:
    """The entry under the lock of its unit and of those on whose sheets it stands in these classes."""

    def concerned() -> set[int]:
        unit = RosterEntry.objects.values_list("unit_id", flat=True).get(pk=entry.pk)
        about = _about(entry, since, until, wanted)
        return {unit, *(part.unit_id for part in sheets_of(entry, about))}

    lock_exactly(concerned, also)
    _require_in_scope(actor, entry)
    fresh = RosterEntry.objects.select_related("campaign", "unit", "member").get(pk=entry.pk)
    if not fresh.campaign.is_open:
        raise Refused("这次冬训不在进行中，不能登记请假。", code="closed")
    if fresh.left_on:
        raise Refused("这个人已经离开名册，不用请假。", code="left")
    if fresh.unit.frozen_at:
        raise Refused(FROZEN, code="frozen")
    return fresh


def _about(
    entry: RosterEntry, since: date | None, until: date | None, wanted: set[int]
) -> QuerySet[TrainingSession]:
    if wanted or since is None or until is None:
        return TrainingSession.objects.valid().filter(pk__in=wanted, campaign=entry.campaign_id)
    # Dates nobody means (year 1, year 9999) must not reach a calendar.
    first, last = max(since, entry.campaign.starts_on), min(until, entry.campaign.ends_on)
    return in_days(entry, first, last)


def _days(entry: RosterEntry, since: date | None, until: date | None, wanted: set[int]) -> tuple[date, date]:
    """First and last day; of chosen classes theirs."""
    if wanted:
        chosen = list(called_to(entry).filter(pk__in=wanted))
        if len(chosen) < len(wanted):
            raise Refused("选的场次里有一场不是本人的课，或者登记已经完成，请重新选。", code="sessions")
        days = [held_on(session) for session in chosen]
        return min(days), max(days)
    if since is None or until is None:
        raise Refused("请填从哪天到哪天，或者选要请假的场次。", code="days")
    if until < since:
        raise Refused("结束那天不能早于开始那天。", code="days")
    campaign = entry.campaign
    if since < campaign.starts_on or until > campaign.ends_on:
        within = f"{campaign.starts_on:%Y年%m月%d日}至{campaign.ends_on:%m月%d日}"
        raise Refused(f"请假的日期要在冬训期间（{within}）内。", code="days")
    return since, until


def _refuse_what_is_recorded(entry: RosterEntry, first: date, last: date, wanted: set[int]) -> None:
    about = _about(entry, first, last, wanted)
    if row := came_to(entry, about):
        raise Refused(
            f"{row.held_on.month}月{row.held_on.day}日“{row.session.title}”已经登记到了。确实没来，请先在点名里更正，再登记请假。",
            code="recorded",
        )
    for part in sheets_of(entry, about):
        day = held_on(part.session)
        if part.closed_at:
            raise Refused(
                f"{day.month}月{day.day}日“{part.session.title}”已经完成登记，不能再补请假。"
                "要补，请先重新打开那一场的登记。",
                code="part_closed",
            )
        if part.unit.frozen_at:
            raise Refused(FROZEN, code="frozen")


def _refuse_twice(entry: RosterEntry, first: date, last: date, wanted: set[int]) -> None:
    running = entry.leaves.filter(RUNNING)
    other = running.filter(is_period=True, since__lte=last, until__gte=first).first()
    if other is None and wanted:
        other = running.filter(is_period=False, sessions__in=wanted).first()
    if other:
        when = days_of(other) if other.is_period else "选的场次里有一场"
        raise Refused(f"{when}已经登记过请假。要改，请先取消那一次，再重新登记。", code="twice")


def _store(
    actor: User,
    entry: RosterEntry,
    reason: str,
    request_uuid: UUID,
    first: date,
    last: date,
    wanted: set[int],
) -> Leave:
    leave = Leave.objects.create(
        entry=entry,
        reason=reason,
        since=first,
        until=last,
        is_period=not wanted,
        set_by=actor,
        request_uuid=request_uuid,
    )
    leave.sessions.set(wanted)
    what = leave_words(leave) if leave.is_period else f"请假·{leave.get_reason_display()} {len(wanted)}场课"
    _audit(actor, entry, "leave.set", f"{entry.member.name}：{what}")
    return leave


@service(atomic=False)
def end_leave(*, actor: User, leave: Leave) -> Leave:
    """Take a leave back; classes of earlier days stay as they are. Ending it again changes nothing."""
    _require_in_scope(actor, leave.entry)

    def act(also: Also) -> Leave:
        fresh = _locked(actor, leave.entry, also, None, None, set())
        row = Leave.objects.get(pk=leave.pk)
        if row.ended_at:
            return row
        if row.until < timezone.localdate():
            raise Refused("这次请假已经过去，留作记录，不能取消。", code="past")
        row.ended_at, row.ended_by = timezone.now(), actor
        row.save(update_fields=["ended_at", "ended_by"])
        _audit(actor, fresh, "leave.ended", f"{fresh.member.name}：取消请假（{days_of(row)}）")
        return row

    return with_retry(act)


def _audit(actor: User, entry: RosterEntry, action: str, summary: str) -> None:
    audit.record(actor=actor, action=action, summary=summary, target=entry, path=entry.unit.path)
