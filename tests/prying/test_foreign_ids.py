"""A foreign number in any field that takes one: no row outside the scope changes, nothing breaks."""

import hashlib

import pytest
from django.apps import apps
from django.db import transaction

from tests.base import once
from tests.prying.forms import MOST_PAGES
from tests.prying.places import GHOST, OVERFLOW, World, holds
from tests.prying.walk import HARMLESS, ONE_OF, Pryer, everything, is_ours, watched

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
APPS = ("organizations", "campaigns", "attendance", "reports")
# Records of one place whose numbers are tried in every field.
TRIED = ("organization", "unit", "session", "part", "task", "batch", "account", "lecturer", "member", "entry")
TRIED += ("campaign", "item", "topic", "event", "attendance")
# Quickly, a list is walked with one filter: its next pages hold the same forms again.
ALIKE = 2
# Acts the forms must really have done with their own ids, or the test proves nothing.
MUST_WORK = {
    "organizations:member_new",
    "organizations:member_edit",
    "organizations:organization_new",
    "campaigns:session_new",
    "campaigns:session_edit",
    "campaigns:service_new",
    "attendance:register",
    "attendance:waiver_set",
    "reports:report_request",
    "admin:organizations_member_add",
    "admin:campaigns_servicetask_add",
    "admin:campaigns_lecturer_add",
}


built, world = once(World)


def foreign_rows(world: World, user) -> str:
    """One hash of every row of our tables that belongs to a place outside the account's scope."""
    outside = [code for code in world.places if not holds(user.organization.code, code)]
    places = [world.places[code].records for code in outside]
    trees = {records["organization"].pk for records in places}
    units = {records["unit"].pk for records in places}
    text = []
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            columns = {field.attname for field in model._meta.concrete_fields}
            text += [
                # PostgreSQL hands bytes out as a view, which would be told by its address.
                repr({k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()})
                for row in model.objects.order_by("pk").values()
                if is_foreign(model, row, columns, trees, units)
            ]
    return hashlib.sha256("\n".join(text).encode()).hexdigest()


def is_foreign(model, row, columns, trees, units) -> bool:
    if model.__name__ in ("AuditEvent", "StoredFile"):
        return False  # what was refused may be written down; files are published by jobs alone
    if model.__name__ == "Organization":
        return row["id"] in trees
    if model.__name__ == "Unit":
        return row["id"] in units
    return any(row.get(name) in trees for name in ("organization_id", "branch_id")) or any(
        row.get(name) in units for name in ("unit_id", "host_id")
    )


def own_ids(world) -> dict:
    """What a search would offer to the organizer of the north."""
    units = {name: str(world.north_branch_unit.pk) for name in ("unit", "host", "units")}
    trees = {name: str(world.north.pk) for name in ("organization", "parent")}
    return units | trees | {"branch": str(world.north_branch.pk), "owner": str(world.wang.pk)}


def foreign_ids(world, code="HZ02") -> set[str]:
    found = {str(GHOST), str(OVERFLOW), "-1", "0", "1e3"}
    for place in ("HZ", code, f"{code}01"):
        found |= {str(world.places[place].value(record, "pk")) for record in TRIED}
        found.add(str(world.places[place].value("job", "uuid")))
    return found - {"None"}


def send(pryer, form, body):
    if form.method == "GET":
        return pryer.client.get(form.action, body)
    return pryer.client.post(form.action, body)


def attempt(world, pryer, form, body, before):
    """Complaints about one sending; the database is afterwards as it was before."""
    with transaction.atomic(), watched() as tables:
        answer = send(pryer, form, body)
        changed = bool(tables - HARMLESS) and foreign_rows(world, pryer.user) != before
        transaction.set_rollback(True)
    if answer.status_code >= 500:
        yield f"breaks: {getattr(answer, 'exc_info', None)}"
    if changed:
        yield "changes a row outside the scope"
    content = everything(answer)
    yield from (f"shows {words.decode()}" for words in pryer.hidden if words in content)


@pytest.mark.parametrize(
    ("actor", "share"),
    [
        ("organizer", 23),
        pytest.param("organizer", 1, marks=pytest.mark.exhaustive),
        pytest.param("township officer", 1, marks=pytest.mark.exhaustive),
        pytest.param("recorder", 1, marks=pytest.mark.exhaustive),
    ],
)
def test_no_field_of_any_form_reaches_outside(world, forms, record_property, actor, share):
    """Each number in each field that takes one; quickly, one of so many, half of them on either database."""
    pryer, share = Pryer(world, actor), share * (ONE_OF if share == 1 else 1)
    before, troubles, tried = foreign_rows(world, pryer.user), [], 0
    ids, own = sorted(foreign_ids(world)), own_ids(world)
    for number, form in enumerate(forms(actor, MOST_PAGES, ALIKE if share > 1 else MOST_PAGES)):
        for place, one in enumerate([one for one in form.fields if one.is_id]):
            if share > 1 and not is_ours(number + place):
                continue
            for foreign in ids[(number + place) % share :: share]:
                tried += 1
                body = form.body(own) | {one.name: [foreign]}
                for trouble in attempt(world, pryer, form, body, before):
                    troubles.append(f"{form.method} {form.action} {one.name}={foreign}: {trouble}")
    record_property("foreign ids", tried)
    assert not troubles, "\n".join([f"{len(troubles)} of {tried}", *troubles[:40]])
    assert tried > 60


def test_the_forms_work_with_their_own_ids(world, forms):
    pryer = Pryer(world, "organizer")
    working = set()
    own = own_ids(world)
    for form in forms("organizer", MOST_PAGES, ALIKE):
        if form.method == "POST":
            answer, tables = pryer.ask("POST form", form.action, form.body(own))
            if tables - {"organizations_auditevent"} and answer.status_code in (200, 302):
                working.add(form.key[0])
    assert working >= MUST_WORK, MUST_WORK - working


@pytest.mark.exhaustive
def test_every_page_that_takes_a_post_was_found(forms):
    """A form nobody is led to is a form nobody tests: here is what no walk through the pages finds."""
    names = {form.key[0] for actor in ("officer", "organizer") for form in forms(actor)}
    assert len(names) > 40


def marks_body(entries, **more):
    marks = [{"entry": entry, "status": "present", "base_version": 0, "marked_at": None} for entry in entries]
    return {"batch": "6f1c9dc8-0c8b-4a9e-9c38-2f5a6f3e0001", "marks": marks} | more


def test_marks_never_touch_people_of_another_place(world):
    """The JSON door: foreign entries one by one, on the own class, the shared one and a foreign one."""
    pryer = Pryer(world, "organizer")
    before, troubles = foreign_rows(world, pryer.user), []
    own = world.places["HZ0101"].value("session", "pk")
    strangers = [world.places["HZ0201"].value("entry", "pk"), GHOST, world.entry(world.zhou).pk]
    for session in (own, world.shared.pk, world.places["HZ0201"].value("session", "pk")):
        for entry in strangers:
            with transaction.atomic():
                answer = pryer.client.post(
                    f"/sessions/{session}/marks/", marks_body([entry]), content_type="application/json"
                )
                if answer.status_code not in (200, 404):
                    troubles.append((session, entry, answer.status_code))
                if answer.status_code == 200:
                    outcomes = {line["outcome"] for line in answer.json()["marks"]}
                    if outcomes & {"applied", "same", "held", "conflict"}:
                        troubles.append((session, entry, outcomes))
                if foreign_rows(world, pryer.user) != before:
                    troubles.append((session, entry, "changed a foreign row"))
                transaction.set_rollback(True)
    assert troubles == []
