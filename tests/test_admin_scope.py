"""The ledger of the other township: none of its records exists, on any page of any model."""

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.urls import NoReverseMatch, reverse

from campaigns.models import Department
from organizations.models import AuditEvent, BulkAct, Role
from tests.admin_rows import ROWS, WORD, one_more
from tests.attendance.scene import Scene
from tests.base import make_user, once
from tests.prying.sweep import unpacked

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
# A handful of names that everybody shares.
SHARED = {Department}
OWN = [model for model in MODELS if model not in SHARED]
PICKED = [(model, name) for model in MODELS for name in admin.site.get_model_admin(model).autocomplete_fields]


def build():
    scene = Scene()
    scene.south_officer = make_user("south-officer", scene.south, Role.OFFICER)
    return scene


built, scene = once(build)


def label(value):
    return value._meta.label if isinstance(value, type) else str(value)


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def sibling(scene, model):
    return scene.south_officer if model is AuditEvent else scene.south_organizer


def owner(scene, model):
    return scene.officer if model is AuditEvent else scene.north_organizer


def pages_about(model) -> list[str]:
    """Every page of this admin whose address names a record."""
    prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
    patterns = admin.site.get_model_admin(model).get_urls()
    names = {p.name.removeprefix(prefix) for p in patterns if p.name and "object_id" in str(p.pattern)}
    assert {"change", "history", "delete"} <= names
    return sorted(names)


def test_every_model_of_the_ledger_has_a_row_to_try():
    assert set(ROWS) == set(MODELS)


@pytest.mark.parametrize("model", OWN, ids=label)
def test_the_other_townships_records_do_not_exist(client, scene, model):
    record = one_more(model, scene)
    client.force_login(sibling(scene, model))
    for page in pages_about(model):
        where = url(model, page, record.pk)
        assert client.get(where).status_code in (404, 405), where
        assert client.post(where, {"reason": "想看", "post": "yes"}).status_code == 404, where


@pytest.mark.parametrize("model", OWN, ids=label)
def test_their_owner_finds_them(client, scene, model):
    """So that the 404 above says something."""
    record = one_more(model, scene)
    client.force_login(owner(scene, model))
    for page in ("change", "history"):
        assert client.get(url(model, page, record.pk)).status_code == 200
    assert WORD in client.get(url(model, "changelist")).content.decode()


@pytest.mark.parametrize("model", OWN, ids=label)
def test_lists_searches_and_files_hold_nothing_of_theirs(client, scene, model):
    one_more(model, scene)
    client.force_login(sibling(scene, model))
    for query in ({}, {"q": WORD}):
        for page in ("changelist", "export"):
            answer = client.get(url(model, page), query)
            shown = unpacked(answer.content).decode("utf-8", "replace").replace(f'value="{WORD}"', "")
            assert answer.status_code == 200 and WORD not in shown, (page, query)


@pytest.mark.parametrize("model", OWN, ids=label)
def test_no_act_reaches_them(client, scene, model, rf):
    record, user = one_more(model, scene), sibling(scene, model)
    request = rf.get("/")
    request.user = user
    model_admin = admin.site.get_model_admin(model)
    client.force_login(user)
    for name in model_admin.get_actions(request):
        data = {"action": name, ACTION_CHECKBOX_NAME: [record.pk], "index": 0}
        assert client.post(url(model, "changelist"), data).status_code == 404, name
    for act in model_admin.many:
        data = {"act": act.name, ACTION_CHECKBOX_NAME: [record.pk]}
        assert client.post(url(model, "many"), data).status_code == 404, act.name


@pytest.mark.parametrize("pair", PICKED, ids=lambda pair: f"{pair[0]._meta.label}.{pair[1]}")
def test_no_choice_offers_them(client, scene, pair):
    model, name = pair
    target = model._meta.get_field(name).remote_field.model
    one_more(target, scene)
    query = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": name}
    found = {}
    for user in (scene.north_organizer, scene.south_organizer):
        client.force_login(user)
        found[user] = client.get(reverse("admin:autocomplete"), {**query, "term": WORD}).json()["results"]
    assert found[scene.north_organizer] and not found[scene.south_organizer]


@pytest.mark.parametrize("model", OWN, ids=label)
def test_filters_offer_nothing_of_theirs_and_a_forged_one_is_no_page(client, scene, model):
    one_more(model, scene)
    client.force_login(sibling(scene, model))
    assert "北山" not in client.get(url(model, "changelist")).content.decode()
    names = [f.parameter_name for f in admin.site.get_model_admin(model).list_filter if isinstance(f, type)]
    if "under" in names:
        assert client.get(url(model, "changelist"), {"under": scene.north.pk}).status_code == 404
        assert client.get(url(model, "changelist"), {"under": "²"}).status_code == 404


def test_what_somebody_else_did_is_not_mine_to_take_back(client, scene):
    """Also not inside one's own scope: the officer above does not undo an organizer's act."""
    act = one_more(BulkAct, scene)
    client.force_login(scene.officer)
    assert client.post(url(BulkAct, "undo", act.pk)).status_code == 404
    with pytest.raises(NoReverseMatch):
        url(BulkAct, "redo", act.pk)
