"""What merging two records of one person would do to their campaigns. The page shows it, the service does it.

In a campaign both took part in, one row for each class stays: who came beats who did not, a leave
beats an absence, anything beats 未登记. A row only the record that gives way has goes along, unless
it is still 未登记 in a branch the person never belonged to. Days in a branch and 不作硬性要求 of the
record that gives way fill the days of which the other knows nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Exists, OuterRef, Q

from attendance.models import (
    ATTENDED,
    Attendance,
    Mark,
    Part,
    RosterEntry,
    RosterStay,
    Status,
    Waiver,
)
from campaigns.models import Campaign, ServiceTask, SessionUnit, Stage, Unit
from organizations.models import Member, User

RANK = {Status.UNMARKED: 0, Status.ABSENT: 1, Status.LEAVE: 2}
CAME = 3


@dataclass(frozen=True)
class RowPlan:
    """One class: the rows of both, and whose value and whose place on a sheet will stand.

    `value` None = the row is withdrawn: nobody had marked it, and the person did not belong there.
    """

    theirs: Attendance
    mine: Attendance | None
    value: Attendance | None
    place: Attendance

    @property
    def is_shared(self) -> bool:
        return self.mine is not None

    @property
    def differs(self) -> bool:
        """Both were marked, and not alike: people will want to see what stands."""
        mine = self.mine
        return mine is not None and rank(mine) != rank(self.theirs)


@dataclass(frozen=True)
class Piece:
    """A part of a stay or waiver that the other record knows nothing of."""

    of: RosterStay | Waiver
    since: date
    until: date | None


@dataclass
class EntryPlan:
    """One campaign. Without `mine` the entry follows the person; of a closed one nothing is touched."""

    campaign: Campaign
    theirs: RosterEntry
    mine: RosterEntry | None
    rows: list[RowPlan] = field(default_factory=list)
    stays: list[Piece] = field(default_factory=list)
    waivers: list[Piece] = field(default_factory=list)

    @property
    def is_closed(self) -> bool:
        return self.campaign.stage == Stage.CLOSED

    @property
    def takes_over(self) -> bool:
        """The entry that stays had left the roster, the other is on it: the person goes on there."""
        return self.mine is not None and self.mine.left_on is not None and self.theirs.left_on is None

    def count(self, *, shared: bool) -> int:
        return sum(row.is_shared == shared and row.value is not None for row in self.rows)

    @property
    def shared(self) -> int:
        return self.count(shared=True)

    @property
    def gained(self) -> int:
        return self.count(shared=False)

    @property
    def withdrawn(self) -> int:
        return sum(row.value is None for row in self.rows)

    @property
    def settled(self) -> list[RowPlan]:
        return [row for row in self.rows if row.differs]


def merge_plans(winner: Member, loser: Member) -> list[EntryPlan]:
    """For every campaign the record that gives way is in, the newest first."""
    entries = RosterEntry.objects.select_related("campaign", "unit", "member")
    mine = {entry.campaign_id: entry for entry in entries.filter(member=winner)}
    plans = []
    for theirs in entries.filter(member=loser).order_by("-campaign__starts_on", "-pk"):
        plan = EntryPlan(theirs.campaign, theirs, mine.get(theirs.campaign_id))
        if plan.mine and not plan.is_closed:
            _join(plan, plan.mine)
        plans.append(plan)
    return plans


def _join(plan: EntryPlan, mine: RosterEntry) -> None:
    stays = list(mine.stays.all())
    plan.stays = unknown_days(plan.theirs.stays.all(), stays)
    plan.waivers = unknown_days(plan.theirs.waivers.all(), list(mine.waivers.all()))
    days = [(stay.unit_id, stay.since, stay.until) for stay in stays]
    days += [(stay.of.unit_id, stay.since, stay.until) for stay in plan.stays]  # type: ignore[union-attr]
    known = {row.session_id: row for row in _rows(mine)}
    for row in _rows(plan.theirs):
        plan.rows.append(_stand(row, known.get(row.session_id), days))


def _rows(entry: RosterEntry) -> Iterable[Attendance]:
    return entry.rows.select_related("session", "session_unit__unit").order_by("held_on", "pk")


def _stand(theirs: Attendance, mine: Attendance | None, days: list[tuple[int, date, date | None]]) -> RowPlan:
    if mine is None:
        belonged = any(
            unit == theirs.unit_id and since <= theirs.held_on and (until is None or theirs.held_on < until)
            for unit, since, until in days
        )
        stays = theirs.status != Status.UNMARKED or belonged
        return RowPlan(theirs, None, theirs if stays else None, theirs)
    better = theirs if rank(theirs) > rank(mine) else mine
    # Who was expected at home is no visitor.
    at_home = mine.part == Part.VISITOR and theirs.part != Part.VISITOR
    return RowPlan(theirs, mine, better, theirs if at_home else mine)


def rank(row: Attendance) -> int:
    return CAME if row.status in ATTENDED else RANK[Status(row.status)]


def unknown_days(theirs: Iterable[RosterStay | Waiver], mine: Sequence[RosterStay | Waiver]) -> list[Piece]:
    """Of these stays or waivers, the days no stay or waiver of `mine` covers."""
    pieces = []
    for one in theirs:
        left = [Piece(one, one.since, one.until)]
        for taken in mine:
            left = [rest for piece in left for rest in _without(piece, taken.since, taken.until)]
        pieces += left
    return pieces


def _without(piece: Piece, since: date, until: date | None) -> list[Piece]:
    """The piece before and the piece after these days."""
    rest = []
    if piece.since < since:
        end = since if piece.until is None else min(piece.until, since)
        rest.append(Piece(piece.of, piece.since, end))
    if until is not None and (piece.until is None or until < piece.until):
        rest.append(Piece(piece.of, max(piece.since, until), piece.until))
    return rest


# --- What stands against it --------------------------------------------------------------
def units_behind_merging(winner: Member, loser: Member) -> set[int]:
    """Every unit whose people, sheets or tasks change: they are locked, and none may be frozen."""
    theirs = RosterEntry.objects.filter(member=loser, campaign__stage=Stage.OPEN)
    mine = RosterEntry.objects.filter(member=winner, campaign__in=theirs.values("campaign"))
    rows = Attendance.objects.filter(Q(entry__in=theirs) | Q(entry__in=mine))
    named = SessionUnit.objects.filter(named_members=loser, session__campaign__stage=Stage.OPEN)
    tasks = ServiceTask.objects.filter(owner=loser, state=ServiceTask.State.OPEN)
    asked = ((theirs, "unit"), (mine, "unit"), (rows, "unit"), (rows, "session_unit__unit"))
    return {
        unit
        for found, name in (*asked, (named, "unit"), (tasks, "unit"))
        for unit in found.values_list(name, flat=True)
    }


def obstacles(actor: User, winner: Member, loser: Member) -> list[tuple[str, str]]:
    """(code, what to do first), in words; empty where the two may be merged."""
    plans = [plan for plan in merge_plans(winner, loser) if not plan.is_closed]
    visible = Unit.objects.manageable_by(actor)
    found = []
    mine = [entry for plan in plans if (entry := plan.mine)]
    counted = {entry.unit_id for entry in (*mine, *(plan.theirs for plan in plans))}
    if visible.filter(pk__in=counted).count() != len(counted):
        found.append(
            ("scope", "有一条记录还在您管理范围以外的支部的冬训名册上，请先加入名册变动，或请上级来合并。")
        )
    frozen = Unit.objects.filter(pk__in=units_behind_merging(winner, loser), frozen_at__isnull=False)
    if frozen.exists():
        names = "、".join(frozen.filter(pk__in=visible.values("pk")).values_list("name", flat=True)[:3])
        found.append(
            ("frozen", f"{names or '有支部'}的数据已经上报锁定，合并会改动里面的数字。请先请上级解锁。")
        )
    if busy := _busy(winner, plans):
        found.append(
            ("busy", f"两条记录分别在两次进行中的冬训名册上（{busy.label}等）。请等其中一次结束后再合并。")
        )
    if waiting := waiting_marks(plans):
        titles = "、".join(dict.fromkeys(f"“{mark.batch.session.title}”" for mark in waiting))
        found.append(("held", f"{loser.name}在{titles}还有点名等着解锁。请先重新打开登记，再合并。"))
    return found


def _busy(winner: Member, plans: list[EntryPlan]) -> Campaign | None:
    goes_on = [plan for plan in plans if plan.mine is None or plan.takes_over]
    follow = [plan.campaign.pk for plan in goes_on if plan.theirs.is_open]
    if not follow:
        return None
    entry = RosterEntry.objects.filter(member=winner, is_open=True).exclude(campaign__in=follow).first()
    return entry.campaign if entry else None


def waiting_marks(plans: list[EntryPlan]) -> list[Mark]:
    """Held marks of the record that gives way: nobody would ever let them in."""
    later = Mark.objects.filter(
        batch__session=OuterRef("batch__session"),
        entry=OuterRef("entry"),
        pk__gt=OuterRef("pk"),
        settled_by__isnull=False,
    )
    held = Mark.objects.filter(
        ~Exists(later),
        entry__in=[plan.theirs.pk for plan in plans if plan.mine],
        outcome=Mark.Outcome.HELD,
        settled_by__isnull=True,
        batch__session__voided_at__isnull=True,
        batch__session__cancelled_at__isnull=True,
    )
    return list(held.select_related("batch__session"))
