"""Files meant to do harm, or so large that they would: refused by one of the codes, or read without harm."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from random import Random

from tests.organizations.rosters import raw
from tests.organizations.rosters.files import LAUGHS, OLE, XXE, declaring, flipped, good
from tests.organizations.rosters.making import excel
from tests.organizations.workbooks import HEADERS, id_number, person, repacked

ONE_LINE = person("张一", id=id_number(), phone="13800001111")
HARMLESS = ""
SHARED, SHEET = "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"


@dataclass(frozen=True)
class Hostile:
    id: str
    what: str
    build: Callable[[], bytes]
    # Codes one of which is the answer; HARMLESS = it may be read, and is then read like any other.
    codes: tuple[str, ...]
    is_slow: bool = False
    name: str = "名册.xlsx"

    def __str__(self):
        return f"{self.id} {self.what}"


def bomb(part: str, size: int, *, head: bytes = b"", declared: int | None = None) -> bytes:
    """One part holds `size` blanks, which nobody here ever has in memory. `declared`: what the zip claims."""
    megabyte = b" " * (1024 * 1024)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(megabyte) + packer.flush(zlib.Z_FULL_FLUSH)
    data = first + block * (size // len(megabyte)) + packer.flush(zlib.Z_FINISH)
    return with_packed(repacked(good(), {part: None}), part, data, declared or size + len(head))


def with_packed(content: bytes, name: str, data: bytes, size: int) -> bytes:
    """The zip with one more part, whose packed bytes and claims are given."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        parts = [(entry, archive.read(entry)) for entry in archive.infolist()]
    output, directory = BytesIO(), b""
    entries = [(e.filename, zlib.crc32(d), deflated(d), len(d)) for e, d in parts] + [(name, 0, data, size)]
    for file_name, crc, packed, length in entries:
        plain = file_name.encode()
        common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, crc, len(packed), length, len(plain), 0)
        directory += b"PK\1\2\x14\0" + common + struct.pack("<HHHII", 0, 0, 0, 0, output.tell()) + plain
        output.write(b"PK\3\4" + common + plain + packed)
    start = output.tell()
    output.write(directory)
    output.write(
        b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), start, 0)
    )
    return output.getvalue()


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def many_parts() -> bytes:
    return repacked(good(), {f"xl/media/{n}.xml": b"<x/>" for n in range(10_000)})


def blank_rows(numbered: bool) -> bytes:
    if not numbered:
        return raw.workbook(raw.inline([HEADERS, ONE_LINE]) + '<row><c s="1"/><c s="1"/></row>' * 1_048_574)
    blank = "".join(
        f'<row r="{n}" spans="1:3"><c r="A{n}" s="1"/><c r="B{n}" s="1"/><c r="C{n}" s="1"/></row>'
        for n in range(3, 1_048_577)
    )
    return raw.workbook(raw.inline([HEADERS, ONE_LINE]) + blank)


def wide(rows: int) -> bytes:
    line = "<row>" + '<c t="inlineStr"><is><t>某</t></is></c>' * 16_384 + "</row>"
    return raw.workbook(raw.inline([HEADERS, ONE_LINE]) + line * rows)


def many_texts() -> bytes:
    texts = "".join(f"<si><t>{n}</t></si>" for n in range(900_000))
    lines, own = raw.shared([HEADERS, ONE_LINE])
    return raw.workbook(lines, texts=own.replace("</sst>", texts + "</sst>"))


def one_text_everywhere() -> bytes:
    """A text of 32,000 characters, pointed at by half a million cells."""
    lines, own = raw.shared([HEADERS, ONE_LINE, ["某" * 32_000]])
    row = "<row>" + '<c t="s"><v>12</v></c>' * 50 + "</row>"
    return raw.workbook(lines + row * 10_000, texts=own)


def many_merges() -> bytes:
    where = "".join(f'<mergeCell ref="B{n}:B{n + 1}"/>' for n in range(3, 900_003, 2))
    rows = raw.inline([HEADERS, ONE_LINE])
    return raw.workbook(rows, behind=f"<mergeCells>{where}</mergeCells>")


def one_endless_merge() -> bytes:
    return raw.workbook(raw.inline([HEADERS, ONE_LINE]), behind=raw.merges("A1:XFD1048576", "B2:B1048576"))


def deep() -> bytes:
    return raw.workbook(raw.inline([HEADERS, ONE_LINE]) + "<a>" * 300_000 + "</a>" * 300_000)


def endless_row() -> bytes:
    return raw.workbook(raw.inline([HEADERS, ONE_LINE]) + "<row>" + "<c/>" * 3_000_000 + "</row>")


def wrong_row_numbers() -> bytes:
    return raw.workbook('<row r="5"><c><v>1</v></c></row><row r="3"><c><v>1</v></c></row>')


def no_such_text() -> bytes:
    return raw.workbook('<row><c t="s"><v>999999999</v></c></row>', texts="<sst {xmlns}></sst>")


def sheet_called_dat() -> bytes:
    rows = raw.inline([HEADERS, ONE_LINE]).replace("张一", "&x;")
    content = raw.workbook(rows, target="worksheets/sheet1.dat")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        sheet = archive.read(SHEET).replace(b"<worksheet", XXE.encode() + b"<worksheet", 1)
    return repacked(content, {SHEET: None, "xl/worksheets/sheet1.dat": sheet})


def many_styles() -> bytes:
    formats = "".join(f'<numFmt numFmtId="{n}" formatCode="{"[" * 60}{n}"/>' for n in range(200, 60_000))
    styles = f"<styleSheet><numFmts>{formats}</numFmts><cellXfs>{'<xf/>' * 60_000}</cellXfs></styleSheet>"
    return raw.workbook(raw.inline([HEADERS, ONE_LINE]), extra={"xl/styles.xml": styles.encode()})


