"""One line of the roster: its cells parsed, what is wrong with them, what is done with it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from organizations import id_number as numbers
from organizations.fields import digest
from organizations.imports import values
from organizations.imports.branches import Branches
from organizations.imports.columns import Layout, is_repeated_header
from organizations.imports.reading import Cell, cell_at
from organizations.imports.values import CellProblem
from organizations.models import Member, Organization

FOOTER = re.compile(
    r"(合计|总计|共计|小计|以上共|共\d+|总人数|党员总数|填表人|制表|审核人|填报|经办人|负责人|注[:：]|备注[:：]|说明[:：]|单位[:：(（])"
)
TEXTS = {"party_group": 50, "floating_to": 100, "contact_person": 50}
FLAGS = ("is_floating", "is_home_bound", "is_in_difficulty")


@dataclass(frozen=True)
class Finding:
    """An error or a warning and what to do. `field` "" = the whole row; row None = the whole file."""

    row: int | None
    field: str
    code: str
    message: str


@dataclass
class RosterRow:
    number: int
    values: dict = field(default_factory=dict)
    # What the ID number says where the sheet is silent; never put over something stored.
    derived: dict = field(default_factory=dict)
    branch: Organization | None = None
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    set_aside: bool = False
    member: Member | None = None
    action: str = ""
    place: int | None = None
    # How many present members of the branch bear the name: proof, when storing, that nobody was added since.
    namesakes: int = 0
    id_digest: str = ""

    def error(self, field_name: str, code: str, message: str) -> None:
        self.errors.append(Finding(self.number, field_name, code, message))

    def warn(self, field_name: str, code: str, message: str) -> None:
        self.warnings.append(Finding(self.number, field_name, code, message))

    def leave_out(self, field_name: str, code: str, message: str) -> None:
        self.set_aside = True
        self.warn(field_name, code, message)


def read_rows(layout: Layout, branches: Branches, today: date) -> list[RosterRow]:
    for name in ("branch", "party_group"):
        if name in layout.columns:
            layout.sheet.fill_merged(layout.columns[name])
    rows = []
    for number, cells in layout.sheet.rows:
        if number > layout.header_row and not is_repeated_header(layout, cells):
            row = read_row(layout, branches, number, cells, today)
            if row:
                rows.append(row)
    return rows


def read_row(
    layout: Layout, branches: Branches, number: int, cells: list[Cell], today: date
) -> RosterRow | None:
    """None for a line that holds nobody and says nothing, such as a number printed in advance."""
    used = {name: cell_at(cells, column) for name, column in layout.columns.items()}
    row = RosterRow(number)
    footer = footer_text(used, cells)
    if footer and isinstance(footer, str):
        if used.get("id_number") is None:
            row.leave_out("", "FOOTER_ROW", f"“{values.hide_digits(footer)}”不是党员，这一行不导入。")
        else:
            row.error("name", "FOOTER_ROW", "这一行像是合计或签字，却有身份证号。请核对姓名，或删去这一行。")
        return row
    if all(cell is None for cell in used.values()):
        return None
    parse_cells(row, used, branches, today)
    compare_with_id_number(row, used)
    return row


def footer_text(used: dict[str, Cell], cells: list[Cell]) -> str:
    """The text that marks a total, a signature or a note; "" for a person's line."""
    if all(cell is None for cell in used.values()):
        texts = [cell for cell in cells if isinstance(cell, str)]
        return texts[0] if texts else ""
    first = next((cell for cell in cells if isinstance(cell, str)), None)
    for cell in (used.get("name"), first):
        if isinstance(cell, str) and FOOTER.match(re.sub(r"\s", "", cell)):
            return cell
    return ""


def parse_cells(row: RosterRow, used: dict[str, Cell], branches: Branches, today: date) -> None:
    take(row, "name", lambda: row.values.update(name=values.parse_name(used.get("name"))))

    def find_branch() -> None:
        row.branch = branches.find(values.parse_text(used.get("branch"), 100))

    take(row, "branch", find_branch)
    for name, parse in parsers(today).items():
        if used.get(name) is not None:
            take(row, name, partial(keep, row, name, parse, used[name]))
    birth = row.values.get("birth_date")
    joined = row.values.get("joined_party_on")
    if birth and joined and values.is_before_adult(joined, birth):
        row.error("joined_party_on", "DATE_RANGE", "入党时间早于 18 周岁，请核对出生日期和入党时间。")


def take(row: RosterRow, name: str, act: Callable[[], None]) -> None:
    try:
        act()
    except CellProblem as problem:
        if problem.code == "POST":
            row.warn(name, problem.code, problem.message + "这一格不导入。")
        else:
            row.error(name, problem.code, problem.message)


def keep(row: RosterRow, name: str, parse: Callable, cell: Cell) -> None:
    value = parse(cell)
    if value is not None and (value != "" or name == "post"):
        row.values[name] = value


def parsers(today: date) -> dict[str, Callable]:
    found: dict[str, Callable] = dict.fromkeys(FLAGS, values.parse_flag)
    found |= {name: partial(values.parse_text, longest=longest) for name, longest in TEXTS.items()}
    return found | {
        "sex": values.parse_sex,
        "birth_date": partial(values.parse_birth, today=today),
        "id_number": partial(values.parse_id_number, today=today),
        "phone": values.parse_phone,
        "category": values.parse_category,
        "post": values.parse_post,
        "joined_party_on": partial(values.parse_joined, today=today),
    }


def compare_with_id_number(row: RosterRow, used: dict[str, Cell]) -> None:
    number = row.values.get("id_number")
    if not number:
        return
    row.id_digest = digest(number)
    sex, born = numbers.sex_of(number), numbers.born_on(number)
    row.derived = {"sex": sex, "birth_date": (born, "day")}
    if row.values.get("sex", sex) != sex:
        row.warn("sex", "SEX_MISMATCH", "性别与身份证号第 17 位不一致，请核对。")
    birth = row.values.get("birth_date")
    if birth and not same_birth(birth, (born, "day")):
        row.warn("birth_date", "BIRTH_MISMATCH", "出生日期与身份证号里的不一致，请核对。按表里填的导入。")


def same_birth(one: tuple[date, str], other: tuple[date, str]) -> bool:
    """Equal as far as the coarser of the two can tell."""
    precision = {one[1], other[1]}
    if "year" in precision:
        return one[0].year == other[0].year
    if "month" in precision:
        return (one[0].year, one[0].month) == (other[0].year, other[0].month)
    return one[0] == other[0]
