"""点名 as it happens: a phone in a cold hall, 46 names, one bar of signal."""

import gzip
import json
import random
import re
import time
from string import ascii_letters
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from attendance.models import Attendance, Mark, MarkBatch
from tests.attendance.scene import Scene
from tests.base import Cast, make_member
from tests.browser import helpers

pytestmark = pytest.mark.django_db(transaction=True)


class Hall(Scene):
    """The branch has 46 members in two groups."""

    def __init__(self):
        super().__init__()
        self.today = self.session(topics=self.topics(0), days=0, hour=0, title="党的创新理论专题党课")
        self.where = f"/sessions/{self.today.pk}/register/"


@pytest.fixture
def hall(monkeypatch, transactional_db):
    plain = Cast.__init__

    def many(self):
        plain(self)
        for number in range(43):
            group = "第一党小组" if number < 20 else "第二党小组"
            make_member(
                self.north_branch, f"陈党员{number:02}", party_group=group, initials=f"cdy{number:02}"
            )

    monkeypatch.setattr(Cast, "__init__", many)
    return Hall()


def rows(page):
    return page.locator(".register-row[data-part]")


def row(page, name):
    return rows(page).filter(has_text=name)


def absent(page, name, reason=None):
    row(page, name).locator(".register-name").click()
    if reason:
        row(page, name).get_by_role("button", name=reason, exact=True).click()


def submit(page):
    page.locator("[data-submit]").click()


def stored(hall):
    found = Attendance.objects.filter(session=hall.today).values_list(
        "entry__member__name", "status", "reason"
    )
    return {name: (status, reason) for name, status, reason in found}


