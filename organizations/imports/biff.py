"""What calamine does not tell of an old .xls: which cells are computed, which lines are hidden.

Only the frame of the format is read: the container's sectors, then one record after the other.
Free of Django: this runs in the process that parses uploads.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct, error, unpack_from

STREAMS = ("workbook", "book")
ENTRY = 128
ROOT = 0
LAST_SECTOR = 0xFFFFFFF9  # greater ones are signs
HEAD_SECTORS = 109
RECORD = Struct("<HH")
BEGIN, END, SHEET, ROW = 0x0809, 0x000A, 0x0085, 0x0208
FORMULAS = (0x0006, 0x0206, 0x0406)
ROW_FLAGS, IS_HIDDEN = 12, 0x20
BROKEN = (error, IndexError, ValueError)


@dataclass
class Beside:
    """Of one sheet: computed cells (line, column) and hidden lines, all from 0."""

    formulas: list[tuple[int, int]] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)


def beside_cells(content: bytes) -> list[Beside]:
    """One for each sheet, in the order of the book. Raises one of BROKEN where the frame does not hold."""
    stream = Container(content).stream()
    starts = [unpack_from("<I", stream, at)[0] for kind, at, _ in records(stream, 0) if kind == SHEET]
    return [beside(stream, start) for start in starts]


def beside(stream: bytes, start: int) -> Beside:
    found = Beside()
    for kind, at, size in records(stream, start):
        if kind in FORMULAS:
            found.formulas.append(RECORD.unpack_from(stream, at))
        elif kind == ROW and size > ROW_FLAGS and stream[at + ROW_FLAGS] & IS_HIDDEN:
            found.hidden.add(unpack_from("<H", stream, at)[0])
    return found


def records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and size of each record of the part that begins here, without charts inside it."""
    depth, whole = 0, len(stream) - RECORD.size
    while 0 <= at <= whole:
        kind, size = RECORD.unpack_from(stream, at)
        at += RECORD.size
        depth += (kind == BEGIN) - (kind == END)
        if depth <= 0:
            return
        if depth == 1:
            yield kind, at, size
        at += size


class Container:
    """The compound file: a small file system, of which one stream is wanted."""

    def __init__(self, content: bytes):
        self.content = content
        shift, self.small_shift = unpack_from("<HH", content, 30)
        directory, _, self.small_below, small_table = unpack_from("<4I", content, 48)
        self.size = 1 << shift
        if not 7 <= shift <= 12 or self.small_shift >= shift:
            raise ValueError("sector size")
        self.table = numbers(b"".join(map(self.sector, self.table_sectors())))
        self.directory = self.chained(directory)
        self.small_table = numbers(self.chained(small_table)) if small_table <= LAST_SECTOR else ()

    def sector(self, number: int) -> bytes:
        start = (number + 1) * self.size
        return self.content[start : start + self.size]

    def table_sectors(self) -> list[int]:
        """Where the table of chains lies: told in the head, of long files also in sectors of its own."""
        found = list(unpack_from(f"<{HEAD_SECTORS}I", self.content, 76))
        further, seen = unpack_from("<I", self.content, 68)[0], set[int]()
        while further <= LAST_SECTOR and further not in seen:
            seen.add(further)
            *more, further = numbers(self.sector(further))
            found += more
        return [number for number in found if number <= LAST_SECTOR]

    def chained(self, first: int) -> bytes:
        return b"".join(map(self.sector, chain(self.table, first)))

    def stream(self) -> bytes:
        """Of a file for two generations the newer one, as calamine takes it."""
        entries = {self.name(at): at for at in range(0, len(self.directory) - ENTRY + 1, ENTRY)}
        at = next((entries[name] for name in STREAMS if name in entries), None)
        if at is None:
            raise ValueError("no workbook")
        first, size = unpack_from("<II", self.directory, at + 116)
        return (self.small(first) if size < self.small_below else self.chained(first))[:size]

    def name(self, at: int) -> str:
        length = unpack_from("<H", self.directory, at + 64)[0]
        return self.directory[at : at + max(length - 2, 0)].decode("utf-16-le", "replace").lower()

    def small(self, first: int) -> bytes:
        """Short streams lie in pieces inside that of the root."""
        inside = self.chained(unpack_from("<I", self.directory, ROOT + 116)[0])
        size = 1 << self.small_shift
        return b"".join(inside[n * size : (n + 1) * size] for n in chain(self.small_table, first))


def numbers(sectors: bytes) -> tuple[int, ...]:
    return unpack_from(f"<{len(sectors) // 4}I", sectors)


def chain(table: tuple[int, ...], number: int) -> Iterator[int]:
    """The sectors of one stream; a table that turns in a circle ends with itself."""
    for _ in table:
        if number > LAST_SECTOR:
            return
        yield number
        number = table[number]
