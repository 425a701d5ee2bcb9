"""The frame of every page: error pages, tags, menu, weight of a first visit."""

import gzip
import re
import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.core.paginator import Paginator
from django.db import OperationalError
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory, SimpleTestCase, override_settings
from django.urls import include, path

from haizhou_training import errors
from organizations.templatetags import house

PLACES = {
    "reports:home": "/",
    "campaigns:session_list": "/sessions/",
    "organizations:audit_list": "/audit/",
    "admin:index": "/admin/",
}


def draw(source, **context):
    return Template("{% load house %}" + source).render(Context(context))


def fake_user(role):
    organization = SimpleNamespace(name="云台街道党工委")
    return SimpleNamespace(is_authenticated=True, role=role, name="王桂芳", organization=organization)


@pytest.fixture
def places(monkeypatch):
    def reverse(name, args=()):
        if name == "attendance:makeup_list" and args:
            return f"/campaigns/{args[0]}/makeup/"
        if name in PLACES and not args:
            return PLACES[name]
        raise house.NoReverseMatch(name)

    monkeypatch.setattr(house, "reverse", reverse)


def menu(role, here="reports:home", **context):
    match = SimpleNamespace(view_name=here, kwargs={})
    request = SimpleNamespace(user=fake_user(role), resolver_match=match)
    return house.nav_items({"request": request, **context})


class ErrorPageTests(SimpleTestCase):
    """SimpleTestCase refuses database queries, so these pages show when it is away."""

    pages = [
        (errors.bad_request, 400, "这个请求读不懂"),
        (errors.forbidden, 403, "您的账号不能办"),
        (errors.not_found, 404, "没有这个页面"),
        (errors.server_error, 500, "系统出了点问题"),
        (errors.csrf_failure, 403, "页面放得太久了"),
    ]

    def test_they_need_neither_database_nor_account(self):
        for view, status, words in self.pages:
            with self.subTest(words):
                response = view(RequestFactory().get("/"))
                self.assertEqual(response.status_code, status)
                self.assertIn(words, response.content.decode())

    def test_they_say_what_happened_to_the_work_and_what_to_do_next(self):
        for view, _, words in self.pages:
            with self.subTest(words):
                text = view(RequestFactory().get("/")).content.decode()
                self.assertIn("回首页", text)
                self.assertNotIn("CSRF", text.replace("X-CSRFToken", ""))


def broken(request):
    raise ValueError("kaboom")


def failed(request):
    """As Django raises what the driver said."""
    raise OperationalError(str(failed.cause)) from failed.cause


ways_out = (
    [path("logout/", broken, name="logout"), path("password/", broken, name="password_change")],
    "organizations",
)
urlpatterns = [path("broken/", broken), path("failed/", failed), path("", include(ways_out))]
handler500 = errors.server_error


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], DEBUG=False)
def test_a_crash_shows_the_plain_page_and_no_detail(client):
    client.raise_request_exception = False
    response = client.get("/broken/")
    assert response.status_code == 500
    assert "系统出了点问题" in response.content.decode()
    assert "kaboom" not in response.content.decode()


def sqlite_said(words, code):
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error


class PostgresError(psycopg2.OperationalError):
    """The driver's own cannot be given a code."""

    pgcode = None


def postgres_said(words, code=None):
    error = PostgresError(words)
    error.pgcode = code
    return error


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (sqlite_said("database is locked", sqlite3.SQLITE_BUSY), 503),
        (sqlite_said("database is locked", sqlite3.SQLITE_BUSY_SNAPSHOT), 503),
        (sqlite_said("database table is locked", sqlite3.SQLITE_LOCKED), 503),
        (sqlite_said("no such column: colour", sqlite3.SQLITE_ERROR), 500),
        (sqlite_said("database or disk is full", sqlite3.SQLITE_FULL), 500),
        (sqlite_said("attempt to write a readonly database", sqlite3.SQLITE_READONLY), 500),
        (postgres_said("server closed the connection unexpectedly"), 503),
        (postgres_said('connection to server at "db", port 5432 failed: Connection refused'), 503),
        (postgres_said("FATAL:  the database system is starting up"), 503),
        (postgres_said("terminating connection due to administrator command", "57P01"), 503),
        (postgres_said("canceling statement due to lock timeout", "55P03"), 503),
        (postgres_said("deadlock detected", "40P01"), 503),
        (postgres_said("connection failure", "08006"), 503),
        (postgres_said("canceling statement due to statement timeout", "57014"), 500),
        (postgres_said("could not extend file: No space left on device", "53100"), 500),
        (postgres_said('FATAL:  password authentication failed for user "dongxun"'), 500),
        (None, 500),
    ],
)
@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], DEBUG=False)
def test_only_a_database_that_is_busy_or_away_asks_to_come_back_in_a_moment(client, cause, status):
    failed.cause = cause
    client.raise_request_exception = False
    response = client.get("/failed/")
    assert response.status_code == status
    assert response.get("Retry-After") == ("10" if status == 503 else None)
    words = "系统正忙" if status == 503 else "系统出了点问题"
    assert words in response.content.decode()


