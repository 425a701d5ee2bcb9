"""Rows in, workbook bytes out: 冬训情况统计表 as offices print it. Knows no ORM.

User text is never a formula: it is stored as a string whatever it begins with,
and begins with ' where a later CSV would make it one.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.worksheet import Worksheet

from reports.indicators import CATALOGUE, WHY_NAMES, Average, Rate, Share, Value

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
# What XML 1.0 cannot hold, and lone halves of characters.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
MAX_NAMES = 100_000

LINE = Side(style="thin", color="808080")
BOX = Border(left=LINE, right=LINE, top=LINE, bottom=LINE)
HEAD = PatternFill("solid", fgColor="F2EFE8")
SUM = PatternFill("solid", fgColor="FAF3E3")
CENTER = Alignment(horizontal="center", vertical="center", wrap_text=True)
LEFT = Alignment(horizontal="left", vertical="center", wrap_text=True)
PLAIN = Font(name="宋体", size=11)
BOLD = Font(name="宋体", size=11, bold=True)
TITLE = Font(name="黑体", size=20)
NOTE = Font(name="宋体", size=10, color="555C68")


class Look:
    """Dresses cells. A style is made once and shared: made anew for each cell it is most of the time."""

    def __init__(self, sheet: Worksheet):
        self.sheet = sheet
        self.made: dict[tuple, object] = {}

    def dress(
        self, cell, font: Font, alignment: Alignment, fill: PatternFill | None = None, number="General"
    ):
        key = (id(font), id(alignment), id(fill), number)
        if key not in self.made:
            cell.font, cell.alignment, cell.border, cell.number_format = font, alignment, BOX, number
            if fill:
                cell.fill = fill
            self.made[key] = cell._style
        else:
            cell._style = copy(self.made[key])


@dataclass(frozen=True)
class Column:
    """One column of the sheet: which indicator, and which part of it (the value, its n or d, one reason)."""

    group: str
    title: str
    code: str
    part: str = "value"
    width: float = 5.8


def _columns() -> tuple[Column, ...]:
    reasons = [Column("未训人数及原因", name, "WHY", code) for code, name in WHY_NAMES.items()]
    return (
        Column("", "基层党组织数", "ORG_N"),
        Column("党员情况", "党员总数", "MEM_ALL", width=6.6),
        Column("党员情况", "流动党员", "MEM_FLOAT"),
        Column("党员情况", "不作硬性要求", "MEM_WAIVED"),
        Column("党员情况", "应训人数", "MEM_DUE", width=6.6),
        Column("首训", "人数", "TR_FIRST", width=6.6),
        Column("首训", "首训率", "RATE_FIRST", width=7.4),
        Column("", "补课人数", "TR_MAKEUP"),
        Column("", "送学人数", "TR_HOME"),
        Column("参训（应训口径）", "人数", "RATE_DUE", "n", 6.6),
        Column("参训（应训口径）", "参训率", "RATE_DUE", width=7.4),
        Column("全员口径", "人数", "TR_ALL", width=6.6),
        Column("全员口径", "参训率", "RATE_ALL", width=7.4),
        Column("完成必训专题", "人数", "DONE_RATE", "n", 6.6),
        Column("完成必训专题", "完成率", "DONE_RATE", width=7.4),
        Column("到课（人次）", "应到（已登记）", "ATT_RATE", "d", 7.4),
        Column("到课（人次）", "实到", "ATT_RATE", "n", 7.4),
        Column("到课（人次）", "到课率", "ATT_RATE", width=7.4),
        Column("到课（人次）", "未登记", "UNMARKED", width=6.6),
        Column("未训人数及原因", "合计", "NOT_YET", width=6.6),
        *reasons,
        Column("", "待补课人数", "MK_OPEN", width=6.6),
        Column("集中场次", "计划", "SES_PLAN"),
        Column("集中场次", "实际", "SES_HELD"),
        Column("集中场次", "未点名", "UNRECORDED"),
        Column("", "专题覆盖", "TOPIC_COV"),
        Column("", "人均学时", "HRS_AVG"),
        Column("解决难题（件）", "办结", "TASK_DONE", width=6.6),
        Column("解决难题（件）", "超期", "TASK_LATE", width=6.6),
    )


COLUMNS = _columns()
FIRST_COLUMN = 3  # after 序号 and 单位
LAST_COLUMN = FIRST_COLUMN + len(COLUMNS) - 1
# Nobody could read forty columns on one page: printed, the sheet is two wide, this column ends the first.
LAST_OF_FIRST_PAGE = FIRST_COLUMN + max(
    place for place, column in enumerate(COLUMNS) if column.group == "到课（人次）"
)
PRINT_SCALE = 71
HEAD_ROW = 3
FIRST_ROW = HEAD_ROW + 2


@dataclass(frozen=True)
class Row:
    name: str
    values: dict[str, Value]
    level: str = "plain"  # plain | subtotal | total


@dataclass(frozen=True)
class Person:
    """One line of the names sheet. No ID number and no phone stands in a report."""

    branch: str
    name: str
    category: str
    required: bool
    trained_on: date | None
    why: str
    owed_topics: int
    times: int
    hours: Decimal


@dataclass(frozen=True)
class Report:
    """Everything the workbook shows, already read."""

    title: str
    unit: str
    exporter: str
    made_on: str
    as_of: str
    rows: list[Row]
    total: Row
    detail: list[Row] = field(default_factory=list)
    people: Iterable[Person] = ()
    people_count: int = 0
    notes: tuple[str, ...] = ()


def safe_text(text: str) -> str:
    """What a cell may hold of a text somebody typed."""
    text = CONTROL.sub("", text)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def write_text(cell, text: str) -> None:
    cell.value = safe_text(text)
    cell.data_type = "s"


def build(report: Report, *, progress: Callable[[int], None] = lambda done: None) -> bytes:
    """The workbook's bytes. `progress` is called with the number of people written."""
    book = Workbook()
    summary = book.active
    summary.title = "情况统计表"
    _sheet(summary, report, report.rows)
    if report.detail:
        _sheet(book.create_sheet("分单位明细表"), report, report.detail)
    _names(book.create_sheet("人员名单"), report, progress)
    _definitions(book.create_sheet("指标说明"), report)
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


