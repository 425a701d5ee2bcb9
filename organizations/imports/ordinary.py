"""Lines in which nothing is out of the ordinary, understood in the process that parses. Free of Django.

Most lines of a roster are such: a name of two to four characters, cells that say
what they should, nothing that contradicts anything. The parsing process sends what
they mean; all others are read from their cells by `rows.Reader`, which knows every
case and would make the very same of these.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache, partial
from re import Pattern
from re import compile as expression
from typing import Any

from organizations import id_number as numbers
from organizations.imports import values
from organizations.imports.reading import Cell
from organizations.imports.values import MASKED, REMEMBERED, CellProblem, PartDate

FOOTER = expression(
    r"(合计|总计|共计|小计|以上共|共\d+|总人数|党员总数|填表人|制表|审核人|审核[:：]|填报|经办人|负责人|签字|签名|签章|"
    r"盖章|[(（]盖章|以下空白|以下无|[(（]以下|第\d+页|(注|备注|说明)[:：]|单位[:：(（])"
)
# Without 名: 姓名 and 党员名册 are repeated on every page.
NAME = expression(r"(?!.*名)[\u4e00-\u9fff]{2,4}")
TEXTS = {"party_group": 50, "floating_to": 100, "contact_person": 50}
FLAGS = ("is_floating", "is_home_bound", "is_in_difficulty")
LONGEST_BRANCH = 100
LONGEST_HEAD = 50
DAYS = ("birth_date", "joined_party_on")
UNKNOWN = object()
PRECISION = {4: "year", 7: "month", 10: "day"}
PRECISE = {"year": 4, "month": 7, "day": 10}


@dataclass(frozen=True)
class Plan:
    """What the lines of a sheet are: fields and their columns, as `Reader` takes them."""

    columns: list[tuple[str, int]]
    below: int
    heads: list[str]
    today: str
    is_1904: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def fields(self) -> list[str]:
        return [name for name, _ in self.columns]


class NotOrdinary(Exception):
    pass


class Understanding:
    """What each line of a sheet says, field by field; None for a line that is not ordinary."""

    def __init__(self, plan: Plan):
        known = parsers(date.fromisoformat(plan.today), is_1904=plan.is_1904)
        known |= {"name": name_of, "branch": partial(values.parse_text, longest=LONGEST_BRANCH)}
        self.below, self.heads = plan.below, set(plan.heads)
        self.columns: list[tuple[int, Callable, Callable, dict]] = [
            (column, known[name], FORMS.get(name, or_none), {}) for name, column in plan.columns
        ]
        at = {name: place for place, name in enumerate(plan.fields)}
        self.name = at["name"]
        # Of a column that is not there the value is the None behind the last one.
        self.compared = [at.get(name, len(at)) for name in ("id_number", "sex", *DAYS)]
        self.forgotten = {at[name] for name in MASKED if name in at}

    def told(self, cells: list[Cell]) -> list[Any] | None:
        first = first_text(cells)
        if first in self.heads or len(first) > LONGEST_HEAD:
            return None
        try:
            said = self.said(cells)
        except (CellProblem, NotOrdinary):
            return None
        return said if said[self.name] and self.is_consistent(said) else None

    def said(self, cells: list[Cell]) -> list[Any]:
        length, found = len(cells), []
        for column, parse, in_form, known in self.columns:
            cell = cells[column] if column < length else None
            if cell is None:
                found.append(None)
                continue
            value = known.get(cell, UNKNOWN)
            if value is UNKNOWN:
                value = in_form(parse(cell))
                if len(known) < REMEMBERED and len(found) not in self.forgotten:
                    known[cell] = value
            found.append(value)
        return found

    def is_consistent(self, said: list[Any]) -> bool:
        """Nothing about which `Reader` would say a word."""
        number, sex, birth, joined = map([*said, None].__getitem__, self.compared)
        if birth and joined and values.is_before_adult(day_in(joined), day_in(birth)):
            return False
        if not number:
            return True
        born = numbers.born_on(number)
        assert born  # the number was found to be right
        is_same_sex = not sex or sex == numbers.sex_of(number)
        return is_same_sex and (not birth or values.same_birth(day_in(birth), (born, "day")))


def parsers(today: date, *, is_1904: bool = False) -> dict[str, Callable]:
    found: dict[str, Callable] = dict.fromkeys(FLAGS, values.parse_flag)
    found |= {name: partial(values.parse_text, longest=longest) for name, longest in TEXTS.items()}
    return found | {
        "sex": values.parse_sex,
        "birth_date": partial(values.parse_birth, today=today, is_1904=is_1904),
        "id_number": partial(values.parse_id_number, today=today),
        "phone": values.parse_phone,
        "category": values.parse_category,
        "post": values.parse_post,
        "joined_party_on": partial(values.parse_joined, today=today, is_1904=is_1904),
    }


def name_of(cell: Cell) -> str:
    if isinstance(cell, str) and NAME.fullmatch(cell) and not FOOTER.match(cell):
        return cell
    raise NotOrdinary


def first_text(cells: list[Cell]) -> str:
    for cell in cells:
        if cell.__class__ is str:
            return cell  # type: ignore[return-value]
    return ""


def as_it_is(value: Any) -> Any:
    return value


def or_none(value: Any) -> Any:
    return None if value == "" else value


def day_as_text(day: PartDate | None) -> str | None:
    """As much of 1958-03-01 as is known."""
    return day[0].isoformat()[: PRECISE[day[1]]] if day else None


@lru_cache(50_000)
def day_in(text: str) -> PartDate:
    precision = PRECISION[len(text)]
    return date.fromisoformat(text + "-01-01"[len(text) - 4 :]), precision


# No post is a value; other empty texts are nothing. What a flag says may be no.
FORMS: dict[str, Callable] = {"post": as_it_is} | dict.fromkeys(DAYS, day_as_text)
WORDS = {
    "sex": {values.MALE, values.FEMALE},
    "category": {values.FULL, values.PROBATIONARY},
    "post": {values.NO_POST, values.SECRETARY, values.DEPUTY_SECRETARY, values.COMMITTEE_MEMBER},
}
LENGTHS = TEXTS | {"name": 50, "branch": LONGEST_BRANCH}
LAST_LINE = 100_000_000


def sound_columns(fields: list[str], lines: list[list[Any]]) -> tuple[Sequence[int], dict[str, Sequence]]:
    """The numbers of these lines, and what they say column by column, days as days.

    An error where no honest process would send this: a file may have taken it over.
    """
    first, hidden, *columns = zip(*lines, strict=True)
    if len(columns) != len(fields) or set(map(type, hidden)) != {bool}:
        raise ValueError("columns")
    if set(map(type, first)) != {int} or not 0 < min(first) <= max(first) < LAST_LINE:
        raise ValueError("numbers")
    found: dict[str, Sequence] = {}
    for name, column in zip(fields, columns, strict=True):
        found[name] = column
        if name in DAYS:
            found[name] = [None if one is None else day_in(one) for one in column]
        # Of flags the kind: 1 is True for a set.
        elif not SOUND[name](set(map(type, column) if name in FLAGS else column) - SILENT):
            raise ValueError(name)
    if None in found["name"]:
        raise ValueError("name")
    return first, found


def are_texts(found: set[Any], longest: int) -> bool:
    return set(map(type, found)) <= {str} and max(map(len, found), default=0) <= longest


def all_match(found: set[Any], form: Pattern[str]) -> bool:
    return all(map(form.fullmatch, found))


SILENT = {None, type(None)}
SOUND: dict[str, Callable] = dict.fromkeys(FLAGS, {bool}.issuperset)
SOUND |= {name: words.issuperset for name, words in WORDS.items()}
SOUND |= {name: partial(are_texts, longest=length) for name, length in LENGTHS.items()}
SOUND |= {"id_number": partial(all_match, form=numbers.RIGHT_FORM)}
SOUND |= {"phone": partial(all_match, form=numbers.MOBILE)}
