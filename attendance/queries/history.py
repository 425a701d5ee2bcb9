"""What was done with one person's roster entry or one row of a register, to be read beside it."""

from django.db.models import Prefetch, Q, QuerySet

from attendance.models import Attendance, Mark, Reason, RosterEntry, Status, Waiver
from attendance.queries.minutes import with_minutes
from campaigns.models import TrainingSession
from organizations.models import AuditEvent, Member, User
from organizations.queries import Step, member_history, newest, records_of


def entry_steps(entry: RosterEntry, user: User, most: int = 50) -> list[Step | AuditEvent]:
    """不作硬性要求, moves and what was known of the member, and every mark with old and new."""
    told = AuditEvent.objects.about(entry, user)[:most]
    its_own = RosterEntry.objects.filter(Q(pk=entry.pk) | Q(merged_into=entry)).order_by()
    marks = Mark.objects.filter(entry__in=its_own.values("pk"))
    return newest([*told, *member_history(entry.member, user, most), *mark_steps(marks, most)], most)


def entries_of(member: Member, user: User) -> QuerySet[RosterEntry]:
    """The campaigns of one member, also those under a record that was merged into this one; newest first."""
    counts = Q(member=member) | Q(merged_into__isnull=True)
    found = RosterEntry.objects.visible_to(user).filter(counts, member__in=records_of(member).values("pk"))
    found = found.select_related("campaign", "unit", "standing").order_by("-campaign__starts_on", "-pk")
    return found.prefetch_related(
        Prefetch("waivers", Waiver.objects.select_related("set_by").order_by("-since"))
    )


def row_steps(row: Attendance, most: int = 200) -> list[Step]:
    """Every mark of one person at one class."""
    return mark_steps(Mark.objects.filter(entry=row.entry_id, batch__session=row.session_id), most)


def mark_steps(marks: QuerySet[Mark], most: int) -> list[Step]:
    applied = marks.filter(outcome=Mark.Outcome.APPLIED).select_related(
        "batch__account", "batch__session__form"
    )
    return [step_of(mark) for mark in applied.order_by("-pk")[:most]]


def step_of(mark: Mark) -> Step:
    session = mark.batch.session
    known = mark.before_minutes if mark.before_minutes_set else None
    before = in_words(mark.before_status, mark.before_reason, known, session)
    after = in_words(mark.status, mark.reason, mark.minutes, session)
    return Step(
        at=mark.batch.at,
        actor_name=mark.batch.account.name,
        summary=f"{mark.batch.get_kind_display()}：{mark.batch.session.title}",
        details={"changes": [{"label": "情况", "before": before, "after": after}]},
    )


def in_words(status: str, reason: str, minutes: int | None, session: TrainingSession) -> str:
    said = str(Status(status).label if status else Status.UNMARKED.label)
    said += f"（{Reason(reason).label}）" if reason else ""
    return with_minutes(said, status, minutes, session)
