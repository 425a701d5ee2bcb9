"""Whose line is it? By the identity the sheet went out with, by phone, by name; never guessed.

Everybody is looked for among the session's audience first, then in the scope of the account.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping

from attendance.imports.deciding import (
    Line,
    Option,
    Person,
    Wish,
    choose,
    left,
    touched,
    visitor,
    wish_of,
)
from attendance.imports.reading import RawFile, RawLine
from attendance.imports.tokens import BadToken, Token, read_token
from attendance.models import Status

UNKNOWN = "系统里没有找到这个人。写错了字的，请改好再上传；外来的，到点名页的“外单位来听”里登记。"
MOST_ALIKE = 5


def plain(name: str) -> str:
    """王 北甲, 买买提·艾力 and 买买提•艾力 as they are compared."""
    text = "".join(unicodedata.normalize("NFKC", name).split())
    return text.replace("•", "·").replace("・", "·").replace(".", "·")


class Matching:
    """`here`: the audience; `elsewhere`: who else of the scope has one of the names or phones of the file."""

    def __init__(
        self,
        file: RawFile,
        session: int,
        minutes: int,
        here: Collection[Person],
        elsewhere: Collection[Person],
        phones: Mapping[str, int],
    ):
        self.file, self.session, self.minutes, self.phones = file, session, minutes, phones
        self.by_entry = {person.entry: person for person in (*elsewhere, *here)}
        self.here = _by_name(here)
        self.elsewhere = _by_name(elsewhere)
        self.tokens = [self.token_of(line) for line in file.lines]
        self.token_at = {token.entry: token for token in self.tokens if isinstance(token, Token)}
        # Of whom another line says something new, no slip of the pen is meant.
        self.taken = {plain(line.name) for line in file.lines if self.is_said(line)}

    def is_said(self, line: RawLine) -> bool:
        """Does this line say more of its person than the sheet did when it went out?"""
        if not line.says_something:
            return not self.file.has_status
        token = self.token_of(line)
        shown = Status(token.status).label if isinstance(token, Token) and token.status else ""
        return line.cells["status"] != shown or not shown

    def token_of(self, line: RawLine) -> Token | BadToken | None:
        if not line.cells["token"]:
            return None
        try:
            return read_token(line.cells["token"])
        except BadToken as bad:
            return bad

    @property
    def sessions(self) -> list[int]:
        """The classes its lines went out for."""
        return [token.session for token in self.tokens if isinstance(token, Token)]

    def lines(self) -> list[Line]:
        found = [self.line(line, token) for line, token in zip(self.file.lines, self.tokens, strict=True)]
        return once_each(found)

    def line(self, line: RawLine, token: Token | BadToken | None) -> Line:
        if line.wrong:
            return left(line, line.wrong)
        wish = wish_of(line, self.file, self.minutes)
        if isinstance(token, BadToken):
            people = self.narrowed(line, self.here.get(plain(line.name), []))
            say = "识别码被改动过，请看清是不是这个人。"
            return choose(line, people, wish, say) if people else self.by_name(line, wish)
        if token is None:
            return self.by_phone(line, wish)
        if token.session != self.session:
            return left(line, "这一行是别的场次的，没有读。")
        return self.by_token(line, token, wish)

    def by_token(self, line: RawLine, token: Token, wish: Wish) -> Line:
        person = self.by_entry.get(token.entry)
        if person and person.is_here and plain(line.name) in ("", plain(person.name)):
            return touched(line, person, token, wish)
        # Sorted without the hidden column: the name is what everybody saw.
        named = self.narrowed(line, self.here.get(plain(line.name), []))
        if len(named) == 1:
            return touched(line, named[0], self.token_at.get(named[0].entry), wish)
        if person and person.is_here:
            say = f"这一行原来是{person.name}，名字改过。"
            return choose(line, [*named, *([] if person in named else [person])], wish, say)
        return left(line, "名单已经变了，这个人现在不在这场的名单里。")

    def by_phone(self, line: RawLine, wish: Wish) -> Line:
        person = self.by_entry.get(self.phones.get(line.phone, 0))
        if person is None:
            return self.by_name(line, wish)
        if plain(line.name) in ("", plain(person.name)):
            return touched(line, person, self.token_at.get(person.entry), wish)
        others = [one for one in self.here.get(plain(line.name), []) if one.entry != person.entry]
        return choose(line, [*others, person], wish, f"手机是{person.name}的，姓名写的是{line.name}。")

    def by_name(self, line: RawLine, wish: Wish) -> Line:
        name = plain(line.name)
        if not name:
            return left(line, "按手机没有找到人。请补上姓名再上传。")
        here = self.narrowed(line, self.here.get(name, []))
        if len(here) == 1:
            return touched(line, here[0], self.token_at.get(here[0].entry), wish)
        if here:
            return choose(line, here, wish, f"名单上有{len(here)}个{line.name}。")
        if guests := self.elsewhere.get(name):
            return (wish.wrong and left(line, wish.wrong)) or visitor(line, guests, wish)
        alike = [
            person
            for other, people in self.here.items()
            if other not in self.taken and is_alike(name, other)
            for person in people
        ]
        if alike:
            return choose(line, alike[:MOST_ALIKE], wish, f"名单上没有{line.name}，有名字相近的。")
        return left(line, UNKNOWN)

    def narrowed(self, line: RawLine, people: list[Person]) -> list[Person]:
        """Of several with one name: those whose branch or group stands beside it, if any."""
        for written, of in (("branch", lambda one: one.unit), ("group", lambda one: one.group)):
            text = plain(line.cells[written])
            fitting = [one for one in people if text and (text in plain(of(one)) or plain(of(one)) in text)]
            people = fitting if len(people) > 1 and fitting else people
        return people


def _by_name(people: Collection[Person]) -> dict[str, list[Person]]:
    found: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        found[plain(person.name)].append(person)
    return dict(found)


def is_alike(one: str, other: str) -> bool:
    """One character another, or one too few: 张建国 and 张健国, 欧阳娜 and 欧阳娜娜."""
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1 and len(one) > 1
    short, long = sorted((one, other), key=len)
    return (
        len(long) - len(short) == 1
        and len(short) > 1
        and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    )


def once_each(lines: list[Line]) -> list[Line]:
    """One person twice: the same once, different states as a question."""
    first: dict[int, Line] = {}
    for line in lines:
        if line.mark is None:
            continue
        before = first.setdefault(line.mark.entry, line)
        if before is line:
            continue
        if before.mark == line.mark:
            line.say, line.is_blank = f"和{before.where}是同一个人，只记一次。", True
        else:
            _ask_which(before, line)
        line.mark = None
    return lines


def _ask_which(before: Line, line: Line) -> None:
    if not before.options:
        before.options = [Option(before.where, before.mark)]
        before.say = "同一个人写了不止一次，说的不一样。"
    before.options.append(Option(line.where, line.mark))
    line.say = f"和{before.where}是同一个人，请在那里选。"
