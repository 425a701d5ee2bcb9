"""存疑清单: what does not fit together. Findings, no score and no ranking; each by one rule the page prints.

A finding's key holds the numbers it was found with: once they change it is a new one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Concat

from attendance.models import ATTENDED, Attendance, DoubtNote, Guest, SessionTally, Tally
from attendance.queries.people import tally_sums
from campaigns.models import Campaign, HeadCount, SessionUnit, Trainee, TrainingSession, Unit
from campaigns.queries import inside
from organizations.models import Role, User
from organizations.tree import within

LATE_DAYS = 7
TIMES_THE_SHARE, LEAST_WAIVED = 2, 5
# Rows compared with one another while a page waits: beyond this it says which level to open.
MOST_ROWS = 500_000
# The same where every sheet is read, but no row.
MOST_OF_SHEETS = 2_000_000
# Up to this many, every page counts all kinds, not only the one it shows.
MOST_COUNTED = 30_000
Kind = DoubtNote.Kind
HAPPENED = Q(status__in=ATTENDED, session__cancelled_at__isnull=True, session__voided_at__isnull=True)


def may_see_doubts(user: User) -> bool:
    return user.role in (Role.OFFICER, Role.INSPECTOR)


def _key(*names: str) -> Concat:
    texts: list[Any] = []
    for name in names:
        texts += [Value(":"), Cast(name, CharField())] if texts else [Value(""), Cast(name, CharField())]
    return Concat(*texts, output_field=CharField())


def two_places(unit: Unit) -> QuerySet[Attendance]:
    """Came to two classes whose times overlap: each person's row, with the later stored one as `other`."""
    others = Attendance.objects.filter(
        HAPPENED,
        entry=OuterRef("entry"),
        held_on=OuterRef("held_on"),
        pk__gt=OuterRef("pk"),
        session__starts_at__lt=OuterRef("session__ends_at"),
        session__ends_at__gt=OuterRef("session__starts_at"),
    )
    found = Attendance.objects.filter(
        Exists(others), HAPPENED, inside(unit), session__campaign=unit.campaign_id
    )
    found = found.annotate(other=Subquery(others.order_by("pk").values("session_id")[:1]))
    found = found.annotate(key=_key("entry_id", "session_id", "other"))
    return found.select_related("entry__member", "unit", "session")


def came_when_gone(unit: Unit) -> QuerySet[Attendance]:
    """Came on a day after the person had left the roster, or the branch, or had died."""
    left = Q(entry__left_on__lt=F("held_on")) | Q(entry__member__left_on__lt=F("held_on"))
    rows = Attendance.objects.filter(
        HAPPENED, inside(unit), left, session__campaign=unit.campaign_id, entry__merged_into__isnull=True
    )
    return rows.annotate(key=_key("entry_id", "session_id")).select_related(
        "entry__member", "unit", "session"
    )


def heads_differ(unit: Unit) -> QuerySet[TrainingSession]:
    """Every sheet is filled in, and the heads counted in the room are fewer than who was marked as come, or
    more than that and everybody noted beside: who is no member, who came from elsewhere."""
    blank = SessionUnit.objects.filter(session=OuterRef("pk"), recorded_at__isnull=True)
    found = TrainingSession.objects.valid().filter(
        inside(unit, "host"), ~Exists(blank), campaign_id=unit.campaign_id, counted_heads__isnull=False
    )
    sheets = SessionTally.objects.filter(session=OuterRef("pk")).order_by().values("session")
    of_session = {"part__session": OuterRef("pk"), "dropped_at__isnull": True}
    found = found.annotate(
        came=_number(sheets.annotate(n=Sum(F("attended") + F("optional") + F("visitors")))),
        trainees=_number(_per_session(Trainee.objects.filter(**of_session)).annotate(n=Count("pk"))),
        guests=_number(
            _per_session(Guest.objects.filter(claimed__isnull=True, **of_session)).annotate(n=Count("pk"))
        ),
        others=_number(
            _per_session(HeadCount.objects.filter(part__session=OuterRef("pk"))).annotate(n=Sum("heads"))
        ),
    )
    most = F("came") + F("trainees") + F("guests") + F("others")
    found = found.annotate(most=most).filter(Q(counted_heads__lt=F("came")) | Q(counted_heads__gt=most))
    return found.annotate(key=_key("pk", "counted_heads", "came")).select_related("host")


def _per_session(rows: QuerySet) -> QuerySet:
    return rows.order_by().values("part__session")


def _number(summed: QuerySet) -> Coalesce:
    return Coalesce(Subquery(summed.values("n")), Value(0), output_field=IntegerField())


