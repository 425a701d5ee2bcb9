"""Merging two records of one person: the member on the left, then every open campaign, in one act."""

from collections.abc import Collection
from copy import copy
from dataclasses import dataclass, field
from uuid import uuid4

from django.db.models.base import ModelState
from django.utils import timezone

from attendance.models import (
    Attendance,
    Guest,
    Mark,
    MarkBatch,
    RosterChange,
    RosterEntry,
    RosterStay,
    Status,
    Waiver,
)
from attendance.queries.history import in_words
from attendance.queries.merging import (
    EntryPlan,
    RowPlan,
    merge_plans,
    obstacles,
    units_behind_merging,
)
from attendance.services.exclusively import Also, lock_exactly, with_retry
from attendance.services.recount import recount
from attendance.services.roster_changes import note
from campaigns.models import SessionUnit
from campaigns.services.people import hand_over
from organizations.models import Member, User
from organizations.service import Refused, service
from organizations.services import changes
from organizations.services.duplicates import MERGED, lock_pair, merge_members

VALUE = ("status", "reason", "minutes", "minutes_set")
PLACE = ("session_unit_id", "unit_id", "part", "round")


@service(atomic=False)
def merge_people(*, actor: User, winner: Member, loser: Member, chosen: Collection[str] = ()) -> bool:
    """Two records are one person: `loser` gives way to `winner`, and so do its rosters and registers.

    In each open campaign the person counts once from now on: `queries.merging` says what
    stands. A closed campaign stays as it was reported. Refused, by name, while a unit
    concerned is frozen. False, and nothing changed, where it was done before.
    """
    return with_retry(lambda also: _merge(actor, winner, loser, chosen, also))


def _merge(actor: User, winner: Member, loser: Member, chosen: Collection[str], also: Also) -> bool:
    if lock_pair(actor, winner, loser) is None:
        return False
    lock_exactly(lambda: units_behind_merging(winner, loser), also)
    for code, words in obstacles(actor, winner, loser):
        raise Refused(words, code=code)
    told: list[dict] = []
    for plan in merge_plans(winner, loser):
        if plan.is_closed:
            continue
        told += _follow(actor, plan, winner) if plan.mine is None else _join(actor, plan, plan.mine)
    hand_over(from_member=loser, to_member=winner)
    return merge_members(actor=actor, winner=winner, loser=loser, chosen=chosen, besides=told)


def _follow(actor: User, plan: EntryPlan, winner: Member) -> list[dict]:
    """Only the record that gives way was on this roster: its entry is the person's."""
    entry = plan.theirs
    was = f"{entry.member.name}（{entry.member.branch.name}）"
    entry.member = winner
    entry.save(update_fields=["member"])
    note([entry], RosterChange.Kind.MERGED, timezone.localdate(), actor, "本人的另一条登记已并到这里")
    return [{"label": f"{plan.campaign.label}名册上的人", "before": was, "after": winner.name}]


# --- Both were on the roster ------------------------------------------------------------------
@dataclass
class Joining:
    """What became of the two entries, to be counted again and told."""

    mine: RosterEntry
    theirs: RosterEntry
    parts: set[int] = field(default_factory=set)
    units: set[int] = field(default_factory=set)
    told: list[dict] = field(default_factory=list)


def _join(actor: User, plan: EntryPlan, mine: RosterEntry) -> list[dict]:
    """Under the lock of every unit concerned."""
    joining = Joining(mine, plan.theirs, units={mine.unit_id, plan.theirs.unit_id})
    _join_days(plan, joining)
    was_required = mine.required
    _join_waivers(plan, joining)
    _join_care(joining)
    for row in plan.rows:
        _stand(actor, joining, row)
    _retire(actor, plan, joining)
    if was_required and not mine.required:
        note([mine], RosterChange.Kind.WAIVED, timezone.localdate(), actor, "重复登记合并，随另一条")
    units = joining.units | {mine.unit_id}
    units |= set(SessionUnit.objects.filter(pk__in=joining.parts).values_list("unit_id", flat=True))
    recount(campaign=plan.campaign, entries=[mine.pk, plan.theirs.pk], parts=joining.parts, units=units)
    said = f"两条合成一条，共有的课{plan.shared}场，并来{plan.gained}场"
    return [{"label": plan.campaign.label, "before": "", "after": said}, *joining.told]


def _join_days(plan: EntryPlan, joining: Joining) -> None:
    mine, theirs = joining.mine, joining.theirs
    theirs.stays.all().delete()
    for piece in plan.stays:
        stay = RosterStay(entry=mine, unit_id=piece.of.unit_id, since=piece.since, until=piece.until)  # type: ignore[union-attr]
        stay.save()
        joining.told.append(
            {"label": "在支部的日子", "before": "", "after": f"{stay.unit.name}，{_days(stay)}"}
        )
    mine.joined_on = min(mine.joined_on, theirs.joined_on)
    if plan.takes_over:
        mine.unit, mine.left_on, mine.left_reason = theirs.unit, None, ""
        mine.is_open = theirs.is_open
    elif mine.left_on and theirs.left_on and theirs.left_on > mine.left_on:
        mine.left_on, mine.left_reason = theirs.left_on, theirs.left_reason


