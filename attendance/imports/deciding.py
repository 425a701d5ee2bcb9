"""What one line says of one person: the mark it asks for, or nothing, or a question."""

from dataclasses import asdict, dataclass, field, replace

from attendance.imports.reading import RawFile, RawLine, where
from attendance.imports.tokens import Token
from attendance.imports.words import Said, Unclear, is_missing, minutes_of, reason_of, status_of
from attendance.models import ATTENDED, Status

# Offered where the words beside a name are none of ours.
OFFERED = (Status.PRESENT, Status.LATE, Status.LEAVE, Status.ABSENT)


@dataclass(frozen=True)
class Person:
    """Somebody on the sheet, or (`is_here` false) elsewhere in the scope, as stored when the file came."""

    entry: int
    name: str
    unit: str
    group: str = ""
    version: int = 0
    status: str = ""
    reason: str = ""
    minutes: int | None = None
    is_here: bool = True

    @property
    def label(self) -> str:
        return f"{self.name}（{self.unit}{' ' + self.group if self.group else ''}）"


@dataclass(frozen=True)
class Mark:
    entry: int
    version: int
    status: str
    reason: str = ""
    minutes: int | None = None


@dataclass
class Option:
    """One answer; without a mark nothing is stored."""

    label: str
    mark: Mark | None = None


@dataclass
class Line:
    """One line of the file, decided: `mark` is stored, `options` are asked, neither = nothing (`say` why).

    `about`: the entry it is about for certain, whatever it says.
    """

    where: str
    name: str
    about: int = 0
    mark: Mark | None = None
    options: list[Option] = field(default_factory=list)
    say: str = ""
    is_blank: bool = False

    def as_json(self) -> dict:
        return asdict(self)


def line_of(told: dict) -> Line:
    options = [Option(one["label"], mark_of(one["mark"])) for one in told["options"]]
    return Line(**told | {"mark": mark_of(told["mark"]), "options": options})


def mark_of(told: dict | None) -> Mark | None:
    return Mark(**told) if told else None


@dataclass(frozen=True)
class Wish:
    """What the columns of one line say: a state or nothing. `ask`: why a person has to say it."""

    said: Said | None = None
    minutes: int | None = None
    ask: str = ""
    wrong: str = ""
    is_blank: bool = False
    note: str = ""


def wish_of(line: RawLine, file: RawFile, length: int) -> Wish:
    """`length`: minutes of the class, from which 迟10分钟 is taken."""
    try:
        said = _status(line, file)
    except Unclear as unclear:
        return Wish(ask=where(line, "情况", f"写的是“{unclear}”，认不出来。请选一项。"))
    reason, story = reason_of(line.cells["reason"])
    try:
        minutes = minutes_of(line.cells["minutes"])
    except Unclear as unclear:
        return Wish(wrong=where(line, "分钟", f"写的是“{unclear}”。请填 0 到 720 的整数，或空着，再上传。"))
    if said is None:
        return _without_state(line, file, reason, story, minutes)
    if is_missing(said.status):
        minutes = None
        note = f"原因“{story or said.left_out}”没有对应的选项，没有记" if story or said.left_out else ""
        return Wish(replace(said, reason=said.reason or reason), note=note)
    if minutes is None and said.less is not None:
        minutes = max(length - said.less, 0)
    return Wish(replace(said, reason=""), minutes, note="到了的人不记原因" if reason else "")


def _status(line: RawLine, file: RawFile) -> Said | None:
    if line.ticks:
        if len(line.ticks) > 1:
            raise Unclear("、".join(Status(one).label for one in line.ticks))
        return Said(line.ticks[0])
    if line.cells["status"]:
        return status_of(line.cells["status"])
    # A list of whoever signed in: to stand in it is to have come, unless its time of signing is empty.
    if not file.has_status and (line.cells["signed_at"] or not file.has_signed_at):
        return Said(Status.PRESENT)
    return None


