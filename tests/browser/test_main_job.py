"""The main job as people do it, from the roster file to the downloaded workbook, in a real Chromium.

The worker is the built-in runner; the same walk through a broker and a Celery worker is
tests/test_main_job.py. Every step is a visible act; nothing is written behind the pages.
"""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.models import Campaign
from organizations.models import Member
from organizations.runner import Runner
from tests.base import PASSWORD, Cast
from tests.browser import helpers
from tests.organizations.workbooks import person, roster, xlsx
from tests.reports.oracle import recount
from tests.test_main_job import assert_workbook_says, participation

pytestmark = pytest.mark.django_db(transaction=True)

LABEL = "2026—2027年度党员冬训"
NAMES = ["乡亲甲", "乡亲乙", "乡亲丙", "乡亲丁", "乡亲戊"]


def log_in(page, username):
    page.goto("/login/")
    page.get_by_label("账号").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()


def upload(page, name, content):
    page.goto("/import/")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": content})
    page.get_by_role("button", name="上传并检查").click()


def import_the_roster(page):
    """Title rows and one impossible date: refused by row and column; mended, stored."""
    good = [person(name, birth=f"196{n}年3月") for n, name in enumerate(NAMES[:-1])]
    head = ["序号", "所在党支部", "姓 名", "性别", "出生年月", "身份证号", "入党时间", "联系电话"]
    wrong = person(NAMES[-1], birth="2月30日")
    upload(page, "名册.xlsx", xlsx([["北山镇党员花名册"], ["填报单位：北山镇党委"], head, *good, wrong]))
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 行要改")
    expect(page.locator("tbody tr").first).to_contain_text("第 8 行")
    upload(page, "名册改好.xlsx", roster(*good, person(NAMES[-1], birth="1964.3")))
    page.get_by_role("button", name="全部存进系统").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("已存进系统")


def open_the_campaign(page):
    """Three steps: facts with their sources, programme and topics, roster."""
    page.goto("/campaigns/new/")
    today = timezone.localdate()
    page.get_by_label("名称").fill(LABEL)
    page.get_by_label("开始日期").fill(str(today.replace(day=1)))
    page.locator("form .btn-primary, button.btn-primary").last.click()
    expect(page.locator(".stepper [aria-current=step]")).to_contain_text("工作法")
    page.get_by_role("button", name="下一步：划定名册").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("划定名册")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="划定名册，开始冬训").click()
    expect(page.locator(".messages, .toast, .notice").first).to_contain_text("名册已划定")


def plan_a_session(page):
    """A class of the own branch today, on the first topic."""
    page.goto("/sessions/new/")
    page.locator("label:has(input[name=topics])").first.click()
    page.get_by_label("开始时间").fill("00:00")
    choose_branch(page, "北山村党支部")
    page.get_by_role("button", name="安排好了").click()
    expect(page.locator("h1")).not_to_have_text("安排场次")


def choose_branch(page, name):
    box = page.locator("label").filter(has_text=name).locator("input[type=checkbox]")
    for other in page.locator("input[name=units]").all():
        other.set_checked(False, force=True)
    box.first.set_checked(True, force=True)


def keep_the_register(page, absent):
    page.get_by_role("link", name="点名").first.click()
    rows = page.locator(".register-row[data-part]")
    expect(rows).to_have_count(8)
    for name in absent:
        rows.filter(has_text=name).locator(".register-name").click()
    page.locator("[data-submit]").click()
    expect(page.locator("body")).to_contain_text("撤销刚才这次")


def rate_shown(page, path):
    page.goto(path)
    return page.locator(".figure", has_text="参训率").first.locator(".figure-value").inner_text().strip()


def make_up(page, campaign):
    """为这些人开补课班: all three on the list, a class today, everybody comes."""
    page.goto(f"/campaigns/{campaign.pk}/makeup/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("待补课 3人")
    for name in NAMES[:3]:
        page.locator("label.pick", has_text=name).click()
    page.get_by_role("button", name="开补课班").click()
    page.get_by_label("开始").fill("00:10")
    page.get_by_label("结束").fill("00:50")
    page.locator("button.btn-primary[type=submit], button.btn-primary").last.click()
    expect(page.locator(".register-row[data-part]")).to_have_count(3)
    page.locator("[data-submit]").click()
    expect(page.locator("body")).to_contain_text("撤销刚才这次")
    page.goto(f"/campaigns/{campaign.pk}/makeup/")
    expect(page.locator("body")).to_contain_text("没有人要补课")


def fetch_the_workbook(page):
    page.goto("/reports/")
    page.get_by_role("button", name="生成统计表").click()
    expect(page.locator("body")).to_contain_text("排队中")
    runner = Runner()
    while runner.run_one():
        pass
    with page.expect_download() as download:
        page.get_by_role("link", name="下载").first.click()
    return download.value.path().read_bytes()


def test_from_the_roster_file_to_the_workbook(transactional_db, open_page):
    cast = Cast()
    organizer, officer = open_page(helpers.PHONE), open_page(helpers.DESKTOP)
    log_in(organizer, "north")
    log_in(officer, "officer")

    import_the_roster(organizer)
    assert Member.objects.filter(name__in=NAMES, branch=cast.north_branch).count() == 5
    open_the_campaign(officer)
    campaign = Campaign.objects.get(label=LABEL)
    units = {unit.organization.code: unit.pk for unit in campaign.units.select_related("organization")}

    levels = [
        (organizer, f"/dashboard/{campaign.pk}/{units['HZ0101']}/"),
        (organizer, f"/dashboard/{campaign.pk}/{units['HZ01']}/"),
        (officer, f"/dashboard/{campaign.pk}/{units['HZ']}/"),
    ]
    assert [rate_shown(*level) for level in levels] == ["0.0%"] * 3
    plan_a_session(organizer)
    keep_the_register(organizer, absent=NAMES[:3])
    # 5 of 8 in the branch, 5 of 9 in the township, 5 of 11 in the district.
    assert [rate_shown(*level) for level in levels] == ["62.5%", "55.6%", "45.5%"]

    make_up(organizer, campaign)
    assert [rate_shown(*level) for level in levels] == ["100.0%", "88.9%", "72.7%"]

    content = fetch_the_workbook(officer)
    said = participation(campaign, "HZ")
    assert_workbook_says(content, said)
    truth = recount(campaign, "HZ")
    assert said["indicators"]["RATE_DUE"] == truth["RATE_DUE"] == {"n": 8, "d": 11}
    assert said["indicators"]["TR_MAKEUP"] == truth["TR_MAKEUP"] == 3
