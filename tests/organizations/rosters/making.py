"""Bytes of every kind of file a roster comes in."""

import csv
import io
import struct
import zlib
from datetime import date

import xlsxwriter
import xlwt
from openpyxl import Workbook

from tests.organizations.workbooks import saved

TEXT_ONLY = {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}


def excel(rows, *, merges=(), title="名册", dates_1904=False, formats=None, **sheets) -> bytes:
    """As Excel writes it, with shared texts. `formats`: (row, column) from 0 → number format."""
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, TEXT_ONLY | {"in_memory": True, "date_1904": dates_1904})
    for name, lines in {title: rows, **sheets}.items():
        sheet = book.add_worksheet(name)
        for r, row in enumerate(lines):
            for c, value in enumerate(row):
                write(book, sheet, r, c, value, (formats or {}).get((r, c)))
    for where in merges:
        book.worksheets()[0].merge_range(where, "")
        top, left = corner(where)
        write(book, book.worksheets()[0], top, left, at(rows, top, left))
    book.close()
    return output.getvalue()


def write(book, sheet, row, column, value, number_format=None) -> None:
    if value is None:
        return
    if isinstance(value, date):
        sheet.write_datetime(row, column, value, book.add_format({"num_format": "yyyy-mm-dd"}))
    elif isinstance(value, str) and value.startswith("=") and len(value) > 1:
        sheet.write_formula(row, column, value)
    elif number_format:
        sheet.write(row, column, value, book.add_format({"num_format": number_format}))
    else:
        sheet.write(row, column, value)


def corner(where: str) -> tuple[int, int]:
    first = where.partition(":")[0]
    return int(first[1:]) - 1, ord(first[0]) - 65


def at(rows, row, column):
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else None


def merged(rows, *merges) -> bytes:
    """As openpyxl writes it; only the first cell of a merge keeps its value."""
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    for where in merges:
        book.active.merge_cells(where)
    return saved(book)


def xls(rows, *, merges=(), dates_1904=False, hidden=()) -> bytes:
    """A genuine old .xls. `merges`: (top, bottom, left, right) from 0; `hidden`: lines from 0."""
    book = xlwt.Workbook()
    book.dates_1904 = dates_1904
    sheet = book.add_sheet("名册")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value is None or any(inside(m, r, c) for m in merges):
                continue
            if isinstance(value, str) and value.startswith("=") and len(value) > 1:
                sheet.write(r, c, xlwt.Formula("1+1"))
            else:
                sheet.write(r, c, value, day) if isinstance(value, date) else sheet.write(r, c, value)
    for line in hidden:
        sheet.row(line).hidden = True
    for top, bottom, left, right in merges:
        sheet.write_merge(top, bottom, left, right, at(rows, top, left))
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def inside(merge, row, column) -> bool:
    top, bottom, left, right = merge
    return top <= row <= bottom and left <= column <= right


def csv_bytes(rows, encoding="utf-8-sig", separator=",") -> bytes:
    output = io.StringIO()
    writer = csv.writer(output, delimiter=separator)
    for row in rows:
        writer.writerow(["" if value is None else value for value in row])
    return output.getvalue().encode(encoding)


def picture() -> bytes:
    """A PNG of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
        + chunk(b"IEND", b"")
    )


def only_a_picture() -> bytes:
    output = io.BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True})
    sheet = book.add_worksheet("名册")
    sheet.insert_image("A1", "名册.png", {"image_data": io.BytesIO(picture())})
    book.close()
    return output.getvalue()
