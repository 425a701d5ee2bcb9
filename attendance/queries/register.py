"""The register of one session as one account may keep it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import or_

from django.db.models import Case, DateField, Exists, F, OuterRef, Q, QuerySet, Value, When

from attendance.models import Attendance, Leave, Part, Reason, RosterEntry, Status, Waiver
from attendance.queries.days import belonged, held_on, held_then
from attendance.queries.leaves import leave_words, leaves_on
from attendance.queries.people import under
from campaigns.models import SessionUnit, TrainingSession, Unit
from campaigns.queries.parts import parts_for
from organizations.models import User, named


@dataclass
class RegisterPerson:
    """One line: `status` is what is stored ("" = nothing yet), `preset` what the page offers."""

    entry: int
    name: str
    initials: str
    group: str
    preset: str
    status: str = ""
    reason: str = ""
    preset_reason: str = ""
    minutes: int | None = None
    version: int = 0
    unit_name: str = ""
    waiver: str = ""  # why nothing is asked, and who said so
    apart: str = ""  # 1970年生, where two of one sheet have the same name
    leave: str = ""  # 请假·有事 12月3—9日, where somebody asked leave for this class

    @property
    def shown(self) -> str:
        return self.status or self.preset

    @property
    def shown_reason(self) -> str:
        return self.reason if self.status else self.preset_reason


@dataclass
class RegisterPart:
    """One unit's sheet: expected people by 党小组, then who need not come, then who came besides."""

    part: SessionUnit
    can_mark: bool
    expected: list[RegisterPerson] = field(default_factory=list)
    waived: list[RegisterPerson] = field(default_factory=list)
    visitors: list[RegisterPerson] = field(default_factory=list)

    @property
    def by_name(self) -> bool:
        """Whoever is called by name to a make-up class is expected to come, floating or not."""
        return self.part.audience == SessionUnit.Audience.NAMED

    @property
    def groups(self) -> list[tuple[str, list[RegisterPerson]]]:
        """In the order in which each group first appears in the branch's list."""
        named: dict[str, list[RegisterPerson]] = {}
        for person in self.expected:
            named.setdefault(person.group, []).append(person)
        return list(named.items())

    @property
    def in_order(self) -> list[RegisterPerson]:
        """As they are numbered on the register, on paper and in the sheet."""
        return [person for _, people in self.groups for person in people]


@dataclass
class RegisterView:
    session: TrainingSession
    parts: list[RegisterPart]
    can_mark: bool

    @property
    def expected_count(self) -> int:
        return sum(len(part.expected) for part in self.parts)


def audience(parts: Collection[SessionUnit], day: date) -> QuerySet[RosterEntry]:
    """Who is expected on these sheets: entries that belonged to their units on that day, by the audience
    of each.

    `home` is the unit it belonged to, `is_waived` whether 不作硬性要求 held on that day.
    """
    return audience_by_day({day: parts})


def audience_by_day(days: Mapping[date, Collection[SessionUnit]]) -> QuerySet[RosterEntry]:
    """`audience` of sheets of several days; of each unit only one, for a person is told by its `home`."""
    units = {day: [part.unit_id for part in parts] for day, parts in days.items()}
    there = reduce(or_, (_there(day, among) for day, among in units.items()))
    people = RosterEntry.objects.filter(there).annotate(home=F("stays__unit_id"))
    of_home = (When(home__in=among, then=Value(day)) for day, among in units.items())
    people = people.annotate(day=Case(*of_home, output_field=DateField()))
    # Of one day it is said as a value: the database then knows it before it reads a row.
    day = next(iter(days)) if len(days) == 1 else OuterRef("day")
    waivers = Waiver.objects.filter(belonged(day), entry=OuterRef("pk"))
    wanted = _wanted([part for parts in days.values() for part in parts])
    people = people.annotate(is_waived=Exists(waivers)).filter(wanted)
    return people.order_by("stays__unit__path", "member__place_in_list", "pk")


def _there(day: date, units: Collection[int]) -> Q:
    stayed = Q(stays__unit__in=units) & under("stays", belonged(day))
    return stayed & (Q(left_on__isnull=True) | Q(left_on__gt=day))


def _wanted(parts: Collection[SessionUnit]) -> Q:
    kinds = SessionUnit.Audience
    wanted = Q(home__in=[part.unit_id for part in parts if part.audience == kinds.WHOLE])
    for part in parts:
        if part.audience == kinds.CATEGORY:
            wanted |= Q(home=part.unit_id, category=part.category)
    if named := [part.pk for part in parts if part.audience == kinds.NAMED]:
        members = SessionUnit.named_members.through.objects.filter(
            sessionunit__in=named, sessionunit__unit=OuterRef("home"), member=OuterRef("member")
        )
        wanted |= Q(Exists(members))
    return wanted


FIELDS = ("pk", "member__name", "member__initials", "member__party_group", "is_floating")


def register(session: TrainingSession, user: User, only: Collection[int] | None = None) -> RegisterView:
    """Every sheet of the session this account may see, recorded or not; the same few queries for any size.

    `only`: of these parts.
    """
    seen = [part for part in parts_for(session, user) if only is None or part.pk in only]
    sheets = sheets_of(seen, user)
    return RegisterView(
        session=session,
        parts=sheets,
        can_mark=any(sheet.can_mark for sheet in sheets) and session.is_valid,
    )


