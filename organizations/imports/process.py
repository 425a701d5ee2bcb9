"""Parses an upload in a process of its own, which may use so much memory and time and nothing else.

What comes back is JSON, a line at a time, and is decoded as data only. A
process that dies, hangs or asks for too much is a refused file, never a fault.
"""

import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from organizations.imports.ordinary import Plan, sound_columns
from organizations.imports.preflight import FileRefused
from organizations.imports.reading import Cell, CellError, Formula, Row, Sheet

CHILD = Path(__file__).with_name("child.py")
MEGABYTE = 1024 * 1024
READ = 1 << 20
ROWS = b'{"rows":'
# The longest honest line holds a few hundred rows.
MOST_OF_A_LINE = 64 * MEGABYTE
CELLS = {str, int, float, date, type(None), Formula, CellError}
day = lru_cache(50_000)(date.fromisoformat)


@dataclass(frozen=True)
class Limits:
    """`rows` per sheet; `memory` in bytes of address space; `seconds` of work; `waiting` in seconds, too.

    On a busy machine an honest file waits for its turn: the clock only ends what works no more.
    """

    rows: int
    memory: int = 512 * MEGABYTE
    seconds: int = 60
    waiting: int = 300


@dataclass
class Frame:
    """Some hundred lines of a sheet as they came; `told`: see `child.understood`."""

    text: bytes
    first: int
    widest: int
    told: list[list[Any] | int] | None
    # Of the understood ones the numbers, and column by column what they say.
    said: tuple[Sequence[int], dict[str, Sequence]] = ((), {})

    @cached_property
    def rows(self) -> list[Row]:
        return rows_in(self.text)

    def row(self, at: int) -> Row:
        try:
            return self.rows[at]
        except IndexError as error:
            raise too_hard() from error


