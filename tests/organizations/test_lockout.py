"""Who may not try a password for a while, and who may all the same."""

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth import hashers
from django.urls import reverse
from django.utils import timezone

from organizations.devices import cookie_name, device_of
from organizations.models import AuditEvent
from organizations.services import account_care, accounts
from tests.base import PASSWORD, Cast, fixture_writes, make_user, once
from tests.organizations.browsers import Browser

pytestmark = pytest.mark.django_db
LOGIN = "/login/"

built, cast = once(Cast)


@pytest.fixture(autouse=True)
def locks(settings):
    settings.AXES_ENABLED = True


def attempt(client, username, password="wrong"):  # noqa: S107
    return client.log_in(username, password)


def is_in(client) -> bool:
    return "_auth_user_id" in client.session


def stranger_tries(username, times):
    """A new device for each try, as somebody does who throws the cookie away."""
    for _ in range(times):
        attempt(Browser(), username)


def test_five_wrong_passwords_lock_this_account_on_this_device_only(cast):
    mine, other = Browser(), Browser()
    answers = [attempt(mine, "north").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert attempt(mine, "north", PASSWORD).status_code == 429 and not is_in(mine)
    assert attempt(mine, "south", PASSWORD).status_code == 302
    assert attempt(other, "north", PASSWORD).status_code == 302
    assert AuditEvent.objects.filter(action="account.locked").exists()


def test_the_lock_opens_after_half_an_hour_and_trying_on_does_not_make_it_longer(cast):
    mine, begun = Browser(), timezone.now()
    with time_machine.travel(begun, tick=False) as clock:
        for _ in range(5):
            attempt(mine, "north")
        clock.move_to(begun + timedelta(minutes=20))
        assert attempt(mine, "north", PASSWORD).status_code == 429
        clock.move_to(begun + timedelta(minutes=31))
        assert attempt(mine, "north", PASSWORD).status_code == 302


def test_an_office_of_thirty_behind_one_address_comes_in(cast):
    """One of them mistypes until the lock; nobody else notices, wherever they sit."""
    users = [make_user(f"office{number}", cast.north, "ORGANIZER") for number in range(30)]
    clumsy = Browser()
    for _ in range(6):
        attempt(clumsy, users[0].username)
    for user in users[1:]:
        desk = Browser()
        attempt(desk, user.username)
        assert attempt(desk, user.username, PASSWORD).status_code == 302
    assert attempt(clumsy, users[1].username, PASSWORD).status_code == 302


def test_a_stranger_locks_the_account_at_twenty_but_not_for_the_organizers_own_phone(cast):
    own = Browser()
    assert attempt(own, "north", PASSWORD).status_code == 302
    own.post("/logout/")
    stranger_tries("north", 19)
    assert attempt(Browser(), "north", PASSWORD).status_code == 302
    stranger_tries("north", 1)
    assert attempt(Browser(), "north", PASSWORD).status_code == 429
    # On the morning of the class.
    assert attempt(own, "north", PASSWORD).status_code == 302
    # Known for its own account only, and no longer than its own five failures.
    own.post("/logout/")
    stranger_tries("south", 20)
    assert attempt(own, "south", PASSWORD).status_code == 429
    for _ in range(5):
        attempt(own, "north")
    assert attempt(own, "north", PASSWORD).status_code == 429


def test_a_login_forgives_its_own_device_only(cast, settings):
    settings.LOGIN_FAILURES_OF_ONE_ACCOUNT = 8
    mine = Browser()
    stranger_tries("north", 4)
    for _ in range(3):
        attempt(mine, "north")
    assert attempt(mine, "north", PASSWORD).status_code == 302
    stranger_tries("north", 4)
    assert attempt(Browser(), "north", PASSWORD).status_code == 429


@pytest.mark.parametrize("cookie", ["", "nonsense", "WyJhIl0:1abc:forged"])
def test_browsers_without_our_cookie_are_one_device(cast, cookie):
    for _ in range(5):
        client = Browser(device=False)
        client.cookies[cookie_name()] = cookie
        answer = attempt(client, "north")
    assert answer.status_code == 429
    assert attempt(Browser(), "north", PASSWORD).status_code == 302


def test_the_device_cookie_is_signed_and_out_of_reach_of_scripts(cast, rf):
    client = Browser(device=False)
    client.get(LOGIN)
    cookie = client.cookies[cookie_name()]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] >= 300 * 24 * 3600
    attempt(client, "north", PASSWORD)
    request = rf.get("/")
    request.COOKIES[cookie_name()] = client.cookies[cookie_name()].value
    device = device_of(request)
    assert device.accounts == [cast.north_organizer.pk] and len(device.number) > 20
    request.COOKIES[cookie_name()] += "x"
    assert device_of(request).number == ""


