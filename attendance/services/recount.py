"""The recount: derived rows from stored rows, set-based, one statement for a register or a province.

Each derived table has one SELECT that says what its rows must be. `recount`
grafts it into INSERT … ON CONFLICT DO UPDATE for the rows concerned;
`differences` compares it with what is stored. Callers hold the unit locks.
"""

from collections.abc import Callable, Iterable, Iterator

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    CharField,
    Count,
    DateField,
    Exists,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest
from django.db.models.lookups import GreaterThan

from attendance.models import (
    ATTENDED,
    Attendance,
    RosterEntry,
    SessionTally,
    Standing,
    Status,
    Tally,
    Why,
)
from attendance.queries import (
    COUNTED,
    EXPECTED,
    MISSED,
    PERSON_SUMS,
    ROUND_FIRST,
    ROUND_HOME,
    TIMES_SUMS,
    under,
)
from campaigns.models import Campaign, SessionUnit, Topic, TrainedRule, Unit
from campaigns.services.locking import lock_units
from organizations.models import BRANCH_KINDS
from organizations.service import service

CHUNK = 200  # branch units recounted under one lock

ROW_COUNTED = under("rows", COUNTED)
ROW_COUNTED_FIRST = ROW_COUNTED & under("rows", ROUND_FIRST)


def _covers(topic: Topic) -> Q:
    return Q(GreaterThan(F("rows__topic_mask").bitand(topic.mask), 0))


def _latest(days: list[str]) -> Case | F:
    """The last of these days, null while any of them is null."""
    last = Greatest(*days) if len(days) > 1 else F(days[0])
    return Case(When(**{f"{day}__isnull": False for day in days}, then=last), output_field=DateField())


def _sum_of_bits(topics: list[Topic], **conditions: object) -> Combinable:
    """A mask of the topics whose condition holds; in a condition's name, `bit` is the topic's own."""
    total: Combinable = Value(0, output_field=BigIntegerField())
    for topic in topics:
        named = {name.replace("bit", str(topic.bit)): value for name, value in conditions.items()}
        total = total + Case(When(**named, then=Value(topic.mask)), default=0, output_field=BigIntegerField())
    return total


def _day_hours_were_reached(only_first: bool) -> Subquery:
    """The day on which the minutes of counted rows reached the entry's own hours target."""
    rows = Attendance.objects.filter(COUNTED & ROUND_FIRST if only_first else COUNTED)
    so_far = (
        rows.filter(entry=OuterRef("entry"), held_on__lte=OuterRef("held_on"))
        .order_by()
        .values("entry")
        .annotate(total=Sum("minutes"))
        .values("total")
    )
    reached = rows.filter(entry=OuterRef("pk")).annotate(so_far=Subquery(so_far))
    target = F("entry__hours_target") * F("entry__campaign__minutes_per_hour")
    return Subquery(reached.filter(so_far__gte=target).order_by("held_on").values("held_on")[:1])


def _met_on(campaign: Campaign, compulsory: list[Topic], *, only_first: bool) -> Combinable:
    """The day the trained rule was first met. A waived entry's rule is always ANY."""
    came = "came_first" if only_first else "came"
    prefix = "learned_first" if only_first else "learned"
    if campaign.trained_rule == TrainedRule.COMPULSORY and compulsory:
        met: Combinable = _latest([f"{prefix}_{topic.bit}" for topic in compulsory])
    elif campaign.trained_rule == TrainedRule.HOURS:
        met = _day_hours_were_reached(only_first)
    else:
        return F(came)
    return Case(When(required=False, then=F(came)), default=met, output_field=DateField())