def nameless() -> IO[bytes]:
    """A file in memory; where there is none (not Linux), one on the disk that nothing is left of."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("roster"), "w+b")
    return tempfile.TemporaryFile()


class Parsing:
    """`with Parsing(content, name, limits) as book:` then `book.sheets`, and once `book.read(sheets)`."""

    def __init__(self, content: bytes, file_name: str, limits: Limits):
        self.limits, self.waited, self.before = limits, 0.0, b""
        told = {
            "name": file_name,
            "limit": limits.rows,
            "memory": limits.memory,
            "seconds": limits.seconds,
        }
        asked, self.ask = os.pipe()
        try:
            with nameless() as source:
                source.write(content)
                source.seek(0)
                self.process = subprocess.Popen(
                    [sys.executable, "-I", str(CHILD), json.dumps(told), str(asked)],
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[asked],
                    env={},
                    bufsize=0,
                )
                # Each goes on while the other is busy with a thousand lines.
                if self.process.stdout and hasattr(fcntl, "F_SETPIPE_SZ"):
                    fcntl.fcntl(self.process.stdout, fcntl.F_SETPIPE_SZ, READ)
        except BaseException:
            os.close(self.ask)
            raise
        finally:
            os.close(asked)

    def __enter__(self) -> Self:
        try:
            self.begin(self.frame(cell_of))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            self.end()
            raise too_hard() from error
        except BaseException:
            self.end()
            raise
        return self

    def begin(self, told: dict[str, Any]) -> None:
        self.kind: str = told["kind"]
        self.hidden: list[str] = told["hidden"]
        self.total: int = told["total"]
        self.sheets = [
            Sheet(
                name=one["name"],
                rows=[(number, cells) for number, _, cells in one["rows"]],
                merges=[(top, left, bottom, right) for top, left, bottom, right in one["merges"]],
                index=index,
                more=one["more"],
                is_1904=one["is_1904"],
            )
            for index, one in enumerate(told["sheets"])
        ]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Whatever it is doing: no process and no pipe is left."""
        os.close(self.ask)
        self.process.kill()
        if self.process.stdout:
            self.process.stdout.close()
        self.process.wait()

    def read(self, sheets: list[Sheet]) -> Iterator[tuple[Sheet, list[Row], bytes]]:
        """All lines of these sheets, some hundred at a time, and as they came; then what was found behind."""
        for sheet, frame in self.frames([(sheet, None) for sheet in sheets]):
            yield sheet, frame.rows, frame.text

    def frames(self, plans: list[tuple[Sheet, Plan | None]]) -> Iterator[tuple[Sheet, Frame]]:
        """The same, and what ordinary lines of a sheet with a plan say."""
        asked = [(sheet.index, plan and plan.as_json()) for sheet, plan in plans]
        try:
            os.write(self.ask, json.dumps(asked).encode() + b"\n")
        except BrokenPipeError as error:
            raise too_hard() from error
        for sheet, plan in plans:
            while (text := self.line()).startswith(ROWS):
                yield sheet, self.framed(text, self.frame(), plan)
            told = decoded(text)
            if told.get("end") != sheet.index:
                raise too_hard()
            sheet.row_after_gap = told["row_after_gap"]
            sheet.too_many_rows = told["too_many_rows"]
            sheet.hidden_rows = told["hidden_rows"]

    def framed(self, text: bytes, told: dict[str, Any], plan: Plan | None) -> Frame:
        try:
            frame = Frame(text, int(told["first"]), int(told["widest"]), told["told"] if plan else None)
            if plan and frame.told:
                lines = [one for one in frame.told if not isinstance(one, int)]
                # Nothing that is ordinary needs such a sign.
                if b"\\u" in self.last:
                    raise ValueError("control characters")
                if lines:
                    frame.said = sound_columns(plan.fields, lines)
            return frame
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise too_hard() from error

    def frame(self, holds: Callable | None = None) -> dict[str, Any]:
        """What the next line holds; `holds` turns what JSON has no word for into cells."""
        self.last = self.line()
        return decoded(self.last, holds)

    def line(self) -> bytes:
        pieces = [self.before]
        size = len(self.before)
        while b"\n" not in pieces[-1]:
            piece = self.piece()
            size += len(piece)
            if not piece or size > MOST_OF_A_LINE:
                raise too_hard()
            pieces.append(piece)
        line, _, self.before = b"".join(pieces).partition(b"\n")
        return line

    def piece(self) -> bytes:
        """Waiting is counted, our own work between is not: a busy machine refuses nobody."""
        assert self.process.stdout is not None
        started = time.monotonic()
        poll = select.poll()
        poll.register(self.process.stdout, select.POLLIN | select.POLLHUP)
        left = self.limits.waiting - self.waited
        ready = left > 0 and poll.poll(left * 1000)
        self.waited += time.monotonic() - started
        if not ready:
            raise too_hard()
        return os.read(self.process.stdout.fileno(), READ)


def too_hard() -> FileRefused:
    return FileRefused("这个文件读不动。请把名册复制到新建的表格里，另存为 .xlsx 再上传。", "TOO_HARD")


def decoded(line: bytes, holds: Callable | None = None) -> dict[str, Any]:
    try:
        told = json.loads(line, object_hook=holds)
    except (ValueError, RecursionError) as error:
        raise too_hard() from error
    if not isinstance(told, dict):
        raise too_hard()
    if "refused" in told:
        raise FileRefused(*told["refused"])
    return told


def rows_in(text: bytes) -> list[Row]:
    return sound(decoded(text, cell_of)["rows"])


def sound(rows: Any) -> list[Row]:
    """Lines of plain cells; whoever took over the process could send something else."""
    for row in rows if isinstance(rows, list) else [rows]:
        if not (isinstance(row, list) and len(row) == 3 and isinstance(row[0], int) and type(row[2]) is list):
            raise too_hard()
        if not CELLS.issuperset(map(type, row[2])):
            raise too_hard()
    return rows


def cell_of(told: dict[str, Any]) -> dict[str, Any] | Cell:
    if len(told) == 1:
        if "d" in told:
            return day(told["d"])
        if "f" in told:
            return Formula(told["f"])
        if "e" in told:
            return CellError(told["e"])
    return told
