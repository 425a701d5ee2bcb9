"""登记记录: every sending of a session, and what each did to whom."""

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from attendance.models import Attendance, Mark, MarkBatch, PartClosing
from attendance.queries.register import parts_for
from campaigns.models import TrainingSession, Unit
from organizations.models import User


def marks_seen(session: TrainingSession, user: User) -> QuerySet[Mark]:
    """Marks of people on sheets the account sees, or who count in its scope: names of others stay theirs."""
    parts = [part.pk for part in parts_for(session, user)]
    here = Attendance.objects.filter(session=session, session_unit__in=parts, entry=OuterRef("entry"))
    mine = Unit.objects.visible_to(user).filter(pk=OuterRef("entry__unit"))
    return Mark.objects.filter(Exists(here) | Exists(mine), batch__session=session)


def sendings(session: TrainingSession, user: User) -> QuerySet[MarkBatch]:
    """Newest first by `-id`: those with somebody the account sees, sheets it sees finished, and its own."""
    seen = marks_seen(session, user)
    parts = [part.pk for part in parts_for(session, user)]
    found = MarkBatch.objects.filter(session=session).filter(
        Q(account=user)
        | Exists(seen.filter(batch=OuterRef("pk")))
        | Exists(PartClosing.objects.filter(batch=OuterRef("pk"), part__in=parts))
    )
    return found.select_related("account", "undone_by__account", "undoes__account")


def counts_of(session: TrainingSession, user: User, batches: list[MarkBatch]) -> dict[int, dict[str, int]]:
    """By batch: how many people by what became of them; one query for a page of them."""
    seen = marks_seen(session, user).filter(batch__in=batches).order_by()
    counts: dict[int, dict[str, int]] = {}
    for batch, outcome, number in seen.values_list("batch", "outcome").annotate(number=Count("pk")):
        counts.setdefault(batch, {})[outcome] = number
    return counts


def people_of(session: TrainingSession, user: User, batch: MarkBatch) -> QuerySet[Mark]:
    """Whom one sending was about, old and new, in the branch's own order."""
    return (
        marks_seen(session, user)
        .filter(batch=batch)
        .select_related("entry__member", "entry__unit")
        .order_by("entry__unit__path", "entry__member__place_in_list", "entry_id")
    )


def standing(batch: MarkBatch) -> dict[int, int]:
    """entry → version of its row now, of whom this sending was the last to change anything.

    What was sent later and taken back again does not count as a change: undoing goes back step by step.
    """
    later = Mark.objects.filter(
        batch__session=batch.session_id,
        entry=OuterRef("entry"),
        pk__gt=OuterRef("pk"),
        outcome=Mark.Outcome.APPLIED,
    ).exclude(batch__kind=MarkBatch.Kind.UNDO)
    back = Mark.objects.filter(
        batch__undoes=OuterRef("batch"), entry=OuterRef("entry"), outcome=Mark.Outcome.APPLIED
    )
    marks = batch.marks.filter(~Exists(later.filter(~Exists(back))), outcome=Mark.Outcome.APPLIED)
    said = {entry: value for entry, *value in marks.values_list("entry", "status", "reason")}
    rows = Attendance.objects.filter(session=batch.session_id, entry__in=said)
    found = rows.values_list("entry", "version", "status", "reason")
    return {entry: version for entry, version, *value in found if value == said[entry]}


def changed_since(batch: MarkBatch, marks: list[Mark]) -> set[int]:
    """Of these, whose row somebody changed after this sending."""
    stands = standing(batch)
    return {
        mark.entry_id
        for mark in marks
        if mark.outcome == Mark.Outcome.APPLIED and mark.entry_id not in stands
    }
