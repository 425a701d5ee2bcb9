"""How one line of the register looks: words, colours and the choices of a row."""

from dataclasses import dataclass
from functools import lru_cache

from django.utils.html import format_html_join

from attendance.forms.marks import CHOICES, CODES
from attendance.models import Status
from attendance.queries.minutes import missed_minutes, with_minutes

LOOKS = {
    "": "unmarked",
    Status.UNMARKED: "unmarked",
    Status.PRESENT: "present",
    Status.ONLINE: "present",
    Status.ELSEWHERE: "present",
    Status.LATE: "late",
    Status.LEFT_EARLY: "late",
    Status.LEAVE: "leave",
    Status.ABSENT: "absent",
}
# Reasons that older or imported rows may carry beside the menu's own.
EXTRA = {
    "leave": "请假",
    "leave:UNKNOWN": "请假·没说",
    "absent:AWAY": "缺席·外出",
    "absent:ILL": "缺席·生病",
    "absent:PRIVATE": "缺席·有事",
    "absent:DUTY": "缺席·公务",
}
WORDS = CODES | EXTRA


def code_of(status: str, reason: str, missed: int = 0) -> str:
    """`missed`: minutes late or early, see `missed_minutes`."""
    more = reason or missed
    return f"{status}:{more}" if more else status or "unmarked"


def words_of(status: str, reason: str, missed: int = 0) -> str:
    words = WORDS.get(code_of(status, reason), "未登记")
    return f"{words}{missed}分钟" if missed else words


def stored_words(status: str, reason: str, minutes: int | None, session) -> str:
    """请假·生病, 迟到20分钟，计100分钟: `minutes` are those that count, None where nobody typed any."""
    return with_minutes(words_of(status, reason), status, minutes, session)


@lru_cache(maxsize=256)
def options(code: str) -> str:
    """The <option>s of one row. A few dozen strings serve every register, whatever its length."""
    status, _, more = code.partition(":")
    words = words_of(status, "", int(more)) if more.isdigit() else WORDS.get(code, "")
    choices = CHOICES if code in CODES else [(code, words), *CHOICES]
    lines = ((value, " selected" if value == code else "", label) for value, label in choices)
    return format_html_join("", '<option value="{}"{}>{}</option>', lines)


@dataclass(frozen=True)
class Line:
    """One row as the template prints it."""

    entry: int
    number: int
    name: str
    initials: str
    note: str
    leave: str  # 请假·有事 12月3—9日
    part: str
    field: str
    looks: str
    words: str
    options: str


@dataclass(frozen=True)
class Block:
    """A 党小组, or a folded group."""

    title: str
    lines: list[Line]
    is_folded: bool = False
    hint: str = ""


def line(person, number: int, part: str, is_offered: bool, session) -> Line:
    """`is_offered`: nothing is stored for this sheet yet, so the presets stand and are sent."""
    status = person.shown if is_offered else person.status
    reason = person.shown_reason if is_offered else person.reason
    missed = missed_minutes(status, person.minutes, session)
    code = code_of(status, reason, missed)
    # What is stored is part of the field's name: left as it is, it is not sent again.
    is_known = bool(person.status) or code == "unmarked"
    return Line(
        entry=person.entry,
        number=number,
        name=person.name,
        initials=person.initials,
        note=_note(person, part),
        leave=person.leave,
        part=part,
        field=f"m{person.entry}.{person.version}" + (f".{code}" if is_known else ""),
        looks=LOOKS[status],
        words="不作要求" if part == "OPTIONAL" and code == "unmarked" else words_of(status, reason, missed),
        options=options(code),
    )


def _note(person, part: str) -> str:
    if part == "VISITOR":
        said = person.unit_name
    elif part == "OPTIONAL":
        said = person.waiver
    else:
        said = "流动" if person.preset == Status.LEAVE and not person.leave else ""
    return " ".join(filter(None, (person.apart, said)))


def blocks(sheet) -> list[Block]:
    """The groups of one branch, then who need not come, then who came from elsewhere.

    Presets are offered as long as nobody's mark is stored (also after an undo). Once
    somebody took the register, an unmarked person is 未登记 and stays so until tapped.
    """
    session = sheet.part.session
    is_offered = sheet.can_mark and not any(person.status for person in sheet.expected)
    found, number = [], 0
    is_grouped = len(sheet.groups) > 1
    for title, people in sheet.groups:
        title = title or ("未编组" if is_grouped else "")
        lines = [
            line(p, number + place, "EXPECTED", is_offered, session) for place, p in enumerate(people, 1)
        ]
        number += len(lines)
        found.append(Block(title, lines))
    if sheet.waived:
        lines = [
            line(p, number + place, "OPTIONAL", False, session) for place, p in enumerate(sheet.waived, 1)
        ]
        found.append(Block("不作硬性要求", lines, is_folded=True, hint="不算应到；来了就点一下"))
    if sheet.visitors:
        lines = [line(p, place, "VISITOR", False, session) for place, p in enumerate(sheet.visitors, 1)]
        found.append(Block("外单位来听", lines, hint="不算应到"))
    return found
