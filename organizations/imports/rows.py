"""One line of the roster: its cells parsed, what is wrong with them, what is done with it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from organizations import id_number as numbers
from organizations.fields import digest, digests
from organizations.imports import values
from organizations.imports.branches import Branches
from organizations.imports.columns import FIELDS, HEADER_WITHIN, REASON, Layout, normalise, texts_of
from organizations.imports.ordinary import (
    FOOTER,
    LONGEST_BRANCH,
    LONGEST_HEAD,
    Plan,
    first_text,
    parsers,
)
from organizations.imports.process import Frame
from organizations.imports.reading import Cell, Filler, Row, cell_at
from organizations.imports.values import CellProblem, same_birth
from organizations.models import Member, Organization

NOT_IN_A_NAME = re.compile(r"[\d:：]")
NEEDED = ("name", "branch")
UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class Finding:
    """An error or a warning and what to do. `field` "" = the whole row; row None = the whole file."""

    row: int | None
    field: str
    code: str
    message: str
    # Named where a file has several rosters.
    sheet: str = ""


@dataclass(slots=True)
class RosterRow:
    number: int
    sheet: str = ""
    values: dict = field(default_factory=dict)
    # What the ID number says of which the sheet is silent; never put over something stored.
    derived: dict = field(default_factory=dict)
    # Numbers as we export them, half hidden: they mean "unchanged".
    masked: dict = field(default_factory=dict)
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
    # By which the line is known again, once that is asked: see `lines.keys_of`.
    key: bytes = b""

    @property
    def branch_pk(self) -> int | None:
        return self.branch.id if self.branch else None

    def error(self, field_name: str, code: str, message: str) -> None:
        self.errors.append(Finding(self.number, field_name, code, message, self.sheet))

    def warn(self, field_name: str, code: str, message: str) -> None:
        self.warnings.append(Finding(self.number, field_name, code, message, self.sheet))

    def leave_out(self, field_name: str, code: str, message: str) -> None:
        self.set_aside = True
        self.warn(field_name, code, message)


class Reader:
    """Reads the lines of one sheet, in order; what is the same for every line is made ready once."""

    def __init__(self, layout: Layout, branches: Branches, today: date):
        self.layout, self.branches, self.today = layout, branches, today
        self.columns = list(layout.columns.items())
        known = parsers(today, is_1904=layout.sheet.is_1904)
        known = {name: known[name] for name in known if name in layout.columns}
        # With what each column's cells were found to mean: most say what a hundred others say.
        self.parsers: list[tuple[str, Callable, dict]] = [
            ("name", values.parse_name, {}),
            ("branch", self.find_branch, {}),
            *((name, parse, {}) for name, parse in known.items()),
        ]
        self.heads = {
            first_text(cells): without_reason(texts_of(cells))
            for number, cells in layout.sheet.rows[:HEADER_WITHIN]
            if number <= layout.header_row
        }
        self.heads.pop("", None)
        # What the parsing process says of an ordinary line, in this order.
        self.fields = [name for name, *_ in self.parsers if name in layout.columns]
        self.known_branches: dict[str | None, Organization] = {}
        self.fillers = {
            name: Filler(layout.sheet.merges, layout.columns[name])
            for name in ("branch", "party_group")
            if name in layout.columns
        }

    def plan(self) -> Plan | None:
        """What the parsing process needs to understand ordinary lines; None where cells hold for others."""
        header_row = self.layout.header_row
        if any(merge[2] > header_row for filler in self.fillers.values() for merge in filler.waiting):
            return None
        return Plan(
            columns=[(name, self.layout.columns[name]) for name in self.fields],
            below=header_row,
            heads=[text for text in self.heads if len(text) <= LONGEST_HEAD],
            today=self.today.isoformat(),
            is_1904=self.layout.sheet.is_1904,
        )

    def rows_of(self, frame: Frame) -> Iterator[tuple[RosterRow, bool]]:
        """What the lines of a frame say, in order, and whether each is hidden."""
        if frame.told is None:
            yield from self.rows_from(frame.rows)
            return
        understood = iter(self.ordinary(*frame.said))
        for one in frame.told:
            if isinstance(one, int):
                yield from self.rows_from([frame.row(one)])
            else:
                yield next(understood), one[1]

    def rows_from(self, lines: list[Row]) -> Iterator[tuple[RosterRow, bool]]:
        for number, hidden, cells in lines:
            if number > self.layout.header_row and (row := self.read(number, cells)):
                yield row, hidden

    def ordinary(self, lines: Sequence[int], columns: dict[str, Sequence]) -> list[RosterRow]:
        """Lines as the parsing process understood them: their numbers, and what they say."""
        rows: list[RosterRow] = []
        names = [name for name in columns if name != "branch"]
        branches = columns.get("branch") or [None] * len(lines)
        said = zip(*(columns[name] for name in names), strict=True)
        for number, branch, one in zip(lines, branches, said, strict=True):
            told = {name: value for name, value in zip(names, one, strict=True) if value is not None}
            row = RosterRow(number, sheet=self.layout.name, values=told)
            self.place_in_branch(row, branch)
            rows.append(row)
        for row, digest_of in zip(rows, digests(columns.get("id_number", ())), strict=False):
            if digest_of:
                row.id_digest, row.derived = digest_of, derived_from(row.values)
        return rows

    def place_in_branch(self, row: RosterRow, text: str | None) -> None:
        known = self.known_branches
        try:
            if text not in known:
                known[text] = self.find_branch(text)
            row.branch = known[text]
        except CellProblem as problem:
            row.error("branch", problem.code, problem.message)

    def read(self, number: int, cells: list[Cell]) -> RosterRow | None:
        """None for a line that holds nobody and says nothing, such as a number printed in advance."""
        length = len(cells)
        used = {name: cells[at] for name, at in self.columns if at < length and cells[at] is not None}
        first = first_text(cells)
        if self.is_head_again(used, first, cells):
            return None
        row = RosterRow(number, sheet=self.layout.name)
        if footer := footer_text(used, first):
            leave_out_footer(row, footer, used)
            return row
        if not used:
            return None
        for name, filler in self.fillers.items():
            filler.fill(number, cells)
            if name not in used:
                used[name] = cell_at(cells, filler.column)
        self.parse(row, used)
        return row

    def is_head_again(self, used: dict[str, Cell], first: str, cells: list[Cell]) -> bool:
        """Printed rosters repeat the title and the header on every page."""
        if first in self.heads and self.heads[first] == without_reason(texts_of(cells)):
            return True
        name = used.get("name")
        return isinstance(name, str) and "名" in name and FIELDS.get(normalise(name), ("",))[0] == "name"

    def parse(self, row: RosterRow, used: dict[str, Cell]) -> None:
        for name, parse, known in self.parsers:
            cell = used.get(name)
            if cell is None and name not in NEEDED:
                continue
            value = known.get(cell, UNKNOWN)
            if value is UNKNOWN:
                value = self.understood(row, name, parse, cell, known)
            if name == "branch":
                row.branch = value
            elif value is not None and (value != "" or name == "post"):
                row.values[name] = value
        birth = row.values.get("birth_date")
        joined = row.values.get("joined_party_on")
        if birth and joined and values.is_before_adult(joined, birth):
            row.error("joined_party_on", "DATE_RANGE", "入党时间早于 18 周岁，请核对出生日期和入党时间。")
        compare_with_id_number(row)

    def understood(self, row: RosterRow, name: str, parse: Callable, cell: Cell, known: dict) -> Any:
        """The value, to be remembered unless it is somebody's number; None where nothing is to be kept."""
        is_number = name in values.MASKED
        if is_number and (masked := values.masked_number(cell, name)):
            row.masked[name] = masked
            return None
        try:
            value = parse(cell)
        except CellProblem as problem:
            if problem.code == "POST":
                row.warn(name, problem.code, "这一格不导入。" + problem.message)
            else:
                row.error(name, problem.code, problem.message)
            return None
        if not is_number and len(known) < values.REMEMBERED:
            known[cell] = value
        return value

    def find_branch(self, cell: Cell) -> Organization:
        text = values.parse_text(cell, LONGEST_BRANCH)
        if not text and self.layout.branch:
            return self.layout.branch
        return self.branches.find(text)


