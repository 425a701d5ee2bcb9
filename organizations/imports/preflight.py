"""Looks at an uploaded file before anything parses it: what is it, and can it do harm?

The type is told by content, never by name. A workbook is read through once as
bytes: sizes, checksums, paths, macros, document types. Merged cells, which
stand behind the lines they hold for, are found on the way. Free of Django.
"""

import io
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any

from organizations.refused import Refused

OLE = bytes.fromhex("D0CF11E0A1B11AE1")
MEGABYTE = 1024 * 1024
MAX_ENTRIES = 200
MAX_RATIO = 200
MAX_SHARED_STRINGS = 20 * MEGABYTE
MAX_SHEET = 200 * MEGABYTE
MAX_OTHER = 10 * MEGABYTE
MAX_TOTAL = 250 * MEGABYTE
NEEDED = ("[content_types].xml", "xl/workbook.xml")
DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
MOST_MERGES = 100_000
MAX_COLUMN = 16_384
Merge = tuple[int, int, int, int]
ENCODING = re.compile(rb"""^<\?xml[^>]*\sencoding=["']([^"']+)""")
NOT_A_ROSTER = "这不是 Excel 表格。请在 WPS 或 Excel 里打开名册，另存为 .xlsx 再上传。"
HAS_MACROS = "表格里带有宏程序，不能上传。请另存为“Excel 工作簿（.xlsx）”再上传。"


@dataclass
class Inside:
    """What is seen on the way through a workbook: merged cells by part, and about how many lines it has."""

    merges: dict[str, list[Merge]] = field(default_factory=dict)
    lines: int = 0


class FileRefused(Refused):
    """The whole file is refused before any row is read.

    `ask`: what the user could answer instead, such as {"kind": "sheets", "sheets": [names]};
    None = only another file helps.
    """

    def __init__(self, message: str, code: str, ask: dict[str, Any] | None = None):
        super().__init__(message, code)
        self.ask = ask


def refuse_size_of(size: int, most: int) -> None:
    if size > most:
        raise FileRefused(
            f"文件超过 {most // MEGABYTE} MB。请删去图片和空白行，或按支部分成几个文件上传。", "TOO_LARGE"
        )


def inspect(content: bytes, file_name: str, inside: Inside | None = None) -> str:
    """What the file is: "xlsx", "xls" or "csv". Anything else, or anything harmful, is refused."""
    if not content:
        raise FileRefused("这个文件是空的，请重新选择名册文件。", "EMPTY")
    if content.startswith(b"PK"):
        inspect_zip(content, inside or Inside())
        return "xlsx"
    if content.startswith(OLE):
        inspect_ole(content)
        return "xls"
    inspect_text(content, file_name)
    return "csv"


def inspect_ole(content: bytes) -> None:
    """The old binary container: .xls, or an encrypted .xlsx, or another office file."""
    holds = {
        name: name.encode("utf-16-le") in content
        for name in ("EncryptedPackage", "_VBA_PROJECT_CUR", "Workbook", "Book")
    }
    if holds["EncryptedPackage"]:
        raise FileRefused("表格设了打开密码。请取消密码，另存后再上传。", "ENCRYPTED")
    if holds["_VBA_PROJECT_CUR"]:
        raise FileRefused(HAS_MACROS, "MACRO")
    if not (holds["Workbook"] or holds["Book"]):
        raise FileRefused(NOT_A_ROSTER, "TYPE")


def inspect_text(content: bytes, file_name: str) -> None:
    head = content[:1000].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if head.startswith(b"<"):
        raise FileRefused(
            "这个文件其实是网页，不是 Excel 表格。请用 WPS 或 Excel 打开，另存为 .xlsx 再上传。", "TYPE"
        )
    binary = b"\0" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not binary:
        return
    if file_name.lower().endswith((".csv", ".txt")):
        raise FileRefused("CSV 文件里有不能识别的字符，请另存为 .xlsx 再上传。", "CONTROL_CHAR")
    raise FileRefused(NOT_A_ROSTER, "TYPE")


def inspect_zip(content: bytes, inside: Inside) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            refuse_entries(entries)
            refuse_kind({entry.filename.lower() for entry in entries})
            for entry in entries:
                read_through(archive, entry, inside)
    except FileRefused:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise FileRefused(
            "文件已损坏，可能没有传完。请在 WPS 或 Excel 里打开核对，另存后重新上传。", "CORRUPT"
        ) from error


