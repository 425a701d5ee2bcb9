"""Every list of the ledger: cheap however long, in plain Chinese, narrowed by the next level of the tree."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from organizations import admin_base, admin_filters
from organizations.admin_base import CappedPaginator
from organizations.models import AuditEvent, Member, Organization
from tests.admin_rows import one_more
from tests.attendance.scene import Scene
from tests.base import make_member, make_organization, once

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
CHINESE = re.compile("[\u4e00-\u9fff]")
# Fields whose label says all there is to say.
PLAIN = {"name", "sex", "title", "venue", "starts_at", "label", "kind", "parent"}
PLAIN |= {"contact_name", "contact_phone"}
CARRIED = {"version", "request_uuid"}
built, scene = once(Scene)


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def reader(scene, model):
    return scene.officer if model is AuditEvent else scene.north_organizer


def queries_of(client, address) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_three_rows_cost_as_many_queries_as_one(client, scene, model):
    client.force_login(reader(scene, model))
    client.get(url(Organization, "changelist"))  # the first page renews the login
    pages = [url(model, "changelist"), url(model, "export")]
    one_more(model, scene)
    one = [queries_of(client, page) for page in pages]
    one_more(model, scene)
    one_more(model, scene)
    assert [queries_of(client, page) for page in pages] == one


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_word_of_list_and_form_is_chinese_and_says_enough(scene, model, rf):
    model_admin, request = admin.site.get_model_admin(model), rf.get("/")
    request.user = scene.officer
    columns = [*model_admin.get_list_display(request), *model_admin.sheet_columns]
    words = [label_for_field(name, model, model_admin) for name in columns]
    words.append(model_admin.search_help_text)
    for record in (None, one_more(model, scene)):
        if record or model_admin.has_add_permission(request):
            form = model_admin.get_form(request, record, change=record is not None)()
            fields = flatten_fieldsets(model_admin.get_fieldsets(request, record))
            words += [label_of(model_admin, form, name) for name in fields if name not in CARRIED]
            bare = [name for name, field in form.fields.items() if not field.help_text]
            assert set(bare) <= PLAIN | CARRIED
    assert [str(one) for one in words if not CHINESE.search(str(one))] == []


def label_of(model_admin, form, name):
    field = form.fields.get(name)
    return field.label if field else label_for_field(name, model_admin.model, model_admin, form=form)


def test_a_list_counts_and_pages_no_further_than_the_cap(scene, client, monkeypatch):
    """Nothing reads a million rows for its foot, and no address skips more than the cap."""
    for number in range(9):
        make_member(scene.north_branch, f"众人{number}")
    monkeypatch.setattr(admin_base, "MOST_COUNTED", 6)
    monkeypatch.setattr(admin.site.get_model_admin(Member), "list_per_page", 2)
    client.force_login(scene.officer)
    with CaptureQueriesContext(connection) as asked:
        shown = client.get(url(Member, "changelist"), {"p": 3}).content.decode()
    assert "共6条以上" in shown and "p=4" not in shown
    counts = [
        query["sql"] for query in asked if "COUNT(" in query["sql"] and "organizations_member" in query["sql"]
    ]
    assert counts and all("LIMIT 6" in sql for sql in counts)
    assert max(int(n) for q in asked for n in re.findall(r"OFFSET (\d+)", q["sql"])) <= 4
    assert CappedPaginator(Member.objects.order_by("pk"), 2).num_pages == 3
    # Of a search fewer are counted: who finds so many types one letter more.
    monkeypatch.setattr(admin_base, "MOST_FOUND", 4)
    assert "共4条以上" in client.get(url(Member, "changelist"), {"q": "众人"}).content.decode()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_list_is_sorted_by_a_click_or_counted_in_full(model):
    model_admin = admin.site.get_model_admin(model)
    assert model_admin.sortable_by == () and issubclass(model_admin.paginator, CappedPaginator)
    assert not model_admin.show_full_result_count and model_admin.list_max_show_all == 0
    assert model_admin.actions_on_bottom and not model_admin.actions_on_top


def test_the_tree_filter_offers_one_level_and_narrows_to_it(scene, client):
    client.force_login(scene.officer)
    first = client.get(url(Member, "changelist")).content.decode()
    assert "北山镇党委" in first and "南河镇党委" in first
    assert f'<option value="{scene.north_branch.pk}"' not in first
    inside = client.get(url(Member, "changelist"), {"under": scene.north.pk}).content.decode()
    assert (
        f'<option value="{scene.north_branch.pk}"' in inside and "王北甲" in inside and "孙南甲" not in inside
    )


def test_the_drop_down_stays_short_with_many_branches(scene, client, monkeypatch):
    monkeypatch.setattr(admin_filters, "MOST_CHOICES", 20)
    for number in range(24):
        make_organization(scene.north, f"HZ01X{number}", f"众村{number}")
    client.force_login(scene.north_organizer)
    shown = client.get(url(Organization, "changelist")).content.decode()
    assert shown.count("<option value=") - shown.count('<option value="set') < 30 and "只列出前面的" in shown


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_filter_of_every_list_answers(client, scene, model):
    """Each choice beside the list, taken once."""
    one_more(model, scene)
    client.force_login(reader(scene, model))
    shown = client.get(url(model, "changelist")).context["cl"]
    for spec in shown.filter_specs:
        choices = list(spec.choices(shown))
        assert all(CHINESE.search(f"{choice['display']}") for choice in choices), spec.title
        last = choices[-1].get("query_string") or f"?{spec.parameter_name}={choices[-1]['value']}"
        assert client.get(url(model, "changelist") + last).status_code == 200, last


def test_members_who_left_are_there_when_asked_for(scene, client):
    client.force_login(scene.north_organizer)
    member = make_member(scene.north_branch, "走了的人", left_on="2026-11-01", left_reason="去世")
    assert "走了的人" not in client.get(url(Member, "changelist")).content.decode()
    assert "走了的人" in client.get(url(Member, "changelist"), {"show": "left"}).content.decode()
    assert client.get(url(Member, "change", member.pk)).status_code == 200


def test_a_member_is_found_as_in_the_workbench(scene, client):
    make_member(scene.north_branch, "欧阳建国", initials="oyjg", phone_tail="4321")
    client.force_login(scene.north_organizer)
    for text in ("欧阳", "oyjg", "4321"):
        assert "欧阳建国" in client.get(url(Member, "changelist"), {"q": text}).content.decode(), text


def test_accounts_say_who_did_not_come_for_long(scene, client):
    client.force_login(scene.north_organizer)
    shown = client.get(url(type(scene.north_recorder), "changelist")).content.decode()
    assert "还没登录过" in shown and "md5$" not in shown
    assert reverse("organizations:account_detail", args=[scene.north_recorder.pk]) in shown
    client.force_login(scene.inspector)
    assert client.get(url(type(scene.north_recorder), "changelist")).status_code == 403
