"""Streams .xlsx sheets to plain rows; memory and time follow the people, not the blank bordered rows.

Runs after `preflight`, which has refused every document type and entity.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from xml.etree.ElementTree import (
    Element,
    ParseError,
    XMLPullParser,
    iterparse,
)

from organizations.imports.preflight import FileRefused
from organizations.imports.reading import MAX_COLUMNS, Cell, CellError, Formula, Sheet, tidy

MAX_ROW = 1_048_576
PIECE = 256 * 1024
# A line of 16,384 cells has about 1 MB; more without the end of a row is an attack on our memory.
MAX_ROW_BYTES = 4 * 1024 * 1024
MAX_CELL_TEXT = 40_000
LAST_SERIAL = 109_574  # 31 December 2199
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# Format numbers that show dates in every language version of Excel, the Chinese ones included.
DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
REFERENCE = re.compile(r"([A-Z]{1,3})(\d+)")
MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+\d+):([A-Z]+\d+)"')
CONTENT_OR_ROW = re.compile(rb'<(?:\w+:)?row\s[^>]*?\br="(\d+)"|<(?:\w+:)?(?:v|is|f)[\s>]')


def read_xlsx(content: bytes, limit: int) -> tuple[list[Sheet], list[str]]:
    """Visible sheets, and the names of hidden ones."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            book = Workbook(archive)
            visible = [(name, part) for name, part, hidden in book.sheets if not hidden]
            sheets = [book.read_sheet(name, part, limit) for name, part in visible]
            return sheets, [name for name, _, hidden in book.sheets if hidden]
    except (ParseError, LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise FileRefused(
            "表格内部有损坏，读不出来。请在 WPS 或 Excel 里打开，另存为新的 .xlsx 再上传。", "CORRUPT"
        ) from error


def local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """By local name: r:id comes in two namespaces (transitional and strict)."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""


def column_of(reference: str) -> int:
    """Zero-based column of "AB12"."""
    number = 0
    for letter in REFERENCE.match(reference)[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


class Workbook:
    """The parts a sheet needs: shared texts, which styles are dates, the epoch."""

    def __init__(self, archive: zipfile.ZipFile):
        self.archive = archive
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
        self.date_styles = self.read_date_styles()

    def elements(self, part: str) -> Iterator[Element]:
        name = self.names.get(posixpath.normpath(part).lower())
        if name:
            with self.archive.open(name) as stream:
                yield from (element for _, element in iterparse(stream))  # noqa: S314

    def read_texts(self) -> list[str]:
        texts = []
        for element in self.elements("xl/sharedStrings.xml"):
            if local(element) == "si":
                texts.append(text_of(element))
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

    def read_sheet(self, name: str, part: str, limit: int) -> Sheet:
        sheet = Sheet(name)
        parser = XMLPullParser(["end"])
        going, number, unfinished = True, 0, 0
        with self.archive.open(self.names[posixpath.normpath(part).lower()]) as stream:
            while going and (piece := stream.read(PIECE)):
                parser.feed(piece)
                unfinished += len(piece)
                for _, element in parser.read_events():
                    kind = local(element)
                    if kind == "row":
                        number = next_number(element.get("r"), number)
                        going = self.take_row(sheet, number, element, limit) and going
                        element.clear()
                        unfinished = 0
                    elif kind == "sheetData":
                        going = False
                if unfinished > MAX_ROW_BYTES:
                    raise FileRefused(
                        "有一行的内容太多，不像名册。请把名册复制到新建的表格里再上传。", "ZIP_SIZE"
                    )
            look_behind(sheet, piece, stream)
        return sheet

    def take_row(self, sheet: Sheet, number: int, row: Element, limit: int) -> bool:
        cells: list[Cell] = []
        for element in row:
            reference = element.get("r")
            column = column_of(reference) if reference else len(cells)
            if column >= MAX_COLUMNS:
                break
            value = self.value_of(element)
            if value is not None:
                cells.extend([None] * (column - len(cells)))
                cells[column:] = [value]
            elif not reference:
                cells.append(None)
        if cells and row.get("hidden") in ("1", "true"):
            sheet.hidden_rows += 1
        return sheet.add(number, cells, limit)

    def value_of(self, element: Element) -> Cell:
        kind, shown, formula = element.get("t", "n"), None, False
        for child in element:
            name = local(child)
            if name == "v":
                shown = child.text
            elif name == "is":
                shown = text_of(child)
            elif name == "f":
                formula = True
        if formula:
            return Formula(shown or "")
        if shown is None:
            return None
        if kind == "n":
            return self.number_of(shown, element.get("s"))
        return {
            "s": lambda: tidy(self.texts[int(shown)]),
            "e": lambda: CellError(shown),
            "b": lambda: tidy(shown == "1"),
            "d": lambda: date.fromisoformat(shown[:10]),
        }.get(kind, lambda: tidy(unescape(shown)))()

    def number_of(self, shown: str, style: str | None) -> Cell:
        number = float(shown)
        if style and int(style) in self.date_styles and 1 <= number <= LAST_SERIAL:
            return self.epoch + timedelta(days=int(number))
        return tidy(number)


def next_number(written: str | None, before: int) -> int:
    number = int(written or before + 1)
    if not before < number <= MAX_ROW:
        raise ValueError("rows must ascend")
    return number


def text_of(element: Element) -> str:
    """All text runs, without the phonetic guides some systems add."""
    runs = []
    for child in element:
        if local(child) == "t":
            runs.append(child.text or "")
        elif local(child) == "r":
            runs += [run.text or "" for run in child if local(run) == "t"]
    return unescape("".join(runs))[:MAX_CELL_TEXT]


def unescape(text: str) -> str:
    """_x000B_ is how the format writes a character XML forbids."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def look_behind(sheet: Sheet, text: bytes, stream) -> None:
    """In what was not parsed: is there content further down, which cells are merged? Searched, not parsed.

    `text` is the last parsed piece: merged cells may follow in it, its rows were taken already.
    """
    row, in_rows = sheet.last_row, b"</sheetData>" not in text and b":sheetData>" not in text
    sheet.merges += merges_in(text)
    before = text[-4000:]
    while piece := stream.read(PIECE * 4):
        text = before + piece
        rows, end, _ = text.partition(b"sheetData>")
        if in_rows and sheet.row_after_gap is None and not sheet.too_many_rows:
            row = look_for_content(sheet, rows, row)
        in_rows = in_rows and not end
        sheet.merges += merges_in(text)
        before = piece[-4000:]
    sheet.merges = sorted(set(sheet.merges))


def look_for_content(sheet: Sheet, text: bytes, row: int) -> int:
    """Note the first row with content; the last row seen, for the next piece."""
    if b"v>" not in text and b"is>" not in text:
        return row
    for found in CONTENT_OR_ROW.finditer(text):
        row = int(found[1] or row)
        if not found[1] and row > sheet.last_row:
            sheet.row_after_gap = row
            break
    return row


def merges_in(text: bytes) -> list[tuple[int, int, int, int]]:
    if b"mergeCell" not in text:
        return []
    return [merge_of(first.decode(), last.decode()) for first, last in MERGE.findall(text)]


def merge_of(first: str, last: str) -> tuple[int, int, int, int]:
    top, bottom = (int(REFERENCE.match(corner)[2]) for corner in (first, last))
    return top, column_of(first), bottom, column_of(last)