WHY = Case(
    When(Q(required=False) | Q(left_on__isnull=False) | Q(is_trained__isnull=False), then=Value(Why.NONE)),
    When(absences__gt=0, then=Value(Why.ABSENT)),
    When(is_floating=True, then=Value(Why.FLOATING)),
    When(is_home_bound=True, then=Value(Why.HOME_BOUND)),
    When(leaves__gt=0, then=Value(Why.LEAVE)),
    When(unknown__gt=0, then=Value(Why.UNMARKED)),
    When(came_anyway__gt=0, then=Value(Why.SHORT)),
    When(joined_on__gt=F("campaign__roster_drawn_on"), then=Value(Why.NEW)),
    default=Value(Why.NO_SESSION),
    output_field=CharField(),
)

STANDING_COLUMNS = (
    ("entry_id", "pk"),
    ("campaign_id", "campaign_id"),
    ("unit_id", "unit_id"),
    ("required", "required"),
    ("left", "has_left"),
    ("first_on", "is_first"),
    ("trained_on", "is_trained"),
    ("home_on", "was_home"),
    ("done_on", "is_done"),
    ("minutes", "sum_minutes"),
    ("attended", "times"),
    ("absent", "absences"),
    ("leave", "leaves"),
    ("unmarked", "unknown"),
    ("debts", "sum_debts"),
    ("topic_mask", "mask"),
    ("makeup_mask", "owed_mask"),
    ("why", "why"),
)


def standing_rows(campaign: Campaign, entries: QuerySet[RosterEntry]) -> QuerySet:
    """What the standings of these entries must be."""
    topics = list(Topic.objects.filter(campaign=campaign).order_by("bit"))
    compulsory = [topic for topic in topics if topic.is_compulsory]
    expected = under("rows", EXPECTED) & Q(rows__counts=True)
    found = entries.order_by().annotate(
        came=Min("rows__held_on", filter=ROW_COUNTED),
        came_first=Min("rows__held_on", filter=ROW_COUNTED_FIRST),
        was_home=Min("rows__held_on", filter=ROW_COUNTED & under("rows", ROUND_HOME)),
        sum_minutes=Coalesce(Sum("rows__minutes", filter=ROW_COUNTED), 0),
        times=Count("rows", filter=ROW_COUNTED),
        absences=Count("rows", filter=expected & Q(rows__status=Status.ABSENT)),
        leaves=Count("rows", filter=expected & Q(rows__status=Status.LEAVE)),
        unknown=Count("rows", filter=expected & Q(rows__status=Status.UNMARKED)),
        came_anyway=Count("rows", filter=Q(rows__status__in=ATTENDED)),
        has_left=Case(
            When(left_on__isnull=False, then=Value(True)), default=Value(False), output_field=BooleanField()
        ),
        **{f"learned_{t.bit}": Min("rows__held_on", filter=ROW_COUNTED & _covers(t)) for t in topics},
        **{f"missed_{t.bit}": Count("rows", filter=under("rows", MISSED) & _covers(t)) for t in compulsory},
    )
    if campaign.trained_rule == TrainedRule.COMPULSORY:
        found = found.annotate(
            **{
                f"learned_first_{t.bit}": Min("rows__held_on", filter=ROW_COUNTED_FIRST & _covers(t))
                for t in compulsory
            }
        )
    found = found.annotate(
        is_first=_met_on(campaign, compulsory, only_first=True),
        is_trained=_met_on(campaign, compulsory, only_first=False),
        # Without compulsory topics there is nothing to finish: having come once is all.
        is_done=_latest([f"learned_{t.bit}" for t in compulsory]) if compulsory else F("came"),
        mask=_sum_of_bits(topics, learned_bit__isnull=False),
        sum_debts=_count_debts(compulsory),
        owed_mask=_sum_of_bits(compulsory, learned_bit__isnull=True, missed_bit__gt=0, required=True),
    ).annotate(why=WHY)
    return found.values_list(*(source for _, source in STANDING_COLUMNS))


def _count_debts(compulsory: list[Topic]) -> Combinable:
    total: Combinable = Value(0, output_field=IntegerField())
    for topic in compulsory:
        owed = When(**{f"learned_{topic.bit}__isnull": True}, required=True, then=Value(1))
        total = total + Case(owed, default=0, output_field=IntegerField())
    return total


