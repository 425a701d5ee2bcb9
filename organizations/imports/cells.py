"""Lines of a sheet by the XML parser: whatever the format allows, at a third of the speed.

`Cutter` cuts out one row element after another for the quick way; `XmlRows`
goes on from the first that is not ordinary.
"""

import re
from collections.abc import Callable, Iterator
from typing import IO
from xml.etree.ElementTree import Element
from xml.parsers import expat

from organizations.imports.preflight import FileRefused, column_of
from organizations.imports.reading import MAX_COLUMNS, Cell, Formula, Row

MAX_ROW = 1_048_576
MAX_CELL_TEXT = 32_767
PIECE = 256 * 1024
# A line of 16,384 cells has about 1 MB; more without the end of a row is an attack on our memory.
MAX_ROW_BYTES = 4 * 1024 * 1024
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
SHEET_DATA = re.compile(rb"<((?:\w+:)?sheetData)\s*(/?)>")
BLANK = re.compile(rb"\s*")
SLASH = ord("/")
# Cells right of all that is read: some sheets are bordered that far, an attack fills them.
MOST_BEYOND = 1_000_000
# (type, style, what it shows) → what the cell means
Meaning = Callable[[str, str | None, str], Cell]


def too_much() -> FileRefused:
    return FileRefused("有一行的内容太多，不像名册。请把名册复制到新建的表格里再上传。", "ZIP_SIZE")


class Cutter:
    """Row elements of a sheet, cut out by searching. None = no more, or what comes is not ordinary."""

    def __init__(self, stream: IO[bytes]):
        self.stream, self.data, self.at, self.is_over, self.tag = stream, b"", 0, False, b""
        while not (start := SHEET_DATA.search(self.data)):
            # The head of a sheet with thousands of column widths is far smaller.
            if not self.more():
                raise ValueError("no rows")
        self.tag, self.at, self.is_over = start[1], start.end(), bool(start[2])

    def more(self) -> bool:
        piece = self.stream.read(PIECE)
        self.data, self.at = self.data[self.at :] + piece, 0
        if len(self.data) > MAX_ROW_BYTES:
            raise too_much()
        return bool(piece)

    def row(self) -> bytes | None:
        while not self.is_over:
            data, at = self.data, self.at
            if data[at : at + 1].isspace():
                at = self.at = BLANK.match(data, at).end()  # type: ignore[union-attr]
            if data.startswith(b"<row ", at):
                end = end_of_row(data, at)
                if end:
                    self.at = end
                    return data[at:end]
            elif data.startswith(b"</sheetData>", at):
                self.is_over = True
                break
            elif len(data) - at > len(b"</sheetData>"):
                break
            if not self.more():
                break
        return None

    def put_back(self, row: bytes) -> None:
        self.at -= len(row)

    def rest(self) -> Iterator[bytes]:
        yield self.data[self.at :]
        while piece := self.stream.read(PIECE):
            yield piece


def end_of_row(data: bytes, at: int) -> int:
    """Where the row ends that starts here; 0 = not in this piece."""
    close = data.find(b">", at)
    if close < 0:
        return 0
    if data[close - 1] == SLASH:
        return close + 1
    end = data.find(b"</row>", close)
    return end + 6 if end > 0 else 0


class XmlRows:
    """The expat way through the rest of a sheet."""

    def __init__(self, meaning: Meaning, before: int):
        self.meaning, self.number = meaning, before
        self.found: list[Row] = []
        self.cells: list[Cell] = []
        self.is_hidden = self.is_over = self.is_formula = self.is_phonetic = False
        self.column, self.kind, self.style, self.beyond = 0, "", None, 0
        self.shown: str | None = None
        self.text: list[str] | None = None
        self.inline: list[str] = []

    def read(self, tag: bytes, pieces: Iterator[bytes]) -> Iterator[Row]:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self.characters
        parser.Parse(b"<" + tag + b">", False)
        unfinished = 0
        for piece in pieces:
            try:
                parser.Parse(piece, False)
            except expat.ExpatError:
                if not self.is_over:  # what stands behind the lines is not looked at
                    raise
            unfinished = 0 if self.found else unfinished + len(piece)
            if unfinished > MAX_ROW_BYTES:
                raise too_much()
            yield from self.found
            self.found = []
            if self.is_over:
                return
        raise ValueError("the lines do not end")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "c":
            reference = attributes.get("r")
            self.column = column_of(reference) if reference else self.column + 1
            self.kind, self.style = attributes.get("t", "n"), attributes.get("s")
            self.shown, self.is_formula = None, False
        elif name == "row":
            self.number = number_of_row(attributes.get("r"), self.number)
            self.cells, self.column, self.is_hidden = [], -1, attributes.get("hidden") in ("1", "true")
        elif name in ("v", "t"):
            self.text = []
        elif name == "is":
            self.inline = []
        elif name == "rPh":
            self.is_phonetic = True
        elif name == "f":
            self.is_formula = True

    def characters(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "v" and self.text is not None:
            self.shown, self.text = "".join(self.text) or None, None
        elif name == "t" and self.text is not None:
            self.inline += [] if self.is_phonetic else self.text
            self.text = None
        elif name == "is":
            self.shown, self.kind = "".join(self.inline)[:MAX_CELL_TEXT], "inlineStr"
        elif name == "rPh":
            self.is_phonetic = False
        elif name == "c":
            self.take_cell()
        elif name == "row":
            self.found.append((self.number, self.is_hidden, self.cells))
        elif name == "sheetData":
            self.is_over = True

    def take_cell(self) -> None:
        if self.column >= MAX_COLUMNS:
            self.beyond += 1
            if self.beyond > MOST_BEYOND:
                raise FileRefused(
                    "表格太宽，右边有太多格子。请把名册用到的列复制到新建的表格里再上传。", "ZIP_SIZE"
                )
            return
        value: Cell = None
        if self.is_formula:
            value = Formula(self.shown or "")
        elif self.shown is not None:
            value = self.meaning(self.kind, self.style, self.shown)
        self.cells.extend([None] * (self.column + 1 - len(self.cells)))
        self.cells[self.column] = value


def number_of_row(written: str | None, before: int) -> int:
    number = int(written or before + 1)
    if not before < number <= MAX_ROW:
        raise ValueError("rows must ascend")
    return number


def text_of(element: Element) -> str:
    """All text runs, without the phonetic guides some systems add."""
    runs = []
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name == "t":
            runs.append(child.text or "")
        elif name == "r":
            runs += [run.text or "" for run in child if run.tag.rpartition("}")[2] == "t"]
    return unescape("".join(runs))[:MAX_CELL_TEXT]


def unescape(text: str) -> str:
    """_x000B_ is how the format writes a character XML forbids."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
