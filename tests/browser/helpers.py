"""Pages of a real Chromium that notice what a user would not report."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

PHONE = {"width": 390, "height": 844}
SMALLEST_PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1440, "height": 900}

# Without these Chromium keeps asking its maker's servers.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # An address as offices have it: plain HTTP and not this machine.
    "--host-resolver-rules=MAP haizhou.test 127.0.0.1",
]

# Rules that cannot say anything serious are not asked. Preloading would copy imported style sheets into the
# page, which the policy refuses.
SERIOUS = """async contrast => {
    const weighs = rule => rule.enabled && !['minor', 'moderate'].includes(rule.impact)
        && !rule.tags.some(tag => axe._audit.tagExclude.includes(tag));
    const rules = axe._audit.rules.filter(weighs).map(rule => rule.id)
        .filter(id => contrast || id !== 'color-contrast');
    const options = {runOnly: {type: 'rule', values: rules}, resultTypes: ['violations'], preload: false};
    return (await axe.run(options)).violations
        .filter(found => ['serious', 'critical'].includes(found.impact))
        .map(found => `${found.impact}: ${found.id} at ${found.nodes[0].target}`);
}"""


def chromium_path() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def chromium(program: str) -> Iterator[Browser]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *sandbox])
        yield browser
        browser.close()


class Visit:
    """One browser context with one page, and everything suspicious that happened in it.

    `page.allowed_errors` takes words of console errors a test means to provoke,
    such as "422" for a refused form.
    """

    def __init__(self, browser: Browser, base_url: str, size: dict, **options):
        self.host = urlsplit(base_url).netloc
        self.base_url = base_url
        self.problems: list[str] = []
        is_phone = size["width"] < 600
        options = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "has_touch": is_phone} | options
        self.context = browser.new_context(base_url=base_url, viewport=size, **options)
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.page.allowed_errors = []
        self.context.on("request", self.watch_request)
        self.context.on("console", self.watch_console)
        self.context.on("weberror", lambda error: self.problems.append(f"script error: {error.error}"))

    def watch_request(self, request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.problems.append(f"asks another host: {request.url}")

    def watch_console(self, message) -> None:
        if message.type == "error":
            self.problems.append(f"console error on {self.page.url}: {message.text}")

    def log_in(self, user) -> None:
        """A login without the form; the form has a test of its own."""
        client = Client()
        client.force_login(user, backend="organizations.backends.AccountBackend")
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        self.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": self.base_url}])

    def close(self) -> list[str]:
        allowed = self.page.allowed_errors
        self.context.close()
        return [problem for problem in self.problems if not any(words in problem for words in allowed)]


def serious_violations(page: Page, *, contrast: bool = True) -> list[str]:
    """What axe-core calls serious or critical on this page. `contrast` takes two thirds of the time."""
    # Read in once for each page: a second reading takes as long as looking.
    if not page.evaluate("window.axe !== undefined"):
        page.evaluate(AXE_SCRIPT)
    return page.evaluate(SERIOUS, contrast)


def overflows(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def small_targets(page: Page, least: int = 48) -> list[str]:
    """Buttons and form fields a thumb would miss: words and height of each. A label counts as its field."""
    script = """(root, least) => {
        const fields = 'button, .btn, select, textarea, input:not([type=hidden])';
        const found = [...root.querySelectorAll(fields)].map(field => field.closest('label') || field);
        const height = element => Math.round(element.getBoundingClientRect().height);
        return found.filter(element => height(element) > 0 && height(element) < least)
            .map(element => `${(element.innerText || element.name || '').trim()} ${height(element)}px`);
    }"""
    return page.locator("body").evaluate(script, least)
