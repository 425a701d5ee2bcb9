"""The lines of a file as they were read, kept small, for error pages to quote and the annotated copy."""

import json
import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from organizations.imports.process import Frame, decoded, rows_in
from organizations.imports.reading import Cell, Row

OPEN_AT_ONCE = 2


class Kept:
    def __init__(self) -> None:
        self.frames: dict[int, list[bytes]] = defaultdict(list)
        self.starts: dict[int, list[int]] = defaultdict(list)
        self.widest: dict[int, int] = defaultdict(int)
        # The last ones looked at. Kept by hand: a cached method would keep all this alive with itself.
        self.opened: dict[tuple[int, int], list[Any]] = {}

    def take(self, sheet: int, frame: Frame) -> None:
        self.starts[sheet].append(frame.first)
        self.frames[sheet].append(zlib.compress(frame.text, 1))
        self.widest[sheet] = max(self.widest[sheet], frame.widest)

    def frame(self, sheet: int, index: int) -> list[Any]:
        """As the parsing process told it: of hundreds of lines few are looked at."""
        key = (sheet, index)
        if key not in self.opened:
            if len(self.opened) > OPEN_AT_ONCE:
                self.opened.clear()
            told = decoded(zlib.decompress(self.frames[sheet][index]))["rows"]
            self.opened[key] = told if isinstance(told, list) else []
        return self.opened[key]

    def rows(self, sheet: int) -> Iterator[Row]:
        for frame in self.frames[sheet]:
            yield from rows_in(zlib.decompress(frame))

    def cells(self, sheet: int, number: int | None) -> list[Cell]:
        """One line, [] for one that is not there."""
        at = bisect_right(self.starts[sheet], number or 0) - 1
        found = self.frame(sheet, at) if at >= 0 else []
        line = next((one for one in found if isinstance(one, list) and one[:1] == [number]), None)
        return rows_in(json.dumps({"rows": [line]}).encode())[0][2] if line else []
