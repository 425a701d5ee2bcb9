"""Files to plain lines: the number in the file, whether it is hidden, and the cells, blanks as None.

Free of Django: this runs in the process that parses uploads. .xlsx is read by
`xlsx`, because a roster needs to know what calamine does not tell: error cells,
formulas, hidden rows, and where to stop. calamine reads the old .xls, and `biff`
what else is to be known of it.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Protocol

import python_calamine

from organizations.imports.biff import BROKEN, Beside, beside_cells
from organizations.imports.preflight import FileRefused, Merge

MAX_COLUMNS = 100
BLANKS_TO_STOP = 200
# Title lines, header and footer come on top of the people.
ROWS_BESIDE_PEOPLE = 60
# The header is looked for in these.
HEAD = 40
AMBIGUOUS_MONTH = re.compile(r"(?:19|20)\d\d\.1")


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that is computed; what it last showed cannot be trusted."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class CellError:
    """#N/A, #REF! and the like."""

    text: str


Cell = str | int | float | date | Formula | CellError | None
Row = tuple[int, bool, list[Cell]]


@dataclass
class Sheet:
    """A sheet as far as its beginning tells: `rows` are its first lines with content, at most 40."""

    name: str
    rows: list[tuple[int, list[Cell]]] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    index: int = 0
    # Days are counted from 1904: a date somebody formatted as a number is four years later.
    is_1904: bool = False
    # There are lines with content behind `rows`.
    more: bool = False
    # Known when all of it was read.
    hidden_rows: int = 0
    row_after_gap: int | None = None
    too_many_rows: bool = False

    @property
    def last_row(self) -> int:
        return self.rows[-1][0] if self.rows else 0


class Source(Protocol):
    """What one format offers: a sheet's name, its merged cells, and its lines from the beginning."""

    name: str
    merges: list[Merge]
    is_1904: bool

    def lines(self) -> Iterator[Row]: ...

    def content_below(self, number: int) -> int | None:
        """The first row with content further down than `lines` went."""


class Lines:
    """Lines with content, until 200 blank ones or too many: `row_after_gap` is where more stands."""

    def __init__(self, source: Source, limit: int):
        self.source, self.limit = source, limit + ROWS_BESIDE_PEOPLE
        self.row_after_gap: int | None = None
        self.too_many_rows = False
        self.hidden_rows = 0
        self.looks_below = True

    def __iter__(self) -> Iterator[Row]:
        last = count = 0
        for row in self.source.lines():
            number, hidden, cells = row
            # Most lines end with a cell that says something.
            if not cells or (cells[-1] is None and cells.count(None) == len(cells)):
                if number - last > BLANKS_TO_STOP:
                    break
                continue
            if count and number - last > BLANKS_TO_STOP:
                self.row_after_gap = number
                return
            count += 1
            if count > self.limit:
                self.too_many_rows = True
                return
            self.hidden_rows += hidden
            last = number
            yield row
        else:
            return
        if self.looks_below:
            self.row_after_gap = self.source.content_below(last)

    def head(self) -> tuple[list[Row], bool]:
        """The first lines, and whether others follow."""
        self.looks_below = False
        rows = list(islice(self, HEAD + 1))
        return rows[:HEAD], len(rows) > HEAD


class Filler:
    """A cell merged over several people holds for each of them (one branch beside twenty names)."""

    def __init__(self, merges: list[Merge], column: int):
        over = [m for m in merges if m[1] <= column <= m[3] and m[2] > m[0]]
        self.waiting = sorted(over, reverse=True)
        self.column, self.left, self.last, self.shown = column, 0, 0, None
        self.top = 0

    def fill(self, number: int, cells: list[Cell]) -> None:
        while self.waiting and self.waiting[-1][0] <= number:
            top, left, bottom, _ = self.waiting.pop()
            if bottom >= number:
                self.top, self.last = top, bottom
                self.shown = cell_at(cells, left) if top == number else None
        if self.top < number <= self.last and self.shown is not None and cell_at(cells, self.column) is None:
            cells.extend([None] * (self.column + 1 - len(cells)))
            cells[self.column] = self.shown


