"""The other formats townships send: genuine old .xls, and CSV in every usual encoding."""

import io
from contextlib import suppress
from datetime import date
from random import Random

import pytest
import xlwt

from organizations.imports.biff import BROKEN, beside_cells, chain
from organizations.imports.preflight import FileRefused, inspect
from tests.organizations.reading import read_layouts
from tests.organizations.workbooks import HEADERS, person


def refusal(content, name="名册.xlsx"):
    with pytest.raises(FileRefused) as caught:
        read_layouts(content, name)
    return caught.value.code


def layout(content, name="名册.xlsx"):
    return read_layouts(content, name)[0][0]


def people(found):
    column = found.columns["name"]
    return [cells[column] for number, cells in found.sheet.rows if number > found.header_row]


def xls(rows) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("名册")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value is not None:
                sheet.write(r, c, value, day) if isinstance(value, date) else sheet.write(r, c, value)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


@pytest.mark.parametrize("name", ["名册.xls", "名册.xlsx", "名册"])
def test_an_old_xls_is_read_whatever_its_name(name):
    content = xls([["北山镇名册"], [], HEADERS, person("张一", birth=date(1965, 7, 12), id=3.2e17)])
    assert inspect(content, name) == "xls"
    found = layout(content, name)
    assert (found.header_row, people(found)) == (3, ["张一"])
    cells = found.sheet.rows[-1][1]
    assert cells[4] == date(1965, 7, 12) and isinstance(cells[5], int)


def test_a_broken_xls_is_a_damaged_file():
    content = xls([HEADERS, person("张一")])
    assert refusal(content[:2000], "a.xls") in ("CORRUPT", "TYPE")


def test_the_frame_of_a_torn_xls_is_read_or_found_broken():
    whole = xls([HEADERS, *(person(f"张{letter}") for letter in "甲乙丙丁戊己庚辛")])
    rng = Random(8)
    for _ in range(400):
        content = bytearray(whole)
        for at in rng.sample(range(8, len(whole)), 6):
            content[at] = rng.choice((0, 1, 0x7F, 0xFE, 0xFF))
        with suppress(*BROKEN):
            beside_cells(bytes(content[: rng.choice((len(whole), rng.randrange(600, len(whole))))]))


def test_a_table_of_sectors_that_turns_in_a_circle_ends():
    assert list(chain((1, 2, 0), 0)) == [0, 1, 2]


# --- CSV ---

LINES = (
    "序号,所在党支部,姓名,身份证号,备注\r\n"
    '1,北山村党支部,张一,="320706196507123411","两\r\n行"\r\n'
    "2,北山村党支部,张二,,\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_csv_is_read_in_every_usual_encoding(encoding):
    found = layout(LINES.encode(encoding), "名册.csv")
    assert people(found) == ["张一", "张二"]
    assert [number for number, _ in found.sheet.rows] == [1, 2, 3]
    assert found.sheet.rows[1][1][3] == "320706196507123411"


def test_a_rare_character_survives_gb18030():
    found = layout("姓名,所在党支部\n\U00020bb7野,北山村党支部\n".encode("gb18030"), "a.csv")
    assert people(found) == ["\U00020bb7野"]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_csv_may_use_another_separator(separator):
    text = LINES.replace(",", separator)
    assert people(layout(text.encode(), "a.csv")) == ["张一", "张二"]


def test_a_csv_that_cannot_be_read_says_so():
    assert refusal("姓名,性别\n张\ufffd,男".encode(), "a.csv") == "ENCODING"
    assert refusal(b"\x81\x20\xff\xff\xff", "a.csv") == "ENCODING"
    assert refusal("姓名,性别\n张一\0,男".encode(), "a.csv") == "CONTROL_CHAR"


def test_a_month_that_lost_its_zero_in_a_csv_is_not_guessed():
    found = layout("姓名,出生年月\n张一,1965.1\n张二,1965.10\n".encode(), "a.csv")
    assert [cells[1] for _, cells in found.sheet.rows[1:]] == [1965.1, "1965.10"]
