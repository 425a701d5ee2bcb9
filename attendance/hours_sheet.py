"""学时明细 as a workbook: one sheet of sums, one of every minute. Knows no ORM."""

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from organizations.sheets import cell_of, safe

SUMS = ("支部", "姓名", "类别", "职务", "年度目标（学时）", "本期分钟", "本期学时", "够不够", "年度学时")
LINES = ("支部", "姓名", "日期", "场次", "情况", "怎么折算", "谁改过", "分钟", "学时")
SUM_WIDTHS = (24, 12, 10, 10, 16, 10, 10, 14, 30)
LINE_WIDTHS = (24, 12, 14, 36, 10, 30, 28, 8, 8)
Cell = str | int | float


def workbook(head: str, sums: Iterable[Sequence[Cell]], lines: Iterable[Sequence[Cell]]) -> bytes:
    """`head` says whose hours, of which campaign, as of when."""
    book = Workbook(write_only=True)
    _sheet(book, "汇总", head, SUMS, SUM_WIDTHS, sums)
    _sheet(book, "明细", head, LINES, LINE_WIDTHS, lines)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def _sheet(
    book: Workbook,
    title: str,
    head: str,
    names: Sequence[str],
    widths: Sequence[int],
    rows: Iterable[Sequence[Cell]],
) -> None:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A3"
    for at, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.append([cell_of(sheet, safe(head))])
    sheet.append([cell_of(sheet, name, is_head=True) for name in names])
    for row in rows:
        sheet.append([cell_of(sheet, safe(cell)) if isinstance(cell, str) else cell for cell in row])
