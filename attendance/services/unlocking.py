"""After a lock was taken away: what waited for it is let in."""

from django.db.models import Q

from attendance.models import Mark, MarkBatch
from attendance.queries import parts_for
from attendance.queries.ending import held_marks
from attendance.services.closing import release, waiting
from attendance.services.exclusively import Also, with_retry
from attendance.services.judging import lock_sheet
from attendance.services.marks import BatchAnswer, words_of
from campaigns.models import Stage, TrainingSession, Unit
from campaigns.services.freezing import thaw_unit
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.tree import within

# Why a mark waits that nobody has to look at: the lock was the only reason.
LOCKS = ("frozen", "campaign_closed")


@service(atomic=False)
def unlock_unit(*, actor: User, unit: Unit) -> int:
    """Let a unit and all below it be written again, and let in the marks that waited for that.

    For whoever sends a version back: call it outside of a transaction, or call `thaw_unit` in
    it and `let_in_waiting` after it. Returns how many classes got marks; again does nothing.
    """
    _require_in_scope(actor, unit)
    thaw_unit(actor=actor, unit=unit)
    return let_in_waiting(actor=actor, unit=unit)


@service(atomic=False)
def let_in_waiting(*, actor: User, unit: Unit) -> int:
    """Judge again the marks at or below `unit` that waited only for a lock which is gone.

    One class at a time, one event for each; what waits for a finished sheet goes on waiting,
    and so does what somebody has to look at or what waits on a sheet of others. Returns how many
    classes got marks.
    """
    _require_in_scope(actor, unit)
    found = [one for one in _waiting_sessions(unit) if parts_for(one, actor, to_write=True)]
    return sum(with_retry(lambda also, one=session: _let_in(actor, one, also)) for session in found)


def _require_in_scope(actor: User, unit: Unit) -> None:
    if not Unit.objects.manageable_by(actor).filter(pk=unit.pk).exists():
        raise Refused("这个单位不在您管理的范围内。", code="scope")


def _waiting_sessions(unit: Unit) -> list[TrainingSession]:
    here = Q(entry__unit__in=_below(unit)) | Q(batch__session__parts__unit__in=_below(unit))
    marks = held_marks(unit.campaign).filter(here, code__in=LOCKS)
    batches = MarkBatch.objects.filter(pk__in=marks.values("batch"))
    return list(TrainingSession.objects.valid().filter(pk__in=batches.values("session")).order_by("pk"))


def _below(unit: Unit):
    return Unit.objects.filter(within("path", unit.path), campaign=unit.campaign_id).values("pk")


def _let_in(actor: User, session: TrainingSession, also: Also) -> bool:
    """Every open sheet of one class; True where marks came in."""
    sheet = lock_sheet(actor, session, also)
    if sheet.session.campaign.stage == Stage.CLOSED:
        return False
    waits = waiting(sheet)
    open_now = [waits.get(part.pk, []) for part in sheet.parts.values() if not sheet.is_locked(part)]
    mine = [[mark for mark in marks if mark.code in LOCKS] for marks in open_now]
    answers = [answer for marks in mine if (answer := release(sheet, marks))]
    if answers:
        _audit(actor, session, answers)
    return bool(answers)


def _audit(actor: User, session: TrainingSession, answers: list[BatchAnswer]) -> None:
    audit.record(
        actor=actor,
        action="register.released",
        summary=f"解锁后放进等着的登记：{session.title}（{'；'.join(map(words_of, answers))}）",
        target=session,
        path=session.host.path,
        details={"marks": sum(len(answer.of(Mark.Outcome.APPLIED)) for answer in answers)},
    )