@pytest.mark.parametrize(
    ("n", "d", "target", "text"),
    [
        (0, 0, None, "—"),
        (None, 5, None, "—"),
        (0, 7, None, "0.0%"),
        (7, 7, 95, "100.0%"),
        (9127, 9577, 95, "95.3%"),
        (1, 16, None, "6.3%"),  # 6.25: half up
        (9999, 10000, None, "99.9%"),  # never up to 100 %
        (9496, 10000, 95, "94.9%"),  # 94.96: never up to the target
        (95, 100, 95, "95.0%"),
        (9496, 10000, None, "95.0%"),
        (9249, 10000, Decimal("92.5"), "92.4%"),
    ],
)
def test_a_rate_is_never_rounded_into_an_achievement(n, d, target, text):
    assert house.rate_text(n, d, target) == text


def test_dates_read_as_they_are_said():
    assert house.cn_date(date(2026, 11, 22)) == "11月22日 周日"
    assert house.cn_date(date(2026, 11, 22), "year") == "2026年11月22日 周日"
    assert house.cn_date(None) == house.cn_datetime(None) == "—"


def test_a_stored_moment_is_shown_in_beijing_time():
    assert house.cn_datetime(datetime(2026, 11, 22, 16, 5, tzinfo=UTC)) == "11月23日 周一 00:05"


def test_a_chip_has_sign_word_and_colour():
    html = draw('{% chip "warn" text %}', text="<b>")
    assert "chip-warn" in html
    assert "#exclamation-triangle" in html
    assert "&lt;b&gt;" in html


def test_a_meter_uses_attributes_and_marks_the_target():
    html = draw("{% meter 41 46 95 %}")
    assert 'width="89.13"' in html
    assert 'x="95"' in html
    assert "style" not in html
    assert "is-reached" in draw("{% meter 95 100 95 %}")
    assert draw("{% meter 0 0 95 %}").strip() == ""


def test_a_rate_says_nothing_where_nobody_was_expected():
    empty = SimpleNamespace(n=0, d=0, text="0%", target=95, reached=False)
    assert "—" in render_to_string("_rate.html", {"rate": empty})
    assert "达标" not in render_to_string("_rate.html", {"rate": empty})
    assert "—" in render_to_string("_rate.html", {"rate": None})


def test_a_rate_shows_whether_the_target_is_reached():
    rate = SimpleNamespace(n=41, d=46, text="89.1%", target=95, reached=False)
    html = render_to_string("_rate.html", {"rate": rate, "url": "/list/"})
    assert 'href="/list/"' in html
    assert "未达标" in html


def test_the_pager_and_the_search_keep_what_was_asked():
    request = RequestFactory().get("/members/?q=张&kind=FARMER&page=2")
    pager = render_to_string(
        "_pager.html", {"page": Paginator(range(412), 50).page(2), "unit": "人"}, request
    )
    assert "kind=FARMER" in pager
    assert "page=3" in pager
    assert "共 412 人" in " ".join(pager.split())
    search = render_to_string("_search.html", {"query": "张"}, request)
    assert '<input type="hidden" name="kind" value="FARMER">' in search
    assert 'type="hidden" name="page"' not in search
    assert 'type="hidden" name="q"' not in search


def test_a_list_paged_by_key_goes_on_and_back_to_the_start():
    request = RequestFactory().get("/members/?q=张&after=0001.7")
    page = SimpleNamespace(rows=[], next="0001.9", is_first=False, total=10_000, total_text="10000 以上")
    html = render_to_string("_pager.html", {"page": page, "unit": "人"}, request)
    assert "after=0001.9" in html
    assert 'rel="first" href="?q=%E5%BC%A0"' in html
    assert "共 10000 以上 人" in html
    last = SimpleNamespace(rows=[], next="", is_first=True, total=3)
    assert render_to_string("_pager.html", {"page": last}, request).strip() == ""
    other = SimpleNamespace(rows=[], next="A-1-2", is_first=True, total=300)
    html = render_to_string("_pager.html", {"page": other, "param": "key"}, request)
    assert "key=A-1-2" in html
    assert "共 300 条" in html


