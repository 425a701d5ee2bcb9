"""ID numbers and phones that people type where none belongs: into a search, into a reason."""

import pytest
from django.urls import reverse

from organizations.models import AuditEvent
from organizations.services import members
from tests.base import Cast, once
from tests.organizations.workbooks import id_number

pytestmark = pytest.mark.django_db
NUMBER, PHONE = id_number("19580301", "777"), "13911112222"
built, cast = once(Cast)


@pytest.mark.parametrize(
    "typed", [NUMBER, f" {NUMBER.lower()} ", PHONE, "139 1111 2222", "+86 139-1111-2222"]
)
def test_a_search_for_a_number_forgets_it_and_says_what_to_do(client, cast, typed):
    client.force_login(cast.north_organizer)
    answer = client.get(reverse("organizations:member_list"), {"q": typed, "show": "left"})
    assert answer.status_code == 302 and answer.url == reverse("organizations:member_list") + "?show=left"
    assert "请按姓名、首字母或手机后四位查" in client.get(answer.url).content.decode()


@pytest.mark.parametrize("typed", ["王", "2026", "12345678901", "139111122223"])
def test_other_searches_are_left_alone(client, cast, typed):
    client.force_login(cast.north_organizer)
    assert client.get(reverse("organizations:member_list"), {"q": typed}).status_code == 200


@pytest.mark.parametrize("kept", [{}, {"show": "left"}])
def test_forgetting_a_number_leads_to_no_other_site(client, kept):
    answer = client.get("/", {"q": PHONE, **kept}, PATH_INFO="//evil.example/")
    assert answer.status_code == 302 and answer.url.startswith("/%2Fevil.example/")


def test_the_history_keeps_no_number_somebody_typed_into_a_reason(cast):
    reason = f"本人来电（{PHONE}），身份证{NUMBER}"
    members.reveal_member(actor=cast.north_organizer, member=cast.wang, reason=reason)
    event = AuditEvent.objects.latest("pk")
    kept = f"{event.summary}{event.details}"
    assert "139****22" in kept and PHONE not in kept and NUMBER not in kept
