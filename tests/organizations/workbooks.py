"""Builds roster workbooks as townships send them: real .xlsx, .xls and CSV bytes, made by code."""

import io
import zipfile
from datetime import date

from openpyxl import Workbook

from organizations.id_number import check_digit

HEADERS = ("序号", "所在党支部", "姓名", "性别", "出生年月", "身份证号", "入党时间", "联系电话")


def id_number(born: str = "19650712", serial: str = "341", area: str = "320706") -> str:
    """A number with a right check digit."""
    first = f"{area}{born}{serial}"
    return first + check_digit(first + "0")


def saved(book: Workbook) -> bytes:
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def xlsx(rows, *, title: str = "名册") -> bytes:
    """One sheet, exactly these rows."""
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(list(row))
    return saved(book)


def person(name="张一", branch="北山村党支部", **cells) -> list:
    """A line under HEADERS."""
    known = {
        "no": 1,
        "sex": None,
        "birth": "1965-07-12",
        "id": None,
        "joined": None,
        "phone": None,
    } | cells
    return [
        known["no"], branch, name, known["sex"], known["birth"], known["id"], known["joined"], known["phone"],
    ]  # fmt: skip


def roster(*people, headers=HEADERS) -> bytes:
    return xlsx([headers, *people])


def repacked(content: bytes, changes: dict[str, bytes | None] | None = None, **options) -> bytes:
    """The same zip with parts replaced, added, or (None) left out."""
    changes = dict(changes or {})
    output = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            data = changes.pop(name, source.read(name))
            if data is not None:
                target.writestr(name, data)
        for name, data in changes.items():
            target.writestr(name, data)
    return output.getvalue()


def sheet_xml(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("xl/worksheets/sheet1.xml")


ADULT = date(1970, 1, 1)
