"""Files that are refused as a whole, and by which code."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from openpyxl import Workbook

from tests.organizations.rosters.making import csv_bytes, excel, only_a_picture, picture
from tests.organizations.workbooks import HEADERS, person, repacked, saved

OLE = bytes.fromhex("D0CF11E0A1B11AE1")
TABLE = "<table><tr><td>姓名</td><td>所在党支部</td></tr><tr><td>张一</td><td>北山村党支部</td></tr></table>"
XXE = '<!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


@dataclass(frozen=True)
class FileCase:
    id: str
    what: str
    code: str
    build: Callable[[], bytes]
    name: str = "名册.xlsx"
    status: int = 422

    def __str__(self):
        return f"{self.id} {self.what}"


def good(*people, **options) -> bytes:
    return excel([HEADERS, *(people or (person("张一"), person("李二")))], **options)


def part_of(content: bytes, part: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(part).decode()


def declaring(part: str, doctype: str, *, used: str = "") -> bytes:
    """A good roster with a document type in one part; `used`: an entity in place of 张一."""
    content = good()
    head, mark, rest = part_of(content, part).partition("?>")
    assert mark, "xlsxwriter declares every part"
    if used:
        assert "张一" in rest, "the fixture must use the entity, or the test passes vacuously"
        rest = rest.replace("张一", used)
    return repacked(content, {part: (head + mark + doctype + rest).encode()})


def zipped(*entries: tuple[str, bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return output.getvalue()


def with_link() -> bytes:
    output = io.BytesIO(good())
    with zipfile.ZipFile(output, "a") as archive:
        link = zipfile.ZipInfo("xl/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return output.getvalue()


def flipped() -> bytes:
    content = good()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    place = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
    return content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]


def unclear_sheets() -> bytes:
    book = Workbook()
    for name, sheet in (("Sheet1", book.active), ("Sheet2", book.create_sheet())):
        sheet.title = name
        sheet.append(["姓名", "性别"])
        sheet.append([f"张{name[-1]}".replace("1", "一").replace("2", "二"), "男"])
    return saved(book)


def two_phones() -> bytes:
    return excel([["姓名", "所在党支部", "联系电话", "联系电话"], ["张一", "北山村党支部", "1", "2"]])


def too_many() -> bytes:
    """More than the test allows; 20,000 are allowed in truth."""
    return good(*(person(f"张{chr(0x4E00 + n)}") for n in range(300)))


FILES = [
    FileCase("R6", "two columns of one name", "HEADER_AMBIGUOUS", two_phones),
    FileCase("R56", "more people than allowed", "TOO_MANY_ROWS", too_many),
    FileCase("R57", "more bytes than allowed", "TOO_LARGE", lambda: good() + b"\0" * 20_000_000, status=413),
    FileCase("R60", "an .et or .doc in the old container", "TYPE", lambda: OLE + b"\0" * 600, "名册.et"),
    FileCase(
        "R60b", "an .ods", "TYPE", lambda: zipped(("mimetype", b"x"), ("content.xml", b"<x/>")), "名册.ods"
    ),
    FileCase("R60c", "a .numbers", "TYPE", lambda: zipped(("Index/Document.iwa", b"x")), "名册.numbers"),
    FileCase("R60d", "a .docx", "TYPE", lambda: zipped(("word/document.xml", b"<x/>"))),
    FileCase("R61", "a web page called .xls", "TYPE", TABLE.encode, "名册.xls"),
    FileCase("R61b", "a web page in GBK called .xlsx", "TYPE", lambda: f"<html>{TABLE}".encode("gbk")),
    FileCase("R61c", "an XML table of 2003", "TYPE", lambda: b"<?xml version='1.0'?><Workbook/>"),
    FileCase("R62", "a CSV whose letters are lost", "ENCODING", "姓名,性别\n张\ufffd,男".encode, "名册.csv"),
    FileCase("R62b", "no encoding at all", "ENCODING", lambda: b"\x81\x20\xff\xff\xff", "名册.csv"),
    FileCase("R65", "a NUL in a CSV", "CONTROL_CHAR", "姓名,性别\n张一\0,男".encode, "名册.csv"),
    FileCase(
        "R66",
        "a zip bomb",
        "ZIP_RATIO",
        lambda: repacked(good(), {"xl/sharedStrings.xml": b" " * 30_000_000}),
    ),
    FileCase(
        "R68",
        "hundreds of parts",
        "ZIP_ENTRIES",
        lambda: repacked(good(), {f"xl/extra{n}.xml": b"<x/>" for n in range(300)}),
    ),
    FileCase("R68b", "a part outside", "ZIP_PATH", lambda: repacked(good(), {"../../etc/x": b"x"})),
    FileCase("R68c", "an absolute part", "ZIP_PATH", lambda: repacked(good(), {"/etc/x": b"x"})),
    FileCase("R68d", "a part that is a link", "ZIP_PATH", with_link),
    FileCase(
        "R69",
        "a name out of a file of ours",
        "XML",
        lambda: declaring("xl/sharedStrings.xml", XXE, used="&x;"),
    ),
    FileCase(
        "R69b",
        "a name out of an entity",
        "XML",
        lambda: declaring("xl/sharedStrings.xml", '<!DOCTYPE x [<!ENTITY x "张一">]>', used="&x;"),
    ),
    FileCase("R70", "a laugh in the styles", "XML", lambda: declaring("xl/styles.xml", LAUGHS)),
    FileCase("R70b", "a laugh in the workbook", "XML", lambda: declaring("xl/workbook.xml", LAUGHS)),
    FileCase("R70c", "a laugh in the sheet", "XML", lambda: declaring("xl/worksheets/sheet1.xml", LAUGHS)),
    FileCase(
        "R70d", "a laugh in the relations", "XML", lambda: declaring("xl/_rels/workbook.xml.rels", LAUGHS)
    ),
    FileCase("R71", "macros", "MACRO", lambda: repacked(good(), {"xl/vbaProject.bin": b"x"}), "名册.xlsm"),
    FileCase("R73", "a photo of a roster", "NO_ROWS", only_a_picture),
    FileCase("R73b", "a photo itself", "TYPE", picture, "名册.png"),
    FileCase("R74", "half a file", "CORRUPT", lambda: good()[: len(good()) // 2]),
    FileCase("R74b", "one bit flipped", "CORRUPT", flipped),
    FileCase("R74c", "torn XML", "CORRUPT", lambda: repacked(good(), {"xl/workbook.xml": b"<a><b></a>"})),
    FileCase("R76", "no bytes", "EMPTY", bytes),
    FileCase("R76b", "a header and nobody", "NO_ROWS", lambda: excel([HEADERS])),
    FileCase("R76c", "a header and a total", "NO_ROWS", lambda: excel([HEADERS, ["合计", 0]])),
    FileCase("R76d", "nothing on the sheet", "NO_ROWS", lambda: excel([])),
    FileCase("F1", "no header", "NO_HEADER", lambda: excel([["张一", "北山村"], ["张二", "北山村"]])),
    FileCase("F2", "a header in line 26", "NO_HEADER", lambda: excel([["说明"]] * 25 + [HEADERS, person()])),
    FileCase(
        "F3",
        "no word of branches",
        "BRANCH_COLUMN_MISSING",
        lambda: excel([["姓名", "性别"], ["张一", "男"]]),
    ),
    FileCase(
        "F3b",
        "branches under a header nobody knows",
        "BRANCH_COLUMN_MISSING",
        lambda: excel([["姓名", "性别", "归属"], ["张一", "男", "北山村党支部"]]),
    ),
    FileCase("F4", "sheets of unknown branches", "SHEET_AMBIGUOUS", unclear_sheets),
    FileCase("F5", "a password", "ENCRYPTED", lambda: OLE + "EncryptedPackage".encode("utf-16-le")),
    FileCase(
        "F6", "a CSV of no roster", "NO_HEADER", lambda: csv_bytes([["a", "b"], ["1", "2"]]), "名册.csv"
    ),
    FileCase(
        "F7",
        "names under a header nobody knows",
        "NO_HEADER",
        lambda: excel([["同志", "性别", "所在党支部"], ["张一", "男", "北山村党支部"]]),
    ),
]
