"""粘贴 as it happens: a message from WeChat, on a phone, looked at and stored."""

import pytest
from playwright.sync_api import expect

from attendance.models import Attendance, MarkBatch
from tests.attendance.scene import Scene
from tests.base import Cast, make_member
from tests.browser import helpers

pytestmark = pytest.mark.django_db(transaction=True)


class Crowd(Cast):
    """46 in 北山村: twenty in the first group, two of one name among the others."""

    def __init__(self):
        super().__init__()
        for number in range(41):
            group = "第一党小组" if number < 20 else "第二党小组"
            make_member(
                self.north_branch, f"陈党员{number:02}", party_group=group, initials=f"cdy{number:02}"
            )
        for group in ("第一党小组", "第二党小组"):
            make_member(self.north_branch, "刘同名", party_group=group, initials="ltm")


class Hall(Scene, Crowd):
    pass


TEXT = """北山村冬训情况：应到46人，实到42人
请假：王北甲（生病）、刘同名
李北已外出务工，赵北丙没来
其余都到了，收到请回复"""


def test_a_message_is_pasted_asked_about_and_stored(transactional_db, open_page):
    hall = Hall()
    session = hall.session(days=0, hour=0, title="党的创新理论专题党课")
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(f"/sessions/{session.pk}/register/")
    page.get_by_role("link", name="粘贴").click()
    page.get_by_label("把微信里的话粘贴到这里").fill(TEXT)
    page.get_by_role("button", name="认一认").click()

    expect(page.get_by_role("heading", name="请您定一下 2个")).to_be_visible()
    assert not helpers.overflows(page) and helpers.small_targets(page) == []
    assert helpers.serious_violations(page) == []
    assert MarkBatch.objects.count() == Attendance.objects.count() == 0

    asks = page.locator(".paste-ask")
    asks.get_by_role("radio", name="刘同名（第二党小组").check()
    asks.get_by_role("radio", name="李北乙（").check()
    page.get_by_text("看名单，个别的单独改").click()
    rest = page.locator(".paste-rows select").filter(has_text="出席（没提到）")
    assert rest.count() == 44 and page.get_by_label("都算到了").is_checked()
    page.get_by_role("button", name="就这样存").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    stored = Attendance.objects.exclude(status="present").values_list(
        "entry__member__name", "status", "reason"
    )
    assert set(stored) == {
        ("王北甲", "leave", "ILL"),
        ("刘同名", "leave", ""),
        ("李北乙", "leave", "AWAY"),
        ("赵北丙", "absent", ""),
    }
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="撤销刚才这次").click()
    expect(page.get_by_text("名单恢复到提交以前")).to_be_visible()
    assert Attendance.objects.count() == 0
