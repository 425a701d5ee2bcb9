"""Every write service leaves exactly one event, in words; nobody takes one back."""

import re

import pytest
from django.db import DatabaseError, connection, transaction

from attendance.services import corrections
from campaigns.models import Campaign
from campaigns.services import service_tasks
from organizations.models import AuditEvent
from organizations.services import accounts
from organizations.services import organizations as organization_services
from tests.base import fixture_writes, once
from tests.prying.acts import ACTS, acts_of_the_left, audited, open_task
from tests.reports.scene import Winter

pytestmark = pytest.mark.django_db


built, winter = once(Winter)


def newest() -> int:
    return AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def events_of(winter, name) -> list[AuditEvent]:
    left = acts_of_the_left(winter)
    if name in left:
        before, run = 0, left[name]
        if name.endswith("record_download"):
            before = 1  # the job it downloads was asked for
        last = newest()
        run()
        return list(AuditEvent.objects.filter(pk__gt=last).order_by("pk"))[before:]
    prepare, perform = ACTS[name]
    ready = prepare(winter)
    last = newest()
    perform(winter, ready)
    return list(AuditEvent.objects.filter(pk__gt=last))


def test_every_audited_service_has_its_example(winter):
    known = set(ACTS) | set(acts_of_the_left(winter))
    assert set(audited()) - known == set(), "write an example call for the new service"
    assert known - set(audited()) == set(), "the example of a service that is gone"


# The machine's words: an action's code, a field's name, an enum's value, a Python value, a number of a row.
MACHINE = re.compile(r"[a-z]+[._][a-z]|\b[A-Z]{3,}(?:_[A-Z]+)*\b|\bNone\b|\bTrue\b|\bFalse\b|<|\{|pk=|#\d")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
OWN_CODES = re.compile(r"HZ\w*|N1")


def test_every_act_leaves_one_event_a_lay_person_can_read(winter):
    """One after the other on the same winter, each undone again."""
    troubles = []
    for name in audited():
        with transaction.atomic():
            troubles += [f"{name}: {trouble}" for trouble in complaints(events_of(winter, name))]
            transaction.set_rollback(True)
    assert troubles == []


def complaints(events):
    if len(events) != 1:
        yield f"left {len(events)} events: {[event.summary for event in events]}"
        return
    event = events[0]
    if not CHINESE.search(event.summary) or MACHINE.search(OWN_CODES.sub("", event.summary)):
        yield f"is no sentence for people: {event.summary}"
    if not (event.path and event.target_type and event.target_id):
        yield "belongs to no place or record"
    for change in event.details.get("changes", []):
        words = " ".join(str(change.get(key, "")) for key in ("label", "before", "after"))
        if MACHINE.search(OWN_CODES.sub("", words)):
            yield f"tells a change in the machine's words: {words}"


def test_a_refused_act_leaves_no_event(winter):
    before = AuditEvent.objects.count()
    with pytest.raises(Exception, match="作废的原因"):
        corrections.void_session(actor=winter.north_organizer, session=winter.joint, reason=" ")
    assert AuditEvent.objects.count() == before


TABLE = AuditEvent._meta.db_table


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE {TABLE} SET summary = 'x'",
        f"UPDATE {TABLE} SET actor_id = NULL WHERE id > 0",
        f"DELETE FROM {TABLE}",
        f"DELETE FROM {TABLE} WHERE id = (SELECT MAX(id) FROM {TABLE})",
    ],
)
def test_the_database_refuses_to_change_what_was_done(winter, sql):
    before = list(AuditEvent.objects.values())
    with fixture_writes(), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(sql)
    assert before and list(AuditEvent.objects.values()) == before


def test_the_database_refuses_to_put_another_row_in_its_place(winter):
    """REPLACE and ON CONFLICT take a row away without saying UPDATE or DELETE."""
    columns = [field.column for field in AuditEvent._meta.concrete_fields]
    copied = ", ".join("'anders'" if column == "summary" else column for column in columns)
    same = f"SELECT {copied} FROM {TABLE} WHERE id = (SELECT MAX(id) FROM {TABLE})"
    tricks = [f"INSERT INTO {TABLE} ({', '.join(columns)}) {same}"]
    tricks[0] += " ON CONFLICT (id) DO UPDATE SET summary = 'anders'"
    if connection.vendor == "sqlite":
        tricks = [f"INSERT OR REPLACE INTO {TABLE} ({', '.join(columns)}) {same}"]
    before = list(AuditEvent.objects.values())
    for sql in tricks:
        with fixture_writes(), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(sql)
    assert list(AuditEvent.objects.values()) == before


def pages_with_history(winter) -> list[str]:
    task = open_task(winter)
    service_tasks.note_task(actor=winter.north_organizer, task=task, text="材料到了")
    accounts.record_login(user=winter.north_organizer)
    organization_services.change_organization(
        actor=winter.north_organizer, organization=winter.north_branch, contact_name="王会计"
    )
    return [
        f"/members/{winter.wang.pk}/",
        f"/organizations/{winter.north_branch.pk}/",
        f"/sessions/{winter.joint.pk}/",
        f"/service/{task.pk}/",
        f"/campaigns/{winter.campaign.pk}/",
        f"/admin/campaigns/trainingsession/{winter.joint.pk}/history/",
        f"/admin/organizations/organization/{winter.north_branch.pk}/history/",
    ]


def test_the_history_beside_each_record_is_in_words(winter, client):
    client.force_login(winter.north_organizer)
    for page in pages_with_history(winter):
        answer = client.get(page)
        assert answer.status_code == 200, page
        for event in answer.context.get("events") or []:
            said = getattr(event, "summary", "") or event.text
            assert not MACHINE.search(OWN_CODES.sub("", said)), (page, said)
            assert not said or said[:20] in answer.content.decode(), (page, said)
    assert Campaign.objects.exists()
