"""Finds the people a message names on the sheets of a class. What is not certain is asked, never guessed.

Knows no database: it is given the sheets (`attendance.queries.register`) and says what it would store.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Protocol

from attendance.paste.said import MISSING, Person, Section
from organizations.names import initials

MOST_OFFERED = 6
PRESENT = "present"
WORDS = {"leave": "请假", "absent": "缺席", "late": "迟到", "left_early": "早退", "online": "线上"}


class OnSheet(Protocol):
    """One line of a register, as far as it is needed here."""

    entry: int
    name: str
    group: str
    preset: str
    status: str
    version: int
    unit_name: str


class Sheet(Protocol):
    """One branch's sheet: whom it expects, who need not come, who came besides."""

    expected: list
    waived: list
    visitors: list


@dataclass(frozen=True)
class Choice:
    """Somebody a name may mean."""

    entry: int
    version: int
    words: str


@dataclass
class Doubt:
    """A name that is not certainly one person, or a person of whom two things are said."""

    said: Person
    why: str
    choices: list[Choice] = field(default_factory=list)


@dataclass
class Line:
    """One person of the sheet and what the message says of them; `said` None: it does not name them."""

    person: OnSheet
    number: int
    kind: str  # expected, waived, visitor
    said: Person | None = None
    is_doubted: bool = False
    is_preset: bool = False  # not named; offered as the register would


@dataclass
class Proposal:
    """What one branch's message would store. `rest`: what becomes of whom it does not name, "" = ask."""

    lines: list[Line]
    doubts: list[Doubt]
    leftovers: list[str]
    remarks: list[str]
    rest: str
    heads: int | None

    @property
    def named(self) -> list[Line]:
        return [line for line in self.lines if line.said]

    @property
    def offered(self) -> list[Line]:
        """Not named, but known to be away: as the register offers them."""
        return [line for line in self.lines if line.is_preset]

    @property
    def kept(self) -> list[Line]:
        """Not named, and something is stored of them: it stays."""
        return [line for line in self.lines if line.said is None and line.person.status]

    @property
    def unnamed(self) -> list[Line]:
        """Expected, not named, nothing stored: the rest."""
        return [line for line in self.lines if is_rest(line)]

    @property
    def away(self) -> list[Line]:
        """Of the rest those whom the register offers as anything but present: 流动, or on leave."""
        return [line for line in self.unnamed if line.person.preset != PRESENT]

    @property
    def open_names(self) -> int:
        """How many of the rest somebody may still turn out to be behind a name that is asked about."""
        rest = {line.person.entry for line in self.unnamed}
        asked = [doubt for doubt in self.doubts if rest & {choice.entry for choice in doubt.choices}]
        return min(len(asked), len(rest))

    @property
    def optional(self) -> list[Line]:
        """Need not come, not named, nothing stored."""
        others = (line for line in self.lines if line.said is None and not line.person.status)
        return [line for line in others if line.kind != "expected"]


def is_rest(line: Line) -> bool:
    return line.kind == "expected" and line.said is None and not line.person.status and not line.is_preset


def joined(sections: Iterable[Section]) -> Section:
    """What several pieces say of the same branch."""
    whole = Section()
    for section in sections:
        whole.heading = whole.heading or section.heading
        whole.rest = section.rest or whole.rest
        whole.people += section.people
        whole.leftovers += section.leftovers
        for what, numbers in section.figures.items():
            whole.figures.setdefault(what, []).extend(numbers)
    return whole


def propose(
    section: Section,
    sheet: Sheet,
    others: Collection[Sheet] = (),
    guests: dict[str, list[Choice]] | None = None,
) -> Proposal:
    """What this message would store on this sheet.

    `others`: the other sheets of the class; `guests`: by name, people of the scope who may have come besides.
    """
    lines = _lines(sheet)
    doubts = _match(section, lines, [line for other in others for line in _lines(other)], guests or {})
    for line in lines:
        if line.kind == "waived" and line.said and line.said.status in MISSING:
            line.said = None  # need not come: nothing is to be written down
    rest = _rest(section, lines, doubts)
    remarks = _remarks(section, lines, doubts)
    heads = section.figure("came") if rest != PRESENT else None
    return Proposal(lines, doubts, section.leftovers, remarks, rest, heads)