def refuse_entries(entries: list[zipfile.ZipInfo]) -> None:
    """The directory of the zip alone already shows most attacks."""
    if len(entries) > MAX_ENTRIES:
        raise FileRefused("表格内部的部件太多，不像名册。请把名册复制到新建的表格里再上传。", "ZIP_ENTRIES")
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        is_link = stat.S_ISLNK(entry.external_attr >> 16)
        if is_link or ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise FileRefused(
                "表格内部的路径不正常，不能打开。请把名册复制到新建的表格里再上传。", "ZIP_PATH"
            )
        if entry.flag_bits & 1:
            raise FileRefused("表格设了密码。请取消密码，另存后再上传。", "ENCRYPTED")
        refuse_size(entry)
    if sum(entry.file_size for entry in entries) > MAX_TOTAL:
        raise FileRefused("表格解开后太大。请删去图片和空白行再上传。", "ZIP_SIZE")


def refuse_size(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.lower()
    is_sheet = name.startswith("xl/worksheets/")
    limit = MAX_SHEET if is_sheet else MAX_SHARED_STRINGS if name == "xl/sharedstrings.xml" else MAX_OTHER
    ratio = entry.file_size / max(entry.compress_size, 1)
    if not is_sheet and entry.file_size > MEGABYTE and ratio > MAX_RATIO:
        raise FileRefused("表格的压缩比不正常，不能打开。请把名册复制到新建的表格里再上传。", "ZIP_RATIO")
    if entry.file_size > limit:
        raise FileRefused("表格解开后太大。请删去图片和空白行再上传。", "ZIP_SIZE")


def refuse_kind(names: set[str]) -> None:
    if any(name.endswith("vbaproject.bin") for name in names):
        raise FileRefused(HAS_MACROS, "MACRO")
    if not all(name in names for name in NEEDED):
        raise FileRefused(NOT_A_ROSTER, "TYPE")


def read_through(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, inside: Inside) -> None:
    """Unpack one part piece by piece: its checksum is proved, and no XML may bring its own entities."""
    name = entry.filename.lower()
    is_sheet = name.startswith("xl/worksheets/")
    is_xml = is_sheet or name.endswith((".xml", ".rels"))
    merges: set[Merge] = set()
    with archive.open(entry) as part:
        before = b""
        while piece := part.read(MEGABYTE):
            text = before + piece
            if is_xml and (b"<!" in text or not before):
                refuse_harmful(text, is_head=not before)
            if is_sheet:
                inside.lines += piece.count(b"<row ")
                merges.update(merges_in(text))
            if len(merges) > MOST_MERGES:
                raise FileRefused(
                    "表里合并的单元格太多，不像名册。请把名册复制到新建的表格里再上传。", "ZIP_SIZE"
                )
            before = piece[-200:]
    if merges:
        inside.merges[entry.filename] = sorted(merges)


def refuse_harmful(text: bytes, *, is_head: bool) -> None:
    if DECLARES.search(text) or (is_head and not is_plain_utf8(text)):
        raise FileRefused("表格内部含有不安全的内容，不能打开。请把名册复制到新建的表格里再上传。", "XML")


def merges_in(text: bytes) -> list[Merge]:
    """(top, left, bottom, right): rows as they are numbered, columns from 0."""
    if b"mergeCell" not in text:
        return []
    return [
        (int(top), column_of(left.decode()), int(bottom), column_of(right.decode()))
        for left, top, right, bottom in MERGE.findall(text)
    ]


def column_of(reference: str) -> int:
    """Zero-based column of "AB" or "AB12"."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        if not "A" <= letter <= "Z" or number > MAX_COLUMN:
            raise ValueError("no column")
        number = number * 26 + ord(letter) - 64
    return number - 1


def is_plain_utf8(head: bytes) -> bool:
    """Another encoding could hide a document type from the search above."""
    declared = ENCODING.match(head[:300].lstrip(b"\xef\xbb\xbf"))
    return b"\0" not in head[:100] and (not declared or declared[1].lower() in (b"utf-8", b"us-ascii"))