def sheets_of(parts: Sequence[SessionUnit], user: User) -> list[RegisterPart]:
    """Sheets this account sees, of one session or of several; the same few queries for any number."""
    # Whoever marks keeps the very sheets he sees.
    sheets = [RegisterPart(part, can_mark=user.marks_registers and part.closed_at is None) for part in parts]
    _fill_recorded([sheet for sheet in sheets if sheet.part.recorded_at])
    for layer in _one_of_each_unit(sheet for sheet in sheets if not sheet.part.recorded_at):
        _fill_expected(layer)
    _fill_waivers(sheets)
    _fill_leaves(sheets, leaves_on(parts))
    _tell_apart(sheets)
    return sheets


def _one_of_each_unit(sheets: Iterable[RegisterPart]) -> list[dict[int, RegisterPart]]:
    """By unit. A branch that holds the same class twice stands in two of them; else there is one."""
    layers: list[dict[int, RegisterPart]] = []
    for sheet in sheets:
        free = next((layer for layer in layers if sheet.part.unit_id not in layer), None)
        if free is None:
            layers.append(free := {})
        free[sheet.part.unit_id] = sheet
    return layers


def _fill_expected(by_unit: Mapping[int, RegisterPart]) -> None:
    days: dict[date, list[SessionUnit]] = {}
    for sheet in by_unit.values():
        days.setdefault(held_on(sheet.part.session), []).append(sheet.part)
    people = audience_by_day(days).values_list(*FIELDS, "is_waived", "home")
    for pk, name, initials, group, floating, waived, home in people:
        sheet = by_unit[home]
        person = _person(pk, name, initials, group, floating=floating and not sheet.by_name, waived=waived)
        (sheet.waived if waived else sheet.expected).append(person)


def _person(
    pk: int, name: str, initials: str, group: str, *, floating: bool, waived: bool = False
) -> RegisterPerson:
    """Presets from what is known: away → 请假·外出, waived → nothing, everybody else → 出席.

    Who asked leave for this class: `_fill_leaves`.
    """
    if waived:
        return RegisterPerson(pk, name, initials, group, preset="")
    if floating:
        return RegisterPerson(pk, name, initials, group, preset=Status.LEAVE, preset_reason=Reason.AWAY)
    return RegisterPerson(pk, name, initials, group, preset=Status.PRESENT)


PERSON = (
    "entry_id",
    "entry__member__name",
    "entry__member__initials",
    "entry__member__party_group",
    "entry__is_floating",
)
MARK = ("status", "reason", "minutes", "minutes_set", "version", "unit__name")


def _fill_recorded(sheets: list[RegisterPart]) -> None:
    by_part = {sheet.part.pk: sheet for sheet in sheets}
    rows = (
        Attendance.objects.filter(session_unit__in=by_part)
        .order_by("session_unit__unit__path", "entry__member__place_in_list", "entry_id")
        .values_list("session_unit_id", "part", *PERSON, *MARK)
    )
    for part, kind, *who, floating, status, reason, minutes, is_set, version, unit in rows:
        sheet = by_part[part]
        away = floating and not sheet.by_name
        person = _person(*who, floating=away, waived=kind != Part.EXPECTED)
        person.status = "" if status == Status.UNMARKED else status
        person.reason, person.version, person.unit_name = reason, version, unit
        person.minutes = minutes if is_set else None
        lists = {Part.EXPECTED: sheet.expected, Part.OPTIONAL: sheet.waived, Part.VISITOR: sheet.visitors}
        lists[Part(kind)].append(person)


def _fill_waivers(sheets: list[RegisterPart]) -> None:
    people = [(held_on(sheet.part.session), person) for sheet in sheets for person in sheet.waived]
    found = Waiver.objects.filter(entry__in=[person.entry for _, person in people]).select_related("set_by")
    told: dict[int, list[Waiver]] = {}
    for waiver in found:
        told.setdefault(waiver.entry_id, []).append(waiver)
    for day, person in people:
        for waiver in told.get(person.entry, []):
            if held_then(waiver, day):
                person.waiver = f"{waiver.get_reason_display()}，{waiver.set_by.name}设"


def _fill_leaves(sheets: list[RegisterPart], leaves: Mapping[tuple[int, int], Leave]) -> None:
    """Who asked leave is offered as 请假 with that reason; whoever is marked stays as marked."""
    for sheet in sheets:
        for person in sheet.expected:
            if leave := leaves.get((sheet.part.session_id, person.entry)):
                person.preset, person.preset_reason = Status.LEAVE, leave.reason
                person.leave = leave_words(leave)


def _tell_apart(sheets: Iterable[RegisterPart]) -> None:
    """Two of the same name on one sheet: in which year each was born."""
    twins = []
    for sheet in sheets:
        people = [*sheet.expected, *sheet.waived, *sheet.visitors]
        often = Counter(person.name for person in people)
        twins += [person for person in people if often[person.name] > 1]
    if not twins:
        return
    entries = RosterEntry.objects.filter(pk__in=[person.entry for person in twins])
    born = dict(entries.values_list("pk", "member__birth_date"))
    for person in twins:
        day = born[person.entry]
        person.apart = f"{day.year}年生" if day else ""


def possible_visitors(session: TrainingSession, user: User, text: str) -> QuerySet[RosterEntry]:
    """People of the campaign who may be marked as visitors: of the own scope or of the session's parts."""
    if not text.strip():
        return RosterEntry.objects.none()
    allowed = Q(unit__in=Unit.objects.visible_to(user)) | Q(
        unit__in=[part.unit_id for part in parts_for(session, user, to_write=True)]
    )
    return (
        RosterEntry.objects.present()
        .filter(allowed, named(text, "member__"), campaign=session.campaign_id)
        .exclude(pk__in=Attendance.objects.filter(session=session).values("entry"))
        .select_related("member", "unit")
        .order_by("unit__path", "member__place_in_list", "pk")
    )
