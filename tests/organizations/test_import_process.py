"""Uploads are parsed in a process of their own, with limits; whatever it does, nothing is left of it."""

import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import psutil
import pytest

from organizations.imports import process
from organizations.imports.preflight import FileRefused
from organizations.imports.process import MEGABYTE, Limits, Parsing
from organizations.imports.reading import CellError, Formula, Lines, Plain
from tests.organizations.workbooks import person, repacked, roster, sheet_xml

GOOD = roster(person("张一"), person("张二"))
CHILD = Path(process.__file__).with_name("child.py")


def read(content, **limits):
    with Parsing(content, "名册.xlsx", Limits(rows=20_000, **limits)) as book:
        return [row for _, rows, _ in book.read(book.sheets) for row in rows]


def refusal(content, **limits):
    with pytest.raises(FileRefused) as caught:
        read(content, **limits)
    assert "读不动" in caught.value.message
    return caught.value.code


def with_texts(texts: int, length: int) -> bytes:
    """Many long shared texts, within what a file may unpack to."""
    item = "".join(f"<si><t>{n:0{length}d}</t></si>" for n in range(texts))
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>{n}</v></c></row>' for n in range(1, 3))
    xml = sheet_xml(GOOD)
    head, _, _ = xml.partition(b"<sheetData>")
    return repacked(
        GOOD,
        {
            "xl/sharedStrings.xml": f"<sst>{item}</sst>".encode(),
            "xl/worksheets/sheet1.xml": head + f"<sheetData>{cells}</sheetData></worksheet>".encode(),
        },
    )


BEFORE: set = set()


def children() -> list:
    return [child for child in psutil.Process().children(recursive=True) if child not in BEFORE]


@pytest.fixture(autouse=True)
def children_of_other_tests():
    """Such as a redis-server of this whole run."""
    BEFORE.clear()
    BEFORE.update(children())


def test_rows_come_back_as_they_are():
    rows = read(GOOD)
    assert [number for number, _, _ in rows] == [1, 2, 3]
    assert rows[1][2][2] == "张一"


def test_a_file_that_needs_too_much_memory_is_refused():
    content = with_texts(300_000, 30)
    assert len(read(content)) == 2
    assert refusal(content, memory=64 * MEGABYTE) == "TOO_HARD"


def test_a_file_that_takes_too_long_is_refused(monkeypatch, tmp_path):
    sleeper = tmp_path / "child.py"
    sleeper.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(process, "CHILD", sleeper)
    assert refusal(GOOD, waiting=1) == "TOO_HARD"
    assert children() == []


def test_a_file_that_only_waits_for_a_busy_machine_is_read(monkeypatch, tmp_path):
    """Sleeping costs no processor time, which is what is limited to seconds."""
    late = tmp_path / "child.py"
    text = CHILD.read_text().replace(
        "        answer(content", "        time.sleep(2)\n        answer(content", 1
    )
    text = text.replace("import sys\n", "import sys\nimport time\n", 1)
    late.write_text(text.replace("str(Path(__file__).resolve().parents[2])", repr(str(CHILD.parents[2]))))
    monkeypatch.setattr(process, "CHILD", late)
    assert len(read(GOOD, seconds=1)) == 3


def test_a_process_that_computes_for_ever_is_ended_by_the_system(monkeypatch, tmp_path):
    busy = tmp_path / "child.py"
    busy.write_text(
        CHILD.read_text().replace(
            "        answer(content", "        while True: pass\n        answer(content", 1
        )
    )
    text = busy.read_text().replace("str(Path(__file__).resolve().parents[2])", repr(str(CHILD.parents[2])))
    busy.write_text(text)
    told = '{"name":"a.xlsx","limit":10,"memory":536870912,"seconds":1}'
    ended = subprocess.run([sys.executable, "-I", str(busy), told, "1"], stdin=subprocess.DEVNULL, timeout=50)
    assert ended.returncode < 0


@pytest.mark.parametrize(
    "act",
    [
        "import socket; socket.socket()",
        "open('/etc/passwd')",
        "open('/tmp/left-behind', 'w')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.fork()",
        "import os; os.pipe()",
    ],
)
def test_in_the_parsing_process_nothing_can_be_opened(act):
    program = (
        f"import sys, socket, subprocess; sys.path.insert(0, {str(CHILD.parents[2])!r})\n"
        "from organizations.imports import child\n"
        'child.lock_up({"memory": 536870912, "seconds": 10})\n'
        "try:\n"
        f"    {act}\n"
        "except (PermissionError, OSError) as error:\n"
        "    print('refused')\n"
    )
    told = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=50)
    assert told.stdout == "refused\n"