def strangers(sections: Iterable[Section], sheets: Collection[Sheet]) -> set[str]:
    """Names on none of these sheets."""
    known = {_plain(line.person.name) for sheet in sheets for line in _lines(sheet)}
    return {person.name for section in sections for person in section.people} - known


# --- Who is meant -----------------------------------------------------------------------------------
def _plain(name: str) -> str:
    return name.replace(" ", "").replace("•", "·").replace("・", "·")


def _lines(sheet: Sheet) -> list[Line]:
    numbered = [*getattr(sheet, "in_order", sheet.expected), *sheet.waived]
    expected = len(sheet.expected)
    lines = [
        Line(person, number, "expected" if number <= expected else "waived")
        for number, person in enumerate(numbered, 1)
    ]
    return lines + [Line(person, number, "visitor") for number, person in enumerate(sheet.visitors, 1)]


def _match(section: Section, lines: list[Line], elsewhere: list[Line], guests: dict) -> list[Doubt]:
    by_name: dict[str, list[Line]] = {}
    for line in lines:
        by_name.setdefault(_plain(line.person.name), []).append(line)
    doubts = []
    for said in section.people:
        same = by_name.get(_plain(said.name), [])
        if len(same) == 1:
            if said.status and _tell(same[0], said):
                continue
            said = _told_twice(same[0], said) if same[0].said else said
        near = same or _near(said.name, lines)
        choices = [_choice(line) for line in near]
        if not same:
            choices += [_choice(line) for line in elsewhere if _plain(line.person.name) == _plain(said.name)]
            choices += guests.get(said.name, []) if said.status not in MISSING else []
        why = _why(said, same) + ("，是不是下面的？" if choices and not same else "")
        doubts.append(Doubt(said, why, choices[:MOST_OFFERED]))
        for line in same:
            line.is_doubted, line.said = True, None
    return doubts


def _tell(line: Line, said: Person) -> bool:
    """False where something else was said of them before."""
    first = line.said
    if line.is_doubted or (first and _value(first) != _value(said)):
        return False
    line.said = said
    return True


def _value(said: Person) -> tuple:
    return said.status, said.reason, said.minutes


def _told_twice(line: Line, said: Person) -> Person:
    """Of one person two things are said: only whether they came may be certain."""
    first = line.said or said
    both_missing = first.status in MISSING and said.status in MISSING
    return Person(said.name, said.status if both_missing else "", is_known=True)


def _why(said: Person, same: list[Line]) -> str:
    if len(same) > 1:
        return f"名册上有{len(same)}个{said.name}，是哪一个？"
    if same and (same[0].said or same[0].is_doubted):
        return "写了两种情况，以哪个为准？"
    if same:
        return "只写了名字，没写到没到"
    return "名册上没有这个名字"


def _choice(line: Line) -> Choice:
    """Told apart by party group and place in the list; never by a number."""
    where = {"waived": "不作硬性要求", "visitor": line.person.unit_name}.get(line.kind, "")
    parts = [line.person.group, f"第{line.number}号" if line.kind == "expected" else "", where]
    told = "，".join(part for part in parts if part)
    return Choice(line.person.entry, line.person.version, f"{line.person.name}（{told}）")


def _near(written: str, lines: list[Line]) -> list[Line]:
    """One character wrong, missing or too many; or the same sound: best first."""
    sound = initials(written)
    found = []
    for line in lines:
        name = line.person.name
        sounds_alike = initials(name) == sound and len(name) == len(written)
        if _is_slip(written, name) or (sounds_alike and name[:1] == written[:1]):
            close = SequenceMatcher(None, written, name).ratio()
            found.append((not sounds_alike, -close, line.number, line))
    return [line for *_, line in sorted(found, key=lambda item: item[:3])][:MOST_OFFERED]


def _is_slip(one: str, other: str) -> bool:
    """At most one character differs. Of two characters a shared surname alone says nothing."""
    if len(one) == len(other):
        wrong = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        return len(wrong) == 1 and (len(one) > 2 or wrong == [0] or initials(one) == initials(other))
    short, long = sorted((one, other), key=len)
    return len(long) == len(short) + 1 > 2 and any(
        long[:place] + long[place + 1 :] == short for place in range(len(long))
    )


