"""The lines of a file as they were read, kept small, for error pages to quote and the annotated copy."""

import json
import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from organizations.imports.process import cell_of
from organizations.imports.reading import Cell, Row


class Kept:
    def __init__(self) -> None:
        self.frames: dict[int, list[bytes]] = defaultdict(list)
        self.starts: dict[int, list[int]] = defaultdict(list)
        self.widest: dict[int, int] = defaultdict(int)
        self.frame = lru_cache(maxsize=2)(self.frame_of)

    def take(self, sheet: int, rows: list[Row], text: bytes) -> None:
        if rows:
            self.starts[sheet].append(rows[0][0])
            self.frames[sheet].append(zlib.compress(text, 1))
            self.widest[sheet] = max(self.widest[sheet], max(len(cells) for _, _, cells in rows))

    def frame_of(self, sheet: int, index: int) -> list[Row]:
        return json.loads(zlib.decompress(self.frames[sheet][index]), object_hook=cell_of)["rows"]

    def rows(self, sheet: int) -> Iterator[Row]:
        for index in range(len(self.frames[sheet])):
            yield from self.frame(sheet, index)

    def cells(self, sheet: int, number: int | None) -> list[Cell]:
        """One line, [] for one that is not there."""
        at = bisect_right(self.starts[sheet], number or 0) - 1
        found = self.frame(sheet, at) if at >= 0 else []
        return next((cells for row, _, cells in found if row == number), [])
