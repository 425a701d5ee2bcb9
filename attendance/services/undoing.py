"""Taking back one sending or one closing, whichever way it came in."""

from collections.abc import Collection
from uuid import UUID

from attendance.models import Attendance, Mark, MarkBatch, PartClosing, RosterEntry
from attendance.queries import parts_for
from attendance.queries.batches import UNDOABLE
from attendance.services.closing import refuse_locked, release, waiting
from attendance.services.exclusively import Also, with_retry
from attendance.services.judging import Sheet, lock_sheet
from attendance.services.marks import BatchAnswer, apply_batch, inverse_of, replay, undo_batch, words_of
from campaigns.models import SessionUnit
from campaigns.services.registers import set_closed
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.writing import insert_once

NAMES_SHOWN = 5


@service(atomic=False)
def take_back(*, actor: User, batch: MarkBatch, uuid: UUID) -> BatchAnswer:
    """Undo any sending or closing; who was changed since keeps that value and is named. Again: same answer.

    One's own, or as 组织员 whatever was sent to sheets one keeps.
    """
    if batch.kind not in UNDOABLE:
        raise Refused("这一条不是登记，不能撤销。有误的，请在登记表上更正。", code="kind")
    if batch.account_id != actor.pk and not actor.keeps_records:
        raise Refused("别人交的登记，由组织员撤销。", code="role")
    other = MarkBatch.objects.filter(undoes=batch).exclude(account=actor).select_related("account").first()
    if other:
        raise Refused(f"{other.account.name}已经撤销过这一次了。", code="undone")
    if batch.kind == MarkBatch.Kind.CLOSE and batch.closings.exists():
        return undo_closing(actor=actor, batch=batch, uuid=uuid)
    _refuse_half(actor, batch)
    return undo_batch(actor=actor, batch=batch, uuid=uuid)


def _refuse_half(actor: User, batch: MarkBatch) -> None:
    """A sending is taken back once and whole: half of it would leave the rest to nobody."""
    kept = [part.pk for part in parts_for(batch.session, actor, to_write=True)]
    rows = Attendance.objects.filter(session=batch.session_id).exclude(session_unit__in=kept)
    applied = batch.marks.filter(outcome=Mark.Outcome.APPLIED)
    if foreign := applied.filter(entry__in=rows.values("entry")).count():
        raise Refused(
            f"这次登记里有{foreign}人在别的支部的登记表上，不归您管。请由上级撤销，或者在您的登记表上更正。",
            code="scope",
        )


@service(atomic=False)
def undo_closing(*, actor: User, batch: MarkBatch, uuid: UUID) -> BatchAnswer:
    """Open again the sheets one closing finished and take back what it marked; let in what waited meanwhile.

    Refused by name where a sheet was opened and finished again since. Again it gives the stored answer.
    """
    if not actor.keeps_records:
        raise Refused("只有组织员和主管可以重新打开登记。", code="role")
    body = f"undo:{batch.uuid}"
    facts = {"session": batch.session, "kind": MarkBatch.Kind.UNDO, "body_sha256": body, "undoes": batch}

    def act(also: Also) -> BatchAnswer:
        stored = MarkBatch(uuid=uuid, account=actor, **facts)
        if not insert_once(stored):
            return replay(actor, batch.session, uuid, body, batch)
        sheet = lock_sheet(actor, batch.session, also)
        parts = _still_closed(sheet, batch)
        refuse_locked(sheet, parts)
        set_closed(parts=parts, closed=False)
        for part in parts:
            part.closed_at = None
        waits = waiting(sheet)
        for part in parts:
            release(sheet, waits.get(part.pk, []))
        sheet.touched_parts |= {part.pk for part in parts}
        answer = apply_batch(sheet, stored, inverse_of(batch))
        _audit(sheet, parts, answer)
        return answer

    return with_retry(act)


def _still_closed(sheet: Sheet, batch: MarkBatch) -> list[SessionUnit]:
    """The sheets this closing finished and nobody has opened since."""
    closed = PartClosing.objects.filter(batch=batch).values_list("part", flat=True)
    if foreign := set(closed) - set(sheet.parts):
        raise Refused(
            f"这次一共完成了{len(closed)}个支部，其中{len(foreign)}个不归您管。请由上级撤销，"
            "或者只重新打开您的支部。",
            code="scope",
        )
    again = PartClosing.objects.filter(part__in=closed, batch__pk__gt=batch.pk).values_list("part", flat=True)
    if later := [sheet.parts[pk].unit.name for pk in dict.fromkeys(again)]:
        raise Refused(f"{_few(later)}后来又重新打开、再完成过，不能撤销这一次。", code="later")
    return [sheet.parts[pk] for pk in closed if sheet.parts[pk].closed_at is not None]


def _few(names: Collection[str]) -> str:
    shown = list(names)[:NAMES_SHOWN]
    return "、".join(shown) + (f"等{len(names)}个" if len(names) > len(shown) else "")


def _audit(sheet: Sheet, parts: list[SessionUnit], answer: BatchAnswer) -> None:
    names = _few([part.unit.name for part in parts])
    audit.record(
        actor=sheet.actor,
        action="register.closing_undone",
        summary=f"撤销完成登记：{sheet.session.title}（{names}；{words_of(answer)}）",
        target=sheet.session,
        path=sheet.session.host.path,
        details={"batch": str(answer.batch.uuid), "parts": len(parts)},
    )


def names_kept(answer: BatchAnswer) -> str:
    """Whom the undoing left alone, because they were changed since: 王北甲、李北乙等12人."""
    entries = [mark.entry for mark in answer.of("conflict")]
    names = list(
        RosterEntry.objects.filter(pk__in=entries)
        .order_by("unit__path", "member__place_in_list", "pk")
        .values_list("member__name", flat=True)
    )
    shown = "、".join(names[:NAMES_SHOWN])
    return shown + (f"等{len(names)}人" if len(names) > NAMES_SHOWN else "")
