"""Rosters by chance: a good one, made ugly without harm, and broken in places that are remembered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from random import Random

from tests.organizations.rosters.making import csv_bytes, excel, merged, xls
from tests.organizations.workbooks import HEADERS, id_number

NO, BRANCH, NAME, SEX, BIRTH, ID, JOINED, PHONE = range(8)
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英兰红玉萍建国志华文斌"
BRANCHES = {
    "北山村党支部": "HZ0101",
    "北坡村党支部": "HZ0102",
    "大河村党总支/第一党支部": "HZ010301",
    "小河村党总支第一党支部": "HZ010401",
}
WIDE = {ord(c): ord(c) + 0xFEE0 for c in "0123456789"}
UNKNOWN = ("民族", "学历", "爱好", "家庭住址", "备注")
Line = list


@dataclass
class Person:
    """What must be stored of one line."""

    line: Line
    name: str
    branch: str
    birth: tuple[date, str]
    number: str
    phone: str

    def as_stored(self) -> tuple:
        return self.name, self.branch, self.birth, self.number, self.phone


@dataclass
class Generated:
    content: bytes
    file_name: str
    good: list[Person]
    # Row number → codes one of which must be said there, and no other.
    damaged: dict[int, set[str]] = field(default_factory=dict)
    what: list[str] = field(default_factory=list)


def someone(rng: Random, taken: set[str]) -> Person:
    while (name := rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, rng.choice((1, 2))))) in taken:
        pass
    taken.add(name)
    born = date(rng.randint(1945, 2000), rng.randint(1, 12), rng.randint(1, 28))
    serial = rng.randint(100, 999)
    number = id_number(born.strftime("%Y%m%d"), str(serial)) if rng.random() < 0.7 else ""
    while number in taken:
        number = id_number(born.strftime("%Y%m%d"), str(rng.randint(100, 999)))
    taken.add(number or name)
    phone = f"1{rng.randint(30, 99)}{rng.randint(0, 99999999):08}" if rng.random() < 0.8 else ""
    branch = rng.choice(list(BRANCHES))
    joined = f"{born.year + rng.randint(20, 22)}.7" if rng.random() < 0.5 else None
    sex = ("男" if int(number[16]) % 2 else "女") if number else rng.choice(("男", "女", None))
    line = [None, branch, name, sex, born.isoformat(), number or None, joined, phone or None]
    return Person(line, name, BRANCHES[branch], (born, "day"), number, phone)


# --- ugly, but right ---


def wide_number(line: Line) -> None:
    line[ID] = line[ID] and line[ID].translate(WIDE)


def marked_number(line: Line) -> None:
    line[ID] = line[ID] and f"'{line[ID].lower()}\u00a0"


def blank_in_name(line: Line) -> None:
    line[NAME] = "\u3000".join(line[NAME])


def international_phone(line: Line) -> None:
    line[PHONE] = line[PHONE] and f"+86 {line[PHONE][:3]}-{line[PHONE][3:]}"


def phone_with_fraction(line: Line) -> None:
    line[PHONE] = line[PHONE] and f"{line[PHONE]}.0"


def chinese_birth(line: Line) -> None:
    day = date.fromisoformat(line[BIRTH].replace("/", "-"))
    line[BIRTH] = f"{day.year}年{day.month}月{day.day}日"


def slashed_birth(line: Line) -> None:
    """A year in Chinese stays as it is."""
    line[BIRTH] = line[BIRTH].replace("-", "/")


def branch_code(line: Line) -> None:
    line[BRANCH] = BRANCHES[line[BRANCH]].lower()


def spaced_branch(line: Line) -> None:
    line[BRANCH] = f" 中共{line[BRANCH]} "


UGLINESS = [
    wide_number, marked_number, blank_in_name, international_phone, phone_with_fraction, chinese_birth,
    slashed_birth, branch_code, spaced_branch,
]  # fmt: skip

# --- broken ---


def put(column: int, value: object) -> Callable[[Line, str], None]:
    def act(line: Line, kind: str) -> None:
        line[column] = value

    return act


def number_cell(line: Line, kind: str) -> None:
    line[ID] = "3.20706E+17" if kind == "csv" else 320706196507123411


def last_digit(line: Line, kind: str) -> None:
    number = id_number("19650712", "341")
    line[ID] = number[:17] + ("1" if number[17] != "1" else "2")


def total_with_number(line: Line, kind: str) -> None:
    line[NAME], line[ID] = "合计", id_number("19650712", "777")


DAMAGE: list[tuple[str, set[str], Callable[[Line, str], None]]] = [
    ("no name", {"NAME_MISSING"}, put(NAME, None)),
    ("number in name", {"NAME_FORMAT"}, put(NAME, "李二1")),
    ("two names", {"NAME_FORMAT"}, put(NAME, "李二、王三")),
    ("long name", {"LENGTH"}, put(NAME, "张" * 60)),
    ("control character", {"CONTROL_CHAR"}, put(NAME, "张\x0b三")),
    ("formula", {"FORMULA_CELL"}, put(NAME, "=1+1")),
    ("total with number", {"FOOTER_ROW"}, total_with_number),
    ("no branch", {"BRANCH_MISSING"}, put(BRANCH, None)),
    ("unknown branch", {"BRANCH_NOT_FOUND"}, put(BRANCH, "无有村党支部")),
    ("foreign branch", {"BRANCH_NOT_FOUND"}, put(BRANCH, "南河村党支部")),
    ("closed branch", {"BRANCH_CLOSED"}, put(BRANCH, "旧村党支部")),
    ("branch of two villages", {"BRANCH_AMBIGUOUS"}, put(BRANCH, "第一党支部")),
    ("sex", {"SEX"}, put(SEX, "不详")),
    ("short year", {"DATE_FORMAT"}, put(BIRTH, "65.7")),
    ("no such day", {"DATE_FORMAT"}, put(BIRTH, "1965-02-30")),
    ("born later", {"DATE_RANGE"}, put(BIRTH, "2090-01-01")),
    ("a child", {"AGE"}, put(BIRTH, "2015-01-01")),
    ("month in doubt", {"DATE_AMBIGUOUS"}, put(BIRTH, 1965.1)),
    ("joined later", {"DATE_RANGE"}, put(JOINED, "2090-07-01")),
    ("joined in words", {"DATE_FORMAT"}, put(JOINED, "建党节")),
    ("number cell", {"ID_NUMERIC_CELL", "ID_FORMAT"}, number_cell),
    ("old number", {"ID_OLD_15"}, put(ID, "320706650712341")),
    ("short number", {"ID_FORMAT"}, put(ID, id_number()[:17])),
    ("Cyrillic", {"ID_FORMAT"}, put(ID, id_number()[:17] + "\u0425")),
    ("last digit", {"ID_CHECKSUM"}, last_digit),
    ("30 February", {"ID_DATE"}, put(ID, id_number("19650230"))),
    ("a child's number", {"AGE"}, put(ID, id_number("20150101"))),
    ("masked number", {"MASKED_NUMBER"}, put(ID, "3207************12")),
    ("short phone", {"PHONE"}, put(PHONE, "1380000")),
    ("landline", {"PHONE"}, put(PHONE, "0518-85812345")),
    ("two phones", {"PHONE"}, put(PHONE, "13800001111、13900001111")),
    ("scientific phone", {"PHONE"}, put(PHONE, "1.38E+10")),
    ("error cell", {"CELL_ERROR"}, put(PHONE, "#REF!")),
]


def generate(seed: int) -> Generated:
    """None to six damages; some files have none at all."""
    rng = Random(seed)
    kind = rng.choice(["excel"] * 5 + ["openpyxl", "csv", "csv", "xls"])
    taken: set[str] = set()
    people = [someone(rng, taken) for _ in range(rng.randint(4, 14))]
    for person in people:
        for change in rng.sample(UGLINESS, rng.choice((0, 0, 1, 2))):
            if change not in (branch_code, spaced_branch) or person.line[BRANCH] in BRANCHES:
                change(person.line)
    codes: dict[int, set[str]] = {}
    what = []
    usable = [one for one in DAMAGE if not (kind == "openpyxl" and one[0] == "control character")]
    for name, found, act in rng.sample(usable, rng.choice((0, 0, 1, 1, 2, 3, 4, 5))):
        place = rng.randrange(len(people))
        act(people[place].line, kind)
        codes.setdefault(place, set()).update(found)
        what.append(name)
    if rng.random() < 0.25:
        what += damage_a_pair(rng, people, codes)
    rows, where = laid_out(rng, [person.line for person in people])
    build, file_name = {
        "excel": (excel, "名册.xlsx"), "openpyxl": (merged, "名册.xlsx"), "xls": (xls, "名册.xls"),
        "csv": (lambda rows: csv_bytes(rows, rng.choice(("utf-8-sig", "gb18030", "utf-16"))), "名册.csv"),
    }[kind]  # fmt: skip
    good = [person for place, person in enumerate(people) if place not in codes]
    return Generated(build(rows), file_name, good, {where[n]: codes[n] for n in codes}, [kind, *what])


def damage_a_pair(rng: Random, people: list[Person], codes: dict[int, set[str]]) -> list[str]:
    """Two good lines become one ID number twice, or one name twice without a number."""
    sound = [place for place in range(len(people)) if place not in codes]
    if len(sound) < 2:
        return []
    one, other = rng.sample(sound, 2)
    lines = people[one].line, people[other].line
    if lines[0][ID]:
        lines[1][ID] = lines[0][ID]
        code = "ID_TWICE"
    else:
        for line in lines:
            line[NAME], line[BRANCH], line[ID], line[BIRTH] = people[one].name, "北山村党支部", None, None
        code = "NAME_NEEDS_ID"
    codes[one], codes[other] = {code}, {code}
    return [code]


def laid_out(rng: Random, lines: list[Line]) -> tuple[list[Line], dict[int, int]]:
    """Titles, the header in any order with columns nobody knows, page headers, blank lines, a foot."""
    order: list[int | str] = [*range(len(HEADERS)), *rng.sample(UNKNOWN, rng.randint(0, 5))]
    rng.shuffle(order)
    header = [HEADERS[one] if isinstance(one, int) else one for one in order]
    if rng.random() < 0.4:
        header = [f"{text[:1]} {text[1:]}*" for text in header]
    titles = [["北山镇2026年冬训党员名册"], ["填报单位：北山镇党委     填报日期：2026年11月"], []]
    rows: list[Line] = [*titles[: rng.randint(0, 3)], header]
    where = {}
    for place, line in enumerate(lines):
        if rng.random() < 0.1:
            rows.append(rng.choice(([], list(header), [None] * len(header))))
        line[NO] = place + 1
        rows.append([line[one] if isinstance(one, int) else "某" for one in order])
        where[place] = len(rows)
    foot = [None] * len(header)
    foot[order.index(NAME)] = f"合计：{len(lines)}人"
    rows += rng.choice(([], [foot], [foot, ["填表人：某某      审核人：某某"]]))
    return rows, where