def recorded_late(unit: Unit) -> QuerySet[SessionUnit]:
    """A whole sheet whose first mark was stored later than `LATE_DAYS` after the class."""
    parts = SessionUnit.objects.filter(
        inside(unit),
        session__campaign=unit.campaign_id,
        session__cancelled_at__isnull=True,
        session__voided_at__isnull=True,
        recorded_at__gt=F("session__ends_at") + timedelta(days=LATE_DAYS),
    )
    return parts.annotate(key=_key("pk")).select_related("session", "unit")


def many_waived(unit: Unit) -> QuerySet[Tally]:
    """Branches with more than twice the campaign's own share of 不作硬性要求, and five people at least."""
    waived, members = shares(unit.campaign)
    rows = Tally.objects.filter(within("path", unit.path), campaign_id=unit.campaign_id)
    # Of a million people a product of two counts is longer than a count.
    rows = rows.alias(mine=_long("waived") * members, usual=_long("members") * (TIMES_THE_SHARE * waived))
    rows = rows.filter(waived__gte=LEAST_WAIVED, mine__gt=F("usual"))
    return rows.annotate(key=_key("unit_id", "waived")).select_related("unit")


def _long(name: str) -> Cast:
    return Cast(name, BigIntegerField())


def shares(campaign: Campaign) -> tuple[int, int]:
    """Waived people and all people of the whole campaign."""
    top = Unit.objects.filter(campaign=campaign, organization_id=campaign.organization_id).first()
    sums = tally_sums(top, ("waived", "members")) if top else {"waived": 0, "members": 0}
    return sums["waived"], sums["members"]


@dataclass(frozen=True)
class Doubt:
    """One kind of finding: its rows, the key they page by; whether rows are compared or sheets read."""

    kind: str
    rule: str
    rows: Callable[[Unit], QuerySet]
    order: tuple[str, ...]
    is_heavy: bool = False
    reads_sheets: bool = False


DOUBTS = {
    doubt.kind: doubt
    for doubt in (
        Doubt(
            Kind.TWO_PLACES,
            "同一天里，同一个人登记到了两场时间重叠的课（两场都算到课）。",
            two_places,
            ("unit__path", "id"),
            is_heavy=True,
        ),
        Doubt(
            Kind.GONE,
            "到课的日子在离册、离开支部或去世的日子以后。",
            came_when_gone,
            ("unit__path", "id"),
            is_heavy=True,
        ),
        Doubt(
            Kind.HEADS,
            "登记表都填了，现场清点的人数比登记到课的（含外单位来听的）少，或者加上非党员和外来人员还多。",
            heads_differ,
            ("-starts_at", "-id"),
            reads_sheets=True,
        ),
        Doubt(
            Kind.LATE,
            f"整张登记表的第一笔登记，在下课{LATE_DAYS}天以后。",
            recorded_late,
            ("unit__path", "id"),
            reads_sheets=True,
        ),
        Doubt(
            Kind.WAIVERS,
            f"支部不作硬性要求的比例，超过整期冬训比例的{TIMES_THE_SHARE}倍，而且不少于{LEAST_WAIVED}人。",
            many_waived,
            ("path", "unit_id"),
        ),
    )
}


def is_too_large(doubt: Doubt, unit: Unit) -> bool:
    """Whether finding these would keep the page waiting."""
    if not (doubt.is_heavy or doubt.reads_sheets):
        return False
    return _rows_compared(unit) > (MOST_ROWS if doubt.is_heavy else MOST_OF_SHEETS)


def _rows_compared(unit: Unit) -> int:
    return sum(tally_sums(unit, ("expected", "optional", "visitors")).values())


def findings(doubt: Doubt, unit: Unit, *, seen: bool = False) -> QuerySet:
    """Rows of one kind at or below `unit`: those nobody has looked into yet, or those somebody has."""
    notes = DoubtNote.objects.filter(campaign=unit.campaign_id, kind=doubt.kind, key=OuterRef("key"))
    return doubt.rows(unit).filter(Exists(notes) if seen else ~Exists(notes))


def counts(unit: Unit, *, seen: bool = False) -> dict[str, int]:
    """How many findings of each kind, one statement for each; none where the page would wait for them."""
    if _rows_compared(unit) > MOST_COUNTED:
        return {}
    return {kind: findings(doubt, unit, seen=seen).count() for kind, doubt in DOUBTS.items()}


def notes_of(doubt: Doubt, campaign: Campaign, keys: list[str]) -> dict[str, DoubtNote]:
    found = DoubtNote.objects.filter(campaign=campaign, kind=doubt.kind, key__in=keys)
    return {note.key: note for note in found.select_related("by")}
