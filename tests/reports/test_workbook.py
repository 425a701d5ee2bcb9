"""The workbook, read back by two readers and LibreOffice: every figure against pages and raw rows."""

import io
import shutil
import subprocess

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from campaigns.models import Campaign
from reports import workbook
from reports.indicators import Rate
from reports.queries import figures
from reports.services.reports import build_report
from tests.base import fixture_writes, once
from tests.reports.oracle import recount
from tests.reports.scene import Winter

pytestmark = pytest.mark.django_db

SHEETS = ["情况统计表", "分单位明细表", "人员名单", "指标说明"]


built, winter = once(Winter)


def opened(unit, exporter="区委主管"):
    return load_workbook(io.BytesIO(build_report(unit, exporter=exporter)))


def figures_of(sheet, name):
    """{(code, part): cell value} of the row of this unit."""
    for row in sheet.iter_rows(min_row=workbook.FIRST_ROW, values_only=True):
        if row[1] == name:
            cells = row[workbook.FIRST_COLUMN - 1 :]
            return {(c.code, c.part): cell for c, cell in zip(workbook.COLUMNS, cells, strict=True)}
    raise AssertionError(f"no row {name}")


def test_every_figure_equals_the_raw_rows(winter):
    sheet = opened(winter.district_unit)["情况统计表"]
    for name, code in (("合计", "HZ"), ("北山镇党委", "HZ01"), ("南河镇党委", "HZ02")):
        wanted = recount(winter.campaign, code)
        for (indicator, part), cell in figures_of(sheet, name).items():
            value = wanted[indicator]
            if isinstance(value, int):
                assert cell == value, (name, indicator)
            elif indicator == "WHY":
                assert cell == value[part], (name, part)
            elif part in ("n", "d"):
                assert cell == value[part], (name, indicator)
            elif indicator == "TOPIC_COV":
                assert cell == f"{value['n']}/{value['d']}"
            elif value["d"] and indicator != "HRS_AVG":
                assert abs(float(cell) - value["n"] / value["d"]) <= 0.001, (name, indicator)


def test_every_figure_reads_like_the_dashboard(winter):
    sheet = opened(winter.district_unit)["情况统计表"]
    table = figures.table(winter.district_unit)
    for name, values in [("合计", table.values), *((child.name, v) for child, v in table.children)]:
        for (code, part), cell in figures_of(sheet, name).items():
            value = workbook.part_of(values[code], part)
            if isinstance(value, Rate):
                assert (f"{cell:.1%}" if value.d else cell) == value.text, (name, code)
            elif isinstance(value, int):
                assert cell == value
            else:
                assert str(cell) == value.text or f"{cell:.1f}" == value.text


def test_the_detail_sheet_shows_both_levels_with_subtotals(winter):
    sheet = opened(winter.district_unit)["分单位明细表"]
    names = [row[1] for row in sheet.iter_rows(min_row=workbook.FIRST_ROW, values_only=True)]
    assert names[:6] == [
        "北山镇党委（小计）",
        "北山村党支部",
        "北坡村党支部",
        "南河镇党委（小计）",
        "南河村党支部",
        "合计",
    ]
    branch = figures_of(sheet, "北山村党支部")
    assert branch["MEM_DUE", "value"] == recount(winter.campaign, "HZ0101")["MEM_DUE"]


def test_a_township_needs_no_second_level(winter):
    assert opened(winter.north_unit).sheetnames == ["情况统计表", "人员名单", "指标说明"]


def test_two_readers_see_the_same_sheets(winter):
    content = build_report(winter.district_unit, exporter="区委主管")
    other = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert other.sheet_names == SHEETS
    ours = load_workbook(io.BytesIO(content))
    for name in SHEETS:
        mine = [[cell if cell is not None else "" for cell in row] for row in ours[name].values]
        theirs = other.get_sheet_by_name(name).to_python()
        assert [str(row[1]) for row in theirs] == [str(row[1]) for row in mine]


def test_it_prints_on_a4_landscape_with_repeated_heads(winter):
    book = opened(winter.district_unit)
    sheet = book["情况统计表"]
    assert sheet["A1"].value == f"{winter.campaign.label}情况统计表"
    heads = [cell.value for cell in sheet[2] if cell.value]
    assert heads[0] == "填报单位：海州区委" and heads[1] == "填报人：区委主管"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.print_title_rows == "$3:$4" and sheet.print_title_cols == "$A:$B"
    assert "A1:" in str(sheet.merged_cells)
    assert "内部资料" in sheet.oddFooter.left.text and "截至" in sheet.oddFooter.right.text
    assert all(cell.border.left.style == "thin" for cell in sheet[workbook.FIRST_ROW])


def test_the_wide_sheet_prints_on_two_pages_cut_between_groups(winter):
    sheet = opened(winter.district_unit)["情况统计表"]
    last = workbook.LAST_OF_FIRST_PAGE
    assert [cut.id for cut in sheet.col_breaks.brk] == [
        last
    ] and not sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.cell(1, last + 1).value == f"{winter.campaign.label}情况统计表（续）"
    places = [last - workbook.FIRST_COLUMN, last - workbook.FIRST_COLUMN + 1]
    before, after = (workbook.COLUMNS[place].group for place in places)
    assert before != after


