"""Which files are opened at all, and where the roster is found in them."""

import io
import re
import resource
import time
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from organizations.imports.preflight import FileRefused
from organizations.imports.reading import CellError, Formula
from tests.organizations.reading import read_layouts
from tests.organizations.workbooks import HEADERS, person, repacked, roster, saved, sheet_xml, xlsx

GOOD = roster(person("张一"), person("张二"))


def refusal(content, name="名册.xlsx"):
    with pytest.raises(FileRefused) as caught:
        read_layouts(content, name)
    return caught.value.code


def layout(content, name="名册.xlsx"):
    return read_layouts(content, name)[0][0]


def notes(content, name="名册.xlsx"):
    return [note.code for note in read_layouts(content, name)[1]]


def people(found):
    column = found.columns["name"]
    return [cells[column] for number, cells in found.sheet.rows if number > found.header_row]


# --- what is refused before anything is parsed ---


def test_an_empty_file_is_said_to_be_empty():
    assert refusal(b"") == "EMPTY"


def test_a_file_over_ten_megabytes_is_refused():
    assert refusal(b"PK" + b"x" * (10 * 1024 * 1024)) == "TOO_LARGE"


def test_the_proxy_lets_a_whole_roster_through_and_no_sixty_megabytes(settings):
    (size,) = re.findall(
        r"client_max_body_size (\d+)m;", Path(settings.BASE_DIR, "deploy", "nginx.conf").read_text()
    )
    assert settings.ROSTER_MAX_BYTES < int(size) * 1024 * 1024 < 60_000_000


@pytest.mark.parametrize(
    "content",
    [
        b"<html><table><tr><td>\xe5\xa7\x93\xe5\x90\x8d</td></tr></table></html>",
        b"\xef\xbb\xbf  <!DOCTYPE html><html></html>",
        b"<?xml version='1.0'?><Workbook/>",
        b"%PDF-1.7\n\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0",
    ],
)
def test_what_is_no_workbook_is_refused_whatever_its_name(content):
    assert refusal(content, "名册.xlsx") == "TYPE"
    assert refusal(content, "名册.xls") == "TYPE"


def test_another_office_file_is_no_workbook():
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
        archive.writestr("[Content_Types].xml", "<x/>")
    assert refusal(output.getvalue()) == "TYPE"
    assert refusal(bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 600) == "TYPE"


def test_an_encrypted_workbook_is_recognised():
    ole = bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
    assert refusal(ole) == "ENCRYPTED"


def test_a_workbook_with_macros_is_refused():
    assert refusal(repacked(GOOD, {"xl/vbaProject.bin": b"x"})) == "MACRO"
    ole = bytes.fromhex("D0CF11E0A1B11AE1") + "Workbook_VBA_PROJECT_CUR".encode("utf-16-le")
    assert refusal(ole) == "MACRO"


def test_a_zip_bomb_is_refused_by_its_directory():
    started = time.monotonic()
    assert refusal(repacked(GOOD, {"xl/sharedStrings.xml": b" " * 19_000_000})) == "ZIP_RATIO"
    assert refusal(repacked(GOOD, {"docProps/app.xml": b" " * 30_000_000})) in ("ZIP_RATIO", "ZIP_SIZE")
    assert time.monotonic() - started < 5


def test_too_many_parts_or_wrong_paths_are_refused():
    assert refusal(repacked(GOOD, {f"xl/extra{n}.xml": b"<x/>" for n in range(300)})) == "ZIP_ENTRIES"
    for path in ("../../etc/x", "/etc/x", "xl/../../x", "C:/x", "..\\x"):
        assert refusal(repacked(GOOD, {path: b"x"})) == "ZIP_PATH"


def test_a_link_inside_the_zip_is_refused():
    output = io.BytesIO(GOOD)
    with zipfile.ZipFile(output, "a") as archive:
        link = zipfile.ZipInfo("xl/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert refusal(output.getvalue()) == "ZIP_PATH"


EXTERNAL = b'<!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "part", ["xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"]
)
def test_a_document_type_in_any_part_is_refused(part):
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        data = archive.read(part) if part in archive.namelist() else b"<sst><si><t>&x;</t></si></sst>"
    head, sep, rest = data.partition(b"?>")
    hostile = head + sep + EXTERNAL + rest if sep else EXTERNAL + data
    assert refusal(repacked(GOOD, {part: hostile})) == "XML"


def test_a_document_type_hidden_by_another_encoding_is_refused():
    hostile = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><x/>'.encode("utf-16")
    assert refusal(repacked(GOOD, {"xl/sharedStrings.xml": hostile})) == "XML"
    hostile = b'<?xml version="1.0" encoding="cp037"?><x/>'
    assert refusal(repacked(GOOD, {"xl/sharedStrings.xml": hostile})) == "XML"


