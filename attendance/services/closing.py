"""Closing and reopening the sheets of a session."""

import hashlib
from collections.abc import Collection
from uuid import UUID, uuid5

from django.db.models import Exists, OuterRef

from attendance.models import Mark, MarkBatch, Part, PartClosing, Status
from attendance.queries import parts_for
from attendance.services.exclusively import Also, with_retry
from attendance.services.judging import MarkInput, Sheet, lock_sheet, open_parts, read_people
from attendance.services.marks import (
    BatchAnswer,
    BatchReused,
    apply_batch,
    recount_touched,
    store_rows,
    words_of,
)
from campaigns.models import SessionUnit, Stage, TrainingSession
from campaigns.services.registers import set_closed
from campaigns.services.sessions import REASON_LENGTH, short
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.writing import insert, insert_once

REST = {"present": Status.PRESENT, "absent": Status.ABSENT, "unmarked": Status.UNMARKED}


def refuse_locked(sheet: Sheet, parts: list[SessionUnit]) -> None:
    if sheet.session.campaign.stage == Stage.CLOSED:
        raise Refused("这次冬训已经结束，登记不能再改。", code="closed")
    if any(sheet.is_frozen(part) for part in parts):
        raise Refused("本单位的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")


@service(atomic=False)
def close_parts(
    *,
    actor: User,
    session: TrainingSession,
    rest: str,
    batch: UUID,
    note: str = "",
    only: Collection[int] | None = None,
) -> list[SessionUnit]:
    """Finish the sheets this account keeps: the rest was there, was not, or stays 未登记 with a reason.

    `only` names some of them by pk. `rest` may be empty where nobody is left unmarked.
    Closing closed sheets again changes nothing. Returns the parts closed now. Each act is a batch, with
    or without marks, that `undo_closing` takes back.
    """
    if rest and rest not in REST:
        raise Refused("请选择没有登记的人怎么算：其余均到、其余未到，或其余未登记。", code="rest")
    note = short(note, REASON_LENGTH, "说明")
    if rest == "unmarked" and not note:
        raise Refused("其余未登记要写一句说明，比如“签到表丢失”。", code="note")

    def act(also: Also) -> list[SessionUnit]:
        sheet = lock_sheet(actor, session, also)
        chosen = [part for part in sheet.parts.values() if only is None or part.pk in only]
        parts = [part for part in chosen if part.closed_at is None]
        if not parts:
            return []
        refuse_locked(sheet, parts)
        open_parts(sheet, [part for part in parts if not part.recorded_at])
        refuse_locked(sheet, parts)
        stored = _mark_the_rest(sheet, parts, rest, batch)
        insert(PartClosing, ("batch", "part"), ((stored.pk, part.pk) for part in parts))
        set_closed(parts=parts, closed=True)
        _audit_closing(sheet, parts, rest, note)
        return parts

    return with_retry(act)


def _mark_the_rest(sheet: Sheet, parts: list[SessionUnit], rest: str, uuid: UUID) -> MarkBatch:
    open_now = {part.pk for part in parts}
    unknown = [
        row
        for row in sheet.rows.values()
        if row.session_unit_id in open_now and row.part == Part.EXPECTED and row.status == Status.UNMARKED
    ]
    if unknown and not rest:
        raise Refused("还有没登记的人，请选择其余的人怎么算。", code="rest")
    body = hashlib.sha256(f"close:{sheet.session.pk}:{rest}".encode()).hexdigest()
    facts = {"session": sheet.session, "account": sheet.actor, "kind": MarkBatch.Kind.CLOSE}
    stored = MarkBatch(uuid=uuid, body_sha256=body, **facts)
    if not insert_once(stored):
        # Sheets closed by this number were opened again since, or the number is somebody else's.
        raise BatchReused("这一页已经提交过，请刷新页面再完成登记。", code="key_reuse")
    if not unknown or rest == "unmarked":
        store_rows(sheet)
        recount_touched(sheet)
    else:
        apply_batch(sheet, stored, [MarkInput(row.entry_id, REST[rest], row.version) for row in unknown])
    return stored


