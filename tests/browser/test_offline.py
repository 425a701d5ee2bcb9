"""点名 where nothing gets through: server gone, network off, tab closed, somebody else on the phone."""

import os
import re
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from attendance.models import Attendance, Mark, MarkBatch
from organizations.services.accounts import close_account
from tests.attendance.scene import Scene
from tests.base import Cast, make_member
from tests.browser import helpers

pytestmark = pytest.mark.django_db(transaction=True)


# A worker that cannot be installed is never ready: without a limit the test would wait for it for ever.
INSTALLED = """Promise.race([
    navigator.serviceWorker.ready,
    new Promise((_, refuse) => setTimeout(refuse, 20_000, 'the service worker was not installed')),
]).then(() => true)"""


@pytest.fixture
def hall(monkeypatch, transactional_db):
    """Branch of 46, a class today."""
    plain = Cast.__init__

    def many(self):
        plain(self)
        for number in range(43):
            make_member(self.north_branch, f"陈党员{number:02}", initials=f"cdy{number:02}")

    monkeypatch.setattr(Cast, "__init__", many)
    winter = Scene()
    winter.today = winter.session(topics=winter.topics(0), days=0, hour=0, title="专题党课")
    return winter


class Line:
    """Between the phone and the server. Cut, every connection breaks and the port refuses new ones."""

    def __init__(self, url: str):
        self.server = (urlsplit(url).hostname, urlsplit(url).port)
        self.port, self.open = 0, []
        self.mend()
        self.url = f"http://localhost:{self.port}"

    def mend(self) -> None:
        self.listener = socket.create_server(("localhost", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=[self.listener], daemon=True).start()

    def accept(self, listener) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.server)
                self.open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=pair, daemon=True).start()

    @staticmethod
    def carry(here, there) -> None:
        with suppress(OSError):
            while data := here.recv(65536):
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        for one in (self.listener, *self.open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.open.clear()


@pytest.fixture
def line(live_server):
    line = Line(live_server.url)
    yield line
    line.cut()


@pytest.fixture
def phone(chromium, line, hall):
    visit = helpers.Visit(chromium, line.url, helpers.PHONE)
    visit.log_in(hall.north_organizer)
    yield visit.page
    visit.page.allowed_errors += ["ERR_CONNECTION_REFUSED", "ERR_INTERNET_DISCONNECTED", "ERR_FAILED"]
    visit.page.allowed_errors += ["ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_CLOSED"]
    problems = visit.close()
    assert not problems, "\n".join(problems)


def log_in(page, line, user) -> None:
    client = Client()
    client.force_login(user, backend="organizations.backends.AccountBackend")
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.clear_cookies()
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": line.url}])


def shot(page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def row(page, name):
    return page.locator(".register-row[data-part]").filter(has_text=name)


def absent(page, name, reason=None) -> None:
    row(page, name).locator(".register-name").click()
    if reason:
        row(page, name).get_by_role("button", name=reason, exact=True).click()


def submit(page) -> None:
    page.locator("[data-submit]").click()


def stored(hall) -> dict:
    found = Attendance.objects.filter(session=hall.today)
    return {row.entry.member.name: (row.status, row.reason) for row in found.select_related("entry__member")}


def test_46_names_without_a_network(hall, phone, line):
    where = f"/sessions/{hall.today.pk}/register/"
    page = phone

    # Opened once with a network: the register is on the phone.
    page.goto(where)
    expect(page.locator("#outbox-bar")).to_contain_text("已存到这台手机")
    page.evaluate(INSTALLED)
    shot(page, "1-online")

    # The server is gone; what is handed in stays.
    line.cut()
    expect(page.locator("#outbox-bar")).to_contain_text("没有要上传的；名单已存到这台手机")
    absent(page, "陈党员07", "生病")
    absent(page, "王北甲")
    expect(page.locator("#outbox-bar")).to_contain_text("名单已存到这台手机；点了2人，还没提交")
    shot(page, "1-tapped")
    submit(page)
    expect(page.locator("#send-state")).to_contain_text("46条存在这台手机里，没有丢")
    expect(page.locator("#outbox-bar")).not_to_contain_text("还没提交")
    expect(page.locator("#outbox-state")).to_have_text("46条待上传")
    shot(page, "2-kept")

    # The tab is closed and opened again without any network: more people are marked.
    context = page.context
    page.close()
    context.set_offline(True)
    page = context.new_page()
    page.goto(where)
    expect(page.locator(".register-row[data-part]")).to_have_count(46)
    expect(page.locator("#register-form")).to_contain_text("外单位来听的人没存在手机里，现在查不到")
    expect(row(page, "陈党员07").locator(".register-state")).to_have_text("请假·生病")
    expect(page.locator("#outbox-bar")).to_contain_text("46条待上传")
    shot(page, "3-opened-offline")
    absent(page, "陈党员09")
    submit(page)
    expect(page.locator("#outbox-bar")).to_contain_text("47条待上传")
    shot(page, "4-more-offline")
    page.goto("/offline/")
    kept = page.get_by_role("link", name="专题党课")
    expect(kept).to_contain_text(re.compile("北山村党支部，.*应到46人，名单保留到"))
    shot(page, "5-list-offline")
    page.close()
    assert not MarkBatch.objects.exists()

    # Meanwhile somebody marks the same person at a desk; another account uses the phone and sees no queue.
    hall.mark(hall.today, {hall.wang: "late"}, actor=hall.officer)
    line.mend()
    context.set_offline(False)
    page = context.new_page()
    log_in(page, line, hall.north_recorder)
    page.goto(where)
    expect(page.locator("#outbox-bar")).to_contain_text("还有另一个账号点的47条没上传")
    expect(row(page, "陈党员07").locator(".register-state")).to_have_text("未登记")
    shot(page, "6-another-account")
    assert not MarkBatch.objects.filter(account=hall.north_recorder).exists()
    page.close()

    # Back with the first account: everything goes out once by itself, and says so.
    page = context.new_page()
    log_in(page, line, hall.north_organizer)
    page.goto(where)
    card = page.locator("#outbox-panel")
    expect(card).to_contain_text("区委主管")
    expect(card).to_contain_text("登记为“迟到”")
    expect(page.locator("#outbox-state")).to_have_text("1人要您定")
    expect(row(page, "陈党员07").locator(".register-state")).to_have_text("请假·生病")
    shot(page, "7-conflict")
    now = stored(hall)
    assert (now["陈党员07"], now["陈党员09"]) == (("leave", "ILL"), ("absent", ""))
    assert now["王北甲"] == ("late", "") and list(now.values()).count(("present", "")) == 43
    assert MarkBatch.objects.filter(account=hall.north_organizer, kind="sync").count() <= 2
    assert Mark.objects.filter(outcome="applied", batch__account=hall.north_organizer).count() == 46

    # A person settles it.
    card.get_by_role("button", name="用我的：缺席").click()
    expect(card).not_to_contain_text("王北甲")
    expect(page.locator("#outbox-state")).to_contain_text("已全部上传")
    assert stored(hall)["王北甲"] == ("absent", "")
    shot(page, "8-done")

    # Logged out with an empty outbox, no name stays.
    page.evaluate("document.querySelector('form[action$=\"/logout/\"]').requestSubmit()")
    page.wait_for_url("**/login/**")
    assert "陈党员" not in kept_in(page) and "王北甲" not in kept_in(page)


def kept_in(page) -> str:
    """All the phone has stored."""
    return page.evaluate(
        """() => new Promise(resolve => {
            indexedDB.open('haizhou').onsuccess = event => {
                const store = event.target.result.transaction('kept').objectStore('kept');
                store.getAll().onsuccess = found => resolve(JSON.stringify(found.target.result));
            };
        })"""
    )


# What Chromium learned after version 70, as far as a script of ours might want it.
SINCE_70 = """{
    const gone = {
        Element: ['replaceChildren', 'checkVisibility'], Document: ['replaceChildren'],
        DocumentFragment: ['replaceChildren'], HTMLFormElement: ['requestSubmit'], SubmitEvent: ['submitter'],
        Array: ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with'],
        String: ['at', 'replaceAll', 'matchAll'], Blob: ['text', 'arrayBuffer', 'stream'],
        HTMLElement: ['showPopover', 'hidePopover', 'togglePopover', 'inert'],
    };
    for (const name in gone) for (const one of gone[name]) delete window[name].prototype[one];
    ['fromEntries', 'hasOwn', 'groupBy'].forEach(name => delete Object[name]);
    ['allSettled', 'any', 'withResolvers', 'try'].forEach(name => delete Promise[name]);
    ['timeout', 'any', 'abort'].forEach(name => delete AbortSignal[name]);
    ['structuredClone', 'queueMicrotask', 'scheduler'].forEach(name => delete window[name]);
}"""


def test_an_old_browser_on_plain_http_keeps_what_was_tapped(hall, chromium, line, settings):
    """No service worker at such an address: the open page queues, and says what it cannot do."""
    settings.ALLOWED_HOSTS = ["haizhou.test"]
    visit = helpers.Visit(chromium, f"http://haizhou.test:{line.port}", helpers.PHONE)
    visit.log_in(hall.north_organizer)
    visit.context.add_init_script(SINCE_70)
    visit.page.allowed_errors += ["ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_FAILED"]
    where, page = f"/sessions/{hall.today.pk}/register/", visit.page
    # One too old to read this file has the plain form: a menu beside each name.
    page.route("**/outbox*.js", lambda route: route.abort())
    page.goto(where)
    expect(page.get_by_label("陈党员07", exact=True)).to_be_visible()
    expect(page.locator(".register-hint")).to_be_hidden()
    page.unroute("**/outbox*.js")
    page.goto(where)
    bar = page.locator("#outbox-bar")
    expect(bar).to_contain_text("不要关这一页：这个网址不是 https，关了再打开要有网")
    assert page.evaluate("[isSecureContext, 'serviceWorker' in navigator]") == [False, False]
    shot(page, "http-1-open")

    line.cut()
    absent(page, "陈党员07", "生病")
    submit(page)
    expect(page.locator("#send-state")).to_contain_text("46条存在这台手机里，没有丢")
    expect(page.locator("#outbox-state")).to_have_text("46条待上传")
    assert "王北甲" in kept_in(page) and not MarkBatch.objects.exists()
    shot(page, "http-2-kept")

    # Closed all the same, and opened again with a network: what waited goes out by itself.
    page.close()
    hall.mark(hall.today, {hall.wang: "late"}, actor=hall.officer)
    line.mend()
    page = visit.context.new_page()
    page.goto(where)
    expect(page.locator("#outbox-panel")).to_contain_text("登记为“迟到”")
    expect(row(page, "陈党员07").locator(".register-state")).to_have_text("请假·生病")
    page.get_by_role("button", name="不动：迟到").click()
    expect(page.locator("#outbox-state")).to_contain_text("已全部上传")
    assert len(stored(hall)) == 46 and stored(hall)["王北甲"] == ("late", "")
    assert visit.close() == []


def test_where_nothing_may_be_stored_the_open_page_says_so_and_sends(hall, phone, line):
    page = phone
    page.allowed_errors.append("occurred when fetching the script")  # the worker, while the line is cut
    page.context.add_init_script("IDBFactory.prototype.open = () => { throw new Error('refused'); }")
    page.goto(f"/sessions/{hall.today.pk}/register/")
    bar = page.locator("#outbox-bar")
    expect(bar).to_contain_text("这个浏览器不肯存东西（无痕浏览就是这样），关了再打开要有网")
    expect(bar).not_to_contain_text("已存到这台手机")
    line.cut()
    absent(page, "陈党员07")
    submit(page)
    expect(page.locator("#send-state")).to_contain_text("46条还在这一页上，没有丢，先不要关")
    expect(bar).to_contain_text("只在这一页上，上传以前不要关")
    shot(page, "refused")
    line.mend()
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记 46人")
    assert stored(hall)["陈党员07"] == ("absent", "")


def test_what_a_closed_account_tapped_waits_for_its_superior(hall, phone, line, chromium):
    where = f"/sessions/{hall.today.pk}/register/"
    page = phone
    log_in(page, line, hall.north_recorder)
    page.goto(where)
    expect(page.locator("#outbox-bar")).to_contain_text("已存到这台手机")
    line.cut()
    absent(page, "陈党员07")
    submit(page)
    expect(page.locator("#outbox-state")).to_have_text("46条待上传")

    # Closed meanwhile: with the first signal the marks go to the superior, and the pack leaves the phone.
    close_account(actor=hall.north_organizer, user=hall.north_recorder)
    line.mend()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    told = page.locator("#outbox-panel .conflict")
    expect(told).to_contain_text("陈党员07“缺席”")
    expect(told).to_contain_text("账号已经停用")
    expect(page.locator("#outbox-state")).not_to_contain_text("待上传")
    expect(page.locator("#send-state")).to_be_hidden()
    expect(page.locator("#outbox-bar")).not_to_contain_text("这台手机")
    shot(page, "closed-1-phone")
    told.get_by_role("button", name="知道了").click()
    expect(told).to_have_count(0)
    assert "陈党员" not in kept_in(page)
    assert not Attendance.objects.exists() and Mark.objects.filter(code="account_closed").count() == 46

    desk = helpers.Visit(chromium, line.url, helpers.DESKTOP)
    desk.log_in(hall.north_organizer)
    desk.page.goto("/")
    desk.page.get_by_role("link", name="46人次的登记送来晚了，等您看").click()
    shot(desk.page, "closed-2-list")
    desk.page.get_by_role("row", name="陈党员07").get_by_role("link", name="专题党课").click()
    shot(desk.page, "closed-3-register")
    desk.page.get_by_label("怎么核对的").fill("和签到表对过，一致")
    desk.page.get_by_role("button", name="核对过，放进登记表").click()
    expect(row(desk.page, "陈党员07").locator(".register-state")).to_have_text("没来")
    assert len(stored(hall)) == 46 and stored(hall)["陈党员07"] == ("absent", "")
    assert desk.close() == []