def test_the_names_sheet_lists_everybody_once_and_no_numbers_of_theirs(winter):
    sheet = opened(winter.north_unit)["人员名单"]
    rows = [row for row in sheet.iter_rows(min_row=workbook.HEAD_ROW + 1, values_only=True) if row[2]]
    assert [row[2] for row in rows] == ["王北甲", "李北乙", "赵北丙", "钱北丁"]
    qian = dict(zip([head for head, _ in workbook.NAME_HEADS], rows[3], strict=True))
    assert (qian["应训"], qian["参训"], qian["未训原因"], qian["待补专题数"]) == ("是", "否", "已登记缺席", 2)
    assert isinstance(qian["学时"], int | float), "hours are a number to calculate with"
    assert rows[2][4] == "否", "赵北丙 is waived"
    assert "金丝雀" not in str([*sheet.values]), "people of the other township"
    assert not {"身份证号", "手机", "电话"} & {str(cell) for row in sheet.values for cell in row}


def test_the_definitions_sheet_explains_every_figure(winter):
    sheet = opened(winter.north_unit)["指标说明"]
    codes = {row[0] for row in sheet.iter_rows(min_row=4, values_only=True)}
    assert {column.code for column in workbook.COLUMNS} <= codes


@pytest.mark.parametrize("start", workbook.DANGEROUS)
def test_what_people_typed_is_never_a_formula(winter, start):
    evil = f"{start}cmd|'/c calc'!A1"
    with fixture_writes():
        winter.wang.name = evil[:50]
        winter.wang.save()
        winter.campaign.units.filter(organization=winter.north_branch).update(name=evil)
    book = opened(winter.north_unit, exporter=evil)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert not str(cell.value or "").startswith(workbook.DANGEROUS)
    # XML turns a carriage return into a line feed.
    wanted = f"'{evil}".replace("\r", "\n")
    assert wanted in [cell.value for cell in book["情况统计表"]["B"]]


def test_characters_no_workbook_can_hold_are_left_out(winter):
    with fixture_writes():
        # PostgreSQL itself holds no NUL; the next test covers it.
        winter.wang.name = "王\x0b北甲\ufffe𠮷䶮"
        winter.wang.save()
    names = [row[2] for row in opened(winter.north_unit)["人员名单"].values]
    assert "王北甲𠮷䶮" in names


def test_a_cell_that_hides_its_equals_sign_behind_a_control_character_is_text(winter):
    assert workbook.safe_text("\x00=1+1") == "'=1+1"


def test_a_name_with_an_ampersand_stands_in_the_footer(winter):
    sheet = opened(winter.north_unit, exporter="A&B")["情况统计表"]
    assert "A&B" in sheet.oddFooter.left.text.replace("&&", "&")


def test_a_roster_too_long_for_a_sheet_says_so(winter, monkeypatch):
    monkeypatch.setattr(workbook, "MAX_NAMES", 2)
    text = str([*opened(winter.north_unit)["人员名单"].values])
    assert "共4人，超过2人，请按下级单位分别导出名单" in text
    assert "王北甲" not in text


def test_the_rule_for_who_moved_is_printed_on_the_report(winter):
    """F22."""
    sheet = opened(winter.north_unit).worksheets[0]
    printed = [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert any("中途转移组织关系的每人只算一次" in text for text in printed)


def test_a_practice_campaign_says_so(winter):
    with fixture_writes():
        Campaign.objects.update(kind="PRACTICE")
    winter.north_unit.refresh_from_db()
    sheet = opened(winter.north_unit)["情况统计表"]
    assert "（练习）" in sheet["A1"].value
    assert "不是正式数据" in str([*sheet.values])


@pytest.mark.slow
def test_libreoffice_opens_it_without_repair(winter, tmp_path):
    soffice = shutil.which("soffice")
    if not soffice:
        pytest.skip("no LibreOffice: apt-get install libreoffice-calc-nogui")
    path = tmp_path / "report.xlsx"
    path.write_bytes(build_report(winter.district_unit, exporter="区委主管"))
    # Every sheet to a CSV of its own.
    target = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    command = [soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    command += ["--convert-to", target, "--outdir", str(tmp_path), str(path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    written = {file.stem.removeprefix("report-"): file.read_text() for file in tmp_path.glob("*.csv")}
    assert set(written) == set(SHEETS), result.stderr
    wanted = recount(winter.campaign, "HZ")["RATE_DUE"]
    total = next(line for line in written["情况统计表"].splitlines() if line.startswith(",合计,"))
    place = workbook.FIRST_COLUMN - 1 + [c.code for c in workbook.COLUMNS].index("RATE_DUE")
    people, rate = total.split(",")[place : place + 2]
    assert (int(people), float(rate.rstrip("%"))) == (wanted["n"], round(100 * wanted["n"] / wanted["d"], 1))
