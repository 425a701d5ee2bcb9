"""The code of the phone: asked for where the role is listed, set up once, held after five wrong ones."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from organizations.models import AuditEvent
from organizations.services import account_care, accounts, bulk_accounts, second_factor
from tests.base import Cast, once
from tests.organizations.browsers import Browser

pytestmark = pytest.mark.django_db

built, cast = once(Cast)


@pytest.fixture(autouse=True)
def asked(settings):
    settings.OTP_ROLES = ["ORGANIZER"]


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


def log_in(username="north", client=None):
    client = client or Browser()
    assert client.log_in(username).status_code == 302
    return client


def code_of(user) -> str:
    return f"{totp(second_factor.secret_of(TOTPDevice.objects.get(user=user))):06d}"


def set_up(user, clock) -> list[str]:
    """The recovery codes of an account whose phone is set up and whose next code is fresh."""
    second_factor.begin_setup(user=user)
    codes = second_factor.confirm_setup(user=user, code=code_of(user))
    clock.shift(timedelta(seconds=60))
    return codes


def enter(client, code, **more):
    return client.post("/code/", {"code": code} | more)


def actions():
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


@pytest.mark.parametrize(
    "address", ["/", "/members/", "/admin/", "/admin/organizations/member/", "/security/"]
)
def test_no_page_opens_between_the_password_and_the_code(cast, address):
    client = log_in()
    assert client.get(address).url == "/code/"
    htmx = client.get(address, headers={"HX-Request": "true"})
    assert htmx.status_code == 200 and htmx.headers["HX-Redirect"] == "/code/"
    assert client.post(address, {}).url == "/code/"
    assert client.post("/code/recovery/").url == "/code/"


def test_roles_that_are_not_listed_are_not_asked(cast):
    client = log_in("officer")
    assert client.get("/members/").status_code == 200
    assert client.get("/code/").status_code == 404 and client.get("/code/setup/").status_code == 404


def test_setting_up_shows_a_picture_and_a_key_and_ends_with_eight_codes(cast, clock):
    client = log_in()
    assert client.get("/code/").url == "/code/setup/"
    page = client.get("/code/setup/").content.decode()
    assert "<svg" in page and "http://www.w3.org" not in page.split("<svg")[1]
    typed = re.search(r'code-typed">([A-Z2-7 ]+)<', page)[1]
    assert second_factor.typed_secret(TOTPDevice.objects.get()) == typed
    assert typed in client.get("/code/setup/").content.decode()  # a reload shows the same
    wrong = client.post("/code/setup/", {"code": "000000"})
    assert wrong.status_code == 422 and client.get("/members/").url == "/code/"
    done = client.post("/code/setup/", {"code": code_of(cast.north_organizer)}).content.decode()
    assert len(re.findall(r"<li><code>[a-z2-9]{5}-[a-z2-9]{5}</code>", done)) == 8
    assert client.get("/members/").status_code == 200
    # Neither the key nor the codes are shown again.
    assert client.get("/code/setup/").status_code == 302
    assert "account.phone_set_up" in actions()


def test_the_code_lets_in_and_leads_to_where_one_was_going(cast, clock):
    set_up(cast.north_organizer, clock)
    client = Browser()
    client.log_in("north", address="/login/?next=/members/")
    assert client.get("/members/").url == "/code/"
    before = client.session.session_key
    assert enter(client, code_of(cast.north_organizer)).url == "/members/"
    assert client.session.session_key != before
    assert client.get("/members/").status_code == 200


def test_a_code_counts_once(cast, clock):
    set_up(cast.north_organizer, clock)
    code = code_of(cast.north_organizer)
    assert enter(log_in(), code).status_code == 302
    assert enter(log_in(), code).status_code == 422


def test_every_login_asks_again(cast, clock):
    set_up(cast.north_organizer, clock)
    client = log_in()
    enter(client, code_of(cast.north_organizer))
    # The password again in the same browser, as after half an hour.
    clock.shift(timedelta(minutes=31))
    log_in(client=client)
    assert client.get("/members/").url == "/code/"


def test_five_wrong_codes_hold_the_account_for_half_an_hour(cast, clock):
    set_up(cast.north_organizer, clock)
    client = log_in()
    for _ in range(5):
        assert "验证码不对" in enter(client, "000000").content.decode()
    held = enter(log_in(), code_of(cast.north_organizer))
    assert held.status_code == 422 and "30 分钟" in held.content.decode()
    assert enter(log_in(), "abcde-fghjk").status_code == 422
    clock.shift(timedelta(minutes=31))
    client = log_in()
    assert enter(client, code_of(cast.north_organizer)).status_code == 302
    assert actions().count("account.code_wrong") == 5 and "account.code_held" in actions()


def test_the_level_above_unlocks_wrong_codes_too(cast, clock):
    set_up(cast.north_organizer, clock)
    client = log_in()
    for _ in range(5):
        enter(client, "000000")
    assert second_factor.is_held(cast.north_organizer)
    account_care.unlock_account(actor=cast.officer, user=cast.north_organizer)
    assert enter(client, code_of(cast.north_organizer)).status_code == 302


@pytest.mark.parametrize(
    "code", ["", "１２３４５６", "12345", "1234567", "²²²²²²", "-12345", "x" * 500, "\ud800"]
)
def test_nonsense_is_a_wrong_code(cast, clock, code):
    set_up(cast.north_organizer, clock)
    assert enter(log_in(), code.encode("utf-8", "replace").decode()).status_code == 422


def test_a_recovery_code_lets_in_once(cast, clock):
    codes = set_up(cast.north_organizer, clock)
    assert len(set(codes)) == 8
    client = log_in()
    assert enter(client, f" {codes[0].upper()} ").status_code == 302
    assert "还剩 7 个" in client.get("/members/").content.decode()
    assert enter(log_in(), codes[0]).status_code == 422
    # Another account's code is worth nothing here.
    set_up(cast.south_organizer, clock)
    assert enter(log_in("south"), codes[1]).status_code == 422
    assert "account.recovery_code_used" in actions()


def test_new_recovery_codes_replace_the_old(cast, clock):
    old = set_up(cast.north_organizer, clock)
    client = log_in()
    enter(client, code_of(cast.north_organizer))
    assert "还剩 8 个" in client.get("/security/").content.decode()
    clock.shift(timedelta(seconds=60))
    page = client.post("/code/recovery/", {"code": code_of(cast.north_organizer)}).content.decode()
    new = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", page)
    assert len(new) == 8 and not set(new) & set(old)
    assert enter(log_in(), old[0]).status_code == 422
    assert enter(log_in(), new[0]).status_code == 302


def test_an_open_computer_alone_gives_no_recovery_codes(cast, clock):
    old = set_up(cast.north_organizer, clock)
    client = log_in()
    enter(client, code_of(cast.north_organizer))
    for sent in ({}, {"code": "000000"}, {"code": code_of(cast.north_organizer)}):
        refused = client.post("/code/recovery/", sent)
        assert refused.status_code == 422 and "验证码不对" in refused.content.decode()
        assert 'name="code"' in refused.content.decode()
    assert "account.recovery_codes" not in actions()
    assert enter(log_in(), old[0]).status_code == 302


def test_ending_the_other_logins_ends_the_trust_in_other_devices(cast, clock):
    set_up(cast.north_organizer, clock)
    mine, stolen = log_in(), log_in()
    for client in (mine, stolen):
        enter(client, code_of(cast.north_organizer), remember="1")
        clock.shift(timedelta(seconds=60))
    assert mine.post("/security/logins/end/").status_code == 302
    # Long enough away to be asked for the password.
    clock.shift(timedelta(minutes=31))
    for client, address in ((mine, None), (stolen, "/code/")):
        log_in(client=client)
        assert getattr(client.get("/members/"), "url", None) == address
    # The month of the own device goes on as it began.
    clock.shift(timedelta(days=30))
    log_in(client=mine)
    assert mine.get("/members/").url == "/code/"


@pytest.mark.parametrize("how", ["one", "many"])
def test_a_reset_forgives_wrong_codes_as_an_unlocking_does(cast, clock, how):
    set_up(cast.north_organizer, clock)
    client = log_in()
    for _ in range(5):
        enter(client, "000000")
    assert second_factor.is_held(cast.north_organizer)
    if how == "one":
        accounts.reset_account(actor=cast.officer, user=cast.north_organizer)
    else:
        ids = [cast.north_organizer.pk]
        bulk_accounts.reset_accounts(actor=cast.officer, ids=ids, request_uuid=uuid4())
    assert not second_factor.is_held(cast.north_organizer)


def test_the_database_holds_neither_key_nor_codes(cast, clock):
    codes = set_up(cast.north_organizer, clock)
    device = TOTPDevice.objects.get()
    assert second_factor.secret_of(device) != device.bin_key
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == 8 and not kept & set(codes)


def test_a_remembered_device_is_not_asked_for_thirty_days(cast, clock):
    set_up(cast.north_organizer, clock)
    mine = log_in()
    enter(mine, code_of(cast.north_organizer), remember="1")
    clock.shift(timedelta(days=29))
    log_in(client=mine)
    assert mine.get("/members/").status_code == 200
    assert log_in().get("/members/").url == "/code/"
    clock.shift(timedelta(days=2))
    log_in(client=mine)
    assert mine.get("/members/").url == "/code/"


def test_a_remembered_device_is_asked_after_the_phone_was_reset(cast, clock):
    set_up(cast.north_organizer, clock)
    mine = log_in()
    enter(mine, code_of(cast.north_organizer), remember="1")
    assert account_care.reset_phone(actor=cast.officer, user=cast.north_organizer)
    assert mine.get("/members/").url.startswith("/login/")
    log_in(client=mine)
    assert mine.get("/members/").url == "/code/" and mine.get("/code/").url == "/code/setup/"
    set_up(cast.north_organizer, clock)
    assert mine.get("/members/").url == "/code/"


def test_the_phone_is_reset_by_the_level_above_only(cast, clock, client, settings):
    set_up(cast.north_organizer, clock)
    url = reverse("organizations:account_phone", args=[cast.north_organizer.pk])
    settings.OTP_ROLES = ["RECORDER", "ORGANIZER"]
    client.force_login(cast.officer)
    page = reverse("organizations:account_detail", args=[cast.north_organizer.pk])
    assert "重设手机验证码" in client.get(page).content.decode()
    assert client.post(url).url == page and client.get(url).status_code == 405
    assert actions().count("account.phone_reset") == 1
    assert not StaticToken.objects.exists()
    assert not account_care.reset_phone(actor=cast.officer, user=cast.north_organizer)
    settings.OTP_ROLES = []
    client.force_login(cast.south_organizer)
    assert client.post(url).status_code == 404


def test_setting_up_sent_twice_keeps_the_first(cast, clock):
    codes = set_up(cast.north_organizer, clock)
    assert second_factor.confirm_setup(user=cast.north_organizer, code=code_of(cast.north_organizer)) == []
    assert enter(log_in(), codes[0]).status_code == 302
