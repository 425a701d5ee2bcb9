"""Rosters that look wrong and are right, with the values that must be stored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from tests.organizations.rosters import raw
from tests.organizations.rosters.making import csv_bytes, excel, xls
from tests.organizations.rosters.odd import (
    FIRST_OF_BIG,
    HILL,
    JULY,
    MERGED,
    NUMBER,
    ONE,
    ONE_LINE,
    SLOPE,
    WIDE,
    WITH_X,
    blank_bordered,
    explained,
    filled_template,
    merged_branches,
    pages,
    plain,
    reordered,
    sheets_by_name,
    sheets_by_title,
    sheets_with_columns,
    strange_headers,
    three_levels,
    titles,
    two_levels,
    with_foreign_parts,
)
from tests.organizations.workbooks import HEADERS, id_number, person


@dataclass(frozen=True)
class Ugly:
    id: str
    what: str
    build: Callable[[], bytes]
    # Name, code of the branch, and what is stored of the person; `birth` = day and precision.
    people: list[tuple[str, str, dict]]
    warnings: list[str] = field(default_factory=list)
    name: str = "名册.xlsx"
    header_row: int | None = None

    def __str__(self):
        return f"{self.id} {self.what}"


DATES = [
    ("1965.7", (date(1965, 7, 1), "month")),
    ("1965年7月", (date(1965, 7, 1), "month")),
    ("1965/7/12", JULY),
    ("1965-07-12", JULY),
    ("１９６５．７．１２", JULY),
    (date(1965, 7, 12), JULY),
    (23935, JULY),
    (196507, (date(1965, 7, 1), "month")),
    ("19650712", JULY),
    (1965, (date(1965, 1, 1), "year")),
    (1965.07, (date(1965, 7, 1), "month")),
    ("1965年7月12日", JULY),
]
MONTHS = "甲乙丙丁戊己庚辛壬癸子丑"
PHONES = [
    "13800001111",
    13800001111,
    "13800001111.0",
    "+86 138-0000-1111",
    "１３８００００１１１１",
    "138 0000 1111",
    "'13800001111",
    "8613800001111",
]
BRANCHES = [
    "大河村党总支/第一党支部",
    "大河村党总支第一党支部",
    "大河村总支 第一支部",
    " 大河村党总支 / 第一党支部 ",
    "大河村第一党支部",
    "中共北山镇委员会大河村党总支第一党支部",
    "HZ010301",
]
NAMES = [
    ("张 三", "张三"),
    ("李　四", "李四"),
    ("欧阳 娜 娜", "欧阳娜娜"),
    ("\U00020bb7野", "\U00020bb7野"),
    ("䶮一", "䶮一"),
    ("阿依古丽·买买提", "阿依古丽·买买提"),
    ("\ufeff王五\u200b", "王五"),
    ("'赵六", "赵六"),
]
IDS = ["'{}", "{} ", "\u200b{}", "{}\u00a0", "\ufeff{}", " {}\n"]
CSV_ROWS = [
    ["序号", "所在党支部", "姓名", "身份证号", "备注"],
    [1, "北山村党支部", "\U00020bb7一", f'="{NUMBER}"', "两\n行，；、"],
]
CSV_ONE = [("\U00020bb7一", HILL, {"id_number": NUMBER})]
NO_BRANCH = [["填报单位：大河村党总支/第一党支部"], ["姓名", "性别"], ["张一", "男"]]


def numbers(written: list[str]) -> tuple[list, list]:
    found = [id_number("19650712", str(301 + 2 * n)) for n in range(len(written))]
    lines = [person(f"张{MONTHS[n]}", id=text.format(found[n])) for n, text in enumerate(written)]
    return lines, [(f"张{MONTHS[n]}", HILL, {"id_number": number}) for n, number in enumerate(found)]


ID_LINES, ID_PEOPLE = numbers(IDS)
DATE_LINES = [person(f"张{MONTHS[n]}", birth=written) for n, (written, _) in enumerate(DATES)]
DATE_PEOPLE = [(f"张{MONTHS[n]}", HILL, {"birth": birth}) for n, (_, birth) in enumerate(DATES)]
MAC_LINES = [
    person("张甲", birth=date(1965, 7, 12)),
    person("张乙", birth=date(1958, 12, 31)),
    # A day somebody formatted as a plain number, and a year.
    person("张丙", birth=23935 - 1462, joined=1985),
]
MAC_PEOPLE = [
    ("张甲", HILL, {"birth": JULY}),
    ("张乙", HILL, {"birth": (date(1958, 12, 31), "day")}),
    ("张丙", HILL, {"birth": JULY, "joined": (date(1985, 1, 1), "year")}),
]
JOINED = [
    ("1985.7", (date(1985, 7, 1), "month")),
    ("1985年7月", (date(1985, 7, 1), "month")),
    ("1985/7/1", (date(1985, 7, 1), "day")),
    ("1985年", (date(1985, 1, 1), "year")),
]

UGLY = [
    Ugly("R1", "title lines above the header", titles, ONE, header_row=3),
    Ugly(
        "R2",
        "a header of two lines",
        two_levels,
        [("张一", HILL, {"sex": "M", "phone": "13800001111"})],
        header_row=3,
    ),
    Ugly(
        "R2b",
        "a header of three lines",
        three_levels,
        [("张一", HILL, {"id_number": NUMBER, "phone": "13800001111"})],
        header_row=4,
    ),
    Ugly("R3", "branches merged over their people", merged_branches, MERGED),
    Ugly("R3b", "the same in an old .xls", partial(merged_branches, xls), MERGED, name="名册.xls"),
    Ugly(
        "R5",
        "blanks, breaks, brackets and stars in headers",
        strange_headers,
        [("张一", HILL, {"id_number": NUMBER, "phone": "13800001111", "joined": JOINED[0][1]})],
    ),
    Ugly(
        "R8",
        "other order, five columns nobody knows",
        reordered,
        [("张一", HILL, {"id_number": NUMBER, "phone": "13800001111"})],
    ),
    Ugly(
        "R9",
        "an ID number in wide digits",
        plain(person("张一", id=NUMBER.translate(WIDE), phone="13800001111")),
        ONE,
    ),
    Ugly(
        "R12",
        "a small x",
        plain(person("张一", birth=None, id=WITH_X.lower())),
        [("张一", HILL, {"id_number": WITH_X})],
    ),
    Ugly("R14", "apostrophes, blanks and what cannot be seen", plain(*ID_LINES), ID_PEOPLE),
    Ugly(
        "R21",
        "days of joining",
        plain(*(person(f"张{MONTHS[n]}", joined=text) for n, (text, _) in enumerate(JOINED))),
        [(f"张{MONTHS[n]}", HILL, {"joined": joined}) for n, (_, joined) in enumerate(JOINED)],
    ),
    Ugly("R24", "every way to write a date", plain(*DATE_LINES), DATE_PEOPLE),
    Ugly(
        "R25",
        "a workbook that counts from 1904",
        lambda: excel([HEADERS, *MAC_LINES], dates_1904=True),
        MAC_PEOPLE,
    ),
    Ugly(
        "R25b",
        "an old .xls that counts from 1904",
        lambda: xls([HEADERS, *MAC_LINES[:2]], dates_1904=True),
        MAC_PEOPLE[:2],
        name="a.xls",
    ),
    Ugly(
        "R36",
        "the branch with what is above it",
        plain(*(person(f"张{MONTHS[n]}", text) for n, text in enumerate(BRANCHES))),
        [(f"张{MONTHS[n]}", FIRST_OF_BIG, {}) for n in range(len(BRANCHES))],
    ),
    Ugly(
        "R38",
        "blanks in names, rare characters",
        plain(*(person(text) for text, _ in NAMES)),
        [(name, HILL, {}) for _, name in NAMES],
    ),
    Ugly(
        "R41",
        "pages with titles, headers, totals",
        pages,
        [
            ("张一", HILL, {"birth": JULY, "phone": "13800001111"}),
            ("李二", SLOPE, {"birth": (date(1970, 5, 1), "month")}),
        ],
        ["FOOTER_ROW"] * 5,
    ),
    Ugly(
        "R45",
        "every way to write a phone",
        plain(*(person(f"张{MONTHS[n]}", phone=text) for n, text in enumerate(PHONES))),
        [(f"张{MONTHS[n]}", HILL, {"phone": "13800001111"}) for n in range(len(PHONES))],
    ),
    Ugly("R52", "instructions first, old sheets hidden", explained, ONE, ["HIDDEN_SHEETS"]),
    Ugly("R53", "thousands of blank bordered rows", blank_bordered, ONE),
    Ugly("R58", "an old .xls called .xlsx", plain(ONE_LINE, build=xls), ONE),
    Ugly("R60", "an old workbook called .et", plain(ONE_LINE, build=xls), ONE, name="名册.et"),
    Ugly(
        "R62",
        "a CSV in GB18030 with four bytes",
        partial(csv_bytes, CSV_ROWS, "gb18030"),
        CSV_ONE,
        name="名册.csv",
    ),
    Ugly("R62b", "a CSV in GBK", partial(csv_bytes, [HEADERS, ONE_LINE], "gbk"), ONE, name="名册.csv"),
    Ugly("R62c", "a CSV in UTF-8 with a mark", partial(csv_bytes, CSV_ROWS), CSV_ONE, name="名册.csv"),
    Ugly("R62d", "a CSV in UTF-16", partial(csv_bytes, CSV_ROWS, "utf-16"), CSV_ONE, name="名册.csv"),
    Ugly(
        "R65", "a CSV with semicolons", partial(csv_bytes, CSV_ROWS, "utf-8", ";"), CSV_ONE, name="名册.csv"
    ),
    Ugly(
        "R65b",
        "a CSV with tabs, called .txt",
        partial(csv_bytes, CSV_ROWS, "gb18030", "\t"),
        CSV_ONE,
        name="名册.txt",
    ),
    Ugly("R72", "links and embedded objects", with_foreign_parts, ONE),
    Ugly(
        "W1",
        "one sheet a branch, by its name",
        sheets_by_name,
        [("张一", HILL, {"sex": "M"}), ("李二", SLOPE, {"sex": "F"}), ("王三", SLOPE, {})],
        ["SHEETS_READ"],
    ),
    Ugly(
        "W2",
        "one sheet a branch, by its title",
        sheets_by_title,
        [("张一", HILL, {}), ("李二", FIRST_OF_BIG, {})],
        ["SHEETS_READ"],
    ),
    Ugly(
        "W3",
        "two sheets with a branch column",
        sheets_with_columns,
        [("张一", HILL, {}), ("李二", SLOPE, {})],
        ["SHEETS_READ"],
    ),
    Ugly(
        "W4",
        "no branch column, the title says it",
        partial(excel, NO_BRANCH),
        [("张一", FIRST_OF_BIG, {"sex": "M"})],
    ),
    Ugly(
        "W5",
        "WPS: absolute part names, no size, inline texts",
        lambda: raw.workbook(raw.inline([HEADERS, ONE_LINE]), target="/xl/worksheets/sheet1.xml"),
        ONE,
    ),
    Ugly("W6", "WPS: runs and phonetic guides", lambda: raw.wps_shared([HEADERS, ONE_LINE]), ONE),
    Ugly("W7", "strict OOXML", lambda: raw.wps_shared([HEADERS, ONE_LINE], namespace=raw.STRICT), ONE),
    Ugly(
        "W8", "a size that lies: one cell", lambda: raw.wps_shared([HEADERS, ONE_LINE], dimension="A1"), ONE
    ),
    Ugly(
        "W9",
        "a size that lies: all of it",
        lambda: raw.wps_shared([HEADERS, ONE_LINE], dimension="A1:XFD1048576"),
        ONE,
    ),
    Ugly("W10", "the sample workbook, filled", filled_template, ONE),
]