# --- The rest, and whether it adds up -----------------------------------------------------------------
def _counts(lines: list[Line], doubts: list[Doubt]) -> tuple[int, int]:
    """(expected, named as not there)."""
    expected = [line for line in lines if line.kind == "expected"]
    missing = sum(1 for line in expected if line.said and line.said.status in MISSING)
    return len(expected), missing + len({d.said.name for d in doubts if d.said.status in MISSING})


def _rest(section: Section, lines: list[Line], doubts: list[Doubt]) -> str:
    """present, absent, none (nothing is stored of them), or "": somebody has to say."""
    expected, missing = _counts(lines, doubts)
    came = section.figure("came")
    if section.people and _miscounted(section, MISSING):
        return ""
    away = [line for line in lines if is_rest(line) and line.person.preset == "leave"]
    if came is not None and came + missing == expected and expected:
        return PRESENT
    adds_up = came is not None and came + missing + len(away) == expected
    if away and (adds_up or section.rest == PRESENT or (came is None and missing)):
        for line in away:
            line.is_preset = True
    if section.rest and (came is None or adds_up):
        return section.rest
    if adds_up and expected:
        return PRESENT
    return "none" if came is not None and not section.people else ""


def _remarks(section: Section, lines: list[Line], doubts: list[Doubt]) -> list[str]:
    """Sums that do not add up, in plain sentences."""
    expected, missing = _counts(lines, doubts)
    said = [
        f"{label}写了{'、'.join(map(str, numbers))}几个数，以哪个为准请您定。"
        for what, label in (("expected", "应到"), ("came", "实到"))
        if len(set(numbers := section.figures.get(what, []))) > 1
    ]
    should, came = section.figure("expected"), section.figure("came")
    offered = [line for line in lines if line.is_preset]
    if should is not None and should != expected:
        said.append(
            f"文字里应到{should}人，名册上应到{expected}人。{_offered_words(offered, expected - should)}"
        )
    for status in _miscounted(section, tuple(WORDS)):
        names = _names(section, status)
        if names or status not in MISSING or not came:
            said.append(f"写了{WORDS[status]}{section.figure(status)}人，名字有{names}个。")
    said += _balance(section, came, expected if should is None else should, missing, expected)
    if offered and not should:
        said.append(_offered_words(offered, len(offered)))
    return [remark for remark in said if remark]


def _names(section: Section, status: str) -> int:
    return len({person.name for person in section.people if person.status == status})


def _miscounted(section: Section, statuses: tuple[str, ...]) -> list[str]:
    """Of which statuses another number is written than there are names."""
    said = ((status, section.figure(status)) for status in statuses)
    return [status for status, number in said if number not in (None, _names(section, status))]


def _offered_words(offered: list[Line], gap: int) -> str:
    if not offered or gap != len(offered):
        return ""
    names = "、".join(line.person.name for line in offered[:5]) + ("等" if len(offered) > 5 else "")
    return f"名册上外出或请假的{names}（{len(offered)}人）没有提到，先按请假算，要改请在下面改。"


def _balance(section: Section, came: int | None, should: int, missing: int, expected: int) -> list[str]:
    """应到 − 实到, against the names of who did not come."""
    stated = [number for status in MISSING if (number := section.figure(status)) is not None]
    if came is None:
        return []
    if came > should:
        return [f"实到{came}人，比应到{should}人还多，请看一看。"]
    gap = should - came
    if not missing and gap and not any(person.status in MISSING for person in section.people):
        told = sum(stated)
        differs = f"请假、缺席写了{told}人，对不上。" if stated and told != gap else ""
        return [f"没来的{gap}人没写名字：{differs}先记下实到{came}人，名字以后补。"]
    if gap != missing:
        differs = f"还差{gap - missing}个名字" if gap > missing else f"多出{missing - gap}人"
        sums = f"应到{should}、实到{came}，没来的应有{gap}人"
        return [f"{sums}，写了名字的有{missing}人，{differs}。"]
    if expected and section.rest == PRESENT and came + missing != expected:
        return [f"实到{came}人加上没来的{missing}人，和名册上的{expected}人对不上。"]
    return []
