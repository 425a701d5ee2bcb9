"""What strangers may not make the application believe: hosts, proxies, targets, forms."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.base import PASSWORD, Cast, once

pytestmark = pytest.mark.django_db

built, cast = once(Cast)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "dongxun.example.org.evil.example", "a b"]
)
def test_a_host_that_is_not_ours_is_refused(cast, client, settings, host):
    settings.ALLOWED_HOSTS = ["dongxun.example.org"]
    assert client.get("/login/", headers={"Host": host}).status_code == 400
    assert client.get("/login/", headers={"Host": "dongxun.example.org"}).status_code == 200
    forged = {"Host": "dongxun.example.org", "X-Forwarded-Host": host}
    assert host not in client.get("/members/", headers=forged).headers["Location"]


def test_without_tls_nobody_claims_it_by_a_header(cast, client, rf, settings):
    answer = client.get("/login/", headers={"X-Forwarded-Proto": "https"})
    assert not answer.wsgi_request.is_secure()


def test_behind_tls_a_plain_request_is_sent_to_https_and_the_proxy_alone_says_otherwise(
    cast, client, settings
):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    plain = client.get("/login/")
    assert plain.status_code == 301 and plain.url.startswith("https://")
    assert client.get("/login/", headers={"X-Forwarded-Proto": "https"}).status_code == 200
    assert client.get("/login/", headers={"X-Forwarded-Proto": "http"}).status_code == 301


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/",
        "https:evil.example",
        r"\\evil.example",
        r"/\evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "http://testserver@evil.example/",
        "\thttps://evil.example",
    ],
)
def test_after_the_login_one_stays_here(cast, client, target):
    page = client.get("/login/", {"next": target})
    assert page.status_code == 200
    for sent in ({"next": target}, {}):
        client.logout()
        address = "/login/" if sent else f"/login/?{page.wsgi_request.META['QUERY_STRING']}"
        answer = client.post(address, {"username": "north", "password": PASSWORD} | sent)
        assert answer.status_code == 302 and answer.url == reverse("reports:home")


@pytest.mark.parametrize("address", ["/login/", "/logout/", "/password/", "/code/", "/security/logins/end/"])
def test_a_form_of_another_site_is_refused(cast, address):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.north_organizer)
    answer = client.post(address, {"username": "north"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_no_other_site_may_read_an_answer(cast, client):
    client.force_login(cast.north_organizer)
    answer = client.get("/members/", headers={"Origin": "https://evil.example"})
    assert not any(name.startswith("Access-Control-") for name in answer.headers)
    locked = client.options("/members/", headers={"Origin": "https://evil.example"})
    assert not any(name.startswith("Access-Control-") for name in locked.headers)
