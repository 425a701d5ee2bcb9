"""The work of the parsing process done in this one: the same code, hundreds of times, nothing started."""

import io
import json
import os
from collections.abc import Iterator
from contextlib import redirect_stdout

from organizations.imports import child
from organizations.imports.process import Limits, Parsing
from organizations.imports.reading import Row, Sheet


class Near(Parsing):
    """For files of one sheet that are read; refusals and limits are proved with the real one."""

    def __init__(self, content: bytes, file_name: str, limits: Limits):
        self.limits, wanted = limits, list(range(4 if file_name.endswith(".csv") else 1))
        asked, ask = os.pipe()
        os.write(ask, json.dumps(wanted).encode())
        told, said = {"name": file_name, "limit": limits.rows}, io.BytesIO()
        try:
            with redirect_stdout(io.TextIOWrapper(said, write_through=True)) as stream:
                child.answer(content, told, asked)
                stream.detach()
        finally:
            os.close(asked)
            os.close(ask)
        self.waiting = said.getvalue().splitlines()

    def line(self) -> bytes:
        return self.waiting.pop(0)

    def read(self, sheets: list[Sheet]) -> Iterator[tuple[Sheet, list[Row], bytes]]:
        (sheet,) = sheets
        for _ in range(sheet.index):
            while b'"end":' not in self.line():
                pass
        self.ask = os.open(os.devnull, os.O_WRONLY)
        try:
            yield from super().read(sheets)
        finally:
            os.close(self.ask)

    def end(self) -> None:
        """Nothing was started."""