def cell_at(cells: list[Cell], column: int) -> Cell:
    return cells[column] if column < len(cells) else None


def tidy(value: object) -> Cell:
    """One form for each kind of cell; blank text is None."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, timedelta) or not isinstance(value, int | float | date):
        return None if value is None else str(value)
    return value


@dataclass
class Plain:
    """A source that lies in memory."""

    name: str
    rows: list[list[Cell]]
    merges: list[Merge] = field(default_factory=list)
    is_1904: bool = False
    # From 0.
    hidden: set[int] = field(default_factory=set)

    def lines(self) -> Iterator[Row]:
        return ((at + 1, at in self.hidden, cells) for at, cells in enumerate(self.rows))

    def content_below(self, number: int) -> int | None:
        return first_below(self.lines(), number)


def first_below(lines: Iterator[Row], last: int) -> int | None:
    later = (number for number, _, cells in lines if number > last and any(c is not None for c in cells))
    return next(later, None)


def read_xls(content: bytes) -> tuple[list[Source], list[str]]:
    """Visible sheets, and the names of hidden ones."""
    sheets: list[Source] = []
    hidden = []
    try:
        with python_calamine.load_workbook(io.BytesIO(content)) as book:
            for meta, beside in zip(book.sheets_metadata, beside_cells(content), strict=True):
                if meta.visible != python_calamine.SheetVisibleEnum.Visible:
                    hidden.append(meta.name)
                elif meta.typ == python_calamine.SheetTypeEnum.WorkSheet:
                    sheets.append(read_xls_sheet(book.get_sheet_by_name(meta.name), beside))
    except python_calamine.PasswordError as error:
        raise FileRefused("表格设了打开密码。请取消密码，另存后再上传。", "ENCRYPTED") from error
    except (python_calamine.CalamineError, OSError, *BROKEN) as error:
        raise FileRefused(
            "文件已损坏，或不是 Excel 表格。请在 WPS 或 Excel 里打开，另存为 .xlsx 再上传。", "CORRUPT"
        ) from error
    return sheets, hidden


def read_xls_sheet(source: "python_calamine.CalamineSheet", beside: Beside) -> Plain:
    merges = [(*start, *end) for start, end in source.merged_cell_ranges or []]
    merges = [(top + 1, left, bottom + 1, right) for top, left, bottom, right in merges]
    values = source.to_python(skip_empty_area=False)
    rows = [[tidy(value) for value in line[:MAX_COLUMNS]] for line in values]
    for line, column in beside.formulas:
        if line < len(rows) and column < len(rows[line]):
            rows[line][column] = Formula(str(rows[line][column] or ""))
    return Plain(source.name, rows, merges, hidden=beside.hidden)


def read_csv(content: bytes) -> list[Source]:
    """The same text by each separator; the one under which the most headers are known is the right one."""
    text = decode(content).rstrip()
    return [Separated(text, separator) for separator in ",\t;|"]


def decode(content: bytes) -> str:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if wide else ["utf-8-sig", "gb18030"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\ufffd" not in text and "\0" not in text:
            return text
        break
    raise FileRefused("CSV 文件里的汉字认不出来。请用 WPS 或 Excel 打开，另存为 .xlsx 再上传。", "ENCODING")


@dataclass
class Separated:
    """CSV by one separator, read again whenever it is asked for."""

    text: str
    separator: str
    name: str = "CSV"
    merges: list[Merge] = field(default_factory=list)
    is_1904: bool = False

    def lines(self) -> Iterator[Row]:
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.separator)
        for number, values in enumerate(reader, start=1):
            yield number, False, [csv_cell(value) for value in values[:MAX_COLUMNS]]

    def content_below(self, number: int) -> int | None:
        return first_below(self.lines(), number)


def csv_cell(value: str) -> Cell:
    """Text, but `="3207…"` is text forced by the spreadsheet, and 1965.1 may have been 1965.10."""
    value = value.strip()
    if re.fullmatch(r'="[^"]*"', value):
        value = value[2:-1]
    return float(value) if AMBIGUOUS_MONTH.fullmatch(value) else tidy(value)
