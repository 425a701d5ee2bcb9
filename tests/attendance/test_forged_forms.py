"""Forms and numbers somebody made up: whatever is sent, a role writes what it may and no more."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse

from attendance.models import Attendance, MarkBatch
from organizations.models import AuditEvent
from organizations.services.refusals import ACTION, MOST
from tests.attendance.missed_scene import DATED, OURS, Missed, client_of, counts, forms_of
from tests.base import once

pytestmark = pytest.mark.django_db
# Of an inspector: files of what is read, and a note on a finding (without one it leads back).
OWN_ACTS = {"attendance:hours_export", "attendance:debts_export", "attendance:doubt_note"}
built, scene = once(Missed)


# --- Numbers of records, roles, fields -------------------------------------------------------------------
def routes():
    """(name, arguments) of every address of the register that is about a record."""
    names = get_resolver().namespace_dict["attendance"][1].reverse_dict
    for name in names:
        if isinstance(name, str):
            for _, arguments in names.getlist(name)[0][0]:
                yield f"attendance:{name}", arguments


def test_a_number_no_database_can_hold_is_no_page(scene):
    """F40."""
    client, tried = client_of(scene.officer), 0
    for name, arguments in routes():
        if not arguments or "uuid" in arguments:
            continue
        url = reverse(name, kwargs=dict.fromkeys(arguments, 2**63))
        for answer in (client.get(url), client.post(url)):
            assert answer.status_code in (404, 405), url
        tried += 1
    assert tried > 40


def test_an_inspector_who_forges_a_form_changes_nothing(scene):
    """F44: every act of the register, sent to a record the inspector may read."""
    inspector, before = client_of(scene.inspector), counts()
    rows = list(Attendance.objects.order_by("pk").values())
    records = {
        "sessions": scene.missed.pk,
        "entries": scene.entry(scene.li).pk,
        "campaigns": scene.campaign.pk,
    }
    records |= {
        "members": scene.li.pk,
        "organizations": scene.north_branch.pk,
        "batch": MarkBatch.objects.get().pk,
    }
    sendings = dict(forms_of(scene).values())
    refused = []
    for name, arguments in routes():
        if not arguments or "uuid" in arguments:
            continue
        kind = reverse(name, kwargs=dict.fromkeys(arguments, 1)).split("/")[1]
        if kind not in records:
            continue
        own = {key: records["batch" if key == "batch_pk" else kind] for key in arguments}
        url = reverse(name, kwargs=own)
        status = inspector.post(url, sendings.get(url, {"reason": "x"})).status_code
        assert status in (403, 404, 405) or name in OWN_ACTS, (name, status)
        refused += [url] if status in (403, 404) else []
    assert len(refused) > 25
    assert counts() == before and list(Attendance.objects.order_by("pk").values()) == rows
    told = AuditEvent.objects.filter(action=ACTION, actor=scene.inspector).order_by("pk")
    most = MOST - 1
    assert [event.details["path"] for event in told[:most]] == refused[:most]
    assert told.count() == min(len(refused), MOST)


def test_a_refused_write_is_a_line_for_the_auditor_without_what_was_sent(scene):
    """F44: 404 and 403 alike; who only reads leaves none."""
    sibling, waiver = scene.south_organizer, reverse("attendance:waiver_set", args=[scene.entry(scene.li).pk])
    marks = reverse("attendance:marks", args=[scene.missed.pk])
    assert client_of(sibling).get(marks.removesuffix("marks/")).status_code == 404
    assert not AuditEvent.objects.filter(action=ACTION).exists()
    assert client_of(sibling).post(waiver, {"reason": "OLD_AGE", "note": "金丝雀"}).status_code == 404
    answer = client_of(scene.inspector).post(marks, "金丝雀", content_type="application/json")
    assert answer.status_code == 403
    events = AuditEvent.objects.filter(action=ACTION).order_by("pk")
    told = [(event.actor, event.details["path"], event.details["status"]) for event in events]
    assert told == [(sibling, waiver, 404), (scene.inspector, marks, 403)]
    assert "金丝雀" not in str(list(events.values()))
    page = client_of(scene.officer).get(reverse("organizations:audit_list")).content.decode()
    assert f"没有办成的操作：{waiver}" in page
    Client().post(waiver, {"reason": "OLD_AGE"})  # nobody is logged in: led to the login page
    assert events.all().count() == 2
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(scene.north_organizer)
    assert forged.post(waiver, {"reason": "OLD_AGE"}).status_code == 403  # from a page of somebody else's
    assert events.all().count() == 3


def test_thousands_of_refused_writes_are_thirty_lines_an_hour_each(scene, monkeypatch):
    """F44: a script that tries every number fills no disk, and the last line says so."""
    client, told = client_of(scene.inspector), AuditEvent.objects.filter(action=ACTION)
    for number in range(MOST + 5):
        client.post(f"/entries/{number}/waiver/")
    assert told.count() == MOST and "不再一条条记" in told.latest("pk").summary
    with CaptureQueriesContext(connection) as captured:
        client.post("/entries/1/waiver/")  # nor does it hold up any writer: no transaction begins
    assert not [one for one in captured.captured_queries if "SAVEPOINT" in one["sql"]]
    client_of(scene.south_organizer).post(reverse("attendance:waiver_set", args=[scene.entry(scene.li).pk]))
    assert told.count() == MOST + 1  # of another account
    monkeypatch.setattr("organizations.services.refusals.SPAN", timedelta(0))
    client.post("/entries/1/waiver/")
    assert told.count() == MOST + 2  # in another hour


FORGED = {
    **dict.fromkeys(("role", "actor", "set_by", "by", "created_by", "account", "organization", "org"), "1"),
    **dict.fromkeys(("is_staff", "is_superuser", "is_active", "locked", "counts", "version_after"), "on"),
    **dict.fromkeys(("ended_at", "recorded_at", "closed_at", "frozen_at", "voided_at"), "2026-01-01"),
    **dict.fromkeys(("entry_id", "unit_id", "member_id", "session_id", "status", "outcome"), "1"),
}


@pytest.mark.parametrize("name", DATED)
def test_fields_no_form_has_change_nothing_of_what_it_stores(scene, name):
    """F45: a form is read by its own fields; with and without forged ones every table says the same."""
    client, (url, sent) = client_of(scene.north_organizer), forms_of(scene)[name]
    before, stored = everything(), []
    for forged in ({}, FORGED):
        point = transaction.savepoint()
        assert client.post(url, sent | forged).status_code == 302
        stored.append(everything(known=before))
        transaction.savepoint_rollback(point)
    assert stored[0] == stored[1] != everything(known=before)


def everything(known=None):
    """{table: its rows}, without moments and random numbers; a row that is new is named by no number."""
    tables = {}
    for model in (model for label in OURS for model in apps.get_app_config(label).get_models()):
        if model is AuditEvent:
            continue
        rows = model.objects.order_by("pk").values()
        tables[model._meta.label] = rows = [{**row, "pk": row[model._meta.pk.attname]} for row in rows]
        if known is None:
            continue
        for row in rows:
            for field in model._meta.concrete_fields:
                if field.primary_key or isinstance(field, models.DateTimeField | models.UUIDField):
                    del row[field.attname]
                elif field.is_relation and field.related_model._meta.label in known:
                    old = {one["pk"] for one in known[field.related_model._meta.label]}
                    row[field.attname] = row[field.attname] if row[field.attname] in old else None
            del row["pk"]
    return tables