def many_sheets() -> bytes:
    return excel([HEADERS, ONE_LINE], **{f"表{n}": [[n]] for n in range(150)})


def odd_headers() -> bytes:
    return excel([["(" * 5000, "姓名" + " " * 5000 + ")", "【" * 5000], HEADERS, ONE_LINE])


def noise(start: bytes, size: int) -> bytes:
    return start + Random(7).randbytes(size)


def csv_of(text: str) -> Callable[[], bytes]:
    return lambda: f"{','.join(HEADERS)}\n1,北山村党支部,张一,,1965-07-12,,,\n{text}".encode()


XML, SIZES = ("XML",), ("ZIP_SIZE", "ZIP_RATIO", "TOO_HARD")
ATTACKS = [
    Hostile("H1", "403 kB that become 400 MB", lambda: bomb(SHARED, 400 << 20), ("ZIP_RATIO",)),
    Hostile(
        "H1b", "the same, claiming 900 kB", lambda: bomb(SHARED, 400 << 20, declared=900_000), ("CORRUPT",)
    ),
    Hostile(
        "H1c",
        "a sheet of 190 MB of blanks",
        lambda: bomb(SHEET, 190 << 20, head=b"<worksheet>"),
        (*SIZES, "CORRUPT"),
        True,
    ),
    Hostile("H1d", "a sheet of 400 MB", lambda: bomb(SHEET, 400 << 20), SIZES),
    Hostile("H2", "another file's text in shared texts", lambda: declaring(SHARED, XXE, used="&x;"), XML),
    Hostile("H2b", "in the styles", lambda: declaring("xl/styles.xml", XXE), XML),
    Hostile("H2c", "in the workbook", lambda: declaring("xl/workbook.xml", XXE), XML),
    Hostile("H2d", "in the sheet", lambda: declaring(SHEET, XXE), XML),
    Hostile("H2e", "in a sheet that does not call itself XML", sheet_called_dat, XML),
    Hostile("H3", "laughs in shared texts", lambda: declaring(SHARED, LAUGHS, used="&i;"), XML),
    Hostile("H3b", "laughs in the styles", lambda: declaring("xl/styles.xml", LAUGHS), XML),
    Hostile("H3c", "laughs in the workbook", lambda: declaring("xl/workbook.xml", LAUGHS), XML),
    Hostile("H3d", "laughs in the sheet", lambda: declaring(SHEET, LAUGHS), XML),
    Hostile("H4", "macros", lambda: repacked(good(), {"xl/vbaProject.bin": b"x"}), ("MACRO",)),
    Hostile("H5", "10,000 parts", many_parts, ("ZIP_ENTRIES",)),
    Hostile("H6", "a part outside", lambda: repacked(good(), {"../../etc/cron.d/x": b"x"}), ("ZIP_PATH",)),
    Hostile("H7", "1,048,576 blank bordered rows", lambda: blank_rows(True), (HARMLESS, "TOO_LARGE"), True),
    Hostile("H7b", "as many without numbers", lambda: blank_rows(False), (HARMLESS,), True),
    Hostile("H8", "16,384 columns", lambda: wide(5), (HARMLESS, *SIZES)),
    Hostile("H8b", "16,384 columns, 300 rows", lambda: wide(300), ("ZIP_SIZE",), True),
    Hostile("H9", "60 MB", lambda: b"PK\3\4" + b"\0" * 60_000_000, ("TOO_LARGE",)),
    Hostile("H9b", "9 MB of noise called a workbook", lambda: noise(b"PK\3\4", 9_000_000), ("CORRUPT",)),
    Hostile("H10", "half a workbook", lambda: good()[:3000], ("CORRUPT",)),
    Hostile("H10b", "one bit flipped", flipped, ("CORRUPT",)),
    Hostile("H12", "900,000 shared texts", many_texts, (HARMLESS, *SIZES), True),
    Hostile(
        "H12b",
        "one long text half a million times",
        one_text_everywhere,
        (HARMLESS, *SIZES, "TOO_MANY_ROWS"),
        True,
    ),
    Hostile("H13", "450,000 merged cells", many_merges, (HARMLESS, *SIZES), True),
    Hostile("H13b", "a merge over everything", one_endless_merge, (HARMLESS,)),
    Hostile("H14", "elements 300,000 deep", deep, (HARMLESS, "CORRUPT", *SIZES)),
    Hostile("H14b", "a row without end", endless_row, SIZES),
    Hostile("H15", "rows that go backwards", wrong_row_numbers, ("CORRUPT", "NO_HEADER")),
    Hostile("H15b", "a text that is not there", no_such_text, ("CORRUPT",)),
    Hostile("H16", "60,000 formats", many_styles, (HARMLESS, *SIZES)),
    Hostile("H17", "150 sheets", many_sheets, (HARMLESS, "ZIP_ENTRIES")),
    Hostile("H18", "headers of 5,000 brackets", odd_headers, (HARMLESS,)),
    Hostile("H19", "a CSV line of 5 MB", csv_of("某," * 1_200_000), (HARMLESS, "CORRUPT"), False, "a.csv"),
    Hostile("H19b", "an open quote", csv_of('"' + "某\n" * 1_000_000), (HARMLESS, "CORRUPT"), False, "a.csv"),
    Hostile("H19c", "a million empty lines", csv_of("\n" * 1_000_000), (HARMLESS,), False, "a.csv"),
    Hostile(
        "H20",
        "noise in the old container",
        lambda: noise(OLE + "Workbook".encode("utf-16-le"), 900_000),
        ("CORRUPT", "TOO_HARD"),
        False,
        "a.xls",
    ),
]
