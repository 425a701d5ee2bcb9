"""A plain table as an .xlsx file: every cell is text, whatever it begins with."""

import io
import re
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What a later CSV would take for a formula begins with '.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
# What XML 1.0 cannot hold, and lone halves of characters.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
LONGEST_CELL = 32_000
NARROWEST, WIDEST = 8, 44
BOLD, HEAD = Font(bold=True), PatternFill("solid", fgColor="F2EFE8")


def safe(text: str) -> str:
    text = CONTROL.sub("", text)[:LONGEST_CELL]
    return f"'{text}" if text.startswith(DANGEROUS) else text


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """One sheet: the heads, then the rows."""
    kept = [[safe(cell) for cell in row] for row in rows]
    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", "", title)[:31])
    sheet.freeze_panes = "A2"
    for at, head in enumerate(heads):
        # A Chinese character is about two digits wide.
        longest = max([len(head), *(len(row[at]) for row in kept[:500])])
        width = min(max(NARROWEST, 2 * longest + 2), WIDEST)
        sheet.column_dimensions[get_column_letter(at + 1)].width = width
    sheet.append([cell_of(sheet, head, is_head=True) for head in heads])
    for row in kept:
        sheet.append([cell_of(sheet, text) for text in row])
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def cell_of(sheet, text: str, *, is_head: bool = False) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type, cell.number_format = "s", "@"
    if is_head:
        cell.font, cell.fill = BOLD, HEAD
    return cell
