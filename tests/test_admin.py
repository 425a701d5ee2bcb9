"""The ledger: the account's subtree, saving through services, one log."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from organizations.admin_base import ServiceAdmin
from organizations.models import AuditEvent, Member, Organization
from tests.base import Cast, make_member, once, query_count

pytestmark = pytest.mark.django_db
REGISTERED = sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)


built, cast = once(Cast)


@pytest.fixture
def ledger(cast, client):
    client.force_login(cast.north_organizer)
    return client


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def label(pair):
    return pair[0]._meta.label if isinstance(pair, tuple) else None


@pytest.mark.parametrize("model_admin", [pair[1] for pair in REGISTERED], ids=lambda a: a.model._meta.label)
def test_everything_registered_is_a_service_admin(model_admin):
    assert isinstance(model_admin, ServiceAdmin)
    assert not model_admin.list_editable and not model_admin.show_full_result_count
    assert "delete_selected" not in [getattr(a, "__name__", a) for a in model_admin.actions or []]
    for inline in model_admin.inlines:
        rows = inline(model_admin.model, admin.site)
        assert not rows.has_add_permission(None, None) and not rows.has_change_permission(None)
        assert not rows.has_delete_permission(None)
    assert model_admin.change_service is None or model_admin.instance_argument


@pytest.mark.parametrize("pair", REGISTERED, ids=label)
def test_every_list_opens_for_all_who_read_and_for_nobody_else(cast, client, pair):
    for user, expected in [(cast.officer, 200), (cast.north_recorder, 403), (cast.auditor, 403)]:
        client.force_login(user)
        assert client.get(url(pair[0], "changelist")).status_code == expected, user
    client.force_login(cast.officer)
    assert client.get(url(pair[0], "changelist"), {"q": "x"}).status_code == 200


@pytest.mark.parametrize("pair", REGISTERED, ids=label)
def test_nobody_deletes(cast, client, pair):
    client.force_login(cast.officer)
    assert not pair[1].has_delete_permission(None)
    response = client.post(url(pair[0], "changelist"), {"action": "delete_selected", "_selected_action": "1"})
    assert response.status_code in (200, 302, 403, 404)
    assert "delete_selected" not in client.get(url(pair[0], "changelist")).content.decode()


def test_lists_hold_the_subtree(ledger):
    for model in (Organization, Member):
        shown = ledger.get(url(model, "changelist")).content.decode()
        assert "北山" in shown and "南河" not in shown and "金丝雀" not in shown


def test_objects_outside_do_not_exist(cast, ledger):
    for record in (cast.south_branch, cast.sun):
        for page in ("change", "history", "delete"):
            assert ledger.get(url(type(record), page, record.pk)).status_code == 404
        assert ledger.post(url(type(record), "change", record.pk), {"name": "x"}).status_code == 404


def test_choices_filters_and_autocomplete_are_limited_too(cast, ledger):
    assert "南河" not in ledger.get(url(Organization, "add")).content.decode()
    query = {"app_label": "organizations", "model_name": "member", "field_name": "branch", "term": "党支部"}
    answer = ledger.get(reverse("admin:autocomplete"), query).json()["results"]
    assert {row["text"] for row in answer} == {"北山村党支部", "北坡村党支部"}


def test_a_forged_choice_is_refused(cast, ledger):
    data = {"branch": cast.south_branch.pk, "name": "张越界", "category": "FULL"}
    assert ledger.post(url(Member, "add"), data).status_code == 200
    assert not Member.objects.filter(name="张越界").exists()


def test_adding_and_changing_go_through_the_services(cast, ledger):
    data = {"branch": cast.north_branch.pk, "name": "刘台账", "category": "FULL"}
    ledger.post(url(Member, "add"), data)
    member = Member.objects.get(name="刘台账")
    assert member.initials == "ltz" and member.place_in_list == 4
    response = ledger.post(url(Member, "change", member.pk), data | {"party_group": "三组"})
    assert response.status_code == 302
    actions = list(AuditEvent.objects.about(member, cast.officer).values_list("action", flat=True))
    assert actions == ["member.changed", "member.created"]
    assert not LogEntry.objects.exists()


def test_an_organization_is_added_and_renamed(cast, ledger):
    data = {"parent": cast.north.pk, "code": "HZ0109", "name": "北九村党支部", "kind": "BRANCH"}
    ledger.post(url(Organization, "add"), data)
    created = Organization.objects.get(code="HZ0109")
    ledger.post(url(Organization, "change", created.pk), {"name": "北玖村党支部", "kind": "BRANCH"})
    created.refresh_from_db()
    assert created.name == "北玖村党支部"


def test_a_refusal_is_a_sentence_above_the_form_and_stores_nothing(cast, ledger):
    data = {"parent": cast.north.pk, "code": "HZ0109", "name": "北山村党支部", "kind": "BRANCH"}
    response = ledger.post(url(Organization, "add"), data)
    assert response.status_code == 200 and "已经有“北山村党支部”" in response.content.decode()
    data = {"name": "王北甲", "category": "FULL", "floating_to": "苏州"}
    response = ledger.post(url(Member, "change", cast.wang.pk), data)
    assert "请同时勾上“流动党员”" in response.content.decode()
    assert not AuditEvent.objects.exists()


def test_the_branch_of_a_member_is_read_only(cast, ledger):
    data = {"name": "王北甲", "category": "FULL", "branch": cast.north_other_branch.pk}
    ledger.post(url(Member, "change", cast.wang.pk), data)
    assert Member.objects.get(pk=cast.wang.pk).branch == cast.north_branch


def test_inspectors_read_and_write_nothing(cast, client):
    client.force_login(cast.inspector)
    assert client.get(url(Member, "change", cast.wang.pk)).status_code == 200
    assert client.post(url(Member, "change", cast.wang.pk), {"name": "x"}).status_code == 403
    assert client.get(url(Member, "add")).status_code == 403


def test_saving_without_a_service_raises(cast, rf):
    class Bare(ServiceAdmin):
        pass

    with pytest.raises(ImproperlyConfigured):
        Bare(Member, admin.site).save_model(rf.post("/"), cast.wang, None, change=True)


def test_the_history_is_the_audit(cast, ledger):
    ledger.post(url(Member, "change", cast.wang.pk), {"name": "王北甲", "category": "PROBATIONARY"})
    shown = ledger.get(url(Member, "history", cast.wang.pk)).content.decode()
    assert "正式党员 → 预备党员" in shown


def test_the_front_page_names_the_apps_and_the_way_back(ledger):
    shown = ledger.get(reverse("admin:index")).content.decode()
    assert "海州冬训台账" in shown and "党组织与党员" in shown and "回工作台" in shown


def test_lists_cost_the_same_for_one_and_for_three(cast, ledger):
    for name in ("王北乙", "王北丙"):
        make_member(cast.north_branch, name)
    for model, one, three in [(Member, "王北甲", "王北"), (Organization, "北坡", "北")]:
        address = url(model, "changelist")
        assert query_count(ledger, address, q=one) == query_count(ledger, address, q=three)
