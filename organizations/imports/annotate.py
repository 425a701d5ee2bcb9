"""The user's own sheet back, wrong cells coloured, a last column 原因 saying what to do.

Built anew from the rows as they were read, so that nothing of the uploaded
file's insides (formulas, links, macros) comes along. Row numbers stay the same.
"""

import io
import math
import re
from collections import defaultdict
from datetime import date

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from organizations.imports.checking import Verdict
from organizations.imports.columns import REASON, Layout
from organizations.imports.reading import Cell, CellError, Formula

ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
WRONG = PatternFill("solid", fgColor="F8D9A8")
DOUBTFUL = PatternFill("solid", fgColor="FBF3D5")
HEAD = PatternFill("solid", fgColor="F2EFE8")
NARROW, WIDE, WIDEST = 8, 14, 70


def annotate(verdict: Verdict) -> bytes:
    book = Workbook(write_only=True)
    for layout in verdict.layouts:
        copy_sheet(book.create_sheet(layout.name or "名册（标注）"), layout, verdict)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def copy_sheet(sheet, layout: Layout, verdict: Verdict) -> None:
    reason_column = max([len(cells) for _, cells in layout.sheet.rows] + [layout.last_column + 1])
    reason_column = next((c for c, text in layout.headers.items() if text.strip() == REASON), reason_column)
    for column in range(reason_column):
        sheet.column_dimensions[get_column_letter(column + 1)].width = (
            NARROW if layout.headers.get(column) == "序号" else WIDE
        )
    sheet.column_dimensions[get_column_letter(reason_column + 1)].width = WIDEST
    sheet.freeze_panes = f"A{layout.header_row + 1}"
    found = {row.number: row for row in verdict.rows if row.sheet == layout.name}
    written = 0
    for number, cells in layout.sheet.rows:
        for _ in range(number - written - 1):
            sheet.append([])
        written = number
        line = [shown(cell) for cell in cells[:reason_column]]
        if number == layout.header_row:
            line = [styled(sheet, text, HEAD, bold=True) for text in padded(line, reason_column)]
            line.append(styled(sheet, REASON, HEAD, bold=True))
        elif number in found and (found[number].errors or found[number].warnings):
            line = coloured(sheet, line, found[number], layout, reason_column)
        sheet.append(line)


def coloured(sheet, line: list, row, layout, reason_column: int) -> list:
    fills = {}
    for finding, fill in [(w, DOUBTFUL) for w in row.warnings] + [(e, WRONG) for e in row.errors]:
        # A missing branch column, or a finding on the whole row, is shown at the name.
        fills[layout.columns.get(finding.field, layout.columns["name"])] = fill
    line = [
        styled(sheet, text, fills[column]) if column in fills else text
        for column, text in enumerate(padded(line, reason_column))
    ]
    reasons = defaultdict(list)
    for finding in row.errors + row.warnings:
        reasons[layout.label(finding.field) if finding.field else ""].append(finding.message)
    text = "\n".join(f"{label}：{' '.join(m)}" if label else " ".join(m) for label, m in reasons.items())
    return [*line, styled(sheet, text, WRONG if row.errors else DOUBTFUL, wrap=True)]


def padded(line: list, length: int) -> list:
    return line + [None] * (length - len(line))


def styled(
    sheet, text: str | int | float | None, fill: PatternFill, *, bold: bool = False, wrap: bool = False
):
    cell = WriteOnlyCell(sheet, value=text)
    cell.fill = fill
    if bold:
        cell.font = Font(bold=True)
    if wrap:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def shown(cell: Cell) -> str | int | float | None:
    """As it was: numbers stay numbers, or a damaged ID number would come back looking like a good one.

    Text never becomes something a spreadsheet computes.
    """
    if cell is None or (isinstance(cell, int | float) and abs(cell) < math.inf):
        return cell
    if isinstance(cell, Formula | CellError):
        cell = cell.text
    if isinstance(cell, date):
        cell = cell.isoformat()
    text = ILLEGAL.sub("", str(cell))
    return f"'{text}" if text.startswith(DANGEROUS) else text