def _audit_closing(sheet: Sheet, parts: list[SessionUnit], rest: str, note: str) -> None:
    names = "、".join(part.unit.name for part in parts[:3]) + ("等" if len(parts) > 3 else "")
    audit.record(
        actor=sheet.actor,
        action="register.closed",
        summary=f"完成登记：{sheet.session.title}（{names}）{note}",
        target=sheet.session,
        path=sheet.session.host.path,
        details={"rest": rest, "note": note},
    )


@service(atomic=False)
def reopen_part(*, actor: User, part: SessionUnit, reason: str) -> BatchAnswer | None:
    """Open a closed sheet again, with a reason, and let in the marks that waited for it.

    Of a sheet that is open it lets in what waits, if anything does: after a frozen unit was unlocked.
    """
    if not actor.keeps_records:
        raise Refused("只有组织员和主管可以重新打开登记。", code="role")
    session = part.session
    if part.pk not in {mine.pk for mine in parts_for(session, actor, to_write=True)}:
        raise Refused("您不负责登记这个场次。", code="scope")
    reason = short(reason, REASON_LENGTH, "重新打开的原因")
    if not reason:
        raise Refused("请写一句重新打开的原因。", code="reason")

    def act(also: Also) -> BatchAnswer | None:
        sheet = lock_sheet(actor, session, also)
        fresh = sheet.parts[part.pk]
        refuse_locked(sheet, [fresh])
        waits = waiting(sheet).get(fresh.pk, [])
        if fresh.closed_at is None and not waits:
            return None
        set_closed(parts=[fresh], closed=False)
        fresh.closed_at = None
        released = release(sheet, waits)
        more = f"；{words_of(released)}" if released else ""
        audit.record(
            actor=actor,
            action="register.reopened",
            summary=f"重新打开登记：{sheet.session.title}（{fresh.unit.name}），原因：{reason}{more}",
            target=sheet.session,
            path=fresh.unit.path,
        )
        return released

    return with_retry(act)


def waiting(sheet: Sheet) -> dict[int, list[Mark]]:
    """What waits for each sheet: the last held mark of everybody who stands, or would stand, on it."""
    later = Mark.objects.filter(
        batch__session=sheet.session, entry=OuterRef("entry"), pk__gt=OuterRef("pk"), settled_by__isnull=False
    )
    held = Mark.objects.filter(
        ~Exists(later), batch__session=sheet.session, outcome=Mark.Outcome.HELD, settled_by__isnull=True
    ).order_by("pk")
    latest = {mark.entry_id: mark for mark in held.select_related("batch")}
    read_people(sheet, [entry for entry in latest if entry not in sheet.entries])
    here = [mark for mark in latest.values() if mark.entry_id in sheet.entries]
    for mark in here:
        # The home unit said who it is; the host need not see this person anywhere else.
        if mark.batch.kind == MarkBatch.Kind.CLAIM:
            sheet.entries[mark.entry_id] = sheet.entries[mark.entry_id]._replace(is_seen=True)
    found: dict[int, list[Mark]] = {}
    for mark in here:
        if part := sheet.part_of(mark.entry_id):
            found.setdefault(part.pk, []).append(mark)
    return found


def release(sheet: Sheet, held: Collection[Mark]) -> BatchAnswer | None:
    """Judge the held marks of one sheet again, each linked to the one it settles."""
    if not held:
        return None
    marks = [
        MarkInput(m.entry_id, m.status, m.base_version, m.reason, m.minutes, m.marked_at, settles=m)
        for m in held
    ]
    last = max(held, key=lambda mark: mark.pk)
    stored = MarkBatch.objects.create(
        uuid=uuid5(last.batch.uuid, f"release:{last.pk}"),
        session=sheet.session,
        account=sheet.actor,
        kind=MarkBatch.Kind.RELEASE,
        body_sha256=f"release:{last.pk}",
    )
    return apply_batch(sheet, stored, marks)