# --- 情况统计表 -------------------------------------------------------------------------
def _sheet(sheet: Worksheet, report: Report, rows: list[Row]) -> None:
    look = Look(sheet)
    _title(sheet, report, LAST_OF_FIRST_PAGE)
    _title(sheet, report, LAST_COLUMN, first=LAST_OF_FIRST_PAGE + 1, more="（续）")
    _heads(sheet, look)
    number = 0
    for place, row in enumerate([*rows, report.total], FIRST_ROW):
        number += row.level == "plain"
        _row(look, place, row, number if row.level == "plain" else None)
    _foot(sheet, FIRST_ROW + len(rows) + 1, report, LAST_OF_FIRST_PAGE)
    _print_setup(sheet, report, f"{HEAD_ROW}:{HEAD_ROW + 1}", f"C{FIRST_ROW}")
    _two_pages_wide(sheet)


def _title(sheet: Worksheet, report: Report, last: int, *, first: int = 1, more: str = "") -> None:
    """The title and who fills it in, over the columns `first` to `last` of one printed page."""
    sheet.merge_cells(start_row=1, end_row=1, start_column=first, end_column=last)
    write_text(sheet.cell(1, first), report.title + more)
    sheet.cell(1, first).font, sheet.cell(1, first).alignment = TITLE, CENTER
    sheet.row_dimensions[1].height = 40
    before, third = first - 1, max(1, (last - first + 1) // 3)
    parts = (
        (first, before + third, f"填报单位：{report.unit}", "left"),
        (before + third + 1, before + 2 * third, f"填报人：{report.exporter}", "center"),
        (before + 2 * third + 1, last, f"填报日期：{report.made_on}", "right"),
    )
    # On the second page the repeated columns bring 填报单位 along.
    for start, end, text, side in parts[bool(more) :]:
        sheet.merge_cells(start_row=2, end_row=2, start_column=start, end_column=end)
        write_text(sheet.cell(2, start), text)
        sheet.cell(2, start).font = PLAIN
        sheet.cell(2, start).alignment = Alignment(horizontal=side, vertical="center")
    sheet.row_dimensions[2].height = 24


def _heads(sheet: Worksheet, look: Look) -> None:
    """Two rows of heads: a group over its columns; a column without a group takes both rows."""
    upper, lower = HEAD_ROW, HEAD_ROW + 1
    for place, title, width in ((1, "序号", 5), (2, "单位", 22)):
        sheet.merge_cells(start_row=upper, end_row=lower, start_column=place, end_column=place)
        sheet.cell(upper, place, title)
        sheet.column_dimensions[get_column_letter(place)].width = width
    for place, column in enumerate(COLUMNS, FIRST_COLUMN):
        sheet.column_dimensions[get_column_letter(place)].width = column.width
        sheet.cell(lower if column.group else upper, place, column.title)
        if not column.group:
            sheet.merge_cells(start_row=upper, end_row=lower, start_column=place, end_column=place)
    for group, start, end in _groups():
        sheet.cell(upper, start, group)
        sheet.merge_cells(start_row=upper, end_row=upper, start_column=start, end_column=end)
    for row in sheet.iter_rows(min_row=upper, max_row=lower, min_col=1, max_col=LAST_COLUMN):
        for cell in row:
            look.dress(cell, BOLD, CENTER, HEAD)
    sheet.row_dimensions[upper].height = 36
    sheet.row_dimensions[lower].height = 76


def _groups() -> Iterator[tuple[str, int, int]]:
    names = [column.group for column in COLUMNS]
    for name in dict.fromkeys(filter(None, names)):
        start = FIRST_COLUMN + names.index(name)
        yield name, start, start + names.count(name) - 1


def _row(look: Look, place: int, row: Row, number: int | None) -> None:
    sheet = look.sheet
    font, fill = (PLAIN, None) if row.level == "plain" else (BOLD, SUM)
    sheet.row_dimensions[place].height = 24
    look.dress(sheet.cell(place, 1, number), font, CENTER, fill)
    look.dress(sheet.cell(place, 2), font, LEFT, fill)
    write_text(sheet.cell(place, 2), row.name)
    for at, column in enumerate(COLUMNS, FIRST_COLUMN):
        cell = sheet.cell(place, at)
        value = part_of(row.values[column.code], column.part)
        look.dress(cell, font, CENTER, fill, number_format(value))
        _figure(cell, value)


def part_of(value: Value, part: str) -> Value:
    """The value itself, the n or d of a rate, or the people of one reason."""
    if part == "value":
        return value
    return value[part] if isinstance(value, dict) else getattr(value, part)


def number_format(value: Value) -> str:
    if isinstance(value, Rate):
        return "0.0%"
    return "0.0" if isinstance(value, Average) else "0" if isinstance(value, int) else "General"


def _figure(cell, value: Value) -> None:
    """A number that reads exactly like the page: rates are stored as shown, never rounded up by Excel."""
    if isinstance(value, int):
        cell.value = value
    elif isinstance(value, Rate | Average) and value.d:
        cell.value = value.shown
    else:
        write_text(cell, value.text if isinstance(value, Share) else "—")


def _foot(sheet: Worksheet, place: int, report: Report, last: int) -> None:
    for offset, text in enumerate([f"截至：{report.as_of}。{_source(report)}", *report.notes]):
        row = place + offset
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=last)
        write_text(sheet.cell(row, 1), text)
        sheet.cell(row, 1).font, sheet.cell(row, 1).alignment = NOTE, LEFT
        sheet.row_dimensions[row].height = 20


