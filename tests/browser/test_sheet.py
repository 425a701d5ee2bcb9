"""The sheet goes out, is filled and comes back; then the same class is ticked from paper."""

import re

import pytest
from playwright.sync_api import expect

from attendance.views import paper
from tests.attendance.scene import Scene
from tests.attendance.sheets import Filled, statuses
from tests.base import Cast, make_member
from tests.browser import helpers

PAGE = re.compile(rb"/Type\s*/Page\b")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hall(request, monkeypatch, transactional_db):
    """The branch has 46 members in two groups, which do not follow one another in its list."""
    plain, members = Cast.__init__, getattr(request, "param", 46)

    def many(self):
        plain(self)
        for number in range(members - 3):
            group = "第一党小组" if number % 2 else "第二党小组"
            make_member(
                self.north_branch, f"陈党员{number:02}", party_group=group, initials=f"cdy{number:02}"
            )

    monkeypatch.setattr(Cast, "__init__", many)
    scene = Scene()
    scene.today = scene.session(days=0, hour=0, title="党的创新理论专题党课")
    return scene


def names_by_number(page, selector: str) -> dict[str, str]:
    lines = [line.split() for line in page.locator(selector).all_inner_texts()]
    return {line[0]: line[1] for line in lines}


def test_out_and_back_and_ticked_from_paper(hall, open_page, tmp_path):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(f"/sessions/{hall.today.pk}/register/")
    numbered = names_by_number(page, ".register-row .register-name")
    page.get_by_role("link", name="Excel 表").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Excel 签到表")
    assert not helpers.overflows(page) and not helpers.small_targets(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="北山村党支部").click()
    book = Filled(download.value.path().read_bytes())
    assert {str(line[0].value): line[1].value for line in book.rows().values()} == numbered
    book.fill(dict.fromkeys(numbered.values(), "√")).fill({"陈党员07": "病假", "陈党员31": "△"})
    (tmp_path / "签到表.xlsx").write_bytes(book.saved())
    page.set_input_files("input[type=file]", tmp_path / "签到表.xlsx")
    page.get_by_role("button", name="上传，先看看").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1行要请您定，45人会改")
    assert not helpers.overflows(page) and helpers.serious_violations(page) == []
    page.locator("fieldset").filter(has_text="陈党员31").get_by_role("radio", name="缺席").check()
    page.get_by_role("button", name="存进登记").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    assert statuses(hall.today)["陈党员07"] == ("leave", "ILL", None)

    # Above the fold: taking it back, and the list of what was sent.
    assert page.get_by_role("link", name="登记记录").bounding_box()["y"] < helpers.PHONE["height"] / 2
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="撤销刚才这次").click()
    expect(page.get_by_text("已撤销您的这次签到表")).to_be_visible()
    assert statuses(hall.today) == {}

    page.get_by_role("link", name="照纸勾选").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("照纸勾选")
    assert names_by_number(page, ".tick-line legend") == numbered
    assert not helpers.overflows(page) and not helpers.small_targets(page)
    page.locator("#tick-number").fill("31")
    page.keyboard.press("Enter")
    page.locator(".tick-line.is-found").get_by_role("radio", name="没来").check()
    page.get_by_role("button", name="其余都到").click()
    expect(page.locator("#tick-tally")).to_contain_text("到 45请假 0没来 1没勾 0")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    assert statuses(hall.today)[numbered["31"]] == ("absent", "", None)

    page.goto(f"/sessions/{hall.today.pk}/sheet/")
    printed = page.pdf(prefer_css_page_size=True)
    assert len(PAGE.findall(printed)) == 1


@pytest.mark.parametrize("hall", [paper.LONG], indirect=True)
def test_two_full_blocks_and_the_foot_fit_one_sheet_of_paper(hall, open_page):
    page = open_page(helpers.DESKTOP, user=hall.north_organizer)
    page.goto(f"/sessions/{hall.today.pk}/sheet/")
    expect(page.locator(".sheet tbody tr")).to_have_count(paper.LONG // 2)
    expect(page.locator(".sheet-name small")).to_have_count(paper.LONG - 3)
    assert len(PAGE.findall(page.pdf(prefer_css_page_size=True))) == 1
