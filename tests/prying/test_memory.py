"""Every write service leaves exactly one event, in words; nobody takes one back."""

import re
from html import unescape

import pytest
from django.db import DatabaseError, connection, transaction

from attendance.models import Attendance
from attendance.services import corrections, moving
from campaigns.services import campaigns, service_tasks, sessions
from organizations.models import AuditEvent
from organizations.services import accounts, changes, members
from organizations.services import organizations as organization_services
from tests.base import fixture_writes, once
from tests.prying.acts import ACTS, TODAY, acts_of_the_left, audited, open_task
from tests.reports.scene import Winter
from tests.test_services import TOLD_THERE

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
        mine = AuditEvent.objects.filter(pk__gt=last).exclude(action__in=TOLD_THERE)
        return list(mine.order_by("pk"))[before:]
    prepare, perform = ACTS[name]
    ready = prepare(winter)
    last = newest()
    perform(winter, ready)
    return list(AuditEvent.objects.filter(pk__gt=last).exclude(action__in=TOLD_THERE))


def test_every_audited_service_has_its_example(winter):
    known = set(ACTS) | set(acts_of_the_left(winter))
    assert set(audited()) - known == set(), "write an example call for the new service"
    assert known - set(audited()) == set(), "the example of a service that is gone"


# The machine's words: an action's code, a field's name, an enum's value, a Python value, a number of a row.
MACHINE = re.compile(r"[a-z]+[._][a-z]|\b[A-Z]{3,}(?:_[A-Z]+)*\b|\bNone\b|\bTrue\b|\bFalse\b|<|\{|pk=|#\d")
# Whoever corrects a record has to say old and new.
EDIT = re.compile(r"\.(change|adjust|correct|rename|save)_(?!own_password)")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
OWN_CODES = re.compile(r"HZ\w*|N1")


@pytest.mark.slow
def test_every_act_leaves_one_event_a_lay_person_can_read(winter):
    """One after the other on the same winter, each undone again."""
    troubles = []
    for name in audited():
        with transaction.atomic():
            troubles += [f"{name}: {trouble}" for trouble in complaints(name, events_of(winter, name))]
            transaction.set_rollback(True)
    assert troubles == []


def complaints(name, events):
    if len(events) != 1:
        yield f"left {len(events)} events: {[event.summary for event in events]}"
        return
    event = events[0]
    if not CHINESE.search(event.summary) or MACHINE.search(OWN_CODES.sub("", event.summary)):
        yield f"is no sentence for people: {event.summary}"
    if not (event.path and event.target_type and event.target_id):
        yield "belongs to no place or record"
    changes = event.details.get("changes", [])
    if EDIT.search(name) and not changes:
        yield "does not say what it was before and what it is now"
    for change in changes:
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


def lived_through(winter) -> dict[str, list[str]]:
    """Page → what its history has to say, after a few days of ordinary changes."""
    north, officer = winter.north_organizer, winter.officer
    members.change_member(actor=north, member=winter.wang, is_floating=True, floating_to="上海")
    moving.move_members(
        actor=north, members=[winter.wang, winter.li], to_branch=winter.north_other_branch, day=TODAY()
    )
    organization_services.change_organization(
        actor=north, organization=winter.north_branch, contact_name="王会计", name="北山新村支部"
    )
    coming = winter.session(winter.north_other_unit, actor=north, days=2, title="还早的课", hour=9)
    sessions.adjust_session(actor=north, session=coming, title="改了名的课", venue="会议室")
    winter.mark(winter.joint, {winter.qian: "present"})
    campaigns.change_campaign(actor=officer, campaign=winter.campaign, trained_rule="COMPULSORY")
    task = open_task(winter)
    service_tasks.change_task(actor=north, task=task, title="修桥", deadline=TODAY())
    service_tasks.reopen_task(
        actor=north, task=service_tasks.resolve_task(actor=north, task=task, result="修好了"), reason="又坏了"
    )
    account = accounts.open_account(
        actor=north, organization=winter.north_branch, role="RECORDER", username="neu", name="新来的"
    ).user
    accounts.close_account(actor=north, user=account)
    day = changes.words(TODAY())
    row = Attendance.objects.get(session=winter.joint, entry__member=winter.qian)
    entry, moved = row.entry_id, winter.entry(winter.wang).pk
    marked, went = "缺席（外出） → 出席", "转到"
    return {
        f"/members/{winter.wang.pk}/": ["流动党员：否 → 是", "外出流向：空 → 上海", went],
        f"/members/{winter.li.pk}/": [went],
        f"/admin/organizations/member/{winter.li.pk}/history/": [went],
        f"/entries/{entry}/": [marked],
        f"/entries/{moved}/": [went, "外出流向：空 → 上海"],
        f"/admin/attendance/rosterentry/{entry}/history/": [marked],
        f"/admin/attendance/attendance/{row.pk}/history/": [marked],
        f"/organizations/{winter.north_branch.pk}/": ["联系人：空 → 王会计", "北山村党支部 → 北山新村支部"],
        f"/sessions/{coming.pk}/": ["名称：还早的课 → 改了名的课", "地点：空 → 会议室"],
        f"/admin/campaigns/trainingsession/{coming.pk}/history/": ["名称：还早的课 → 改了名的课"],
        f"/service/{task.pk}/": ["修路 → 修桥", f"空 → {day}", "又坏了"],
        f"/admin/campaigns/servicetask/{task.pk}/history/": ["修路 → 修桥", "又坏了"],
        f"/campaigns/{winter.campaign.pk}/": ["怎样算参训：", "必训"],
        f"/admin/campaigns/campaign/{winter.campaign.pk}/history/": ["怎样算参训："],
        f"/accounts/{account.pk}/": ["开通", "停用"],
    }


HISTORY = re.compile(r'<ol class="timeline">(.*?)</ol>', re.DOTALL)
TAGS = re.compile(r"<[^>]*>")


def test_the_history_beside_each_record_says_who_when_what_and_why(winter, client):
    client.force_login(winter.north_organizer)
    for page, said in lived_through(winter).items():
        shown = HISTORY.search(client.get(page).content.decode())
        assert shown, f"{page} has no history"
        text = re.sub(r"\s+", " ", unescape(TAGS.sub("", shown[1])))
        missing = [words for words in said if words not in text]
        assert not missing and changes.words(TODAY())[5:] in text, (page, missing, text)
        assert not MACHINE.search(OWN_CODES.sub("", text)), (page, text)


def test_neighbours_do_not_read_each_others_part_of_a_history(winter, client):
    pages = lived_through(winter)
    client.force_login(winter.south_organizer)
    answers = {page: client.get(page) for page in pages}
    seen = [page for page, answer in answers.items() if answer.status_code == 200]
    campaign = winter.campaign.pk
    assert seen == [f"/campaigns/{campaign}/", f"/admin/campaigns/campaign/{campaign}/history/"]
    assert all("北山" not in HISTORY.search(answers[page].content.decode())[1] for page in seen)
