"""待补课: what was missed and until when it may be made up, what no branch held, how the list shrinks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from django.db.models import BigIntegerField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Substr

from attendance.models import Attendance, Standing, Tally
from attendance.queries.people import DUE, MISSED, OWING, count_standings, topics_in
from campaigns.models import Campaign, Topic, Unit
from campaigns.queries import inside
from organizations.queries.search import by_name
from organizations.tree import STEP, within

SOON = 7
# Of more people than this the missed classes are not looked at while a page waits.
MOST_OWING = 30_000
# The word in the address, its label. What it means turns with the day: `by_deadline`.
DEADLINES = {"": "全部", "soon": f"{SOON}天内到期", "over": "已经过期"}


@dataclass(frozen=True)
class Missed:
    """One class somebody missed and has not made up: what of it is owed, and until when."""

    row: Attendance
    topics: list[Topic]
    last_day: date
    days_left: int


def missed_classes(
    standings: Iterable[Standing], topics: Sequence[Topic], campaign: Campaign, today: date
) -> dict[int, list[Missed]]:
    """The classes behind each debt, by entry, the oldest first: one statement for a page."""
    owed = {standing.pk: standing.makeup_mask for standing in standings}
    rows = Attendance.objects.filter(MISSED, entry__in=owed).select_related("session")
    found: dict[int, list[Missed]] = {}
    for row in rows.order_by("held_on", "pk"):
        if mine := row.topic_mask & owed[row.entry_id]:
            last = row.held_on + timedelta(days=campaign.makeup_days)
            missed = Missed(row, topics_in(mine, topics), last, (last - today).days)
            found.setdefault(row.entry_id, []).append(missed)
    return found


def classes_missed(standings: Iterable[Standing]) -> dict[int, list[Attendance]]:
    """Every class each was expected at and did not come to, whatever it taught, the oldest first."""
    rows = Attendance.objects.filter(MISSED, entry__in=[standing.pk for standing in standings])
    found: dict[int, list[Attendance]] = {}
    for row in rows.select_related("session").order_by("held_on", "pk"):
        found.setdefault(row.entry_id, []).append(row)
    return found


def too_many(unit: Unit) -> int:
    """How many people owe something, where looking at the classes of each would keep the page waiting."""
    owing = count_standings(unit, "owing")
    return owing if owing > MOST_OWING else 0


def by_deadline(found: QuerySet[Standing], state: str, campaign: Campaign, today: date) -> QuerySet[Standing]:
    """Those with a debt whose time is over, or nearly: asked of the missed class, never stored."""
    began = today - timedelta(days=campaign.makeup_days)
    days = {"over": Q(held_on__lt=began), "soon": Q(held_on__range=(began, began + timedelta(days=SOON)))}
    if state not in days:
        return found
    rows = Attendance.objects.filter(MISSED, days[state], entry=OuterRef("pk"))
    theirs: Any = ExpressionWrapper(OuterRef("makeup_mask"), output_field=BigIntegerField())
    owed = rows.annotate(owed=F("topic_mask").bitand(theirs)).filter(owed__gt=0)
    return found.filter(Exists(owed))


# --- 本支部还没开过 -------------------------------------------------------------------------
@dataclass(frozen=True)
class NotHeld:
    """A compulsory topic some branches have not held: how many of them. Nobody there has missed anything."""

    topic: Topic
    branches: int


def topics_not_held(unit: Unit, topics: Sequence[Topic]) -> list[NotHeld]:
    """From the tallies of the branches: one statement, however many people."""
    rows = Tally.objects.filter(within("path", unit.path), campaign_id=unit.campaign_id, due__gt=0)
    held = {f"held_{topic.bit}": F("taught_mask").bitand(topic.mask) for topic in topics}
    found = rows.alias(**held).aggregate(
        **{f"not_{name}": Count("pk", filter=Q(**{name: 0})) for name in held}
    )
    counted = ((topic, found[f"not_held_{topic.bit}"]) for topic in topics)
    return [NotHeld(topic, branches) for topic, branches in counted if branches]


def waiting_for_class(unit: Unit, topics: Sequence[Topic], text: str = "") -> QuerySet[Standing]:
    """People whose own branch never held one of these topics, who have neither learnt nor missed it."""
    wanted = sum(topic.mask for topic in topics)
    missed, held = cast(Any, F("makeup_mask")), cast(Any, F("unit__tally__taught_mask"))
    known = F("topic_mask").bitor(missed).bitor(held)
    found = Standing.objects.filter(inside(unit), DUE).annotate(known=known.bitand(wanted))
    found = found.filter(known__lt=wanted) if wanted else found.none()
    if text:
        found = found.filter(by_name(text, "entry__member__"))
    return found.select_related("entry__member", "unit")


# --- 开始 n 人，还剩 m 人 ----------------------------------------------------------------------
@dataclass(frozen=True)
class Progress:
    """One unit: who ever missed a compulsory topic, and who still owes one."""

    unit: Unit
    began: int
    left: int

    @property
    def settled(self) -> int:
        return self.began - self.left


def progress(unit: Unit) -> list[Progress]:
    """The unit itself, then each unit directly below that ever had a debt. Two statements."""
    rows = Tally.objects.filter(within("path", unit.path), campaign_id=unit.campaign_id)
    below = rows.annotate(child=Substr("path", 1, len(unit.path) + STEP)).values("child")
    sums = {
        child: (began or 0, left or 0)
        for child, began, left in below.annotate(began=Sum("owed"), left=Sum("owing")).values_list(
            "child", "began", "left"
        )
    }
    whole = Progress(unit, sum(n for n, _ in sums.values()), sum(n for _, n in sums.values()))
    children = Unit.objects.children(unit).order_by("path") if not unit.holds_people else []
    lines = [Progress(child, *sums.get(child.path, (0, 0))) for child in children]
    return [whole, *(line for line in lines if line.began)]


def owing_people(unit: Unit, text: str = "") -> QuerySet[Standing]:
    found = Standing.objects.filter(inside(unit), OWING)
    if text:
        found = found.filter(by_name(text, "entry__member__"))
    return found.select_related("entry__member", "unit")
