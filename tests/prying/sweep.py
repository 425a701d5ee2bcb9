"""Looks for ID numbers and phones where none may lie: logs, files, addresses, rows.

tests/conftest.py keeps one `Sweep` over the whole run: the test that lets a number out fails.
"""

import gzip
import io
import json
import logging
import re
import zipfile
from pathlib import Path
from urllib.parse import unquote

from django.core.handlers.base import BaseHandler

from organizations.id_number import check_digit

# A place, a day of birth, three digits and one to check: the decimals of a duration have no birthday.
BIRTH = r"(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
ID_NUMBER = re.compile(rf"(?<![0-9a-fA-F-])([1-9]\d{{5}}{BIRTH}\d{{3}}[\dXx])(?![0-9a-fA-F-])")
PHONE = re.compile(r"(?<![0-9A-Za-z._-])(1[3-9]\d{9})(?![0-9A-Za-z_-])")
# What any of them is at least, also with percent signs: a page without it needs no second look.
SUSPECT = re.compile(r"[\d%][\dA-Fa-f%]{10}")
WRITE = re.compile(r'(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|MERGE\s+INTO)\s+"?(\w+)', re.IGNORECASE)
# An office's telephone stands on its own page for all its people; the rest of a row is a name.
OFFICES = {"organizations_organization"}
LINK = re.compile(r"""(?:href|src|action|hx-\w+|data-\w+)=["']([^"']*)""")
MOST = 20
DATABASE = (".sqlite3", ".sqlite3-wal", ".sqlite3-shm")


def numbers_in(text: str) -> set[str]:
    """Real-looking ID numbers (right check digit) and mobile phones, also inside JSON."""
    found = {n for n in ID_NUMBER.findall(text) if check_digit(n.upper()) == n[-1].upper()}
    return found | set(PHONE.findall(text))


class LogSweep(logging.Handler):
    """Keeps the first lines of a log that hold a number, with the traceback they came with."""

    def __init__(self):
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.found: list[str] = []

    def emit(self, record):
        try:
            line = self.format(record)
        except (TypeError, ValueError):
            return
        if len(self.found) < MOST and (numbers := numbers_in(line)):
            self.found.append(f"{sorted(numbers)}: {line[:300]}")


def files_with_numbers(folder: Path) -> list[str]:
    """Every file below the folder but the database itself, whose columns are looked at one by one, and
    the collected static files, which are of the program."""
    return [
        f"{path}: {sorted(numbers)}"
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(DATABASE)
        if path.relative_to(folder).parts[0] != "collected"
        if (numbers := numbers_in(unpacked(path.read_bytes()).decode("utf-8", "replace")))
    ]


def unpacked(content: bytes) -> bytes:
    """What is inside a zip (an .xlsx is one), zips in it included; anything else as it is."""
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"\n".join(name.encode() + b"\n" + unpacked(archive.read(name)) for name in archive.namelist())


def may_write(sql) -> bool:
    """Nothing writes behind a SELECT, and looking through a long one takes 50 µs, every time."""
    return not str(sql).startswith("SELECT")


def plain(value) -> str:
    """What the database is given for one column, as text; bytes are looked into when they are a zip."""
    if isinstance(value, bytes | memoryview):
        return unpacked(bytes(value)).decode("utf-8", "replace") if bytes(value[:2]) == b"PK" else ""
    if hasattr(value, "obj"):  # psycopg's wrapper of JSON
        return json.dumps(value.obj, ensure_ascii=False, default=str)
    return value if isinstance(value, str) else ""


class Sweep:
    """Everything logged, stored, answered as an address or left in a file during the run."""

    def __init__(self):
        self.log, self.found, self.original = LogSweep(), [], BaseHandler.get_response

    def begin(self):
        logging.getLogger().addHandler(self.log)
        sweep, original = self, self.original

        def get_response(handler, request):
            answer = original(handler, request)
            sweep.look_at(request, answer)
            return answer

        BaseHandler.get_response = get_response

    def end(self):
        logging.getLogger().removeHandler(self.log)
        BaseHandler.get_response = self.original

    def look_at(self, request, answer):
        """Headers, cookies and every address the page offers."""
        texts = [unquote(f"{name}: {value}") for name, value in answer.headers.items()]
        texts.append(answer.cookies.output())
        if not answer.streaming and "html" in answer.headers.get("Content-Type", ""):
            page = answer.content
            if answer.headers.get("Content-Encoding") == "gzip":
                page = gzip.decompress(page)
            text = page.decode("utf-8", "replace")
            texts += map(unquote, LINK.findall(text)) if SUSPECT.search(text) else ()
        self.complain(f"{request.method} {request.path} answers with", texts)

    def stored(self, execute, sql, params, many, context):
        """A database execute_wrapper: no row of any table is given a number that is not encrypted."""
        write = params and may_write(sql) and WRITE.search(str(sql))
        if write and write[1] not in OFFICES:
            rows = params if many else [params]
            for row in rows:
                values = row.values() if isinstance(row, dict) else row
                self.complain(f"{write[1]} is given", map(plain, values))
        return execute(sql, params, many, context)

    def complain(self, where, texts):
        for text in texts:
            if len(text) > 10 and len(self.found) < MOST and (numbers := numbers_in(text)):
                self.found.append(f"{where} {sorted(numbers)}: {text[:200]}")

    def take(self) -> list[str]:
        """What was found since the last time."""
        found, self.found = [*self.found, *self.log.found], []
        self.log.found = []
        return found
