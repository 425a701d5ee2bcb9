"""Marks as a bad day sends them: doubled, late, out of order, with a wrong clock (hardening 3.2)."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, Mark, MarkBatch
from attendance.queries import packs
from attendance.queries.ending import held_marks, open_conflicts
from attendance.services.closing import close_parts, reopen_part
from attendance.services.ending import close_campaign, reopen_campaign
from campaigns.services.sessions import cancel_session
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import once

pytestmark = pytest.mark.django_db


class Hall(Scene):
    """A class of yesterday in the northern branch."""

    def __init__(self):
        super().__init__()
        self.today = self.session(topics=self.topics(0))


built, hall = once(Hall)


def mark(hall, member, status="present", base=0, **more):
    return {"entry": hall.entry(member).pk, "status": status, "base_version": base} | more


def sending(*marks, **fields):
    return json.dumps({"batch": str(uuid4()), "marks": list(marks)} | fields)


def send(hall, body, user=None, session=None):
    client = Client()
    client.force_login(user or hall.north_recorder)
    return client.post(
        f"/sessions/{(session or hall.today).pk}/marks/", body, content_type="application/json"
    )


def told(answer):
    assert answer.status_code == 200, answer.content.decode()
    return [(line["outcome"], line["code"]) for line in answer.json()["marks"]]


def row_of(hall, member):
    return Attendance.objects.get(session=hall.today, entry=hall.entry(member))


def figures(hall):
    """Everything a resent or refused sending must leave as it is."""
    rows = list(Attendance.objects.order_by("pk").values())
    parts = list(hall.today.parts.order_by("pk").values())
    return rows, parts, MarkBatch.objects.count(), Mark.objects.count()


# --- Twice ------------------------------------------------------------------------------------
def test_a_double_tap_under_two_numbers_is_one_row_and_the_first_stands(hall):
    """C5."""
    first, second = (send(hall, sending(mark(hall, hall.wang))) for _ in range(2))
    assert (told(first), told(second)) == ([("applied", "")], [("same", "")])
    row = row_of(hall, hall.wang)
    assert (row.status, row.version) == ("present", 1)
    assert Attendance.objects.filter(entry=row.entry).count() == 1
    assert_derived_rows_are_true(hall.campaign)


def test_a_whole_sheet_sent_again_and_again_is_duplicate_and_changes_nothing(hall):
    """C28, C29: whether the answer was lost or the phone never asked for it."""
    body = sending(*(mark(hall, member, "late") for member in (hall.wang, hall.li, hall.zhao)))
    assert told(send(hall, body)) == [("applied", "")] * 3
    before = figures(hall)
    for _ in range(3):
        assert told(send(hall, body)) == [("duplicate", "applied")] * 3
    assert figures(hall) == before


def test_the_same_number_with_another_value_is_refused_and_what_it_said_is_kept_to_look_at(hall):
    """C30."""
    uuid = str(uuid4())
    assert told(send(hall, sending(mark(hall, hall.wang, "late"), batch=uuid))) == [("applied", "")]
    before = figures(hall)[:2]
    other = sending(mark(hall, hall.wang, "absent", base=1, marked_at="2027-01-09T09:00:00Z"), batch=uuid)
    for _ in range(3):
        answer = send(hall, other)
        assert answer.status_code == 422 and answer.json()["code"] == "key_reuse"
    assert figures(hall)[:2] == before
    waiting = held_marks(hall.campaign).get()  # once, however often it came
    assert (waiting.status, waiting.base_version, waiting.code) == ("absent", 1, "key_reuse")
    assert waiting.marked_at.hour == 9
    register = reverse("attendance:register", args=[hall.today.pk])
    client = Client()
    client.force_login(hall.north_organizer)
    assert "1人的登记等您看" in client.get(register).content.decode()
    reopen_part(actor=hall.north_organizer, part=hall.today.parts.get(), reason="和签到表对过")
    assert row_of(hall, hall.wang).status == "absent" and not held_marks(hall.campaign).exists()


def test_the_same_body_under_somebody_elses_account_is_no_resending_either(hall):
    """C30."""
    body = sending(mark(hall, hall.wang, "late"))
    assert told(send(hall, body)) == [("applied", "")]
    before = figures(hall)[:2]
    answer = send(hall, body, hall.north_organizer)
    assert answer.status_code == 422 and answer.json()["code"] == "key_reuse"
    # It says what is stored already: there is nothing to look at.
    assert figures(hall)[:2] == before and not held_marks(hall.campaign).exists()


# --- In another order --------------------------------------------------------------------------
def test_of_two_phones_the_first_counts_and_the_second_is_a_conflict_in_the_list(hall):
    """C32."""
    assert told(send(hall, sending(mark(hall, hall.wang, "present"), kind="sync"))) == [("applied", "")]
    answer = send(hall, sending(mark(hall, hall.wang, "absent"), kind="sync"), hall.north_organizer)
    line = answer.json()["marks"][0]
    assert (line["outcome"], line["value"]["status"], line["by"]) == ("conflict", "present", "北山村记录员")
    assert row_of(hall, hall.wang).status == "present"
    waiting = open_conflicts(hall.campaign).get()
    assert (waiting.status, waiting.entry_id) == ("absent", hall.entry(hall.wang).pk)


def test_taking_back_before_the_mark_itself_arrives_is_never_silent(hall):
    """C33: the phone keeps the order (outbox core); a stray that overtook is a conflict, not a value."""
    hall.mark(hall.today, {hall.li: "present"})
    early = sending(mark(hall, hall.wang, "absent", base=2), kind="sync")
    assert told(send(hall, early)) == [("conflict", "changed")]
    assert told(send(hall, sending(mark(hall, hall.wang, "present"), kind="sync"))) == [("applied", "")]
    assert row_of(hall, hall.wang).status == "present"
    # Its answer was lost: sent once more it names the conflict still, and counts no more than before.
    assert told(send(hall, early)) == [("duplicate", "conflict")]
    assert row_of(hall, hall.wang).version == 1


def test_a_scan_sent_again_does_not_take_back_what_a_person_corrected(hall):
    """C25, C26: absent at nine, came at five past, corrected by hand; then the old sending again."""
    assert told(send(hall, sending(mark(hall, hall.wang, "absent")))) == [("applied", "")]
    came = sending(mark(hall, hall.wang, "present", base=1))
    assert told(send(hall, came)) == [("applied", "")]
    hall.mark(hall.today, {hall.wang: ("absent", "UNKNOWN")})
    assert told(send(hall, came)) == [("duplicate", "applied")]
    stale = sending(mark(hall, hall.wang, "present", base=2), kind="sync")
    assert told(send(hall, stale)) == [("conflict", "changed")]
    row = row_of(hall, hall.wang)
    assert (row.status, row.reason, row.version) == ("absent", "UNKNOWN", 3)
    kept = Mark.objects.filter(entry=row.entry, outcome="applied").order_by("pk")
    assert list(kept.values_list("status", flat=True)) == ["absent", "present", "absent"]


# --- Too late ----------------------------------------------------------------------------------
def test_a_class_that_was_called_off_takes_no_mark_and_says_so(hall):
    """C13. The phone keeps what it said and asks a person: tests/attendance/test_outbox_core.py."""
    cancel_session(actor=hall.north_organizer, session=hall.today, reason="停电")
    before = figures(hall)
    for kind in ("register", "sync"):
        answer = send(hall, sending(mark(hall, hall.wang), kind=kind))
        assert answer.status_code == 409 and answer.json()["code"] == "cancelled"
        assert "取消" in answer.json()["error"]
    assert figures(hall) == before


def test_a_campaign_that_is_over_answers_locked_and_keeps_what_was_said(hall):
    """C14, and sent again it says the same."""
    close_campaign(actor=hall.officer, campaign=hall.campaign, reason="已经报完")
    body = sending(mark(hall, hall.wang, "absent"), kind="sync")
    for outcome in (("held", "campaign_closed"), ("duplicate", "held")):
        answer = send(hall, body)
        assert answer.status_code == 409 and answer.json()["code"] == "locked"
        assert [(line["outcome"], line["code"]) for line in answer.json()["marks"]] == [outcome]
    assert not Attendance.objects.exists() and held_marks(hall.campaign).get().status == "absent"
    reopen_campaign(actor=hall.officer, campaign=hall.campaign, reason="补报")
    assert told(send(hall, body)) == [("duplicate", "held")]


def test_marks_for_a_finished_sheet_wait_for_who_may_open_it(hall):
    """C14, C34: tapped before the sheet was finished, sent after."""
    close_parts(actor=hall.north_organizer, session=hall.today, rest="present", batch=uuid4())
    before = timezone.now() - timedelta(hours=3)
    body = sending(mark(hall, hall.wang, "absent", base=1, marked_at=before.isoformat()), kind="sync")
    assert told(send(hall, body)) == [("held", "closed")]
    assert row_of(hall, hall.wang).status == "present"
    waiting = held_marks(hall.campaign).get()
    assert (waiting.status, waiting.marked_at) == ("absent", before)
    released = reopen_part(actor=hall.north_organizer, part=hall.today.parts.get(), reason="有人补报")
    assert [line.outcome for line in released.marks] == ["applied"]
    assert row_of(hall, hall.wang).status == "absent"
    assert_derived_rows_are_true(hall.campaign)


def test_what_a_pack_of_four_days_ago_says_is_kept_and_waits(hall, monkeypatch):
    """C36: by the server's clock, whatever the phone's says."""
    signed = packs.SIGNER.sign(f"{hall.north_recorder.pk}.{hall.today.pk}")
    now = timezone.now().timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + 96 * 3600)
    body = sending(
        mark(hall, hall.wang, "absent", marked_at=timezone.now().isoformat()), kind="sync", pack=signed
    )
    assert told(send(hall, body)) == [("held", "late")]
    assert not Attendance.objects.exists()
    assert held_marks(hall.campaign).get().status == "absent"


# --- Wrong clocks, too much ---------------------------------------------------------------------
@pytest.mark.parametrize(
    "clock", ["2099-12-31T23:59:59+08:00", "3 days", "2025-01-01T08:00:00", "2000-01-01T00:00:00Z", None]
)
def test_a_phones_clock_is_evidence_and_decides_nothing(hall, clock):
    """C16, C38."""
    if clock == "3 days":
        clock = (timezone.now() + timedelta(days=3)).isoformat()
    body = sending(mark(hall, hall.wang, "absent", marked_at=clock), kind="sync")
    assert told(send(hall, body)) == [("applied", "")]
    stored, row = Mark.objects.get(outcome="applied"), row_of(hall, hall.wang)
    assert row.held_on == timezone.localdate(hall.today.starts_at)
    assert abs(stored.batch.at - timezone.now()) < timedelta(minutes=1)
    assert (stored.marked_at is None) == (clock is None)
    assert told(send(hall, sending(mark(hall, hall.wang, "late", base=1)))) == [("applied", "")]


@pytest.mark.parametrize("clock", ["2101-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "昨天", 0, [], {}])
def test_a_time_that_is_none_is_refused_as_a_whole(hall, clock):
    before = figures(hall)
    answer = send(hall, sending(mark(hall, hall.wang, marked_at=clock)))
    assert answer.status_code == 400 and "marked_at" in answer.json()["error"]
    assert figures(hall) == before


def test_too_many_too_long_and_too_deep_store_nothing(hall):
    """C37: 10,000 and 501 where 500 are the most, 5 MB, a thousand brackets."""
    before = figures(hall)
    people = [{"entry": number, "status": "present", "base_version": 0} for number in range(1, 10_001)]
    nested = ("[" * 1000 + "]" * 1000, '{"marks":' * 1000 + "1" + "}" * 1000)
    for body in (sending(*people), sending(*people[:501]), b" " * 5_000_000, *nested):
        answer = send(hall, body)
        assert answer.status_code == 413 and answer.json()["code"] == "bad_batch"
    assert figures(hall) == before


@pytest.mark.parametrize("script", ["outbox.js", "offline.js"])
def test_the_phone_is_asked_to_keep_what_waits(script):
    """C40: iOS and WeChat clear what nobody asked them to keep."""
    text = Path(settings.BASE_DIR, "static/js", script).read_text()
    assert "navigator.storage.persist()" in text


# --- The wrong people -----------------------------------------------------------------------------
def test_nobody_of_elsewhere_is_marked_by_guessing_a_number(hall):
    """C9, C10: refused in the same words as a number nobody has."""
    foreign = told(send(hall, sending(mark(hall, hall.sun)), hall.north_organizer))
    nobody = sending({"entry": 2**62, "status": "present", "base_version": 0})
    assert foreign == told(send(hall, nobody, hall.north_organizer)) == [("rejected", "unknown")]
    assert not Attendance.objects.filter(entry=hall.entry(hall.sun)).exists()
    # Of the own township: a visitor, beside the hosts' rate and not in it.
    assert told(send(hall, sending(mark(hall, hall.qian)), hall.north_organizer)) == [("applied", "")]
    assert row_of(hall, hall.qian).part == "VISITOR"
    assert_derived_rows_are_true(hall.campaign)


def test_an_absence_of_somebody_nobody_expected_is_no_mark(hall):
    assert told(send(hall, sending(mark(hall, hall.qian, "absent")), hall.north_organizer)) == [
        ("rejected", "not_expected")
    ]


# --- Fields nobody may set (F45) -------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["role", "org", "is_staff", "locked", "account", "session", "undoes", "hold"]
)
def test_a_field_nobody_asked_for_refuses_the_whole_sending(hall, name):
    before = figures(hall)
    for body in (sending(mark(hall, hall.wang), **{name: 1}), sending(mark(hall, hall.wang, **{name: 1}))):
        answer = send(hall, body)
        assert answer.status_code == 400 and "不认识的字段" in answer.json()["error"]
    assert figures(hall) == before
