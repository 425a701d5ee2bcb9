"""Rosters with wrong or doubtful lines: which file, and what is said at which row and column."""

from collections.abc import Callable
from dataclasses import dataclass, field

from openpyxl import Workbook
from openpyxl.cell.cell import Cell

from tests.organizations.rosters.making import csv_bytes, excel, merged, xls
from tests.organizations.rosters.trying import BESIDE, ELSEWHERE, HERE
from tests.organizations.workbooks import HEADERS, id_number, person, repacked, saved, sheet_xml

NUMBER = id_number("19650712", "341")
WOMAN = id_number("19650712", "342")
BRANCH, NAME, SEX, BIRTH, ID, JOINED, PHONE = [
    "所在党支部",
    "姓名",
    "性别",
    "出生年月",
    "身份证号",
    "入党时间",
    "联系电话",
]
FIRST = [1, "北山村党支部", "张一", None, "1965-07-12", None, None, None]


@dataclass(frozen=True)
class Case:
    id: str
    what: str
    build: Callable[[], bytes]
    errors: list[tuple] = field(default_factory=list)
    warnings: list[tuple] = field(default_factory=list)
    name: str = "名册.xlsx"

    def __str__(self):
        return f"{self.id} {self.what}"


def lines(*people, build=excel):
    """The first line below the header is always somebody right."""
    return lambda: build([HEADERS, FIRST, *people])


def wrong(id, what, code, column, /, *, build=excel, **cells) -> Case:
    """One person with one wrong cell, in row 3."""
    name = "名册.csv" if build is csv_bytes else "名册.xlsx"
    return Case(
        id, what, lines(person(**{"name": "李二"} | cells), build=build), [(code, 3, column)], [], name
    )


def doubtful(id, what, code, column, /, *people) -> Case:
    return Case(id, what, lines(*people), [], [(code, 3, column)])


def shown_as_scientific() -> bytes:
    rows = [HEADERS, FIRST, person("李二", id=320706196507123411)]
    return excel(rows, formats={(2, 5): "0.00E+00"})


def shown_as_ten() -> bytes:
    return excel([HEADERS, FIRST, person("李二", joined=1985.1)], formats={(2, 6): "0.00"})


def below_a_merge() -> bytes:
    people = [person("李二", None), person("王三", None), person("赵四", None)]
    return merged([HEADERS, FIRST, *people], "B2:B4")


def with_control_character() -> bytes:
    return merged([HEADERS, FIRST, person("李_x000B_二")])


def with_error_cells() -> bytes:
    return merged([HEADERS, FIRST, person("#N/A"), person("李三", phone="#REF!")])


def with_dde() -> bytes:
    return csv_bytes([HEADERS, FIRST, person("=cmd|' /C calc'!A0")])


def with_hidden_sheet(state: str) -> bytes:
    book = Workbook()
    for row in (HEADERS, FIRST):
        book.active.append(list(row))
    hidden = book.create_sheet("旧名册")
    hidden.sheet_state = state
    for n in range(300):
        hidden.append(person(f"旧{chr(0x4E00 + n)}") if n else list(HEADERS))
    return saved(book)


def with_hidden_rows() -> bytes:
    book = Workbook()
    for row in (HEADERS, FIRST, *(person(f"李{chr(0x4E00 + n)}") for n in range(8))):
        book.active.append(list(row))
    for n in range(3, 8):
        book.active.row_dimensions[n].hidden = True
    return saved(book)


def after_a_gap() -> bytes:
    book = Workbook()
    for row in (HEADERS, FIRST):
        book.active.append(list(row))
    for n in range(5):
        cell: Cell = book.active.cell(303 + n, 3, f"远{chr(0x4E00 + n)}")
        book.active.cell(cell.row, 2, "北山村党支部")
    return saved(book)


def with_formula_phone() -> bytes:
    content = excel([HEADERS, FIRST, person("李二", phone="13800001111")])
    xml = sheet_xml(content)
    start = xml.index(b'<c r="H3"')
    end = xml.index(b"</c>", start) + 4
    formula = b'<c r="H3"><f>B1</f><v>13800001111</v></c>'
    return repacked(content, {"xl/worksheets/sheet1.xml": xml[:start] + formula + xml[end:]})


def all_bad(count: int):
    return lambda: excel([HEADERS, *(person(f"李{chr(0x4E00 + n)}", "无有村") for n in range(count))])


LONG_ID_TWICE = [("ID_TWICE", 3, ID), ("ID_TWICE", 4, ID)]

