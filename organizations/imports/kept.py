"""The lines of a file as they were read, kept small, for error pages to quote and the annotated copy."""

import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from organizations.imports.process import Frame, rows_in
from organizations.imports.reading import Cell, Row

OPEN_AT_ONCE = 2


class Kept:
    def __init__(self) -> None:
        self.frames: dict[int, list[bytes]] = defaultdict(list)
        self.starts: dict[int, list[int]] = defaultdict(list)
        self.widest: dict[int, int] = defaultdict(int)
        # The last ones looked at. Kept by hand: a cached method would keep all this alive with itself.
        self.opened: dict[tuple[int, int], list[Row]] = {}

    def take(self, sheet: int, frame: Frame) -> None:
        self.starts[sheet].append(frame.first)
        self.frames[sheet].append(zlib.compress(frame.text, 1))
        self.widest[sheet] = max(self.widest[sheet], frame.widest)

    def frame(self, sheet: int, index: int) -> list[Row]:
        key = (sheet, index)
        if key not in self.opened:
            if len(self.opened) > OPEN_AT_ONCE:
                self.opened.clear()
            self.opened[key] = rows_in(zlib.decompress(self.frames[sheet][index]))
        return self.opened[key]

    def rows(self, sheet: int) -> Iterator[Row]:
        for index in range(len(self.frames[sheet])):
            yield from self.frame(sheet, index)

    def cells(self, sheet: int, number: int | None) -> list[Cell]:
        """One line, [] for one that is not there."""
        at = bisect_right(self.starts[sheet], number or 0) - 1
        found = self.frame(sheet, at) if at >= 0 else []
        return next((cells for row, _, cells in found if row == number), [])
