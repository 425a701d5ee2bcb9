"""Files to plain rows. A row is its number in the file and its cells, blanks as None.

.xlsx is read by `xlsx`, because a roster needs to know what calamine does not
tell: error cells, formulas, hidden rows, and where to stop. calamine reads the
old .xls.
"""

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import python_calamine

from organizations.imports.preflight import FileRefused

MAX_COLUMNS = 100
BLANKS_TO_STOP = 200
# Title lines, header and footer come on top of the people.
ROWS_BESIDE_PEOPLE = 60
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


@dataclass
class Sheet:
    name: str
    rows: list[tuple[int, list[Cell]]] = field(default_factory=list)
    hidden_rows: int = 0
    # The first row with content after more than 200 blank ones; what stands there was not read.
    row_after_gap: int | None = None
    too_many_rows: bool = False
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, number: int, cells: list[Cell], limit: int) -> bool:
        """Take one row; False when reading should stop."""
        if all(cell is None for cell in cells):
            return number - self.last_row <= BLANKS_TO_STOP
        if number - self.last_row > BLANKS_TO_STOP and self.rows:
            self.row_after_gap = self.row_after_gap or number
            return False
        self.rows.append((number, cells))
        self.too_many_rows = len(self.rows) > limit + ROWS_BESIDE_PEOPLE
        return not self.too_many_rows

    @property
    def last_row(self) -> int:
        return self.rows[-1][0] if self.rows else 0


class Filler:
    """A cell merged over several people holds for each of them (one branch beside twenty names)."""

    def __init__(self, merges: list[tuple[int, int, int, int]], column: int):
        over = [m for m in merges if m[1] <= column <= m[3] and m[2] > m[0]]
        self.waiting = sorted(over, reverse=True)
        self.column, self.top, self.last = column, 0, 0
        self.shown: Cell = None

    def fill(self, number: int, cells: list[Cell]) -> None:
        """Lines come in order."""
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


def read_xls(content: bytes, limit: int) -> tuple[list[Sheet], list[str]]:
    """Visible sheets, and the names of hidden ones."""
    sheets, hidden = [], []
    try:
        with python_calamine.load_workbook(io.BytesIO(content)) as book:
            for meta in book.sheets_metadata:
                if meta.visible != python_calamine.SheetVisibleEnum.Visible:
                    hidden.append(meta.name)
                elif meta.typ == python_calamine.SheetTypeEnum.WorkSheet:
                    sheets.append(read_xls_sheet(book.get_sheet_by_name(meta.name), limit))
    except python_calamine.PasswordError as error:
        raise FileRefused("表格设了打开密码。请取消密码，另存后再上传。", "ENCRYPTED") from error
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        raise FileRefused(
            "文件已损坏，或不是 Excel 表格。请在 WPS 或 Excel 里打开，另存为 .xlsx 再上传。", "CORRUPT"
        ) from error
    return sheets, hidden


def read_xls_sheet(source: "python_calamine.CalamineSheet", limit: int) -> Sheet:
    sheet = Sheet(source.name)
    sheet.merges = [(*start, *end) for start, end in source.merged_cell_ranges or []]
    sheet.merges = [(top + 1, left, bottom + 1, right) for top, left, bottom, right in sheet.merges]
    for number, values in enumerate(source.to_python(skip_empty_area=False), start=1):
        cells = [tidy(value) for value in values[:MAX_COLUMNS]]
        if not sheet.add(number, cells, limit) and (sheet.row_after_gap or sheet.too_many_rows):
            break
    return sheet


def read_csv(content: bytes, limit: int, score) -> list[Sheet]:
    """The separator is the one under which the most headers are known; `score(sheet)` counts them."""
    text = decode(content)
    try:
        sheets = [read_csv_as(text, separator, limit) for separator in ",\t;|"]
    except csv.Error as error:
        raise FileRefused("CSV 文件读不出来。请另存为 .xlsx 再上传。", "CORRUPT") from error
    return [max(sheets, key=score)]


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


def read_csv_as(text: str, separator: str, limit: int) -> Sheet:
    sheet = Sheet("CSV")
    for number, values in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), start=1):
        cells = [csv_cell(value) for value in values[:MAX_COLUMNS]]
        if not sheet.add(number, cells, limit) and (sheet.row_after_gap or sheet.too_many_rows):
            break
    return sheet


def csv_cell(value: str) -> Cell:
    """Text, but `="3207…"` is text forced by the spreadsheet, and 1965.1 may have been 1965.10."""
    value = value.strip()
    if re.fullmatch(r'="[^"]*"', value):
        value = value[2:-1]
    return float(value) if AMBIGUOUS_MONTH.fullmatch(value) else tidy(value)
