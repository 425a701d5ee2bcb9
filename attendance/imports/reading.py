"""An uploaded sheet or list as plain lines. The bytes are parsed in a process of their own."""

import re
from dataclasses import dataclass, field
from datetime import date

from attendance.imports.columns import Layout, layout_of, named
from organizations.imports.preflight import FileRefused, refuse_size_of
from organizations.imports.process import Limits, Parsing
from organizations.imports.reading import Cell, Row, cell_at
from organizations.imports.values import CellProblem, parse_name, parse_phone, plain_text
from organizations.service import Refused

MAX_LINES = 2000
MAX_BYTES = 5 * 1024 * 1024
LONGEST_CELL = 200
TEXTS = ("branch", "group", "status", "reason", "minutes", "signed_at", "token")
# The columns of our own sheet, whether or not the hidden one is still there.
OURS = {"name", "group", "branch", "status", "reason", "minutes"}
# The foot of the sheet stands in the column of names sometimes.
FOOT = re.compile(r"[:：]|应到|实到|合计|共计|小计|记录人|填表人")


@dataclass
class RawLine:
    """One line as written. `wrong`: what could not be read, as a sentence that says where and what to do."""

    sheet: str
    row: int
    name: str = ""
    phone: str = ""
    cells: dict[str, str] = field(default_factory=dict)
    ticks: tuple[str, ...] = ()
    wrong: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        return bool(self.cells["status"] or self.cells["reason"] or self.ticks)


@dataclass
class RawFile:
    lines: list[RawLine]
    has_status: bool
    has_signed_at: bool
    is_ours: bool = False
    unread: list[str] = field(default_factory=list)
    hidden_rows: int = 0


def read_file(content: bytes, file_name: str) -> RawFile:
    """Every line with a name, a phone or an identity of every sheet that holds some; hidden rows too."""
    try:
        refuse_size_of(len(content), MAX_BYTES)
        with Parsing(content, file_name, Limits(rows=MAX_LINES)) as book:
            layouts = _layouts(book)
            lines = [
                line
                for sheet, rows, _ in book.read([layout.sheet for layout in layouts])
                for line in _lines(next(one for one in layouts if one.sheet is sheet), rows, len(layouts) > 1)
            ]
    except FileRefused as refusal:
        raise Refused(refusal.message.replace("名册", "名单"), refusal.code) from refusal
    if len(lines) > MAX_LINES or any(layout.sheet.too_many_rows for layout in layouts):
        raise Refused(f"一次最多读 {MAX_LINES:,} 行。请按支部分成几个文件，分几次上传。", "TOO_MANY_ROWS")
    if not lines:
        raise Refused("表里只有表头，没有人。请填好再上传。", "NO_ROWS")
    return RawFile(
        lines,
        has_status=any(layout.has_status for layout in layouts),
        has_signed_at=any("signed_at" in layout.columns for layout in layouts),
        is_ours=any(set(layout.columns) >= OURS for layout in layouts),
        unread=_unread(book, layouts),
        hidden_rows=sum(layout.sheet.hidden_rows for layout in layouts),
    )


def _layouts(book: Parsing) -> list[Layout]:
    found = [layout for sheet in book.sheets if (layout := layout_of(sheet))]
    if book.kind == "csv":  # the same text by each separator
        found = sorted(found, key=lambda one: -len(one.columns) - len(one.ticks))[:1]
    if not found:
        raise Refused("前 20 行里没有找到“姓名”或“手机”这一列。请在名单第一行写上列名，再上传。", "NO_HEADER")
    return found


def _unread(book: Parsing, layouts: list[Layout]) -> list[str]:
    """Sheets with something in them that were passed over; a CSV is one text."""
    read = {layout.sheet.name for layout in layouts}
    return [one.name for one in book.sheets if book.kind != "csv" and one.rows and one.name not in read]


def _lines(layout: Layout, rows: list[Row], is_several: bool) -> list[RawLine]:
    sheet = layout.sheet.name if is_several else ""
    below = (row for row in rows if row[0] > layout.header_row)
    return [line for number, _, cells in below if (line := _line(layout, sheet, number, cells))]


def _line(layout: Layout, sheet: str, number: int, cells: list[Cell]) -> RawLine | None:
    """None for blank lines, feet, and the header repeated on the next page."""
    line = RawLine(sheet, number)
    for name in TEXTS:
        line.cells[name] = _text(layout, line, name, cells)
    line.ticks = tuple(
        status for column, status in layout.ticks.items() if str(cell_at(cells, column) or "").strip()
    )
    written = cell_at(cells, layout.columns.get("name", -1)) if "name" in layout.columns else None
    if isinstance(written, str) and (FOOT.search(written) or named(written) == named(layout.label("name"))):
        return None
    line.phone = _phone(layout, line, cells)
    try:
        line.name = parse_name(written) if written is not None else ""
    except CellProblem as problem:
        line.name = "".join(str(written).split())[:20] if isinstance(written, str) else ""
        if not line.cells["token"]:  # with an identity the name only has to be the one it went out with
            line.wrong = where(line, layout.label("name"), problem.args[0])
    if line.name or line.phone or line.cells["token"] or line.wrong:
        return line
    if line.cells["status"] or line.ticks:
        line.wrong = where(line, "姓名", "没有姓名，不知道说的是谁。请补上姓名。")
        return line
    return None


def _text(layout: Layout, line: RawLine, name: str, cells: list[Cell]) -> str:
    if name not in layout.columns:
        return ""
    cell = cell_at(cells, layout.columns[name])
    if isinstance(cell, date):
        cell = cell.isoformat()
    try:
        return plain_text(cell, LONGEST_CELL)
    except CellProblem as problem:
        if name in ("status", "minutes"):
            line.wrong = line.wrong or where(line, layout.label(name), problem.args[0])
        return ""


def _phone(layout: Layout, line: RawLine, cells: list[Cell]) -> str:
    if "phone" not in layout.columns:
        return ""
    try:
        return parse_phone(cell_at(cells, layout.columns["phone"]))
    except CellProblem:
        line.notes.append(f"“{layout.label('phone')}”认不出来，按姓名找的")
        return ""


def where(line: RawLine, column: str, what: str) -> str:
    sheet = f"“{line.sheet}”" if line.sheet else ""
    return f"{sheet}第 {line.row} 行“{column}”：{what}"