SESSION_TALLY_COLUMNS = tuple(
    (name, name if name in ("session_id", "unit_id") else source)
    for name, source in (
        ("session_unit_id", "pk"),
        ("session_id", ""),
        ("unit_id", ""),
        ("counts", "does_count"),
        ("expected", "n_expected"),
        ("attended", "n_attended"),
        ("late", "n_late"),
        ("leave", "n_leave"),
        ("absent", "n_absent"),
        ("unmarked", "n_unmarked"),
        ("optional", "n_optional"),
        ("visitors", "n_visitors"),
        ("minutes", "n_minutes"),
    )
)


def session_tally_rows(parts: QuerySet[SessionUnit]) -> QuerySet:
    """What the tallies of these parts must be; a part nobody recorded has none."""
    expected = under("rows", EXPECTED)
    attended = Q(rows__status__in=ATTENDED)
    valid = Q(session__cancelled_at__isnull=True, session__voided_at__isnull=True)
    found = (
        parts.filter(recorded_at__isnull=False)
        .order_by()
        .annotate(
            does_count=Case(
                When(valid, then=F("session__form__counts")), default=False, output_field=BooleanField()
            ),
            n_expected=Count("rows", filter=expected),
            n_attended=Count("rows", filter=expected & attended),
            n_late=Count("rows", filter=expected & Q(rows__status=Status.LATE)),
            n_leave=Count("rows", filter=expected & Q(rows__status=Status.LEAVE)),
            n_absent=Count("rows", filter=expected & Q(rows__status=Status.ABSENT)),
            n_unmarked=Count("rows", filter=expected & Q(rows__status=Status.UNMARKED)),
            n_optional=Count("rows", filter=attended & Q(rows__part="OPTIONAL")),
            n_visitors=Count("rows", filter=attended & Q(rows__part="VISITOR")),
            n_minutes=Coalesce(Sum("rows__minutes", filter=attended), 0),
        )
    )
    return found.values_list(*(source for _, source in SESSION_TALLY_COLUMNS))


TALLY_COLUMNS = (
    ("unit_id", "pk"),
    ("campaign_id", "campaign_id"),
    ("path", "path"),
    *((name, f"n_{name}") for name in (*PERSON_SUMS, "debts", "minutes", *TIMES_SUMS)),
)


def tally_rows(units: QuerySet[Unit]) -> QuerySet:
    """What the tallies of these units must be; only kinds that hold people have one."""
    due = under("standings", PERSON_SUMS["due"])
    persons = {
        f"n_{name}": Count("standings", filter=under("standings", condition))
        for name, condition in PERSON_SUMS.items()
    }
    times = {f"n_{name}": Coalesce(Subquery(_times(name)), 0) for name in TIMES_SUMS}
    found = (
        units.filter(kind__in=BRANCH_KINDS)
        .order_by()
        .annotate(
            **persons,
            n_debts=Coalesce(Sum("standings__debts", filter=due), 0),
            n_minutes=Coalesce(Sum("standings__minutes", filter=due), 0),
            **times,
        )
    )
    return found.values_list(*(source for _, source in TALLY_COLUMNS))


def _times(column: str) -> QuerySet:
    held = SessionTally.objects.filter(unit=OuterRef("pk"), counts=True).order_by().values("unit")
    return held.annotate(total=Sum(column)).values("total")


