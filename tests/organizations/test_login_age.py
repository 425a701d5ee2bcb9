"""How long a login lasts: lists of people half an hour, the register on a remembered device a morning."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as django_settings
from django.urls import reverse
from django.utils import timezone

from haizhou_training.middleware import ALWAYS, GATES, MARKING, POLLED
from organizations.models import Role
from organizations.services import accounts
from tests.base import PASSWORD, Cast, fixture_writes, once
from tests.organizations.browsers import Browser
from tests.prying.routes import LOGIN_PAGES, ROUTES

pytestmark = pytest.mark.django_db
MEMBERS = "/members/"

built, cast = once(Cast)


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


def log_in(username="north", remember=True):
    client = Browser()
    assert client.log_in(username, **({"remember": "1"} if remember else {})).status_code == 302
    return client


def wait(clock, **time):
    clock.shift(timedelta(**time))


def register(cast):
    """An address that needs no register behind it: who is let in gets 404."""
    return reverse("attendance:register", args=[1])


def asks_again(answer) -> bool:
    found = answer.headers.get("HX-Redirect", "") or answer.headers.get("Location", "")
    return found.startswith(LOGIN_PAGES)


def test_a_list_of_people_asks_again_after_half_an_hour(cast, clock):
    client = log_in(remember=False)
    for _ in range(3):
        wait(clock, minutes=29)
        assert client.get(MEMBERS).status_code == 200
    wait(clock, minutes=31)
    answer = client.get(MEMBERS, {"q": "王"})
    assert answer.url == "/login/?next=/members/%3Fq%3D%25E7%258E%258B"
    assert "好久没有操作" in client.get(answer.url).content.decode()
    # And one lands where one was.
    again = client.post(answer.url, {"username": "north", "password": PASSWORD})
    assert again.url == "/members/?q=%E7%8E%8B"


def test_the_register_of_a_remembered_device_lasts_a_morning_and_opens_no_list(cast, clock):
    client = log_in()
    client.get(register(cast))
    wait(clock, hours=11)
    assert client.get(register(cast)).status_code == 404
    assert asks_again(client.get(MEMBERS)) and asks_again(client.get("/admin/"))
    # The list asked for the password and left the register its login, however long one taps.
    for _ in range(3):
        wait(clock, minutes=10)
        assert client.get(register(cast)).status_code == 404
    assert asks_again(client.get(MEMBERS))
    # Logging in where the list asked makes everything fresh.
    assert client.get("/login/").status_code == 200
    client.post("/login/", {"username": "north", "password": PASSWORD})
    assert client.get(MEMBERS).status_code == 200
    assert asks_again(client.get(register(cast))) is False


def test_the_register_ends_after_twelve_hours_without_a_tap(cast, clock):
    client = log_in()
    client.get(register(cast))
    wait(clock, hours=12, minutes=1)
    assert asks_again(client.get(register(cast)))
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(("username", "remember"), [("north", False), ("inspector", True)])
def test_who_did_not_ask_or_marks_no_register_is_not_remembered(cast, clock, username, remember):
    client = log_in(username, remember)
    client.get(register(cast))
    wait(clock, minutes=31)
    assert asks_again(client.get(register(cast)))


def test_nothing_outlives_the_absolute_limit(cast, clock):
    client = log_in()
    for _ in range(49):
        wait(clock, minutes=29)
        client.get("/code/")
    assert client.get(MEMBERS).status_code == 200
    wait(clock, minutes=20)
    assert asks_again(client.get(MEMBERS)) and asks_again(client.get(register(cast)))


def test_a_page_that_asks_by_itself_keeps_nobody_logged_in(cast, clock):
    client = log_in(remember=False)
    status = reverse("organizations:job_status", args=["0" * 8 + "-0000-4000-8000-" + "0" * 12])
    for _ in range(15):
        wait(clock, minutes=2)
        answer = client.get(status, headers={"HX-Request": "true", "HX-Current-URL": "http://x/jobs/?a=1"})
    assert answer.headers["HX-Redirect"] == "/login/?next=/jobs/%3Fa%3D1"


def test_every_page_that_asks_by_itself_is_named():
    """`hx-trigger="every …"` in a template, setInterval in a script."""
    found = set()
    for path in Path(django_settings.BASE_DIR, "templates").rglob("*.html"):
        polling = [line for line in path.read_text("utf-8").splitlines() if re.search(r"every \d", line)]
        found |= set(re.findall(r"hx-get=\"\{% url '([\w:]+)'", "\n".join(polling)))
    # A phone with marks to send asks by a timer of its own: static/js/outbox.js.
    assert found | {"attendance:offline_hello"} == POLLED
    scripts = list(Path(django_settings.BASE_DIR, "static/js").glob("*.js"))
    assert [path.name for path in scripts if "setInterval" in path.read_text("utf-8")] == []


def test_every_route_is_either_a_marking_page_or_not():
    """A new page of the register is added here by hand: everything else asks again after half an hour."""
    names = {route.name for route in ROUTES}
    assert {*MARKING, *POLLED, *ALWAYS, *GATES} <= names
    assert {name for name in MARKING if not name.startswith("attendance:")} == set()
    lists = {
        "organizations:member_list",
        "attendance:roster_list",
        "attendance:session_rows",
        "organizations:job_file",
        "reports:indicator_list",
    }
    assert lists <= names and not lists & MARKING


def test_a_login_is_renewed_at_most_once_a_minute(cast, clock, django_assert_num_queries):
    client = log_in()
    client.get(MEMBERS)
    before = dict(client.session)
    wait(clock, seconds=59)
    client.get(MEMBERS)
    assert dict(client.session) == before
    wait(clock, seconds=2)
    client.get(MEMBERS)
    assert client.session["renewed"] == before["renewed"] + 61


def test_taps_sent_too_late_are_told_to_log_in_and_lead_back_to_the_register(cast, clock):
    client = log_in(remember=False)
    wait(clock, minutes=31)
    page = register(cast)
    answer = client.post(
        reverse("attendance:marks", args=[1]),
        {"batch": "x", "marks": []},
        content_type="application/json",
        headers={"Referer": f"http://testserver{page}"},
    )
    assert answer.status_code == 302 and answer.url == f"/login/?next={page}"


def test_a_form_of_another_site_cannot_choose_where_one_lands(cast, client):
    answer = client.post("/members/new/", {}, headers={"Referer": "https://evil.example//evil.example/x"})
    assert answer.url.startswith("/login/?next=/%252Fevil.example/x")
    answer = client.post(answer.url, {"username": "north", "password": PASSWORD})
    assert "//evil" not in answer.url


def test_leaving_works_although_only_the_register_is_open(cast, clock):
    client = log_in()
    wait(clock, hours=2)
    assert client.post("/logout/").url == "/login/"
    assert "_auth_user_id" not in client.session


def test_other_logins_end_and_this_one_stays(cast):
    here, there = log_in(), log_in()
    assert "结束我的其他登录" in here.get("/security/").content.decode()
    assert here.post("/security/logins/end/").url == "/security/"
    assert here.get(MEMBERS).status_code == 200
    assert asks_again(there.get(MEMBERS))
    assert here.get("/security/logins/end/").status_code == 405
    # The password is still the same.
    assert log_in().get(MEMBERS).status_code == 200


def test_a_new_password_ends_the_other_logins(cast):
    here, there = log_in(), log_in()
    new = "Qiutian-2026-hao"
    sent = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post("/password/", sent).status_code == 302
    assert here.get(MEMBERS).status_code == 200 and asks_again(there.get(MEMBERS))


def test_a_changed_role_or_place_counts_from_the_next_request_on(cast):
    client = log_in()
    assert client.get(f"/members/{cast.wang.pk}/").status_code == 200
    with fixture_writes():
        type(cast.north_organizer).objects.filter(username="north").update(organization=cast.south)
    assert client.get(f"/members/{cast.wang.pk}/").status_code == 404
    with fixture_writes():
        type(cast.north_organizer).objects.filter(username="north").update(role=Role.AUDITOR)
    assert cast.sun.name not in client.get(MEMBERS).content.decode()
    accounts.close_account(actor=cast.officer, user=cast.north_organizer)
    assert asks_again(client.get(MEMBERS))
