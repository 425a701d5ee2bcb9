"""Closing and reopening the sheets of a session."""

import hashlib
from uuid import UUID, uuid5

from attendance.models import Attendance, Mark, MarkBatch, Part, Status
from attendance.queries import parts_for
from attendance.services.judging import MarkInput, open_parts
from attendance.services.marks import BatchAnswer, record_marks
from attendance.services.recount import recount
from campaigns.models import SessionUnit, TrainingSession
from campaigns.services.locking import lock_units
from campaigns.services.registers import set_closed
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit

REST = {"present": Status.PRESENT, "absent": Status.ABSENT, "unmarked": Status.UNMARKED}


@service
def close_parts(
    *, actor: User, session: TrainingSession, rest: str, batch: UUID, note: str = ""
) -> list[SessionUnit]:
    """Finish the sheets this account keeps: the rest was there, was not, or stays 未登记 with a reason.

    Closing closed sheets again changes nothing. Returns the parts closed now.
    """
    if rest not in REST:
        raise Refused("请选择没有登记的人怎么算：其余均到、其余未到，或其余未登记。", code="rest")
    if rest == "unmarked" and not note.strip():
        raise Refused("其余未登记要写一句说明，比如“签到表丢失”。", code="note")
    parts = parts_for(session, actor, to_write=True)
    if not parts:
        raise Refused("您不负责登记这个场次。", code="scope")
    lock_units([part.unit_id for part in parts])
    parts = [part for part in parts_for(session, actor, to_write=True) if part.closed_at is None]
    if not parts:
        return []
    if any(part.unit.frozen_at for part in parts):
        raise Refused("本单位的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")
    _mark_the_rest(actor, session, parts, REST[rest], batch)
    set_closed(parts=parts, closed=True)
    names = "、".join(part.unit.name for part in parts[:3]) + ("等" if len(parts) > 3 else "")
    audit.record(
        actor=actor,
        action="register.closed",
        summary=f"完成登记：{session.title}（{names}）{note}",
        target=session,
        path=session.host.path,
        details={"rest": rest, "note": note},
    )
    return parts


def _mark_the_rest(
    actor: User, session: TrainingSession, parts: list[SessionUnit], status: str, batch: UUID
) -> None:
    unopened = [part for part in parts if not part.recorded_at]
    open_parts(session, unopened)
    unknown = Attendance.objects.filter(
        session=session, session_unit__in=parts, part=Part.EXPECTED, status=Status.UNMARKED
    )
    marks = [
        MarkInput(entry, status, version) for entry, version in unknown.values_list("entry_id", "version")
    ]
    if status == Status.UNMARKED:
        entries = Attendance.objects.filter(session_unit__in=unopened).values_list("entry_id", flat=True)
        units = [part.unit_id for part in parts]
        recount(campaign=session.campaign, entries=entries, parts=[p.pk for p in parts], units=units)
    elif marks:
        body = hashlib.sha256(f"close:{session.pk}:{status}".encode()).hexdigest()
        record_marks(
            actor=actor,
            session=session,
            batch=batch,
            marks=marks,
            body_sha256=body,
            kind=MarkBatch.Kind.CLOSE,
        )


@service
def reopen_part(*, actor: User, part: SessionUnit, reason: str) -> BatchAnswer | None:
    """Open a closed sheet again, with a reason, and let in the marks that waited for it.

    Opening an open sheet changes nothing.
    """
    if not actor.keeps_records:
        raise Refused("只有组织员和主管可以重新打开登记。", code="role")
    if part.pk not in {mine.pk for mine in parts_for(part.session, actor, to_write=True)}:
        raise Refused("您不负责登记这个场次。", code="scope")
    if not reason.strip():
        raise Refused("请写一句重新打开的原因。", code="reason")
    lock_units([part.unit_id])
    part = SessionUnit.objects.select_related("session__campaign", "session__host", "unit").get(pk=part.pk)
    if part.closed_at is None:
        return None
    if part.unit.frozen_at:
        raise Refused("本单位的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")
    set_closed(parts=[part], closed=False)
    audit.record(
        actor=actor,
        action="register.reopened",
        summary=f"重新打开登记：{part.session.title}（{part.unit.name}），原因：{reason}",
        target=part.session,
        path=part.unit.path,
    )
    return _release(actor, part)


def _release(actor: User, part: SessionUnit) -> BatchAnswer | None:
    """Judge the held marks of this sheet again, each linked to the one it settles."""
    on_sheet = Attendance.objects.filter(session_unit=part).values("entry_id")
    held = Mark.objects.filter(
        batch__session=part.session, outcome=Mark.Outcome.HELD, settled_by__isnull=True, entry__in=on_sheet
    ).order_by("pk")
    latest = {mark.entry_id: mark for mark in held}
    if not latest:
        return None
    marks = [
        MarkInput(m.entry_id, m.status, m.base_version, m.reason, m.minutes, m.marked_at, settles=m)
        for m in latest.values()
    ]
    last = max(mark.pk for mark in latest.values())
    return record_marks(
        actor=actor,
        session=part.session,
        batch=uuid5(next(iter(latest.values())).batch.uuid, f"release:{last}"),
        marks=marks,
        body_sha256=f"release:{last}",
        kind=MarkBatch.Kind.RELEASE,
    )