def _without_state(line: RawLine, file: RawFile, reason: str, story: str, minutes: int | None) -> Wish:
    """Nothing beside the name is untouched; a reason without a state is asked."""
    note = f"原因“{story}”没有对应的选项，没有记" if story else ""
    if line.cells["token"]:  # what it went out with decides (`touched`)
        return Wish(
            Said("", reason), minutes, is_blank=not (reason or story or minutes is not None), note=note
        )
    if (reason or story) and file.has_status:
        return Wish(ask=where(line, "情况", f"空着，原因写了“{line.cells['reason'][:20]}”。请选一项。"))
    if minutes is not None and file.has_status:
        return Wish(wrong=where(line, "情况", "填了分钟，没有填情况。请补上再上传。"))
    return Wish(is_blank=True)


def touched(line: RawLine, person: Person, token: Token | None, wish: Wish) -> Line:
    """The line of somebody we know for certain."""
    told = Line(_where(line), person.name, person.entry)
    if wish.wrong:
        told.say = wish.wrong
        return told
    if wish.ask:
        told.say, told.options = wish.ask, _statuses(person, token)
        return told
    if wish.is_blank or wish.said is None:
        told.is_blank = True
        return told
    mark = _mark(person, token, wish)
    if mark is None:
        told.say = where(line, "情况", "空着，原因或分钟却改了。请选一项。")
        told.options = _statuses(person, token)
        return told
    if token and (mark.status, mark.reason, mark.minutes) == _shown(token):
        told.is_blank, told.say = True, wish.note
        return told
    told.mark, told.say = mark, "；".join(filter(None, (*line.notes, wish.note)))
    if not person.is_here:
        return visitor(line, [person], wish)
    return told


def _shown(token: Token) -> tuple[str, str, int | None]:
    return token.status, token.reason, token.minutes


def _mark(person: Person, token: Token | None, wish: Wish) -> Mark | None:
    """A cell left empty keeps what the sheet went out with; None: there is no state at all."""
    assert wish.said is not None
    status, reason, minutes = wish.said.status, wish.said.reason, wish.minutes
    if token:
        status = status or token.status
        is_same = status == token.status
        reason = reason or (token.reason if is_same else "")
        minutes = token.minutes if minutes is None and is_same else minutes
    if not status:
        return None
    if not is_missing(status):
        reason = ""
    return Mark(person.entry, token.version if token else person.version, status, reason, minutes)


def _statuses(person: Person, token: Token | None) -> list[Option]:
    version = token.version if token else person.version
    found = [Option(Status(one).label, Mark(person.entry, version, str(one))) for one in OFFERED]
    return [*found, Option("不登记")]


def visitor(line: RawLine, people: list[Person], wish: Wish) -> Line:
    """Of our people, but not of this audience: a person says whether they came as guests."""
    told = Line(_where(line), line.name or people[0].name)
    if wish.said is None or wish.said.status not in ATTENDED:
        told.say = "不在这场的名单里，没来就不用登记。"
        return told
    told.say = "不在这场的名单里。"
    told.options = [Option(f"是{one.label}，从外单位来听", _wished(one, wish)) for one in people] + [
        Option("不登记")
    ]
    return told


def choose(line: RawLine, people: list[Person], wish: Wish, say: str) -> Line:
    """One of several it may be."""
    told = Line(_where(line), line.name, say=say)
    if wish.wrong or wish.ask:
        told.say = wish.wrong or f"{say}{wish.ask}请在表上改好，再上传。"
        return told
    if wish.is_blank or wish.said is None:
        told.is_blank = True
        return told
    if not wish.said.status:
        told.say = where(line, "情况", "空着。请在表上填好，再上传。")
        return told
    told.options = [Option(one.label, _wished(one, wish)) for one in people] + [Option("都不是，不登记")]
    return told


def _wished(person: Person, wish: Wish) -> Mark:
    assert wish.said is not None
    return Mark(person.entry, person.version, wish.said.status, wish.said.reason, wish.minutes)


def left(line: RawLine, say: str) -> Line:
    return Line(_where(line), line.name or masked(line.phone), say=say)


def masked(phone: str) -> str:
    return f"{phone[:3]}****{phone[-4:]}" if phone else "（没有姓名）"


def _where(line: RawLine) -> str:
    return f"{line.sheet + ' ' if line.sheet else ''}第 {line.row} 行"