def test_an_unknown_account_locks_just_like_a_known_one(cast, settings):
    settings.LOGIN_FAILURES_OF_ONE_ACCOUNT = 8
    shown = []
    for name in ("north", "nobody"):
        client = Browser()
        pages = [attempt(client, name) for _ in range(6)]
        shown.append([(page.status_code, main_of(page, name)) for page in pages])
        stranger_tries(name, 3)
        strange = attempt(Browser(), name)
        shown[-1].append((strange.status_code, main_of(strange, name)))
    assert shown[0] == shown[1]


def main_of(page, name):
    text = page.content.decode().replace(f'value="{name}"', "")
    return text[text.index("<main") :].split("csrfmiddlewaretoken")[0]


@pytest.mark.parametrize("name", ["north", "nobody", "closed"])
def test_a_try_costs_one_hash_whether_the_account_exists_or_not(cast, name, monkeypatch):
    make_user("closed", cast.north, "ORGANIZER", is_active=False)
    counted = []
    hasher = hashers.get_hasher()
    plain = type(hasher).encode
    monkeypatch.setattr(type(hasher), "encode", lambda *a, **k: counted.append(1) or plain(*a, **k))
    answer = attempt(Browser(), name)
    assert answer.status_code == 200 and len(counted) == 1


def test_a_closed_account_gets_the_answer_of_a_wrong_password(cast):
    accounts.close_account(actor=cast.officer, user=cast.south_organizer)
    closed, wrong = attempt(Browser(), "south", PASSWORD), attempt(Browser(), "north")
    assert main_of(closed, "south") == main_of(wrong, "north")


def test_what_is_typed_as_an_account_name_is_not_kept(cast):
    client = Browser()
    attempt(client, "Geheim-2026-x", "also-secret-9")
    kept = AccessAttempt.objects.get()
    texts = f"{kept.username} {kept.post_data} {kept.get_data} {kept.path_info}"
    assert "Geheim" not in texts and "secret" not in texts


def test_the_level_above_unlocks(cast):
    mine = Browser()
    for _ in range(5):
        attempt(mine, "north")
    above = Browser()
    attempt(above, "officer", PASSWORD)
    page = reverse("organizations:account_detail", args=[cast.north_organizer.pk])
    assert "解锁</button>" in above.get(page).content.decode()
    unlock = reverse("organizations:account_unlock", args=[cast.north_organizer.pk])
    assert above.post(unlock).url == page
    assert attempt(mine, "north", PASSWORD).status_code == 302
    assert AuditEvent.objects.filter(action="account.unlocked", actor=cast.officer).count() == 1
    assert "解锁</button>" not in above.get(page).content.decode()
    assert above.get(unlock).status_code == 405
    # A second time there is nothing to forgive.
    assert not account_care.unlock_account(actor=cast.officer, user=cast.north_organizer)
    assert AuditEvent.objects.filter(action="account.unlocked").count() == 1


def test_nobody_unlocks_beside_or_above(cast, client):
    client.force_login(cast.north_organizer)
    for user in (cast.south_organizer, cast.officer, cast.north_organizer):
        assert client.post(reverse("organizations:account_unlock", args=[user.pk])).status_code == 404


def test_a_reset_opens_the_lock_too(cast):
    mine = Browser()
    for _ in range(5):
        attempt(mine, "north")
    slip = accounts.reset_account(actor=cast.officer, user=cast.north_organizer)
    assert attempt(mine, "north", slip.password).status_code == 302


def test_old_failures_are_forgotten(cast):
    attempt(Browser(), "north")
    with fixture_writes():
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(hours=1))
    attempt(Browser(), "south")
    assert AccessAttempt.objects.count() == 1
