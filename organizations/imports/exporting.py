"""The roster as a workbook that goes out, is corrected in WPS, and comes back: the importer's own columns.

Cells are text, so that no spreadsheet computes or shortens them. ID numbers and phones are masked unless
whole ones are asked for; a masked number that comes back means "unchanged".
"""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from organizations.imports.template import COLUMNS
from organizations.models import Member

ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
HEAD = PatternFill("solid", fgColor="F2EFE8")
THIN = Side(style="thin", color="BFB9AA")
BORDER = Border(THIN, THIN, THIN, THIN)
TELL_EVERY = 1000
# Who has left belongs on no roster: under this header the importer finds none, and registers nobody anew.
NAME_OF_GONE = "已离开党员姓名"
GONE = (("离开日期", 14), ("离开原因", 16))
LENGTHS = {"year": 4, "month": 7, "day": 10}
Tell = Callable[[int], None]


@dataclass(frozen=True)
class Sheet:
    """What stands above the names, and how much of them may be shown."""

    heading: str
    note: str
    whole: bool = False
    gone: bool = False


def safe(text: str) -> str:
    """Never something a spreadsheet computes; the importer takes the apostrophe off again."""
    text = ILLEGAL.sub("", text)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def iso(day: date | None, precision: str = "day") -> str:
    return day.isoformat()[: LENGTHS[precision]] if day else ""


def flag(is_so: bool) -> str:
    return "是" if is_so else "否"


def cells_of(number: int, member: Member, branch: str, sheet: Sheet) -> list[str]:
    """One line under `headers`; the order is that of the sample workbook."""
    line = [
        str(number),
        branch,
        member.name,
        member.get_sex_display(),
        iso(member.birth_date, member.birth_precision),
        member.id_number if sheet.whole else member.masked_id_number,
        member.get_category_display(),
        member.get_post_display() if member.post else "",
        member.party_group,
        iso(member.joined_party_on),
        member.phone if sheet.whole else member.masked_phone,
        flag(member.is_floating),
        member.floating_to,
        member.contact_person,
        flag(member.is_home_bound),
        flag(member.is_in_difficulty),
    ]
    return [*line, iso(member.left_on), member.left_reason] if sheet.gone else line


def headers(sheet: Sheet) -> list[tuple[str, int]]:
    found = [(header, width) for header, width, _ in COLUMNS]
    if not sheet.gone:
        return found
    return [(NAME_OF_GONE, 18) if header == "姓名" else (header, width) for header, width in found] + [*GONE]


def roster_workbook(
    sheet: Sheet, people: Iterable[tuple[Member, str]], tell: Tell = lambda done: None
) -> tuple[bytes, int]:
    """The workbook and how many people are on it. `people`: each with the branch as the importer reads it."""
    book = Workbook(write_only=True)
    page = book.create_sheet("党员名册")
    columns = headers(sheet)
    for at, (_, width) in enumerate(columns, start=1):
        page.column_dimensions[get_column_letter(at)].width = width
    page.freeze_panes = "D4"
    page.print_title_rows = "3:3"
    page.page_setup.orientation, page.page_setup.paperSize, page.page_setup.fitToHeight = "landscape", 9, 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.append([text_cell(page, sheet.heading, font=Font(bold=True, size=16))])
    page.append([text_cell(page, sheet.note)])
    middle = Alignment(horizontal="center", vertical="center")
    page.append(
        [text_cell(page, text, font=Font(bold=True), fill=HEAD, alignment=middle) for text, _ in columns]
    )
    count = 0
    for count, (member, branch) in enumerate(people, start=1):
        page.append([text_cell(page, text) for text in cells_of(count, member, branch, sheet)])
        if count % TELL_EVERY == 0:
            tell(count)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue(), count


def text_cell(page, text: str, **look) -> WriteOnlyCell:
    """A cell that is text for ever, whatever stands in it."""
    cell = WriteOnlyCell(page, value=safe(text))
    if cell.value:
        cell.data_type = "s"
    cell.number_format, cell.border = "@", BORDER if look.get("fill") or not look else Border()
    for name, value in look.items():
        setattr(cell, name, value)
    return cell