# --- Writing and comparing ---------------------------------------------------------------
def _upsert(model, columns: tuple[tuple[str, str], ...], rows: QuerySet) -> None:
    """INSERT … SELECT … ON CONFLICT DO UPDATE: the first column is the key."""
    try:
        select, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return
    names = [name for name, _ in columns]
    key, rest = names[0], names[1:]
    quote = connection.ops.quote_name
    sets = ", ".join(f"{quote(name)} = EXCLUDED.{quote(name)}" for name in rest)
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, names))}) {select} "
        f"ON CONFLICT ({quote(key)}) DO UPDATE SET {sets}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def recount(
    *, campaign: Campaign, entries: Iterable[int], parts: Iterable[int], units: Iterable[int]
) -> None:
    """Write what these entries, parts and branch units must be. Repeating changes nothing."""
    chosen = RosterEntry.objects.filter(campaign=campaign, pk__in=list(entries))
    _upsert(Standing, STANDING_COLUMNS, standing_rows(campaign, chosen))
    _upsert(
        SessionTally,
        SESSION_TALLY_COLUMNS,
        session_tally_rows(SessionUnit.objects.filter(pk__in=list(parts))),
    )
    _upsert(Tally, TALLY_COLUMNS, tally_rows(Unit.objects.filter(pk__in=list(units))))


@service(atomic=False, audited=False)
def rebuild(*, campaign: Campaign, progress: Callable[[int, int], None] | None = None) -> int:
    """Recount everything of one campaign, a few branches at a time under their lock.

    Marking may go on meanwhile. `progress` hears done and total between the
    transactions. Returns the number of branch units recounted.
    """
    branches = Unit.objects.filter(campaign=campaign).with_people().order_by("pk")
    ids = list(branches.values_list("pk", flat=True))
    for number, chunk in enumerate(_chunks(ids)):
        if progress:
            progress(number * CHUNK, len(ids))
        with transaction.atomic():
            lock_units(chunk)
            inside = Q(unit__in=chunk)
            _upsert(Standing, STANDING_COLUMNS, standing_rows(campaign, campaign.entries.filter(inside)))
            parts = SessionUnit.objects.filter(inside)
            _upsert(SessionTally, SESSION_TALLY_COLUMNS, session_tally_rows(parts))
            _upsert(Tally, TALLY_COLUMNS, tally_rows(Unit.objects.filter(pk__in=chunk)))
    _drop_orphans(campaign)
    return len(ids)


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _drop_orphans(campaign: Campaign) -> None:
    """Derived rows whose source is gone or no longer asks for one."""
    entry = RosterEntry.objects.filter(pk=OuterRef("entry_id"))
    Standing.objects.filter(~Exists(entry), campaign=campaign).delete()
    part = SessionUnit.objects.filter(pk=OuterRef("session_unit_id"), recorded_at__isnull=False)
    SessionTally.objects.filter(~Exists(part), unit__campaign=campaign).delete()
    people = Unit.objects.filter(pk=OuterRef("unit_id"), kind__in=BRANCH_KINDS)
    Tally.objects.filter(~Exists(people), campaign=campaign).delete()


def differences(*, campaign: Campaign) -> list[str]:
    """Every derived row that is not what a recount would write, as lines to print."""
    parts = SessionUnit.objects.filter(session__campaign=campaign)
    tables = (
        (Standing, STANDING_COLUMNS, standing_rows(campaign, campaign.entries.all()), "campaign_id"),
        (SessionTally, SESSION_TALLY_COLUMNS, session_tally_rows(parts), None),
        (Tally, TALLY_COLUMNS, tally_rows(Unit.objects.filter(campaign=campaign)), "campaign_id"),
    )
    found = []
    for model, columns, rows, _ in tables:
        stored = model.objects.order_by().values_list(*(name for name, _ in columns))
        stored = (
            stored.filter(unit__campaign=campaign)
            if model is SessionTally
            else stored.filter(campaign=campaign)
        )
        found += _compare(model._meta.label, columns, rows, stored)
    return found


def _compare(label: str, columns: tuple, wanted: QuerySet, stored: QuerySet) -> list[str]:
    names = [name for name, _ in columns]
    lines = []
    for word, first, second in (("缺少或不符", wanted, stored), ("多出或不符", stored, wanted)):
        select, params = first.query.sql_with_params()
        other, more = second.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"{select} EXCEPT {other}", [*params, *more])
            lines += [f"{label} {word}：{dict(zip(names, row, strict=True))}" for row in cursor.fetchall()]
    return lines
