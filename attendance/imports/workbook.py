"""The sign-in sheet as a workbook: goes out, is filled in WPS, and comes back exactly.

One worksheet per branch in the order of the paper. The last column is hidden: whose line it is and
what it said, signed. A hidden column moves along when somebody sorts, a hidden sheet would not.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from attendance.imports.columns import MARK
from attendance.imports.tokens import Token, write_token
from attendance.models import Reason, Status
from organizations.imports.writing import NOT_IN_A_SHEET_NAME
from organizations.sheets import safe

COLUMNS = (
    ("序号", 6),
    ("姓名", 12),
    ("党小组", 14),
    ("支部", 28),
    ("情况", 11),
    ("原因", 10),
    ("分钟", 8),
    (f"{MARK}（请勿改动）", 20),
)
HEADER_ROW = 3
STATUS, REASON, MINUTES, TOKEN = 5, 6, 7, 8
STATES = [status.label for status in Status if status != Status.UNMARKED]
REASONS = [reason.label for reason in Reason if reason != Reason.NONE]
MOST_MINUTES = 720
SIDE = Side(style="thin", color="8A857A")
BORDER = Border(SIDE, SIDE, SIDE, SIDE)
HEAD = PatternFill("solid", fgColor="F2EFE8")
MIDDLE = Alignment(horizontal="center", vertical="center")
LONGEST_NAME = 28


@dataclass(frozen=True)
class SheetLine:
    name: str
    group: str
    unit: str
    token: Token


@dataclass(frozen=True)
class SheetPage:
    """One branch's sheet: its name, the title above, what stands under it, and its lines."""

    name: str
    title: str
    note: str
    lines: Sequence[SheetLine]


def sheet_workbook(pages: Sequence[SheetPage]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    taken: set[str] = set()
    for page in pages:
        _write(book.create_sheet(_unique(page.name, taken)), page)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def _unique(name: str, taken: set[str]) -> str:
    plain = NOT_IN_A_SHEET_NAME.sub(" ", name).strip("' ")[:LONGEST_NAME] or "签到表"
    found, number = plain, 1
    while found.casefold() in taken:
        number += 1
        found = f"{plain[: LONGEST_NAME - 3]} {number}"
    taken.add(found.casefold())
    return found


def _write(sheet, page: SheetPage) -> None:
    last = get_column_letter(MINUTES)
    for row, text in ((1, page.title), (2, page.note)):
        sheet.merge_cells(f"A{row}:{last}{row}")
        sheet.cell(row, 1, safe(text)).alignment = Alignment(
            horizontal="center" if row == 1 else "left", vertical="center", wrap_text=True
        )
    sheet["A1"].font = Font(bold=True, size=16)
    for column, (text, width) in enumerate(COLUMNS, start=1):
        cell = sheet.cell(HEADER_ROW, column, text)
        cell.font, cell.fill, cell.alignment, cell.border = Font(bold=True), HEAD, MIDDLE, BORDER
        sheet.column_dimensions[get_column_letter(column)].width = width
    for number, line in enumerate(page.lines, start=1):
        _write_line(sheet, HEADER_ROW + number, number, line)
    _rules(sheet, HEADER_ROW + max(len(page.lines), 1))
    sheet.column_dimensions[get_column_letter(TOKEN)].hidden = True
    sheet.row_dimensions[1].height, sheet.row_dimensions[2].height = 28, 34
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 3)
    _paper(sheet, last, HEADER_ROW + len(page.lines))


def _write_line(sheet, row: int, number: int, line: SheetLine) -> None:
    token = line.token
    status = Status(token.status).label if token.status else None
    reason = Reason(token.reason).label if token.reason else None
    texts = (line.name, line.group, line.unit)
    values = (number, *map(safe, texts), status, reason, token.minutes, write_token(token))
    for column, value in enumerate(values, start=1):
        cell = sheet.cell(row, column, value or None)
        cell.border = BORDER
        cell.alignment = Alignment(horizontal="left" if column == 4 else "center", vertical="center")
        if isinstance(value, str):
            cell.data_type, cell.number_format = "s", "@"
    sheet.row_dimensions[row].height = 21


def _rules(sheet, last: int) -> None:
    """Choices to pick from; what somebody writes instead is read as well as it can be."""
    rules = (
        (STATUS, DataValidation(type="list", formula1=f'"{",".join(STATES)}"', allow_blank=True)),
        (REASON, DataValidation(type="list", formula1=f'"{",".join(REASONS)}"', allow_blank=True)),
        (
            MINUTES,
            DataValidation(
                type="whole", operator="between", formula1="0", formula2=str(MOST_MINUTES), allow_blank=True
            ),
        ),
    )
    for column, rule in rules:
        rule.showErrorMessage = False
        letter = get_column_letter(column)
        rule.add(f"{letter}{HEADER_ROW + 1}:{letter}{last}")
        sheet.add_data_validation(rule)


def _paper(sheet, column: str, row: int) -> None:
    """Printed as it stands: A4, as wide as the paper, the header again on each page."""
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
    sheet.print_area = f"A1:{column}{row}"
    sheet.oddFooter.center.text = "第 &P / &N 页"
