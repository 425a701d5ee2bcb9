"""The roster as a workbook that goes out, is corrected in WPS, and comes back: the importer's own columns.

Cells are text, so that no spreadsheet computes or shortens them. ID numbers and phones are masked unless
whole ones are asked for; a masked number that comes back means "unchanged".
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from organizations.imports.ordinary import PRECISE
from organizations.imports.template import COLUMNS
from organizations.imports.writing import ILLEGAL, NOTE, TEXT, TEXT_HEAD, TITLE, SheetXml, Styled, write_book
from organizations.models import Member

DANGEROUS = ("'", "=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
HEADER_ROW, KEPT_LEFT = 3, 3
TELL_EVERY = 1000
# Who has left belongs on no roster: under this header the importer finds none, and registers nobody anew.
NAME_OF_GONE = "已离开党员姓名"
GONE = (("离开日期", 14), ("离开原因", 16))
Tell = Callable[[int], None]


@dataclass(frozen=True)
class Sheet:
    """What stands above the names, and how much of them may be shown."""

    heading: str
    note: str
    whole: bool = False
    gone: bool = False


def safe(text: str) -> str:
    """Never something a spreadsheet computes; the importer takes one apostrophe off again."""
    text = ILLEGAL.sub("", text)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def iso(day: date | None, precision: str = "day") -> str:
    return day.isoformat()[: PRECISE[precision]] if day else ""


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
        iso(member.joined_party_on, member.joined_party_precision),
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
    page = SheetXml(
        name="党员名册",
        widths=[width for _, width in headers(sheet)],
        frozen=HEADER_ROW,
        rows=[],
        kept_left=KEPT_LEFT,
        for_paper=True,
    )
    written = Written(tell)
    page.rows = written.lines(sheet, people)
    return write_book([page]), written.count


class Written:
    """Counts who is written, while it is written."""

    def __init__(self, tell: Tell):
        self.tell, self.count = tell, 0

    def lines(self, sheet: Sheet, people: Iterable[tuple[Member, str]]) -> Iterator[tuple[int, list[Styled]]]:
        yield 1, [(safe(sheet.heading), TITLE)]
        yield 2, [(safe(sheet.note), NOTE)]
        yield HEADER_ROW, [(text, TEXT_HEAD) for text, _ in headers(sheet)]
        for self.count, (member, branch) in enumerate(people, start=1):
            line = cells_of(self.count, member, branch, sheet)
            yield HEADER_ROW + self.count, [(safe(text) or None, TEXT) for text in line]
            if self.count % TELL_EVERY == 0:
                self.tell(self.count)
