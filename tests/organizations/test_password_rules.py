"""What a password must be, per role, and how long it lasts."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import get_hasher
from django.utils import timezone

from organizations.models import User
from organizations.services import accounts
from tests.base import PASSWORD, Cast, once

pytestmark = pytest.mark.django_db
GOOD = "Qiutian-2026-hao"

built, cast = once(Cast)


def change(client, new, old=PASSWORD):
    sent = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/password/", sent)


def accepted(answer) -> bool:
    return answer.status_code == 302


def test_length_and_classes_are_set_per_role(cast, client, settings):
    settings.PASSWORD_MIN_LENGTH = dict.fromkeys(settings.ROLES, 10) | {"ORGANIZER": 14}
    settings.PASSWORD_CLASSES = dict.fromkeys(settings.ROLES, 1) | {"ORGANIZER": 4}
    client.force_login(cast.north_organizer)
    page = client.get("/password/").content.decode()
    assert "至少14位" in page and "至少用四种" in page
    assert "至少要14位" in change(client, "Ab-9-Ab-9-Ab").content.decode()
    assert "至少要有四种" in change(client, "Abcdefgh-Abcdefgh").content.decode()
    assert accepted(change(client, "Abcdefgh-Abcdefgh-9"))
    client.force_login(cast.inspector)
    assert "至少用" not in client.get("/password/").content.decode()
    assert accepted(change(client, "lanqiumuxue"))


def test_the_one_in_use_is_refused(cast, client):
    client.force_login(cast.north_organizer)
    assert accepted(change(client, GOOD))
    assert "不能和现在的一样" in change(client, GOOD, old=GOOD).content.decode()


@pytest.mark.parametrize(
    "password",
    [
        "北山组织员-Aa1-99",
        "Aa-13912345678",
        "13912345678Aa-",
        "Dangxiao@2026",
        "Haizhou#2027!",
        "Password123",
        "Nanhe-north-9",
    ],
)
def test_what_a_neighbour_would_try_is_refused(cast, client, password):
    client.force_login(cast.north_organizer)
    assert change(client, password).status_code == 200
    assert User.objects.get(username="north").check_password(PASSWORD)


def test_a_hundred_and_twenty_eight_signs_of_all_kinds_are_accepted_and_no_more(cast, client):
    client.force_login(cast.north_organizer)
    longest = ("Ab1-🎋" * 26)[:128]
    assert "128" in change(client, f"{longest}x").content.decode()
    assert accepted(change(client, longest))
    client.logout()
    assert client.post("/login/", {"username": "north", "password": longest}).status_code == 302


def test_ten_thousand_signs_are_refused_before_hashing(cast, client, monkeypatch):
    client.force_login(cast.north_organizer)
    hashed = []
    monkeypatch.setattr(type(get_hasher()), "encode", lambda *a, **k: hashed.append(1))
    assert change(client, "Ab1-" * 2500).status_code == 400
    assert change(client, GOOD, old="x" * 10_000).status_code == 400
    assert hashed == []


def test_a_password_of_ninety_days_is_changed_before_anything_else(cast, client, settings):
    begun = timezone.now()
    with time_machine.travel(begun + timedelta(days=89), tick=False) as clock:
        client.force_login(cast.north_organizer)
        assert client.get("/members/").status_code == 200
        clock.move_to(begun + timedelta(days=91))
        client.force_login(cast.north_organizer)
        assert client.get("/members/").url == "/password/"
        htmx = client.get("/members/", headers={"HX-Request": "true"})
        assert htmx.headers["HX-Redirect"] == "/password/"
        assert "90 天以上" in client.get("/password/").content.decode()
        assert accepted(change(client, GOOD))
        assert client.get("/members/").status_code == 200
        # Roles without a limit, and installations that want none.
        client.force_login(cast.inspector)
        assert client.get("/members/").status_code == 200
        settings.PASSWORD_MAX_AGE_DAYS = dict.fromkeys(settings.ROLES, 0)
        client.force_login(cast.officer)
        assert client.get("/members/").status_code == 200


def test_a_forced_change_says_why_in_plain_words(cast, client):
    slip = accounts.open_account(
        actor=cast.officer, organization=cast.north, role="ORGANIZER", username="fresh", name="刘新人"
    )
    client.post("/login/", {"username": "fresh", "password": slip.password})
    page = client.get("/password/").content.decode()
    assert "只有您自己知道的密码" in page and "纸条上的密码从此作废" in page
    assert accepted(change(client, GOOD, old=slip.password))
    assert User.objects.get(username="fresh").password_changed_at
