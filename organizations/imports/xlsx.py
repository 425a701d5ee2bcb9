"""Streams .xlsx sheets to plain lines; memory and time follow the people, not the blank bordered rows.

Runs after `preflight`, which has refused every document type and entity. The
lines of an ordinary sheet are taken apart by one expression; at the first
thing that it does not know the XML parser goes on from that line.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from xml.etree.ElementTree import Element, iterparse

from organizations.imports.cells import (
    PIECE,
    SHEET_DATA,
    Cutter,
    XmlRows,
    number_of_row,
    text_of,
    unescape,
)
from organizations.imports.reading import (
    MAX_COLUMNS,
    Cell,
    CellError,
    Merge,
    Row,
    Source,
    tidy,
)

LAST_SERIAL = 109_574  # 31 December 2199
# Format numbers that show dates in every language version of Excel, the Chinese ones included.
DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
CONTENT_OR_ROW = re.compile(rb'<(?:\w+:)?row\s[^>]*?\br="(\d+)"|<(?:\w+:)?(?:v|is|f)[\s>]')
CONTENT_MARKS = (b"<v", b"<is", b"<f", b":v", b":is", b":f")
LAST_ROW = re.compile(rb'row\s[^>]*?\br="(\d+)"')
ROW_HEAD = re.compile(r'\s*<row r="(\d{1,7})"([^<>]*)>')
# column, style, type, value, inline text; or blanks between cells; or (last) whatever is not ordinary.
CELLS = re.compile(
    r'<c r="([A-Z]{1,3})\d{1,7}"(?: s="(\d{1,5})")?(?: t="([a-zA-Z]{1,9})")?'
    r"(?:/>|></c>|><v>([^<&]*)</v></c>|><is><t(?: xml:space=\"preserve\")?>([^<&]*)</t></is></c>)|\s+|(.)",
    re.DOTALL,
)
TEXTS = re.compile(
    r'<si><t(?: xml:space="preserve")?>([^<&]*)</t></si>|<si/>|<si><t/></si>|\s+|(.)', re.DOTALL
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLUMNS = {
    name: index
    for index, name in enumerate(
        [*LETTERS, *(first + second for first in LETTERS for second in LETTERS)][:MAX_COLUMNS]
    )
}
KNOWN_KINDS = {"", "n", "s", "str", "inlineStr", "e", "b", "d"}


def open_xlsx(content: bytes, merges: dict[str, list[Merge]]) -> tuple[list[Source], list[str]]:
    """Visible sheets, and the names of hidden ones."""
    book = Workbook(zipfile.ZipFile(io.BytesIO(content)), merges)
    visible: list[Source] = [XlsxSheet(book, name, part) for name, part, hidden in book.sheets if not hidden]
    return visible, [name for name, _, hidden in book.sheets if hidden]


def local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """By local name: r:id comes in two namespaces (transitional and strict)."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""


class Workbook:
    """The parts a sheet needs: shared texts, which styles are dates, the epoch."""

    def __init__(self, archive: zipfile.ZipFile, merges: dict[str, list[Merge]]):
        self.archive, self.merges = archive, merges
        self.names = {name.lower(): name for name in archive.namelist()}
        self.epoch = date(1899, 12, 30)
        self.sheets: list[tuple[str, str, bool]] = []
        targets = {
            attribute(e, "Id"): attribute(e, "Target") for e in self.elements("xl/_rels/workbook.xml.rels")
        }
        for element in self.elements("xl/workbook.xml"):
            if local(element) == "workbookPr" and element.get("date1904") in ("1", "true"):
                self.epoch = date(1904, 1, 1)
            if local(element) == "sheet":
                target = targets[attribute(element, "id")]
                part = target[1:] if target.startswith("/") else posixpath.join("xl", target)
                if "worksheets/" in part.lower():
                    self.sheets.append(
                        (element.get("name"), part, element.get("state", "visible") != "visible")
                    )
        self.texts = self.read_texts()
        self.date_styles = {str(style) for style in self.read_date_styles()}
        self.day = lru_cache(50_000)(self.day_of)

    def part_name(self, part: str) -> str:
        return self.names[posixpath.normpath(part).lower()]

    def elements(self, part: str) -> Iterator[Element]:
        name = self.names.get(posixpath.normpath(part).lower())
        if name:
            with self.archive.open(name) as stream:
                yield from (element for _, element in iterparse(stream))  # noqa: S314

    def read_texts(self) -> list[Cell]:
        """Tidied once: hundreds of lines share one text."""
        part = "xl/sharedstrings.xml"
        quick = ordinary_texts(self.archive.read(self.names[part])) if part in self.names else None
        if quick is not None:
            return quick
        texts: list[Cell] = []
        for element in self.elements(part):
            if local(element) == "si":
                texts.append(tidy(text_of(element)))
                element.clear()
        return texts

    def read_date_styles(self) -> set[int]:
        custom, styles = set(DATE_FORMATS), []
        for element in self.elements("xl/styles.xml"):
            if local(element) == "numFmt" and re.search(
                "[ymd年月日]", QUOTED.sub("", element.get("formatCode", "")).lower()
            ):
                custom.add(int(element.get("numFmtId")))
            if local(element) == "cellXfs":
                styles = [int(xf.get("numFmtId", 0)) for xf in element]
        return {index for index, number_format in enumerate(styles) if number_format in custom}

    def value(self, kind: str, style: str | None, shown: str) -> Cell:
        """What a cell of this type means by `shown`."""
        if kind == "s":
            return self.texts[int(shown)]
        if kind in ("n", ""):
            return self.number(shown, style)
        if kind == "e":
            return CellError(shown)
        if kind == "b":
            return "是" if shown == "1" else "否"
        return date.fromisoformat(shown[:10]) if kind == "d" else tidy(unescape(shown))

    def number(self, shown: str, style: str | None) -> Cell:
        if style in self.date_styles:
            return self.day(shown)
        return int(shown) if len(shown) < 16 and shown.isdecimal() else tidy(float(shown))

    def day_of(self, shown: str) -> Cell:
        number = float(shown)
        return self.epoch + timedelta(days=int(number)) if 1 <= number <= LAST_SERIAL else tidy(number)


