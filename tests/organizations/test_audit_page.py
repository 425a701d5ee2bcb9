"""The audit list: for officers and auditors, searched, paged, itself audited."""

import pytest
from django.urls import reverse

from organizations.models import AuditEvent
from organizations.services import members
from tests.base import Cast, once, query_count

pytestmark = pytest.mark.django_db
URL = "organizations:audit_list"


def build():
    cast = Cast()
    members.change_member(actor=cast.north_organizer, member=cast.wang, party_group="一组")
    members.change_member(actor=cast.south_organizer, member=cast.sun, party_group="二组")
    return cast


built, cast = once(build)


def test_an_auditor_reads_everything_of_the_scope(cast, client):
    client.force_login(cast.auditor)
    shown = client.get(reverse(URL)).content.decode()
    assert "王北甲" in shown and "孙南甲金丝雀" in shown
    assert "党小组：空 → 一组" in shown
    assert "孙南甲" not in client.get(reverse(URL), {"q": "王北甲"}).content.decode()


def test_reading_the_audit_is_in_the_audit(cast, client):
    client.force_login(cast.auditor)
    client.get(reverse(URL), {"q": "王"})
    assert "查找“王”" in AuditEvent.objects.filter(action="audit.read").get().summary


def test_others_have_no_audit_page_and_auditors_nothing_else(cast, client):
    for user in (cast.north_organizer, cast.inspector, cast.north_recorder):
        client.force_login(user)
        assert client.get(reverse(URL)).status_code == 404
    client.force_login(cast.auditor)
    assert "王北甲" not in client.get(reverse("organizations:member_list")).content.decode()
    assert client.get(reverse("organizations:member_detail", args=[cast.wang.pk])).status_code == 404


def test_the_list_costs_the_same_for_one_and_for_three(cast, client):
    client.force_login(cast.auditor)
    assert query_count(client, reverse(URL), q="王") == query_count(client, reverse(URL))
