"""Three ugly rosters, one of each file type, imported by somebody who has read no manual.

Every step is a button or a question the page itself shows; what is stored is looked at afterwards.
"""

from io import BytesIO

import pytest
from openpyxl import Workbook
from playwright.sync_api import expect

from organizations.models import Member
from organizations.runner import Runner
from organizations.services import import_checks
from tests.base import Cast
from tests.browser import helpers
from tests.organizations.rosters.making import xls
from tests.organizations.workbooks import HEADERS, person, roster, saved

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = pytest.mark.parametrize("size", [helpers.PHONE, helpers.DESKTOP], ids=["phone", "desktop"])


@pytest.fixture
def cast(transactional_db):
    return Cast()


def send(page, name, content, button="上传并检查"):
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name=button).click()


def heading(page):
    return page.get_by_role("heading", level=1)


def looks_right(page):
    assert not helpers.overflows(page)
    assert page.viewport_size["width"] > 600 or helpers.small_targets(page) == []
    assert helpers.serious_violations(page) == []


def ugly_workbook() -> bytes:
    """Titles, two header lines, one branch beside many names, a header of its own, hidden lines, a total."""
    book = Workbook()
    sheet = book.active
    sheet.title = "二〇二六"
    lines = [
        ["北山镇2026年冬训党员花名册"],
        ["填报单位：北山镇党委", None, None, None, "填报日期：2026.11.20"],
        ["序号", "所在支部", "基本情况", None, None, "联络号"],
        [None, None, "姓　名", "性别", "出生年月", None],
        [1, "北山村党支部", "马 一", "男", "1958.03", "１３８００００１１１１"],
        [2, None, "马二", "女", "1960年7月", "138 0000 2222"],
        [3, None, "马三", "男", "1961-02-03", None],
        ["合计", None, "3人"],
    ]
    for line in lines:
        sheet.append(line)
    for cells in ("A1:F1", "C3:E3", "B5:B7"):
        sheet.merge_cells(cells)
    sheet.row_dimensions[7].hidden = True
    return saved(book)


@SIZES
def test_an_ugly_workbook_asks_one_thing_and_goes_in(open_page, cast, size):
    page = open_page(size, user=cast.north_organizer)
    page.goto("/import/")
    send(page, "花名册.xlsx", ugly_workbook())
    expect(heading(page)).to_have_text("还要您说一声")
    looks_right(page)
    page.get_by_text("一起导入").click()
    page.get_by_role("button", name="就这样").click()
    expect(heading(page)).to_have_text("可以存进系统")
    page.locator("#unknown select").select_option(label="手机")
    page.get_by_role("button", name="按这样重新检查").first.click()
    expect(page.locator("#unknown")).to_have_count(0)
    looks_right(page)
    page.get_by_role("button", name="全部存进系统").click()
    expect(heading(page)).to_have_text("已存进系统")
    looks_right(page)
    found = Member.objects.filter(name__startswith="马").order_by("place_in_list")
    assert [(m.name, m.branch.name, m.phone_tail) for m in found] == [
        ("马一", "北山村党支部", "1111"),
        ("马二", "北山村党支部", "2222"),
        ("马三", "北山村党支部", ""),
    ]


@SIZES
def test_a_csv_from_an_old_system_is_mended_in_the_same_import(open_page, cast, size):
    page = open_page(size, user=cast.north_organizer)
    wrong = (
        "党员姓名,党组织名称,公民身份号码,手机\r\n马一,北山村支部,,13800001111\r\n马二,没有的支部,,138\r\n"
    )
    page.goto("/import/")
    send(page, "导出.csv", wrong.encode("gb18030"))
    expect(heading(page)).to_have_text("1 行要改")
    expect(page.locator("tbody tr").first).to_contain_text("没有找到支部")
    looks_right(page)
    right = wrong.replace("没有的支部", "北坡村支部").replace(",138\r\n", ",13800002222\r\n")
    send(page, "导出改好.csv", right.encode("gb18030"), "上传改好的表")
    expect(page.locator(".lead")).to_contain_text("第 2 次检查")
    page.get_by_role("button", name="全部存进系统").click()
    expect(heading(page)).to_have_text("已存进系统")
    found = Member.objects.filter(name__startswith="马").order_by("pk")
    assert [(m.name, m.branch.name) for m in found] == [("马一", "北山村党支部"), ("马二", "北坡村党支部")]


@SIZES
def test_an_old_xls_goes_in_and_is_taken_back(open_page, cast, size):
    page = open_page(size, user=cast.north_organizer)
    before = Member.objects.count()
    page.goto("/import/")
    send(
        page,
        "九七.xls",
        xls([HEADERS, person("马一"), person("王北甲", birth="1970-01-01", phone="13800001111")]),
    )
    expect(heading(page)).to_have_text("可以存进系统")
    page.get_by_role("navigation", name="看哪些").get_by_role("link", name="更新 1").click()
    expect(page.locator("tbody tr").first).to_contain_text("138****1111")
    page.get_by_role("button", name="全部存进系统").click()
    expect(heading(page)).to_have_text("已存进系统")
    assert Member.objects.count() == before + 1
    page.get_by_role("link", name="撤销这次导入").click()
    looks_right(page)
    page.get_by_role("button", name="撤销这次导入").click()
    expect(heading(page)).to_have_text("已撤销")
    assert Member.objects.count() == before


def test_a_long_file_is_waited_for_on_its_page(open_page, cast, monkeypatch):
    monkeypatch.setattr(import_checks, "AT_ONCE_BYTES", 10)
    page = open_page(helpers.PHONE, user=cast.north_organizer)
    page.goto("/import/")
    send(page, "大名册.xlsx", roster(person("马一")))
    expect(heading(page)).to_have_text("正在检查")
    looks_right(page)
    Runner().run_one()
    expect(heading(page)).to_have_text("可以存进系统")


def test_a_roster_goes_out_from_the_member_list(open_page, cast):
    page = open_page(helpers.PHONE, user=cast.north_organizer)
    page.goto("/members/")
    page.get_by_role("link", name="导出名册").click()
    looks_right(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="下载 Excel").click()
    with open(download.value.path(), "rb") as file:
        content = file.read()
    assert content.startswith(b"PK") and BytesIO(content).getbuffer().nbytes > 1000
    assert download.value.suggested_filename.startswith("北山镇党委_党员名册")