def test_46_names_two_missing_at_most_six_taps_and_a_minute(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.context.add_init_script(
        "window.taps = 0; addEventListener('pointerdown', () => { window.taps += 1 }, true)"
    )
    started = time.monotonic()
    page.goto(hall.where)
    expect(rows(page)).to_have_count(46)
    absent(page, "陈党员07", "生病")
    absent(page, "陈党员31", "外出")
    expect(page.locator("[data-count=attended]")).to_have_text("44")
    assert page.evaluate("window.taps") == 4
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    assert time.monotonic() - started < 60
    text = page.locator("#report-text").inner_text()
    assert "应到46人，实到44人，请假2人，缺席0人。" in text and "陈党员" not in text
    assert stored(hall)["陈党员07"] == ("leave", "ILL")
    assert len([1 for status, _ in stored(hall).values() if status == "present"]) == 44


# What differs each time a page is made: form tokens and the number of a batch not sent yet.
ONCE = re.compile(
    rb"(?<![0-9A-Za-z])(?:[0-9A-Za-z]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9A-Za-z])"
)


def weight(body):
    """Bytes on the wire; what is made anew each time counts as the same random text each time."""
    chance = random.Random(1)
    chosen = {}

    def same(found):
        text = found.group().decode()
        return chosen.setdefault(text, "".join(chance.choices(ascii_letters, k=len(text)))).encode()

    return len(gzip.compress(ONCE.sub(same, body)))


def test_the_first_visit_stays_below_100_kilobytes(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    sizes = {}
    page.on("response", lambda r: sizes.update({r.url: weight(r.body())}) if r.ok else None)
    with page.expect_response("**/pack/"):
        page.goto(hall.where, wait_until="networkidle")
    assert len(sizes) > 15 and sum(sizes.values()) <= 100_000, sizes
    # What only who came from elsewhere needs comes with that part of the page.
    assert not [url for url in sizes if "htmx" in url]


def test_a_second_tap_on_the_name_takes_it_back(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(hall.where)
    absent(page, "陈党员07")
    expect(row(page, "陈党员07").locator(".register-state")).to_have_text("没来")
    absent(page, "陈党员07")
    expect(row(page, "陈党员07").locator(".register-state")).to_have_text("出席")
    expect(row(page, "陈党员07").locator(".register-why")).to_be_hidden()
    row(page, "陈党员08").get_by_role("button", name="迟到").click()
    row(page, "陈党员08").get_by_role("button", name="迟到", exact=True).click()
    expect(row(page, "陈党员08").locator(".register-state")).to_have_text("迟到")
    assert Attendance.objects.count() == 0


def test_a_lost_answer_is_sent_again_and_counts_once(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.allowed_errors.append("ERR_FAILED")
    page.goto(hall.where)
    absent(page, "陈党员07")
    bodies = []

    def lose_the_answer(route):
        bodies.append(route.request.post_data)
        route.fetch()  # the server stores it, the phone never hears of it
        route.abort("failed")

    page.route("**/marks/", lose_the_answer, times=1)
    page.on("request", lambda r: bodies.append(r.post_data) if r.url.endswith("/marks/") else None)
    submit(page)
    expect(page.locator("[data-submit]")).to_have_text("没发出去，点这里重发")
    assert MarkBatch.objects.count() == 1
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    assert MarkBatch.objects.count() == 1 and Mark.objects.count() == 46
    assert len(set(bodies)) == 1


def test_without_signal_nothing_is_lost_and_it_goes_out_by_itself(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.allowed_errors.append("ERR_INTERNET_DISCONNECTED")
    page.goto(hall.where)
    absent(page, "陈党员07", "有事")
    page.context.set_offline(True)
    submit(page)
    expect(page.locator("#send-state")).to_contain_text("没有网络，46条存在这台手机里")
    assert Attendance.objects.count() == 0
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    assert stored(hall)["陈党员07"] == ("leave", "PRIVATE") and MarkBatch.objects.count() == 1


def test_taps_not_handed_in_survive_a_page_the_phone_closed(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(hall.where)
    absent(page, "陈党员07", "有事")
    page.wait_for_timeout(600)
    page.reload()
    expect(row(page, "陈党员07").locator(".register-state")).to_have_text("请假·有事")
    expect(page.locator("#send-state")).to_contain_text("上次点了还没提交的1人")
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    assert stored(hall)["陈党员07"] == ("leave", "PRIVATE")


def test_a_double_tap_sends_once(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(hall.where)
    page.locator("[data-submit]").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    assert MarkBatch.objects.count() == 1


def test_an_expired_login_keeps_the_marks(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.allowed_errors.append("403")
    page.goto(hall.where)
    absent(page, "陈党员07")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    submit(page)
    expect(page.locator("#send-state")).to_contain_text("登录过期了")
    page.context.add_cookies(cookies)
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")


def test_another_hand_was_faster_and_a_person_decides(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(hall.where)
    absent(page, "王北甲")
    hall.mark(hall.today, {hall.wang: "late"}, actor=hall.north_recorder)
    submit(page)
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("北山村记录员")
    conflict.get_by_role("radio", name="用我的：缺席").check()
    page.get_by_role("button", name="就这样定").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("改了 1人")
    assert stored(hall)["王北甲"] == ("absent", "")


def test_the_register_opens_again_with_what_is_stored(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(hall.where)
    absent(page, "陈党员07", "生病")
    submit(page)
    page.get_by_role("link", name="改点名").click()
    expect(row(page, "陈党员07").locator(".register-state")).to_have_text("请假·生病")
    absent(page, "陈党员07")
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("改了 1人")
    assert stored(hall)["陈党员07"] == ("present", "")


def test_the_last_sending_can_be_taken_back(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(hall.where)
    submit(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="撤销刚才这次").click()
    expect(page.get_by_text("已撤销您的这次点名")).to_be_visible()
    assert stored(hall) == {}


def test_the_keyboard_alone_is_enough(hall, open_page):
    page = open_page(helpers.DESKTOP, user=hall.north_organizer)
    page.goto(hall.where)
    rows(page).first.locator(".register-name").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("2")
    expect(rows(page).nth(1).locator(".register-state")).to_have_text("请假·生病")
    # Late by so many minutes: the menu, 迟到, the field. Figures in it pick no reason.
    page.keyboard.press("ArrowDown")
    for key in ("Tab", "Enter", "Tab", "Enter", "Tab", "2", "0"):
        page.keyboard.press(key)
    expect(rows(page).nth(2).locator(".register-state")).to_have_text("迟到20分钟")
    page.locator("[data-submit]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    assert list(Attendance.objects.filter(minutes_set=True).values_list("status", "minutes")) == [
        ("late", 100)
    ]
    page.get_by_role("link", name="改点名").click()
    expect(rows(page).nth(2).locator(".register-state")).to_have_text("迟到20分钟")


def test_without_scripts_it_is_a_form(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer, java_script_enabled=False)
    page.goto(hall.where)
    page.get_by_label("陈党员07", exact=True).select_option("leave:ILL")
    page.get_by_role("button", name="提交", exact=True).click()
    assert stored(hall)["陈党员07"] == ("leave", "ILL")
    assert len(stored(hall)) == 46


def test_a_wrong_head_count_is_said_gently_and_does_not_stop(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(hall.where)
    absent(page, "陈党员07")
    page.fill("#counted-heads", "44")
    expect(page.locator("#heads-note")).to_contain_text("数的是44人，登记出席45人")
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    hall.today.refresh_from_db()
    assert hall.today.counted_heads == 44


def test_a_name_is_found_and_a_visitor_is_added(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(hall.where)
    page.fill("#register-find", "cdy07")
    expect(page.locator(".register-row[data-part]:visible")).to_have_count(1)
    page.fill("#register-find", "")
    page.locator("#visitors summary").click()
    # Of no unit of ours: a name and what they say, without leaving the page.
    page.fill("#guest-name", "外来的人")
    page.fill("#guest-from", "外县党支部")
    page.get_by_role("button", name="记下", exact=True).click()
    expect(page.locator("#guests")).to_contain_text("外来的人")
    page.fill("#visitor-name", "钱")
    page.locator("#visitor-results").get_by_text("钱北丁").click()
    expect(page.locator("#visitors-picked")).to_contain_text("钱北丁")
    expect(page.locator("[data-count=extra]")).to_have_text("1")
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人，另来1人")
    assert stored(hall)["钱北丁"] == ("present", "")


@pytest.mark.parametrize("size", [helpers.PHONE, helpers.SMALLEST_PHONE, helpers.DESKTOP])
def test_pages_are_readable_and_reachable(hall, open_page, size):
    hall.mark(hall.today, {hall.wang: "absent", hall.li: ("leave", "ILL"), hall.zhao: "present"})
    entry = hall.entry(hall.wang).pk
    page = open_page(size, user=hall.officer)
    pages = [
        hall.where,
        f"/sessions/{hall.session(days=-2).pk}/register/",
        f"{hall.where}?batch={MarkBatch.objects.get().uuid}",
        f"/sessions/{hall.today.pk}/rows/",
        f"/sessions/{hall.today.pk}/sheet/",
        f"/campaigns/{hall.campaign.pk}/roster/",
        f"/campaigns/{hall.campaign.pk}/roster/draw/",
        f"/campaigns/{hall.campaign.pk}/makeup/",
        f"/campaigns/{hall.campaign.pk}/makeup/new/?entry={entry}",
        f"/entries/{entry}/",
    ]
    for where in pages:
        page.goto(where)
        assert not helpers.overflows(page), where
        # The smallest phone shows the colours of the other one.
        seen = helpers.serious_violations(page, contrast=size is not helpers.SMALLEST_PHONE)
        assert seen == [], where
        if size is helpers.PHONE:
            small = [
                found for found in helpers.small_targets(page) if not found.startswith(("entry", "topics"))
            ]
            assert small == [], where


def test_the_body_is_the_one_design_6_describes(hall, open_page):
    page = open_page(helpers.PHONE, user=hall.north_organizer)
    page.goto(hall.where)
    absent(page, "陈党员07", "公务")
    with page.expect_request("**/marks/") as sent:
        submit(page)
    body = json.loads(sent.value.post_data)
    assert set(body) == {"batch", "marks"}
    assert set(body["marks"][0]) == {"entry", "status", "base_version", "marked_at"}
    assert [m["reason"] for m in body["marks"] if "reason" in m] == ["DUTY"]
    assert uuid4().version == 4 and body["batch"][14] == "4"
