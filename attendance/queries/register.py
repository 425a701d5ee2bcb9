"""The register of one session as one account may keep it."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from attendance.models import Attendance, Leave, Part, Reason, RosterEntry, Status, Waiver
from attendance.queries.days import belonged, held_on
from attendance.queries.leaves import leave_words, leaves_for
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
    units = Q(stays__unit__in=[part.unit_id for part in parts])
    there = under("stays", belonged(day)) & (Q(left_on__isnull=True) | Q(left_on__gt=day))
    waivers = Waiver.objects.filter(belonged(day), entry=OuterRef("pk"))
    people = RosterEntry.objects.filter(units, there).annotate(
        home=F("stays__unit_id"), is_waived=Exists(waivers)
    )
    return people.filter(_wanted(parts)).order_by("stays__unit__path", "member__place_in_list", "pk")


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
    # Whoever marks keeps the very sheets he sees.
    sheets = [RegisterPart(part, can_mark=user.marks_registers and part.closed_at is None) for part in seen]
    _fill_recorded(session, [sheet for sheet in sheets if sheet.part.recorded_at])
    _fill_expected([sheet for sheet in sheets if not sheet.part.recorded_at], held_on(session))
    _fill_waivers([person for sheet in sheets for person in sheet.waived], held_on(session))
    _fill_leaves(sheets, leaves_for(session, seen))
    _tell_apart(sheets)
    return RegisterView(
        session=session,
        parts=sheets,
        can_mark=any(sheet.can_mark for sheet in sheets) and session.is_valid,
    )


def _fill_expected(sheets: list[RegisterPart], day: date) -> None:
    by_unit = {sheet.part.unit_id: sheet for sheet in sheets}
    people = audience([sheet.part for sheet in sheets], day).values_list(*FIELDS, "is_waived", "home")
    for pk, name, initials, group, floating, waived, home in people:
        person = _person(pk, name, initials, group, floating=floating, waived=waived)
        sheet = by_unit[home]
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


def _fill_recorded(session: TrainingSession, sheets: list[RegisterPart]) -> None:
    by_part = {sheet.part.pk: sheet for sheet in sheets}
    rows = (
        Attendance.objects.filter(session=session, session_unit__in=by_part)
        .order_by("session_unit__unit__path", "entry__member__place_in_list", "entry_id")
        .values_list("session_unit_id", "part", *PERSON, *MARK)
    )
    for part, kind, *who, floating, status, reason, minutes, is_set, version, unit in rows:
        person = _person(*who, floating=floating, waived=kind != Part.EXPECTED)
        person.status = "" if status == Status.UNMARKED else status
        person.reason, person.version, person.unit_name = reason, version, unit
        person.minutes = minutes if is_set else None
        sheet = by_part[part]
        lists = {Part.EXPECTED: sheet.expected, Part.OPTIONAL: sheet.waived, Part.VISITOR: sheet.visitors}
        lists[Part(kind)].append(person)


def _fill_waivers(people: list[RegisterPerson], day: date) -> None:
    found = Waiver.objects.filter(belonged(day), entry__in=[person.entry for person in people])
    told = {waiver.entry_id: waiver for waiver in found.select_related("set_by")}
    for person in people:
        if waiver := told.get(person.entry):
            person.waiver = f"{waiver.get_reason_display()}，{waiver.set_by.name}设"


def _fill_leaves(sheets: Iterable[RegisterPart], leaves: dict[int, Leave]) -> None:
    """Who asked leave is offered as 请假 with that reason; whoever is marked stays as marked."""
    for person in (person for sheet in sheets for person in sheet.expected):
        if leave := leaves.get(person.entry):
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