def test_a_damaged_file_is_said_to_be_damaged():
    assert refusal(GOOD[: len(GOOD) // 2]) == "CORRUPT"
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    at = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
    flipped = bytearray(GOOD)
    flipped[at] ^= 0x10
    assert refusal(bytes(flipped)) == "CORRUPT"


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"])
def test_broken_xml_inside_is_a_damaged_file(part):
    assert refusal(repacked(GOOD, {part: b"<a><b></a>"})) == "CORRUPT"


# --- finding the roster ---


def test_the_header_is_found_below_title_rows():
    book = Workbook()
    sheet = book.active
    sheet["A1"] = "北山镇2026年冬训党员名册"
    sheet.merge_cells("A1:H1")
    sheet["A2"] = "填报单位：北山镇党委  填报日期：2026年11月"
    for index, text in enumerate(HEADERS, start=1):
        sheet.cell(3, index, text)
    sheet.append(person("张一"))
    found = layout(saved(book))
    assert found.header_row == 3
    assert people(found) == ["张一"]


def test_headers_are_read_through_blanks_brackets_and_stars():
    found = layout(
        xlsx(
            [
                ["姓　名", "身份证号码（18位）*", "手机\n号码", "所在 党支部：", "入党时间(年月)"],
                ["张一"] + [None] * 4,
            ]
        )
    )
    assert set(found.columns) == {"name", "id_number", "phone", "branch", "joined_party_on"}


def test_a_header_of_two_lines_is_joined():
    book = Workbook()
    sheet = book.active
    sheet.append(["基本信息", None, "联系方式", None])
    sheet.append(["姓名", "性别", "手机", "所在党支部"])
    sheet.append(["张一", "男", "13800001111", "北山村党支部"])
    found = layout(saved(book))
    assert (found.header_row, set(found.columns)) == (2, {"name", "sex", "phone", "branch"})
    book = Workbook()
    sheet = book.active
    sheet.append(["姓名", "所在党支部", "联系方式", None])
    sheet.append([None, None, "手机", "家庭住址"])
    sheet.append(["张一", "北山村党支部", "13800001111", "某处"])
    found = layout(saved(book))
    assert (found.header_row, found.columns["phone"], people(found)) == (2, 2, ["张一"])


def test_columns_may_stand_in_any_order_and_unknown_ones_are_named():
    content = xlsx(
        [["备用一", "手机", "姓名", "爱好", "所在党支部"], ["x", "13800001111", "张一", "棋", "北山村党支部"]]
    )
    found = layout(content)
    assert found.ignored == ["备用一", "爱好"]
    assert notes(content) == ["COLUMNS_IGNORED"]


def test_two_columns_of_one_name_are_not_guessed_between():
    assert refusal(xlsx([["姓名", "联系电话", "联系电话"], ["张一", "1", "2"]])) == "HEADER_AMBIGUOUS"


def test_the_better_of_two_different_headers_is_used_and_the_other_named():
    found = layout(xlsx([["姓名", "联系电话", "手机号码"], ["张一", "0518-1", "13800001111"]]))
    assert found.columns["phone"] == 2
    assert "联系电话" in found.ignored


def test_the_roster_is_found_behind_a_sheet_of_instructions():
    book = Workbook()
    book.active.title = "填表说明"
    book.active.append(["姓名要写全"])
    sheet = book.create_sheet("名册")
    for row in (HEADERS, person("张一")):
        sheet.append(list(row))
    hidden = book.create_sheet("旧名册")
    hidden.sheet_state = "veryHidden"
    for row in (HEADERS, person("张旧")):
        hidden.append(list(row))
    content = saved(book)
    assert layout(content).sheet.name == "名册"
    assert people(layout(content)) == ["张一"]
    assert notes(content) == ["HIDDEN_SHEETS"]


def test_a_header_without_people_or_no_header_is_said():
    assert refusal(xlsx([HEADERS])) == "NO_ROWS"
    assert refusal(xlsx([])) == "NO_ROWS"
    assert refusal(xlsx([["张一", "北山村"], ["张二", "北山村"]])) == "NO_HEADER"
    assert refusal(xlsx([[None]] * 0 + [["说明"]] * 25 + [list(HEADERS), person()])) == "NO_HEADER"


# --- how far is read ---


def work_of_children() -> float:
    """Seconds of processor: a busy machine makes no test red."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def with_blank_rows(first: int, last: int, after: bytes = b"") -> bytes:
    blank = b"".join(
        b'<row r="%d">' % n + b"".join(b'<c r="%c%d" s="1"/>' % (65 + c, n) for c in range(4)) + b"</row>"
        for n in range(first, last)
    )
    return repacked(
        GOOD,
        {
            "xl/worksheets/sheet1.xml": sheet_xml(GOOD).replace(
                b"</sheetData>", blank + after + b"</sheetData>"
            )
        },
    )


@pytest.mark.slow
def test_a_million_blank_bordered_rows_cost_little(settings):
    content = with_blank_rows(4, 1_048_576)
    settings.ROSTER_MAX_BYTES = len(content)
    started = work_of_children()
    assert people(layout(content)) == ["张一", "张二"]
    assert work_of_children() - started < 4
    assert notes(content) == []


@pytest.mark.parametrize("blank_rows", [300, 60_000])
def test_people_after_a_long_gap_are_never_dropped_silently(blank_rows):
    row = blank_rows + 4
    person_after = b'<row r="%d"><c r="C%d" t="inlineStr"><is><t>\xe5\xbc\xa0</t></is></c></row>' % (row, row)
    content = with_blank_rows(4, row, person_after)
    assert people(layout(content)) == ["张一", "张二"]
    (note,) = read_layouts(content, "a.xlsx")[1]
    assert (note.code, note.row) == ("DATA_AFTER_GAP", row)


def test_a_gap_of_rows_the_file_does_not_even_mention_is_a_gap():
    book = Workbook()
    for row in (HEADERS, person("张一")):
        book.active.append(list(row))
    book.active.cell(500, 3, "张远")
    assert notes(saved(book)) == ["DATA_AFTER_GAP"]


@pytest.mark.parametrize("numbers", [(1, 9_999_999_999), (5, 3)])
def test_row_numbers_no_spreadsheet_has_are_a_damaged_file(numbers):
    rows = "".join(f'<row r="{n}"><c t="inlineStr"><is><t>x</t></is></c></row>' for n in numbers)
    sheet = f"<worksheet><sheetData>{rows}</sheetData></worksheet>"
    assert refusal(repacked(GOOD, {"xl/worksheets/sheet1.xml": sheet.encode()})) == "CORRUPT"


def test_a_row_without_end_is_refused_before_it_fills_the_memory():
    sheet = b"<worksheet><sheetData><row>" + b"<c/>" * 1_100_000
    assert refusal(repacked(GOOD, {"xl/worksheets/sheet1.xml": sheet})) == "ZIP_SIZE"


def test_what_stands_behind_the_rows_of_a_sheet_is_no_content():
    rest = b"</sheetData><extLst><ext><f>1</f><v>1</v></ext></extLst>" + b" " * 600_000 + b"<v>1</v>"
    content = repacked(GOOD, {"xl/worksheets/sheet1.xml": sheet_xml(GOOD).replace(b"</sheetData>", rest)})
    assert notes(content) == []


def test_more_than_twenty_thousand_people_are_refused(settings):
    settings.ROSTER_MAX_ROWS = 50
    assert refusal(roster(*(person(f"张{n}") for n in range(200)))) == "TOO_MANY_ROWS"


def test_hidden_rows_are_read_and_said_to_be():
    book = Workbook()
    for row in (HEADERS, person("张一"), person("张二")):
        book.active.append(list(row))
    book.active.row_dimensions[3].hidden = True
    content = saved(book)
    assert people(layout(content)) == ["张一", "张二"]
    assert notes(content) == ["HIDDEN_ROWS"]


# --- cells ---


def test_cells_keep_their_kind():
    book = Workbook()
    sheet = book.active
    sheet.append(["姓名", "所在党支部", "出生年月", "入党时间", "身份证号", "手机"])
    sheet.append(["=A1", "#N/A", date(1985, 7, 1), datetime(2001, 7, 1), 320706196507123411, 13800001111])
    sheet["C2"].number_format = '[$-804]yyyy"年"m"月"'
    (number, cells) = layout(saved(book)).sheet.rows[1]
    assert number == 2
    assert isinstance(cells[0], Formula) and cells[1] == CellError("#N/A")
    assert cells[2:4] == [date(1985, 7, 1), date(2001, 7, 1)]
    assert isinstance(cells[4], int) and cells[5] == 13800001111


def test_the_epoch_of_1904_is_honoured():
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["姓名", "出生年月"])
    book.active.append(["张一", date(1985, 7, 1)])
    assert layout(saved(book)).sheet.rows[1][1][1] == date(1985, 7, 1)


def test_shared_texts_are_read_without_phonetic_guides():
    texts = (
        '<?xml version="1.0" encoding="UTF-8"?><x:sst xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        "<x:si><x:t>姓名</x:t></x:si><x:si><x:t>性别</x:t></x:si>"
        "<x:si><x:r><x:t>张</x:t></x:r><x:r><x:t>一</x:t></x:r><x:rPh><x:t>zhang</x:t></x:rPh></x:si></x:sst>"
    )
    sheet = (
        '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
        '<x:row><x:c t="s"><x:v>0</x:v></x:c><x:c t="s"><x:v>1</x:v></x:c></x:row>'
        '<x:row><x:c t="s"><x:v>2</x:v></x:c><x:c/></x:row></x:sheetData></x:worksheet>'
    )
    content = repacked(
        GOOD, {"xl/sharedStrings.xml": texts.encode(), "xl/worksheets/sheet1.xml": sheet.encode()}
    )
    assert people(layout(content)) == ["张一"]
