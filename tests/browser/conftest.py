"""A real Chromium. A page that logs an error, breaks the CSP or asks another host fails its test."""

import os

import pytest
from playwright.sync_api import expect

from tests.browser import helpers

# As long as any act of a page may take: three tests share two cores.
expect.set_options(timeout=15_000)

# Playwright's sync API keeps an event loop in this thread; Django would refuse the ORM there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_collection_modifyitems(items):
    for item in items:
        if "/tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium():
    """One browser a module; its event loop ends with it, so other tests never run beside a loop."""
    program = helpers.chromium_path()
    if not program:
        pytest.skip("no Chromium: apt-get install chromium fonts-noto-cjk")
    with helpers.chromium(program) as browser:
        yield browser


@pytest.fixture
def open_page(chromium, live_server):
    """Opens watched pages: `page = open_page(helpers.PHONE, user=organizer)`; relative URLs work."""
    visits = []

    def open_one(size=helpers.DESKTOP, *, user=None, **options):
        visit = helpers.Visit(chromium, live_server.url, size, **options)
        visits.append(visit)
        if user is not None:
            visit.log_in(user)
        return visit.page

    yield open_one
    problems = [problem for visit in visits for problem in visit.close()]
    assert not problems, "\n".join(problems)


@pytest.fixture
def phone(open_page):
    """A page of 390 x 844, logged out."""
    return open_page(helpers.PHONE)


@pytest.fixture
def desktop(open_page):
    """A page of 1440 x 900, logged out."""
    return open_page(helpers.DESKTOP)