@pytest.mark.parametrize("answer", ["", "no json\\n", "[1]\\n", "{}\\n", '{"rows": 1}\\n', "x" * 100])
def test_whatever_the_process_answers_is_no_fault(monkeypatch, tmp_path, answer):
    liar = tmp_path / "child.py"
    liar.write_text(f"print({answer!r}.replace('\\\\n', chr(10)), end='')\n")
    monkeypatch.setattr(process, "CHILD", liar)
    assert refusal(GOOD) == "TOO_HARD"


def test_no_process_and_no_file_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process.tempfile.tempdir = None
    before = set(os.listdir("/proc/self/fd"))
    read(GOOD)
    with pytest.raises(FileRefused):
        read(b"PK nonsense")
    with pytest.raises(ZeroDivisionError), Parsing(GOOD, "a.xlsx", Limits(rows=10)):
        raise ZeroDivisionError
    process.tempfile.tempdir = None
    assert children() == [] and list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) <= len(before)


def test_the_quick_way_and_the_parser_see_the_same():
    """One odd cell in the first line sends the whole sheet through the XML parser."""
    content = roster(*(person(f"张{n}", phone=13800000000 + n, birth=20000 + n) for n in range(30)))
    xml = sheet_xml(content)
    odd = xml.replace(b"<sheetData>", b"<sheetData><!-- -->", 1)
    assert odd != xml
    assert read(repacked(content, {"xl/worksheets/sheet1.xml": odd})) == read(content)


class SearchedOnlyBehindGaps(Plain):
    def content_below(self, number):
        assert len(self.rows) > 200, "searched although everything was read"
        return super().content_below(number)


def test_only_what_stands_behind_a_gap_is_searched_for():
    rows = [["姓名"], [None, None], ["张一"], []]
    whole = Lines(SearchedOnlyBehindGaps("名册", rows), 10)
    assert [number for number, _, _ in whole] == [1, 3] and whole.row_after_gap is None
    behind = Lines(SearchedOnlyBehindGaps("名册", [*rows, *[[]] * 300, ["李二"]]), 10)
    assert [number for number, _, _ in behind] == [1, 3] and behind.row_after_gap == 305


def test_formulas_and_errors_arrive_as_such():
    content = roster(person("张一", no="=1+1"))
    xml = sheet_xml(content).replace(b'<row r="2">', b'<row r="2"><c r="A2" t="e"><v>#N/A</v></c>', 1)
    assert isinstance(read(content)[1][2][0], Formula)
    xml = (
        xml.replace(b"<f>1+1</f>", b"")
        .replace(b'<c r="A2"><v /></c>', b"")
        .replace(b'<c r="A2"><v></v></c>', b"")
    )
    assert isinstance(read(repacked(content, {"xl/worksheets/sheet1.xml": xml}))[1][2][0], CellError)


def test_a_text_repeated_a_million_times_is_too_much(monkeypatch):
    """A cell refers to a text of 32,767 characters; a hundred thousand cells would send three gigabytes."""
    rows = "".join(
        f'<row r="{n}">' + "".join(f'<c r="{c}{n}" t="s"><v>0</v></c>' for c in "ABCDEFGH") + "</row>"
        for n in range(1, 3000)
    )
    head, _, _ = sheet_xml(GOOD).partition(b"<sheetData>")
    content = repacked(
        GOOD,
        {
            "xl/sharedStrings.xml": f"<sst><si><t>{'长' * 32_000}</t></si></sst>".encode(),
            "xl/worksheets/sheet1.xml": head + f"<sheetData>{rows}</sheetData></worksheet>".encode(),
        },
    )
    assert len(zipfile.ZipFile(BytesIO(content)).namelist()) > 3
    with pytest.raises(FileRefused) as caught:
        read(content)
    assert caught.value.code in ("ZIP_SIZE", "TOO_HARD")


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Linux keeps files in memory")
def test_an_upload_never_comes_to_a_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(process.tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert len(read(GOOD)) == 3