def ordinary_texts(content: bytes) -> list[Cell] | None:
    """The shared texts where each is plain; None where one is not, such as one in several colours."""
    text = content.decode()
    start, end = text.find("<si"), text.rfind("</sst>")
    found = TEXTS.finditer(text, start, end) if 0 <= start < end else iter(())
    texts: list[Cell] = []
    for match in found:
        plain, odd = match.groups()
        if odd:
            return None
        if plain is not None:
            texts.append(tidy(unescape(plain)))
        elif match[0][0] == "<":
            texts.append(None)
    return texts if start >= 0 else None


class XlsxSheet:
    def __init__(self, book: Workbook, name: str, part: str):
        self.book, self.name = book, name
        self.part = book.part_name(part)
        self.merges = book.merges.get(self.part, [])
        self.is_1904 = book.epoch.year == 1904

    def lines(self) -> Iterator[Row]:
        before = 0
        with self.book.archive.open(self.part) as stream:
            cutter = Cutter(stream)
            while text := cutter.row():
                row = self.ordinary(text.decode(), before)
                if row is None:
                    cutter.put_back(text)
                    break
                before = row[0]
                yield row
            if not cutter.is_over:
                yield from XmlRows(self.book.value, before).read(cutter.tag, cutter.rest())

    def ordinary(self, text: str, before: int) -> Row | None:
        """One line, or None where anything about it is not ordinary."""
        head = ROW_HEAD.match(text)
        if not head:
            return None
        number = number_of_row(head[1], before)
        cells: list[Cell] = []
        value, texts, columns, blank = self.book.value, self.book.texts, COLUMNS, 0
        for column, style, kind, shown, inline, odd in CELLS.findall(text, head.end(), len(text) - 6):
            if odd or kind not in KNOWN_KINDS:
                return None
            if not (shown or inline):
                continue
            at = columns.get(column)
            if at is None:
                break
            cell = texts[int(shown)] if kind == "s" else value(kind, style, shown or inline)
            if cell is not None:
                if (blank := at - len(cells)) > 0:
                    cells.extend([None] * blank)
                elif blank < 0:
                    return None
                cells.append(cell)
        attributes = head[2]
        return number, 'hidden="1"' in attributes or 'hidden="true"' in attributes, cells

    def content_below(self, number: int) -> int | None:
        """Searched, not parsed."""
        row, text, within = 0, b"", False
        with self.book.archive.open(self.part) as stream:
            while piece := stream.read(PIECE * 4):
                text += piece
                if not within:
                    start = SHEET_DATA.search(text)
                    if not start:
                        continue
                    within, text = True, text[start.end() :]
                whole = text.rfind(b"<")
                rows, end, _ = text[: max(whole, 0)].partition(b"sheetData>")
                if any(mark in rows for mark in CONTENT_MARKS):
                    for found in CONTENT_OR_ROW.finditer(rows):
                        row = int(found[1] or row)
                        if not found[1] and row > number:
                            return row
                elif last := LAST_ROW.search(rows, max(rows.rfind(b"row "), 1) - 1):
                    row = int(last[1])
                if end:
                    break
                text = text[max(whole, 0) :]
        return None