def test_a_list_of_one_page_has_no_pager():
    request = RequestFactory().get("/")
    assert render_to_string("_pager.html", {"page": Paginator([1], 50).page(1)}, request).strip() == ""


def test_the_menu_shows_each_role_what_it_may_open(places):
    assert [item["label"] for item in menu("RECORDER")] == ["首页", "场次"]
    assert [item["label"] for item in menu("AUDITOR")] == ["操作记录"]
    assert [item["label"] for item in menu("OFFICER")] == ["首页", "场次", "台账", "操作记录"]
    assert "操作记录" not in [item["label"] for item in menu("INSPECTOR")]


def test_what_is_opened_rarely_stands_in_the_accounts_menu(places, monkeypatch):
    monkeypatch.setitem(PLACES, "organizations:account_list", "/accounts/")
    assert [item["label"] for item in menu("ORGANIZER") if item["where"] == "menu"] == ["账号"]
    assert [item["label"] for item in menu("INSPECTOR") if item["where"] == "menu"] == []


def test_the_phone_finds_what_it_is_used_for_under_more(rf, places, monkeypatch):
    for name in ("attendance:leave_list", "attendance:offline_home", "organizations:account_list"):
        monkeypatch.setitem(PLACES, name, f"/{name}/")
    request = rf.get("/")
    request.user, request.resolver_match = fake_user("ORGANIZER"), None
    html = render_to_string("_tabbar.html", {"request": request})
    more = html.partition("更多")[2]
    assert more.index("请假") < more.index("手机里的点名") < more.index("台账") and "账号" not in more
    # Shown by a script where the phone can keep registers.
    assert "data-kept hidden" in more
    assert "请假" not in render_to_string("_topbar.html", {"request": request})


def test_the_menu_leads_below_the_current_campaign(places):
    items = {item["label"]: item["url"] for item in menu("ORGANIZER", campaign=SimpleNamespace(pk=7))}
    assert items["补课"] == "/campaigns/7/makeup/"


def test_the_menu_marks_where_one_is(places):
    items = menu("OFFICER", here="admin:campaigns_topic_changelist")
    assert [item["label"] for item in items if item["active"]] == ["台账"]


def test_a_visitor_gets_no_menu(rf):
    request = rf.get("/")
    request.user = AnonymousUser()
    assert house.nav_items({"request": request}) == []


def test_the_bar_names_organization_and_account_and_lets_one_out(rf, settings):
    settings.ROOT_URLCONF = __name__
    request = rf.get("/")
    request.user = fake_user("ORGANIZER")
    request.resolver_match = None
    html = render_to_string("_topbar.html", {"request": request, "DEMO": True})
    assert "云台街道党工委" in html
    assert "王桂芳" in html
    assert "演示数据，人名均为虚构" in html
    assert '<form class="logout" method="post" action="/logout/">' in html
    assert 'href="/password/"' in html


def login_page(demo):
    account = {"role": "ORGANIZER", "organization": "云台街道党工委"}
    accounts = [account | {"username": "yuntai", "password": "s3cret-Word"}]
    form = SimpleNamespace(errors={}, username=SimpleNamespace(value=""))
    return render_to_string(
        "organizations/login.html",
        {"form": form, "next": "/sessions/", "DEMO": demo, "demo_accounts": accounts},
        RequestFactory().get("/login/"),
    )


@pytest.mark.parametrize("demo", [True, False])
def test_demo_accounts_are_offered_in_the_demo_only(settings, demo):
    settings.DEMO = demo
    html = login_page(demo)
    assert ("s3cret-Word" in html) is demo
    assert ("组织员" in html) is demo
    assert ("演示数据，人名均为虚构" in html) is demo
    assert 'name="next" value="/sessions/"' in html


def test_a_first_visit_stays_light_on_a_village_network():
    """Style sheets, scripts and icons of a field page; 100 KB is the limit with the page itself."""
    source = Path(finders.find("css/app.css")).parents[2] / "templates" / "base.html"
    wanted = set(re.findall(r"\{% static '([^']+)' %\}", source.read_text())) | {house.SPRITE}
    sizes = {name: len(gzip.compress(Path(finders.find(name)).read_bytes(), 6)) for name in wanted}
    assert sum(sizes.values()) < 88 * 1024, sizes
