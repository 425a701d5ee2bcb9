"""The browser tests' own net: what a page does wrong must show, else they prove nothing."""

import pytest

from tests.base import Cast
from tests.browser import helpers


@pytest.fixture
def visit(chromium, live_server):
    visit = helpers.Visit(chromium, live_server.url, helpers.PHONE)
    visit.page.goto("/login/")
    yield visit
    if visit.context.pages:
        visit.close()


def test_a_clean_page_has_no_problems(visit):
    assert visit.close() == []


def test_a_request_to_another_host_is_noticed(visit):
    with visit.page.expect_request("**/elsewhere"):
        visit.page.evaluate("() => { location.href = 'http://127.0.0.1:9/elsewhere' }")
    assert any("asks another host" in problem for problem in visit.close())


def test_an_inline_script_is_stopped_by_the_content_security_policy(visit):
    visit.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.broken = 1';"
        " document.body.append(s); }"
    )
    assert visit.page.evaluate("() => window.broken") is None
    assert any("Content Security Policy" in problem for problem in visit.close())


def test_a_script_error_is_noticed(visit):
    with visit.context.expect_event("weberror"):
        visit.page.evaluate("() => { setTimeout(() => { throw new Error('broken') }) }")
    assert any("script error" in problem for problem in visit.close())


def test_an_expected_error_can_be_allowed(visit):
    visit.page.allowed_errors.append("404")
    visit.page.goto("/nothing-here/")
    assert visit.close() == []


def test_a_login_without_the_form_is_a_login(open_page):
    page = open_page(helpers.PHONE, user=Cast().north_organizer)
    page.goto("/password/")
    assert page.url.endswith("/password/")
