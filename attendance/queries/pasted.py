"""A message beside the sheets of a class: which branch each piece is about, and what it would store."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import Q

from attendance.models import Attendance, RosterEntry
from attendance.paste import MAX_TEXT, Section, is_branch, read
from attendance.paste.matching import Choice, Proposal, joined, propose, strangers
from attendance.queries.register import RegisterPart, parts_for, register
from campaigns.models import TrainingSession, Unit
from organizations.models import User

SKIP = "skip"
# A field for each on the preview; Django takes a thousand.
MOST_PEOPLE = 700
MOST_GUESTS = 50


@dataclass(frozen=True)
class PartReading:
    """What the message would store on one branch's sheet."""

    sheet: RegisterPart
    proposal: Proposal

    @property
    def pk(self) -> int:
        return self.sheet.part.pk

    @property
    def name(self) -> str:
        return self.sheet.part.unit.name


@dataclass
class Pasted:
    """`unplaced`: pieces of which nobody said yet what branch they are about, by number. `aside`: words
    outside all of them."""

    sheets: list[RegisterPart]
    parts: list[PartReading] = field(default_factory=list)
    unplaced: list[tuple[int, Section]] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    @property
    def people(self) -> int:
        return sum(len(part.proposal.lines) for part in self.parts)


def open_sheets(session: TrainingSession, user: User, only: str = "") -> list[RegisterPart]:
    """The sheets this account may write on now; `only` is one of them."""
    sheets = [sheet for sheet in register(session, user).parts if sheet.can_mark]
    return [sheet for sheet in sheets if only in ("", str(sheet.part.pk))]


def read_pasted(
    session: TrainingSession,
    user: User,
    text: str,
    *,
    only: str = "",
    answers: Mapping[int, str] | None = None,
) -> Pasted:
    """Read a message for this account; `answers`: by number of the piece, the part it is about, or SKIP.

    The same few queries for any length. Nothing is stored.
    """
    every = open_sheets(session, user)
    sheets = [sheet for sheet in every if only in ("", str(sheet.part.pk))]
    names = {person.name for sheet in every for person in (*sheet.expected, *sheet.waived, *sheet.visitors)}
    sections = read(text[:MAX_TEXT], names, [sheet.part.unit.name for sheet in every])
    found = Pasted(sheets)
    placed = _place(sections, sheets, answers or {}, found)
    guests = possible_guests(session, user, strangers(sections, every))
    for sheet in sheets:
        if mine := placed.get(sheet.part.pk):
            others = [other for other in every if other is not sheet]
            found.parts.append(PartReading(sheet, propose(joined(mine), sheet, others, guests)))
    return found


def read_row(
    sheet: RegisterPart, came: int | None, missing: str, guests: Mapping[str, list[Choice]] | None = None
) -> Proposal:
    """One branch of many, from how many came and the names of those who did not.

    A name with a reason asked leave; without one the person was absent.
    """
    names = [person.name for person in (*sheet.expected, *sheet.waived, *sheet.visitors)]
    section = joined(read("没来的：" + missing[:MAX_TEXT], names) if missing else [])
    for person in section.people:
        if person.status == "absent" and person.reason not in ("", "UNKNOWN"):
            person.status = "leave"
    if came is not None:
        section.figures["came"] = [came]
    return propose(section, sheet, guests=dict(guests or {}))


def _place(
    sections: Collection[Section], sheets: list[RegisterPart], answers: Mapping[int, str], found: Pasted
) -> dict[int, list[Section]]:
    """By part. A branch the text does not name is asked about, unless there is only one."""
    placed: dict[int, list[Section]] = {}
    for number, section in enumerate(sections):
        answer = answers.get(number, "")
        if section.is_empty or answer == SKIP:
            found.aside += section.leftovers
            continue
        if answer:
            fits = [sheet for sheet in sheets if str(sheet.part.pk) == answer]
        elif section.heading:
            fits = [sheet for sheet in sheets if is_branch(section.heading, sheet.part.unit.name)]
        else:
            fits = sheets
        if len(fits) == 1:
            placed.setdefault(fits[0].part.pk, []).append(section)
        else:
            found.unplaced.append((number, section))
    return placed


def possible_guests(session: TrainingSession, user: User, names: Collection[str]) -> dict[str, list[Choice]]:
    """People of the scope, or of the class's own branches, with these very names, not on its sheets yet."""
    if not names:
        return {}
    units = [part.unit_id for part in parts_for(session, user, to_write=True)]
    allowed = Q(unit__in=Unit.objects.visible_to(user)) | Q(unit__in=units)
    people = (
        RosterEntry.objects.present()
        .filter(allowed, campaign=session.campaign_id, member__name__in=list(names))
        .exclude(pk__in=Attendance.objects.filter(session=session).values("entry"))
        .order_by("unit__path", "member__place_in_list", "pk")
        .values_list("pk", "member__name", "unit__name")
    )
    found: dict[str, list[Choice]] = {}
    for pk, name, unit in people[:MOST_GUESTS]:
        found.setdefault(name, []).append(Choice(pk, 0, f"{name}（{unit}，外单位来听）"))
    return found
