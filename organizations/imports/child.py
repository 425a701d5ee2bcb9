"""The process that parses an uploaded file, and nothing else: no Django, no database, no network, no files.

Started by `process`. Standard input is the file, argument 1 its description as
JSON, argument 2 the pipe on which the sheets to read are asked for. The answer
is one JSON object a line: the book with the head of each sheet; then of each
sheet asked for some hundred lines, what those say that are ordinary, and so on,
and what was found at its end; or why it is refused.
"""

import csv
import gc
import json
import os
import resource
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from organizations.imports.ordinary import Plan, Understanding
from organizations.imports.preflight import FileRefused, Inside, inspect
from organizations.imports.reading import (
    CellError,
    Formula,
    Lines,
    Row,
    Source,
    read_csv,
    read_xls,
)
from organizations.imports.xlsx import open_xlsx

AT_ONCE = 500
# The same text of 32,767 characters may stand in a million cells.
MOST_CHARACTERS = 100_000_000
FRAME = 200_000
BROKEN = (ParseError, ExpatError, LookupError, ValueError, TypeError, AttributeError, OverflowError)
CORRUPT = "表格内部有损坏，读不出来。请在 WPS 或 Excel 里打开，另存为新的 .xlsx 再上传。"


def main() -> None:
    told = json.loads(sys.argv[1])
    content = sys.stdin.buffer.read()
    lock_up(told)
    # Nothing here makes cycles; looking for them takes a thirtieth of the time.
    gc.disable()
    try:
        answer(content, told, int(sys.argv[2]))
    except FileRefused as refusal:
        write({"refused": [refusal.message, refusal.code]})
    except csv.Error:
        write({"refused": ["CSV 文件读不出来。请另存为 .xlsx 再上传。", "CORRUPT"]})
    except BROKEN:
        write({"refused": [CORRUPT, "CORRUPT"]})
    sys.stdout.buffer.flush()


def lock_up(told: dict[str, Any]) -> None:
    """From here on no file, socket or process can be opened, whatever a file makes the parsers do."""
    for codec in ("gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp437", "latin-1"):
        "".encode(codec)
    limits = {
        resource.RLIMIT_AS: told["memory"],
        resource.RLIMIT_CPU: told["seconds"],
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 0,
    }
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))
    sys.addaudithook(refuse)


def refuse(event: str, _arguments: tuple) -> None:
    if event == "open" or event.startswith(("socket.", "subprocess.", "os.", "ctypes.", "shutil.")):
        raise PermissionError(event)


def answer(content: bytes, told: dict[str, Any], asked: int) -> None:
    inside = Inside()
    kind = inspect(content, told["name"], inside)
    hidden: list[str] = []
    if kind == "csv":
        sources = read_csv(content)
    else:
        sources, hidden = open_xlsx(content, inside.merges) if kind == "xlsx" else read_xls(content)
    sheets = [begun(one, told["limit"]) for one in sources]
    total = inside.lines or content.count(b"\n")
    write({"kind": kind, "hidden": hidden, "total": total, "sheets": sheets})
    sys.stdout.buffer.flush()
    for index, plan in asked_for(asked):
        lines = Lines(sources[index], told["limit"])
        understanding = Understanding(Plan(**plan)) if plan else None
        for frame in frames(lines):
            write({"rows": frame})
            write(understood(frame, understanding))
        write(
            {
                "end": index,
                "row_after_gap": lines.row_after_gap,
                "too_many_rows": lines.too_many_rows,
                "hidden_rows": lines.hidden_rows,
            }
        )


def asked_for(pipe: int) -> list[tuple[int, dict[str, Any] | None]]:
    text = b""
    while not text.endswith(b"\n") and (piece := os.read(pipe, 65_536)):
        text += piece
    return json.loads(text or b"[]")


def understood(frame: list[Row], understanding: Understanding | None) -> dict[str, Any]:
    """Each line as it is understood, or its place in the frame; nothing where most are not ordinary."""
    found: list[list[Any] | int] | None = None
    if understanding:
        below, say = understanding.below, understanding.told
        said = [say(cells) if number > below else None for number, _, cells in frame]
        if sum(one is None for one in said) <= len(said) // 2:
            found = [
                n if one is None else [number, hidden, *one]
                for n, ((number, hidden, _), one) in enumerate(zip(frame, said, strict=True))
            ]
    return {"told": found, "first": frame[0][0], "widest": max([len(cells) for _, _, cells in frame])}


def begun(source: Source, limit: int) -> dict[str, Any]:
    rows, more = Lines(source, limit).head()
    told = {"name": source.name, "merges": source.merges, "is_1904": source.is_1904}
    return told | {"rows": rows, "more": more}


def frames(lines: Lines) -> Iterator[list[Row]]:
    frame: list[Row] = []
    size = total = 0
    for row in lines:
        frame.append(row)
        size += sum([len(cell) for cell in row[2] if cell.__class__ is str])  # type: ignore[arg-type]
        if len(frame) == AT_ONCE or size > FRAME:
            yield frame
            total += size
            frame, size = [], 0
            if total > MOST_CHARACTERS:
                raise FileRefused("表格解开后太大。请删去图片和空白行再上传。", "ZIP_SIZE")
    if frame:
        yield frame


def write(told: dict[str, Any]) -> None:
    # NUL is a control character like others, except that no database takes it.
    text = json.dumps(told, ensure_ascii=False, default=as_json, separators=(",", ":"))
    sys.stdout.buffer.write(text.replace("\\u0000", "\\u0001").encode("utf-8", "replace") + b"\n")


def as_json(cell: object) -> dict[str, str]:
    if isinstance(cell, date):
        return {"d": cell.isoformat()}
    if isinstance(cell, Formula):
        return {"f": cell.text}
    assert isinstance(cell, CellError)
    return {"e": cell.text}


if __name__ == "__main__":
    main()