def place(row: RosterRow) -> str:
    """第 3 行, or 工作表“北山村”第 3 行 where several are read."""
    return f"工作表“{row.sheet}”第 {row.number} 行" if row.sheet else f"第 {row.number} 行"


def without_reason(texts: dict[int, str]) -> dict[int, str]:
    """Our marked copy adds 原因 to the header, not to where it is repeated."""
    return {column: text for column, text in texts.items() if text != REASON}


def footer_text(used: dict[str, Cell], first: str) -> str:
    """The text that marks a total, a signature or a note; "" for a person's line."""
    if not used:
        return first
    name = used.get("name")
    if isinstance(name, str):
        if FOOTER.match("".join(name.split())):
            return name
        if not NOT_IN_A_NAME.search(name):
            return ""
    return first if FOOTER.match("".join(first.split())) else ""


def leave_out_footer(row: RosterRow, text: str, used: dict[str, Cell]) -> None:
    if used.get("id_number") not in (None, text):
        row.error("name", "FOOTER_ROW", "这一行像是合计或签字，却有身份证号。请核对姓名，或删去这一行。")
        return
    quoted = values.hide_digits(text)
    row.leave_out("", "FOOTER_ROW", f"“{quoted}”不是党员，这一行不导入。如果是党员，请填在姓名一列。")


def compare_with_id_number(row: RosterRow) -> None:
    number = row.values.get("id_number")
    if not number:
        return
    row.id_digest, row.derived = digest(number), derived_from(row.values)
    if row.values.get("sex") not in (None, numbers.sex_of(number)):
        row.warn("sex", "SEX_MISMATCH", "性别与身份证号第 17 位不一致，请核对。")
    birth = row.values.get("birth_date")
    if birth and not same_birth(birth, (numbers.born_on(number), "day")):  # type: ignore[arg-type]
        row.warn("birth_date", "BIRTH_MISMATCH", "出生日期与身份证号里的不一致，按表里填的导入，请核对。")


def derived_from(values: dict[str, Any]) -> dict[str, Any]:
    number, derived = values["id_number"], {}
    if "sex" not in values:
        derived["sex"] = numbers.sex_of(number)
    if "birth_date" not in values:
        derived["birth_date"] = (numbers.born_on(number), "day")
    return derived
