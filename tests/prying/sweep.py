"""Looks for ID numbers and phones where none may lie: logs, files, addresses, rows."""

import logging
import re
from pathlib import Path

from organizations.id_number import check_digit

ID_NUMBER = re.compile(r"(?<![0-9a-fA-F-])(\d{17}[\dXx])(?![0-9a-fA-F-])")
PHONE = re.compile(r"(?<![0-9A-Za-z._-])(1[3-9]\d{9})(?![0-9A-Za-z_-])")
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
        if len(self.found) < 20 and (numbers := numbers_in(line)):
            self.found.append(f"{sorted(numbers)}: {line[:300]}")


def files_with_numbers(folder: Path) -> list[str]:
    """Every file below the folder but the database itself, whose columns are looked at one by one."""
    return [
        f"{path}: {sorted(numbers)}"
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(DATABASE)
        if (numbers := numbers_in(path.read_bytes().decode("utf-8", "replace")))
    ]