def _source(report: Report) -> str:
    return f"内部资料，由{report.exporter}导出。合计按人相加计算，各项口径见“指标说明”。"


def _print_setup(sheet: Worksheet, report: Report, repeated: str, frozen: str) -> None:
    """A4 landscape, as wide as the sheet; heads on every page, who and when at the foot."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top, sheet.page_margins.bottom, sheet.page_margins.footer = 0.5, 0.8, 0.4
    sheet.print_options.horizontalCentered = True
    sheet.print_title_rows = repeated
    # & begins a code in a footer: a name with one would vanish.
    sheet.oddFooter.left.text = f"内部资料  {report.exporter}".replace("&", "&&")
    sheet.oddFooter.center.text = "第 &P / &N 页"
    sheet.oddFooter.right.text = f"截至 {report.as_of}"
    sheet.freeze_panes = frozen
    sheet.sheet_view.showGridLines = False


def _two_pages_wide(sheet: Worksheet) -> None:
    """Left half, then right half of the same rows. Fitted to two pages Excel would heed no break."""
    sheet.sheet_properties.pageSetUpPr.fitToPage = False
    sheet.page_setup.fitToWidth = sheet.page_setup.fitToHeight = None
    sheet.page_setup.scale = PRINT_SCALE
    sheet.page_setup.pageOrder = "overThenDown"
    sheet.col_breaks.append(Break(id=LAST_OF_FIRST_PAGE))
    sheet.print_title_cols = "A:B"


# --- 人员名单 -----------------------------------------------------------------------------
NAME_HEADS = (
    ("序号", 7),
    ("所在党支部", 28),
    ("姓名", 12),
    ("人员类别", 11),
    ("应训", 7),
    ("参训", 7),
    ("首次参训日期", 14),
    ("未训原因", 20),
    ("待补专题数", 11),
    ("参加场次", 10),
    ("学时", 8),
)


def _names(sheet: Worksheet, report: Report, progress: Callable[[int], None]) -> None:
    look = Look(sheet)
    _title(sheet, report, len(NAME_HEADS))
    for place, (head, width) in enumerate(NAME_HEADS, 1):
        look.dress(sheet.cell(HEAD_ROW, place, head), BOLD, CENTER, HEAD)
        sheet.column_dimensions[get_column_letter(place)].width = width
    row = HEAD_ROW
    if report.people_count > MAX_NAMES:
        row += 1
        sheet.cell(row, 1, f"共{report.people_count}人，超过{MAX_NAMES}人，请按下级单位分别导出名单。")
    else:
        for done, person in enumerate(report.people, 1):
            row += 1
            _person(look, row, done, person)
            if done % 1000 == 0:
                progress(done)
    _foot(sheet, row + 1, report, len(NAME_HEADS))
    _print_setup(sheet, report, f"{HEAD_ROW}:{HEAD_ROW}", f"A{HEAD_ROW + 1}")
    if row > HEAD_ROW:
        sheet.auto_filter.ref = f"A{HEAD_ROW}:{get_column_letter(len(NAME_HEADS))}{row}"


def _person(look: Look, row: int, number: int, person: Person) -> None:
    cells = (
        number,
        person.branch,
        person.name,
        person.category,
        "是" if person.required else "否",
        "是" if person.trained_on else "否",
        person.trained_on.isoformat() if person.trained_on else "",
        person.why,
        person.owed_topics,
        person.times,
        person.hours,
    )
    for place, value in enumerate(cells, 1):
        cell = look.sheet.cell(row, place)
        number = "0.0" if isinstance(value, Decimal) else "General"
        look.dress(cell, PLAIN, LEFT if place in (2, 3) else CENTER, number=number)
        if isinstance(value, str):
            write_text(cell, value)
        else:
            cell.value = value


# --- 指标说明 -----------------------------------------------------------------------------
def _definitions(sheet: Worksheet, report: Report) -> None:
    look = Look(sheet)
    heads = (("指标代码", 14), ("名称", 22), ("怎么算", 84), ("单位", 8))
    _title(sheet, report, len(heads))
    for place, (head, width) in enumerate(heads, 1):
        look.dress(sheet.cell(HEAD_ROW, place, head), BOLD, CENTER, HEAD)
        sheet.column_dimensions[get_column_letter(place)].width = width
    for row, indicator in enumerate(CATALOGUE, HEAD_ROW + 1):
        for place, text in enumerate((indicator.code, indicator.name, indicator.formula, indicator.unit), 1):
            look.dress(sheet.cell(row, place, text), PLAIN, LEFT if place in (2, 3) else CENTER)
        sheet.row_dimensions[row].height = 20 * (1 + len(indicator.formula) // 42)
    _foot(sheet, HEAD_ROW + len(CATALOGUE) + 1, report, len(heads))
    _print_setup(sheet, report, f"{HEAD_ROW}:{HEAD_ROW}", f"A{HEAD_ROW + 1}")
