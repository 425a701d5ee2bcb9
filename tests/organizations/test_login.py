"""Coming in, going out, changing the password, and what the audit keeps of it."""

import json

import pytest
from django.urls import reverse

from organizations.models import AuditEvent, User
from organizations.service import Refused
from organizations.services import accounts
from tests.base import PASSWORD, Cast, make_user, once

pytestmark = pytest.mark.django_db
LOGIN = "/login/"


built, cast = once(Cast)


def attempt(client, username, password=PASSWORD, **extra):
    return client.post(LOGIN, {"username": username, "password": password}, **extra)


def actions():
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_a_login_is_in_the_audit_with_its_address(cast, client):
    assert attempt(client, "north", REMOTE_ADDR="10.1.2.3").status_code == 302
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.address) == ("account.login", cast.north_organizer, "10.1.2.3")


def test_without_a_proxy_nobody_chooses_his_own_address(cast, client):
    attempt(client, "north", REMOTE_ADDR="10.1.2.3", HTTP_X_FORWARDED_FOR="6.6.6.6")
    assert AuditEvent.objects.get().address == "10.1.2.3"


def test_behind_the_proxy_the_address_it_saw_counts(cast, client, settings):
    settings.HTTPS = True
    attempt(client, "north", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 10.9.9.9")
    assert AuditEvent.objects.get().address == "10.9.9.9"


def test_wrong_password_and_unknown_account_get_the_same_answer(cast, client):
    known, unknown = attempt(client, "north", "wrong"), attempt(client, "nobody", "wrong")
    plain = [r.content.decode().replace(name, "") for r, name in ((known, "north"), (unknown, "nobody"))]
    assert known.status_code == unknown.status_code == 200
    strip = [text[text.index("<h1>") :].split("csrfmiddlewaretoken")[0] for text in plain]
    assert strip[0] == strip[1]
    assert actions() == ["account.login_failed", "account.login_failed"]
    assert all("nobody" not in event.summary + str(event.details) for event in AuditEvent.objects.all())


def test_an_absurdly_long_password_is_refused_before_hashing(cast, client, monkeypatch):
    hashed = []
    monkeypatch.setattr(User, "check_password", lambda self, raw: hashed.append(raw))
    assert attempt(client, "north", "x" * 10_000).status_code == 400
    assert attempt(client, "north", "x" * 200).status_code == 200
    assert attempt(client, "x" * 10_000).status_code == 400
    assert hashed == [] and "_auth_user_id" not in client.session


def test_next_leads_to_our_own_pages_only(cast, client):
    response = client.post(LOGIN + "?next=//evil.example/", {"username": "north", "password": PASSWORD})
    assert "evil" not in response.url


def test_an_auditor_begins_at_the_audit(cast, client):
    assert attempt(client, "auditor").url == reverse("organizations:audit_list")


def test_logout_is_a_post_and_clears_what_the_browser_kept(cast, client):
    client.force_login(cast.north_organizer)
    assert client.get("/logout/").status_code == 405
    response = client.post("/logout/")
    assert response["Clear-Site-Data"] == '"cache"'
    assert client.get(reverse("organizations:member_list")).status_code == 302


def change(client, old, new, again=None):
    data = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post(reverse("organizations:password_change"), data)


def test_changing_the_password_ends_the_forced_change_and_keeps_this_login(cast, client):
    make_user("fresh", cast.north, "ORGANIZER", must_change_password=True)
    client.login(username="fresh", password=PASSWORD)
    assert change(client, PASSWORD, "Qiutian-2026-hao").status_code == 302
    user = User.objects.get(username="fresh")
    assert user.check_password("Qiutian-2026-hao") and not user.must_change_password
    assert client.get(reverse("organizations:member_list")).status_code == 200


def test_a_reset_meanwhile_is_not_overwritten(cast, client):
    client.force_login(cast.north_organizer)
    seen = User.objects.get(pk=cast.north_organizer.pk)
    accounts.reset_account(actor=cast.officer, user=cast.north_organizer)
    with pytest.raises(Refused, match="被重置"):
        accounts.change_own_password(user=seen, password="Qiutian-2026-hao")
    user = User.objects.get(pk=seen.pk)
    assert user.must_change_password and not user.check_password("Qiutian-2026-hao")


def test_the_page_says_why_the_password_was_not_changed(cast, client, monkeypatch):
    def refuse(**_):
        raise Refused("密码刚才已经改过")

    client.force_login(cast.north_organizer)
    monkeypatch.setattr(accounts, "change_own_password", refuse)
    answer = change(client, PASSWORD, "Qiutian-2026-hao")
    assert answer.status_code == 200 and "密码刚才已经改过" in answer.content.decode()


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("Ab-1", "密码太短了，至少要10位。"),
        ("password123", "太常见"),
        ("onlysmallletters", "至少要有三种"),
        ("north-North-1", "一猜就中"),
        ("北山镇党委-Aa1-9", "一猜就中"),
        ("Dangxiao@2026", "一猜就中"),
        ("Ab1-" + "y" * 200, "128"),
        ("Hao-13812345678-a", "手机号"),
    ],
)
def test_weak_passwords_are_refused_in_chinese(cast, client, password, sentence):
    client.force_login(cast.north_organizer)
    response = change(client, PASSWORD, password)
    assert response.status_code == 200 and sentence in response.content.decode()
    assert "This password" not in response.content.decode()
    assert User.objects.get(username="north").check_password(PASSWORD)


def test_the_rules_of_a_password_stand_there_before_it_is_typed(cast, client):
    client.force_login(cast.north_organizer)
    shown = client.get(reverse("organizations:password_change")).content.decode()
    assert "至少10位" in shown and "至少用三种" in shown


def test_a_long_password_with_signs_of_all_kinds_is_accepted(cast, client):
    client.force_login(cast.north_organizer)
    assert change(client, PASSWORD, "Ab1" + "字🎋" * 60).status_code == 302


def test_demo_accounts_show_in_the_demo_only(cast, client, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    rows = [{"role": "ORGANIZER", "organization": "北山镇党委", "username": "bs", "password": "demo-1"}]
    (tmp_path / "demo_accounts.json").write_text(json.dumps(rows), "utf-8")
    assert "demo-1" not in client.get(LOGIN).content.decode()
    settings.DEMO = True
    page = client.get(LOGIN).content.decode()
    assert "demo-1" in page and "组织员" in page