BAD = [
    wrong("R4", "a blank branch without a merge", "BRANCH_MISSING", BRANCH, branch=None),
    Case("R3", "a blank branch below a merged one", below_a_merge, [("BRANCH_MISSING", 5, BRANCH)]),
    wrong("R10", "an ID number in a number cell", "ID_NUMERIC_CELL", ID, id=320706196507123411),
    Case("R10b", "one shown as 3.2E+17", shown_as_scientific, [("ID_NUMERIC_CELL", 3, ID)]),
    wrong("R13", "a Cyrillic Х at the end", "ID_FORMAT", ID, id=NUMBER[:17] + "\u0425"),
    wrong("R13b", "a Greek Χ at the end", "ID_FORMAT", ID, id=NUMBER[:17] + "\u03a7"),
    wrong("R16", "an old number of 15 digits", "ID_OLD_15", ID, id="320706650712341"),
    wrong("R17", "born on 30 February", "ID_DATE", ID, id=id_number("19650230")),
    wrong("R17b", "born in the future", "AGE", ID, birth=None, id=id_number("20300101")),
    wrong("R17c", "not yet 18", "AGE", ID, birth=None, id=id_number("20150101")),
    wrong("R17d", "born 150 years ago", "ID_DATE", ID, birth=None, id=id_number("18700101")),
    wrong("R17e", "one digit copied wrong", "ID_CHECKSUM", ID, id=NUMBER[:9] + "6" + NUMBER[10:]),
    wrong("R17f", "a birth date of a child", "AGE", BIRTH, birth="2015-01-01"),
    doubtful("R18", "a man with a woman's number", "SEX_MISMATCH", SEX, person("李二", sex="男", id=WOMAN)),
    doubtful(
        "R18b",
        "another birth date than the number's",
        "BIRTH_MISMATCH",
        BIRTH,
        person("李二", birth="1965-07-13", id=NUMBER),
    ),
    wrong("R20", "a Hong Kong document", "ID_FORMAT", ID, id="H12345678(1)"),
    wrong("R20b", "a military document", "ID_FORMAT", ID, id="军字第1234567号"),
    Case("R22", "1985.10 that became 1985.1", shown_as_ten, [("DATE_AMBIGUOUS", 3, JOINED)]),
    wrong("R22b", "the same in a CSV", "DATE_AMBIGUOUS", JOINED, joined="1985.1", build=csv_bytes),
    wrong("R24", "a year of two digits", "DATE_FORMAT", BIRTH, birth="65.7"),
    wrong("R24b", "the first of July in words", "DATE_FORMAT", JOINED, joined="七一"),
    wrong("R24c", "30 February", "DATE_FORMAT", JOINED, joined="2月30日"),
    wrong("R24d", "31 June", "DATE_FORMAT", JOINED, joined="1985-06-31"),
    wrong("R26", "joined before 18", "DATE_RANGE", JOINED, joined="1980.7"),
    wrong("R26b", "joined in the future", "DATE_RANGE", JOINED, joined="2090-01-01"),
    wrong("R26c", "joined before there was a Party", "DATE_RANGE", JOINED, birth=None, joined="1920-07-01"),
    Case(
        "R27",
        "one number, one name, twice",
        lines(person("李二", id=NUMBER), person("李二", id=NUMBER)),
        LONG_ID_TWICE,
    ),
    Case(
        "R28",
        "one number, two names",
        lines(person("李二", id=NUMBER), person("王三", id=NUMBER)),
        LONG_ID_TWICE,
    ),
    Case(
        "R29",
        "one name, two numbers",
        lines(person("李二", id=NUMBER), person("李二", id=WOMAN)),
        [],
        [("NAME_TWICE", 3, NAME), ("NAME_TWICE", 4, NAME)],
    ),
    Case(
        "R30",
        "one name twice, no number",
        lines(person("李二"), person("李二")),
        [("NAME_NEEDS_ID", 3, NAME), ("NAME_NEEDS_ID", 4, NAME)],
    ),
    Case(
        "R30b",
        "two lines that mean one member",
        lines(person("郑怡", birth=None, id=HERE), person("郑知", birth="1970.01")),
        [("NAME_NEEDS_ID", 3, NAME), ("NAME_NEEDS_ID", 4, NAME)],
        [("NAME_CHANGED", 3, NAME)],
    ),
    doubtful(
        "R32",
        "a number of the next branch",
        "TRANSFER_SUSPECTED",
        BRANCH,
        person("冯坡", birth=None, id=BESIDE),
    ),
    doubtful(
        "R32b",
        "name and birth of the next branch",
        "TRANSFER_SUSPECTED",
        BRANCH,
        person("钱北丁", birth="1970-01-01"),
    ),
    doubtful("R33", "a number held elsewhere", "REVIEW", "", person("陈二", birth=None, id=ELSEWHERE)),
    wrong("R34", "a branch of another township", "BRANCH_NOT_FOUND", BRANCH, branch="南河村党支部"),
    wrong("R34b", "a branch that does not exist", "BRANCH_NOT_FOUND", BRANCH, branch="无有村党支部"),
    wrong("R36", "a branch almost right", "BRANCH_NOT_FOUND", BRANCH, branch="大河村第1党支部"),
    wrong("R36b", "a branch of two villages", "BRANCH_AMBIGUOUS", BRANCH, branch="第一党支部"),
    wrong("R36c", "a township for a branch", "BRANCH_NOT_FOUND", BRANCH, branch="北山镇党委"),
    wrong("R37", "a closed branch", "BRANCH_CLOSED", BRANCH, branch="旧村党支部"),
    wrong("R41", "a total with an ID number", "FOOTER_ROW", NAME, name="合计", id=NUMBER),
    Case(
        "R41b",
        "totals and signatures",
        lines(
            [None, None, "合计", 1],
            ["总计：32人"],
            [None, "以上共32人"],
            ["填表人：张一      审核人：李二"],
            ["（盖章）"],
            ["以下空白"],
            ["备注：流动党员另表上报"],
        ),
        [],
        [("FOOTER_ROW", n, "") for n in range(3, 10)],
    ),
    wrong("R42", "a formula for a name", "FORMULA_CELL", NAME, name='=HYPERLINK("http://x","张三")'),
    Case("R42b", "a command in a CSV", with_dde, [("FORMULA_CELL", 3, NAME)], [], "名册.csv"),
    Case("R42c", "a phone that is computed", with_formula_phone, [("FORMULA_CELL", 3, PHONE)]),
    wrong("R42d", "a formula in an old .xls", "FORMULA_CELL", NAME, name="=A1", build=xls),
    wrong("R42e", "a phone computed in one", "FORMULA_CELL", PHONE, phone="=A1", build=xls),
    wrong("R44", "a name of 5,000 characters", "LENGTH", NAME, name="张" * 5000),
    Case("R44b", "a control character", with_control_character, [("CONTROL_CHAR", 3, NAME)]),
    wrong("R45", "a phone as scientific text", "PHONE", PHONE, phone="1.38E+10"),
    wrong("R46", "a landline", "PHONE", PHONE, phone="025-8888888"),
    wrong("R46b", "ten digits", "PHONE", PHONE, phone="1380000111"),
    wrong("R46c", "two phones", "PHONE", PHONE, phone="13800001111/13900001111"),
    wrong("R46d", "ten digits as a number", "PHONE", PHONE, phone=1380000111),
    Case("R48", "#N/A and #REF!", with_error_cells, [("CELL_ERROR", 3, NAME), ("CELL_ERROR", 4, PHONE)]),
    wrong("R48b", "#N/A in a CSV", "CELL_ERROR", PHONE, phone="#N/A", build=csv_bytes),
    Case(
        "R49", "a hidden sheet of 300", lambda: with_hidden_sheet("hidden"), [], [("HIDDEN_SHEETS", None, "")]
    ),
    Case(
        "R49b",
        "a very hidden one",
        lambda: with_hidden_sheet("veryHidden"),
        [],
        [("HIDDEN_SHEETS", None, "")],
    ),
    Case("R50", "a filter that hides five lines", with_hidden_rows, [], [("HIDDEN_ROWS", None, "")]),
    Case(
        "R50b",
        "a line hidden in an old .xls",
        lambda: xls([HEADERS, FIRST, person("李二")], hidden=[2]),
        [],
        [("HIDDEN_ROWS", None, "")],
        "名册.xls",
    ),
    Case("R54", "five people after 300 blank rows", after_a_gap, [], [("DATA_AFTER_GAP", 303, "")]),
    wrong("R64", "an ID number ruined by a CSV", "ID_FORMAT", ID, id="3.20706E+17", build=csv_bytes),
    Case("R82", "every line is bad", all_bad(60), [("BRANCH_NOT_FOUND", n, BRANCH) for n in range(2, 62)]),
    wrong("N1", "nobody's line", "NAME_MISSING", NAME, name=None),
    wrong("N2", "a number in a name", "NAME_FORMAT", NAME, name="李二1"),
    wrong("N3", "two people in a cell", "NAME_FORMAT", NAME, name="李二、王三"),
    wrong("N4", "two people on two lines of a cell", "NAME_FORMAT", NAME, name="李二\n王三"),
    wrong("N5", "a third sex", "SEX", SEX, sex="未知"),
    wrong("N6", "a masked number that fits nobody", "MASKED_NUMBER", ID, id="3207************11"),
    wrong(
        "N7",
        "a masked number of somebody else",
        "MASKED_NUMBER",
        ID,
        name="郑知",
        birth=None,
        id="3207************99",
    ),
    wrong(
        "N8",
        "a masked phone of somebody else",
        "MASKED_NUMBER",
        PHONE,
        name="郑知",
        birth=None,
        phone="139****2222",
    ),
    wrong("N9", "stars that are no mask of ours", "ID_FORMAT", ID, id="320706********1234"),
]


def other_columns() -> bytes:
    headers = ["姓名", "所在党支部", "人员类别", "是否流动", "党内职务", "党小组"]
    rows = [
        ["张一", "北山村党支部", "正式党员", "是", "书记", "第一党小组"],
        ["李二", "北山村党支部", "入党积极分子", None, None, None],
        ["王三", "北山村党支部", None, "也许", None, None],
        ["赵四", "北山村党支部", None, None, "村主任", None],
        ["钱五", "北山村党支部", None, None, None, "组" * 60],
    ]
    return excel([headers, *rows])


BAD.append(
    Case(
        "N10",
        "words nobody offered",
        other_columns,
        [("CATEGORY", 3, "人员类别"), ("FLAG", 4, "是否流动"), ("LENGTH", 6, "党小组")],
        [("POST", 5, "党内职务")],
    )
)
