"""Three absentees to nothing owed in three ways, on one phone: make-up, another branch's class, a visit."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from attendance.models import HomeLesson, Standing
from tests.attendance.scene import Scene
from tests.base import fixture_writes
from tests.browser import helpers

pytestmark = pytest.mark.django_db(transaction=True)


class Absent(Scene):
    """Three days ago nobody of 北山村 came; 北坡村 holds the same class today."""

    def __init__(self):
        super().__init__()
        missed = self.session(days=-3, topics=self.topics(0), title="缺的课")
        self.mark(missed, dict.fromkeys((self.wang, self.li, self.zhao), ("absent", "")))
        self.other = self.session(
            self.north_other_unit, days=0, hour=0, topics=self.topics(0), title="邻村的课"
        )
        self.owing = f"/campaigns/{self.campaign.pk}/makeup/"


@pytest.fixture
def absent(transactional_db):
    return Absent()


def heading(page):
    return page.get_by_role("heading", level=1)


def owed(page, absent, words):
    page.goto(absent.owing)
    expect(heading(page)).to_have_text(f"待补课 {words}人")


def submit(page, words):
    page.locator("[data-submit]").click()
    expect(heading(page)).to_contain_text(words)


def by_make_up_class(page, absent):
    """The page says whom the class clears, and whom not once its day lies before the missed one."""
    page.locator(".debt-cards tr").filter(has_text="王北甲").locator(".pick").click()
    page.get_by_role("button", name="为这1人开补课班").click()
    preview = page.locator("#makeup-preview")
    expect(preview).to_contain_text("能补上的 1人")
    today = timezone.localdate()
    page.get_by_label("日期").fill(str(today - timedelta(days=4)))
    page.get_by_label("日期").blur()
    expect(preview).to_contain_text("补课要在那天或以后")
    page.get_by_label("日期").fill(str(today - timedelta(days=1)))
    page.get_by_label("日期").blur()
    expect(preview).to_contain_text("能补上的 1人")
    page.get_by_role("button", name="为这1人安排").click()
    submit(page, "已登记 1人")


def by_another_branchs_class(page, absent):
    page.goto(f"/sessions/{absent.other.pk}/register/")
    page.locator("#visitors summary").click()
    page.fill("#visitor-name", "李")
    page.locator("#visitor-results").get_by_text("李北乙").click()
    submit(page, "已登记 1人，另来1人")


def by_a_visit(page, absent):
    """Who was not asked to come is taught at home; a wish is heard and becomes a task."""
    page.goto(f"/campaigns/{absent.campaign.pk}/home/new/?entry={absent.entry(absent.zhao).pk}")
    page.get_by_label("谁去送的").fill("老书记")
    page.locator("#id_topics .pick").filter(has_text=absent.topics(0)[0].name).click()
    page.get_by_label("赵北丙的心愿").fill("想修一修门前的路")
    page.get_by_role("button", name="登记", exact=True).click()
    expect(heading(page)).to_contain_text("送学上门")
    page.goto(f"/campaigns/{absent.campaign.pk}/home/?state=wish")
    page.get_by_role("button", name="转为办实事").click()
    expect(heading(page)).to_contain_text("想修一修门前的路")


def a_contact_stays_under_the_thumb(page, absent):
    """The button does not move when its form opens; what can be done with a list stands in one row."""
    entry = absent.entry(absent.wang)
    with fixture_writes():
        type(entry).objects.filter(pk=entry.pk).update(is_floating=True)
        Standing.objects.filter(entry=entry).update(is_floating=True)
    page.goto(f"/campaigns/{absent.campaign.pk}/contacts/")
    button = page.locator(".cell-actions .contact-log > summary")
    button.scroll_into_view_if_needed()
    closed = button.bounding_box()
    button.click()
    expect(page.get_by_role("button", name="电话")).to_be_visible()
    assert button.bounding_box() == closed
    assert len({act.bounding_box()["y"] for act in page.locator(".page-actions .btn").all()}) == 1


def test_three_absentees_to_zero_through_three_ways(absent, open_page):
    page = open_page(helpers.PHONE, user=absent.north_organizer)
    owed(page, absent, 3)
    expect(page.locator("main")).to_contain_text("缺的课")
    by_make_up_class(page, absent)
    owed(page, absent, 2)
    by_another_branchs_class(page, absent)
    owed(page, absent, 1)
    by_a_visit(page, absent)
    owed(page, absent, 0)
    expect(page.locator("main")).to_contain_text("没有人要补课")
    expect(page.locator(".debt-progress").first).to_contain_text("开始3人→ 补上3人→ 还剩0人")
    assert not Standing.objects.exclude(makeup_mask=0).exists()
    assert HomeLesson.objects.get().task.title == "想修一修门前的路"
    a_contact_stays_under_the_thumb(page, absent)
