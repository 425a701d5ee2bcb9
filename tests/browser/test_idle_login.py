"""A login that ended by itself while somebody was tapping."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from attendance.models import Attendance
from haizhou_training.sessions import SessionStore
from tests.attendance.scene import Scene
from tests.base import PASSWORD
from tests.browser import helpers

pytestmark = pytest.mark.django_db(transaction=True)


def forget_to_tap():
    """An hour goes by for every login."""
    for key in Session.objects.values_list("session_key", flat=True):
        login = SessionStore(key)
        login["renewed"] -= 3600
        login.save()


def test_the_taps_wait_for_the_login_and_go_out_afterwards(transactional_db, open_page):
    winter = Scene()
    today = winter.session(topics=winter.topics(0), days=0, hour=0, title="党课")
    page = open_page(helpers.PHONE, user=winter.north_organizer)
    page.goto(f"/sessions/{today.pk}/register/")
    page.allowed_errors = ["403"]  # whether the account was closed is asked: no, it may log in
    row = page.locator(".register-row[data-part]").filter(has_text="王北甲")
    row.locator(".register-name").click()
    forget_to_tap()
    page.locator("[data-submit]").click()
    expect(page.locator("#send-state")).to_contain_text("登录过期了，3条存在这台手机里，没有丢")
    assert not Attendance.objects.filter(session=today).exists()
    with page.expect_popup() as opened:
        page.locator("#send-state a").click()
    login = opened.value
    login.locator("#id_username").fill("north")
    login.locator("#id_password").fill(PASSWORD)
    login.locator("#login-form button[type=submit]").click()
    expect(login.get_by_role("heading", level=1)).not_to_have_text("登录")
    expect(page.get_by_role("heading", level=1)).to_contain_text("已登记")
    assert Attendance.objects.filter(session=today, entry=winter.entry(winter.wang)).exists()
    assert Attendance.objects.get(session=today, entry=winter.entry(winter.wang)).status == "absent"