def _join_waivers(plan: EntryPlan, joining: Joining) -> None:
    mine, theirs = joining.mine, joining.theirs
    theirs.waivers.all().delete()
    for piece in plan.waivers:
        old: Waiver = piece.of  # type: ignore[assignment]
        waiver = Waiver(
            entry=mine, reason=old.reason, since=piece.since, until=piece.until, set_by=old.set_by
        )
        waiver.save()
        said = f"{waiver.get_reason_display()}，{_days(waiver)}"
        joining.told.append({"label": "不作硬性要求", "before": "", "after": said})
    mine.required = not mine.waivers.filter(until__isnull=True).exists()


def _join_care(joining: Joining) -> None:
    """What was written down beside the registers belongs to the person too."""
    mine, theirs = joining.mine, joining.theirs
    taught = mine.home_lessons.values("session")
    theirs.home_lessons.exclude(session__in=taught).update(entry=mine)
    theirs.leaves.update(entry=mine)
    theirs.contacts.update(entry=mine)
    Guest.objects.filter(claimed=theirs).update(claimed=mine)


def _days(of: RosterStay | Waiver) -> str:
    return f"{changes.words(of.since)}起" + (f"，到{changes.words(of.until)}" if of.until else "")


def _stand(actor: User, joining: Joining, row: RowPlan) -> None:
    """One class: one row stays, and a mark on either side says why."""
    theirs, mine = row.theirs, row.mine
    for one in filter(None, (theirs, mine)):
        joining.parts.add(one.session_unit_id)
        joining.units.add(one.unit_id)
    Attendance.objects.filter(pk=theirs.pk).delete()
    if row.value is None:
        return
    before = mine or Attendance(entry=joining.mine, session=theirs.session, status="")
    stands = copy(before if mine else theirs)
    for name in (*VALUE, *PLACE):
        setattr(stands, name, getattr(row.value if name in VALUE else row.place, name))
    if mine is None:
        stands.pk, stands.entry, stands.version, stands._state = None, joining.mine, 0, ModelState()
    is_news = stands.status != Status.UNMARKED and _value(stands) != _value(before)
    stands.version += is_news
    stands.save()
    marks = [_mark(before, stands)] if is_news else []
    if theirs.status != Status.UNMARKED:
        gone = Attendance(entry=theirs.entry, status=Status.UNMARKED, version=theirs.version + 1)
        marks.append(_mark(theirs, gone))
    _log(actor, joining, stands, marks)
    said = "；另一条".join(_said(one) for one in (mine, theirs) if one)
    label = f"{stands.session.title}（{changes.words(stands.held_on)}）"
    joining.told.append({"label": label, "before": said, "after": _said(stands)})


def _value(row: Attendance) -> tuple:
    return tuple(getattr(row, name) for name in VALUE)


def _said(row: Attendance) -> str:
    return in_words(row.status, row.reason, row.minutes if row.minutes_set else None, row.session)


def _mark(before: Attendance, after: Attendance) -> Mark:
    return Mark(
        entry=after.entry,
        status=after.status,
        reason=after.reason,
        minutes=after.minutes if after.minutes_set else None,
        before_status=before.status,
        before_reason=before.reason,
        before_minutes=before.minutes if before.status else None,
        before_minutes_set=before.minutes_set,
        base_version=before.version,
        version_after=after.version,
        outcome=Mark.Outcome.APPLIED,
        code="merged",
    )


def _log(actor: User, joining: Joining, row: Attendance, marks: list[Mark]) -> None:
    if not marks:
        return
    body = f"merge:{joining.theirs.pk}"
    facts = {"session": row.session, "account": actor, "kind": MarkBatch.Kind.MERGE}
    batch = MarkBatch.objects.create(uuid=uuid4(), body_sha256=body, **facts)
    for mark in marks:
        mark.batch = batch
    Mark.objects.bulk_create(marks)


def _retire(actor: User, plan: EntryPlan, joining: Joining) -> None:
    """The entry that gives way stays readable and counts nowhere."""
    mine, theirs = joining.mine, joining.theirs
    today = timezone.localdate()
    note([theirs], RosterChange.Kind.MERGED, today, actor, f"与{mine.unit.name}的登记是同一人，只算一次")
    theirs.merged_into, theirs.is_open = mine, False
    theirs.left_on, theirs.left_reason = theirs.left_on or today, MERGED
    theirs.save(update_fields=["merged_into", "is_open", "left_on", "left_reason"])
    columns = ["unit", "joined_on", "left_on", "left_reason", "required", "is_open"]
    mine.save(update_fields=columns)
    if plan.takes_over:
        note([mine], RosterChange.Kind.RETURNED, today, actor, "重复登记合并后仍在册")
