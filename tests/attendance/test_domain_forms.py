"""What forms around the register are given on a bad day, and what comes of it (hardening 3.3)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from attendance.models import (
    Attendance,
    ContactLog,
    Leave,
    MarkBatch,
    RosterChange,
    RosterEntry,
    SessionTally,
    Waiver,
)
from attendance.services.adopting import adopt_differences
from attendance.services.closing import close_parts, reopen_part
from attendance.services.corrections import correct_session, void_session
from attendance.services.ending import close_campaign, reopen_campaign
from attendance.services.guests import note_guest
from attendance.services.makeup import plan_makeup
from attendance.services.recount import rebuild
from attendance.services.roster import set_waiver
from campaigns.models import TrainingSession
from campaigns.services.campaigns import change_campaign
from campaigns.services.sessions import cancel_session
from organizations.models import AuditEvent, Role
from organizations.service import Refused
from reports.queries import figures
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once
from tests.campaigns.scene import at

pytestmark = pytest.mark.django_db
OURS = ("organizations", "campaigns", "attendance", "reports")
BLANK = ["", " ", "\u3000", "\u200b", "\u200b\u200d \ufeff", "\u202e"]
NO_DAYS = ["0001-01-01", "9999-12-31", "2027-02-29", "０００１-01-01"]


class Missed(Scene):
    """Five days ago 王 came, 李 and 赵 did not; 李 is away."""

    def __init__(self):
        super().__init__()
        self.missed = self.session(days=-5, topics=self.topics(0), title="缺的课")
        self.mark(self.missed, {self.wang: "present", self.li: ("absent", ""), self.zhao: ("leave", "ILL")})
        with fixture_writes():
            RosterEntry.objects.filter(member=self.li).update(is_floating=True)
            rebuild(campaign=self.campaign)


# Of an inspector: files of what is read, and a note on a finding (without one it leads back).
OWN_ACTS = {"attendance:hours_export", "attendance:debts_export", "attendance:doubt_note"}
built, scene = once(Missed)


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


def day(days):
    return timezone.localdate() + timedelta(days=days)


def counts():
    """How many rows each table of ours holds, but for the audit and logins."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    return {model.__name__: model.objects.count() for model in models if model is not AuditEvent}


def makeup_of(scene, member, days=0, hour=9, hours=2, topics=None):
    start = at(day(days), hour)
    return plan_makeup(
        actor=scene.north_organizer,
        unit=scene.north_branch_unit,
        topics=topics or scene.topics(0),
        entries=[scene.entry(member)],
        title="补一课",
        starts_at=start,
        ends_at=start + timedelta(hours=hours),
    )


def forms_of(scene):
    """{name: (address, what a person would send)}: every page around the register that asks for a day."""
    entry, topic = scene.entry(scene.li).pk, scene.topics(0)[0].pk
    ask = {"request_uuid": str(uuid4())}
    taught = {"entry": entry, "topics": [topic], "starts": "09:00"}
    campaign = [scene.campaign.pk]
    return {
        "leave": (
            reverse("attendance:entry_leave_set", args=[entry]),
            ask | {"reason": "ILL", "since": day(1).isoformat(), "until": day(2).isoformat()},
        ),
        "waiver": (
            reverse("attendance:waiver_set", args=[entry]),
            {"reason": "OLD_AGE", "since": day(0).isoformat()},
        ),
        "contact": (
            reverse("attendance:entry_contact", args=[entry]),
            ask | {"how": "PHONE", "day": day(0).isoformat()},
        ),
        "home": (
            reverse("attendance:home_lesson", args=campaign),
            ask | taught | {"teacher": "老书记", "day": day(0).isoformat(), "minutes": "60"},
        ),
        "makeup": (
            reverse("attendance:makeup_new", args=campaign),
            ask | taught | {"round": "MAKE_UP", "day": day(0).isoformat(), "ends": "11:00"},
        ),
        "correct": (
            reverse("attendance:session_correct", args=[scene.missed.pk]),
            {
                "title": "缺的课",
                "topics": [topic],
                "day": day(-4).isoformat(),
                "starts": "09:00",
                "ends": "11:00",
            },
        ),
        "move": (
            reverse("attendance:member_move", args=[scene.li.pk]),
            {"to_branch": scene.north_other_branch.pk, "day": day(0).isoformat()},
        ),
    }


DATED = ["leave", "waiver", "contact", "home", "makeup", "correct", "move"]


# --- Days and times that cannot be ----------------------------------------------------------------
@pytest.mark.parametrize("name", DATED)
def test_a_day_that_is_none_or_of_another_age_is_refused_everywhere(scene, name):
    """F41, F4: refused with a sentence on the page, and nothing is stored."""
    client, (url, sent) = client_of(scene.north_organizer), forms_of(scene)[name]
    before, starts = counts(), scene.missed.starts_at
    field = "since" if "since" in sent else "day"
    for wrong in NO_DAYS:
        answer = client.post(url, sent | {field: wrong, "request_uuid": str(uuid4())})
        assert answer.status_code in (302, 422), wrong
    assert counts() == before
    scene.missed.refresh_from_db()
    assert scene.missed.starts_at == starts
    assert client.post(url, sent).status_code == 302  # the same form with its own day is taken


@pytest.mark.parametrize("ends", ["09:00", "08:59", "00:00"])
def test_an_end_that_is_not_after_the_start_is_refused(scene, ends):
    """F2."""
    client = client_of(scene.north_organizer)
    before, columns = counts(), TrainingSession.objects.filter(pk=scene.missed.pk).values()
    facts = columns.get()
    for name in ("makeup", "correct"):
        url, sent = forms_of(scene)[name]
        answer = client.post(url, sent | {"ends": ends})
        assert answer.status_code == 422 and "晚于开始" in answer.content.decode()
    assert counts() == before and columns.get() == facts


def test_a_class_beyond_the_campaign_or_of_many_hours_is_refused(scene):
    """F1, F4: also where the form was left out."""
    before = counts()
    for days in (-1000, 1000):
        with pytest.raises(Refused):
            makeup_of(scene, scene.li, days=days)
    for hours in (0, -2, 13, 25):
        with pytest.raises(Refused):
            makeup_of(scene, scene.li, hours=hours)
        with pytest.raises(Refused):
            correct_session(
                actor=scene.north_organizer,
                session=scene.missed,
                title="缺的课",
                topics=scene.topics(0),
                starts_at=at(day(-5), 9),
                ends_at=at(day(-5), 9) + timedelta(hours=hours),
                minutes=None,
            )
    assert counts() == before


@pytest.mark.parametrize("minutes", ["-2", "0", "0.3", "1500", "1e9", "NaN", "²", "１.５"])
def test_minutes_nobody_can_have_are_refused(scene, minutes):
    """F1: the whole class in minutes, as a correction takes them."""
    url, sent = forms_of(scene)["correct"]
    answer = client_of(scene.north_organizer).post(url, sent | {"minutes": minutes})
    assert answer.status_code == 422
    scene.missed.refresh_from_db()
    assert scene.missed.minutes == 120


# --- Twice ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", DATED)
def test_back_and_send_again_has_no_second_effect(scene, name):
    """F42: every form leads away after it was taken, and the same page again changes nothing."""
    client, (url, sent) = client_of(scene.north_organizer), forms_of(scene)[name]
    nothing = counts()
    assert client.post(url, sent).status_code == 302
    assert name == "correct" or counts() != nothing
    before = counts()
    # Who was moved is in another branch by now: the page of before offers that one no more.
    assert client.post(url, sent, follow=True).status_code in (200, 422)
    assert counts() == before
    assert_derived_rows_are_true(scene.campaign)


# --- Nobody expected ------------------------------------------------------------------------------
def test_all_on_leave_is_nobody_of_three_and_nobody_expected_is_no_rate(scene):
    """F8: leave takes nobody out of the number expected; who is waived is in no number at all."""
    away = scene.session(days=-2)
    scene.mark(away, dict.fromkeys((scene.wang, scene.li, scene.zhao), ("leave", "AWAY")))
    tally = SessionTally.objects.get(session=away)
    assert (tally.expected, tally.attended, tally.leave) == (3, 0, 3)
    set_waiver(actor=scene.north_organizer, entry=scene.entry(scene.qian), reason="OLD_AGE", since=day(-9))
    alone = scene.session(scene.north_other_unit, days=-1)
    close_parts(actor=scene.north_organizer, session=alone, rest="absent", batch=uuid4())
    assert SessionTally.objects.get(session=alone).expected == 0
    page = client_of(scene.north_organizer).get(
        f"/dashboard/{scene.campaign.pk}/{scene.north_other_unit.pk}/"
    )
    found = figures.values(scene.north_other_unit, ["ATT_RATE"])["ATT_RATE"]
    assert page.status_code == 200 and (found.n, found.d) == (0, 0)
    assert_derived_rows_are_true(scene.campaign)


# --- The end of a campaign ---------------------------------------------------------------------------
def test_the_end_over_conflicts_needs_a_reason_and_the_way_back_a_district_officer(scene):
    """F20, F21: refused with what is open; over it and back are acts, and the figures are counted anew."""
    half = scene.session(days=-2)
    scene.mark(half, {scene.wang: "present", scene.li: "absent", scene.zhao: "absent"})
    scene.mark(half, {scene.wang: "late"}, base=0)
    for reason in BLANK:
        with pytest.raises(Refused, match="还不能结束"):
            close_campaign(actor=scene.officer, campaign=scene.campaign, reason=reason)
    close_campaign(actor=scene.officer, campaign=scene.campaign, reason="签到表丢了")
    event = AuditEvent.objects.get(action="campaign.closed")
    assert event.details["open"]["conflict"] == 1 and event.details["reason"] == "签到表丢了"
    for actor in (scene.north_organizer, scene.inspector, scene.north_recorder):
        with pytest.raises(Refused, match="主办单位"):
            reopen_campaign(actor=actor, campaign=scene.campaign, reason="补报")
    reopen_campaign(actor=scene.officer, campaign=scene.campaign, reason="补报")
    scene.campaign.refresh_from_db()
    assert (
        scene.campaign.recount_due_at and AuditEvent.objects.filter(action="campaign.reopened").count() == 1
    )


def test_another_target_of_hours_is_a_difference_and_moves_nobody_until_adopted(scene):
    """F32: what was counted against the old target goes on being so, and the change is a line."""
    targets = RosterEntry.objects.order_by("unit__path", "pk").values_list("hours_target", flat=True)
    standings = scene.campaign.standings.order_by("pk").values()
    old, before = list(targets), list(standings)
    change_campaign(actor=scene.officer, campaign=scene.campaign, hours_member=old[0] + 8)
    assert list(targets.all()) == old and list(standings.all()) == before
    adopt_differences(actor=scene.north_organizer, unit=scene.north_unit)
    assert list(targets.all()) == [old[0] + 8] * 4 + old[4:]
    assert RosterChange.objects.filter(entry__unit=scene.north_branch_unit).count() == 3


# --- Text --------------------------------------------------------------------------------------------
def acts_with_a_reason(scene, text):
    """Every act that asks why, with this for an answer."""
    planned = scene.session(days=1, title="要取消的课")
    part = scene.missed.parts.get()
    away = {"session": scene.missed, "says_from": "南河村党支部", "request_uuid": uuid4()}
    north, class_ = {"actor": scene.north_organizer}, {"session": scene.missed}
    times = {"starts_at": scene.missed.starts_at, "ends_at": scene.missed.ends_at, "minutes": None}
    return {
        "cancel": lambda: cancel_session(session=planned, reason=text, **north),
        "void": lambda: void_session(reason=text, **class_, **north),
        "correct": lambda: correct_session(title=text, topics=scene.topics(0), **times, **class_, **north),
        "close": lambda: close_parts(rest="unmarked", note=text, batch=uuid4(), **class_, **north),
        "reopen": lambda: reopen_part(part=part, reason=text, **north),
        "guest": lambda: note_guest(name=text, **away, **north),
        "campaign": lambda: reopen_campaign(actor=scene.officer, campaign=scene.campaign, reason=text),
    }


def test_a_reason_of_signs_nobody_sees_is_none(scene):
    """F38."""
    for text in BLANK:
        acts = acts_with_a_reason(scene, text)
        before = counts()
        for act in acts.values():
            with pytest.raises(Refused):
                act()
        assert counts() == before, repr(text)


def test_a_megabyte_is_refused_or_cut_and_never_kept(scene):
    """F38: whatever becomes of it, no column and no line of the history holds it."""
    for name, act in acts_with_a_reason(scene, "长" * 1_000_000).items():
        try:
            act()
        except Refused as refused:
            assert len(refused.message) < 200, name
    scene.missed.refresh_from_db()
    assert len(scene.missed.title) <= 100 and len(scene.missed.void_reason) <= 200
    kept = AuditEvent.objects.values_list("summary", "details")
    assert max(len(summary) + len(str(details)) for summary, details in kept) < 2_000


def test_signs_of_every_script_are_kept_and_shown_as_text(scene):
    """F38: emoji, right to left, a rare character, tags."""
    text = "𠮷🎉<b>مرحبا</b>\u202e&"
    client, (url, sent) = client_of(scene.north_organizer), forms_of(scene)["contact"]
    assert client.post(url, sent | {"content": text}).status_code == 302
    assert ContactLog.objects.get().content == text
    void_session(actor=scene.north_organizer, session=scene.missed, reason=text)
    for name, pk in (("contact_list", scene.campaign.pk), ("session_rows", scene.missed.pk)):
        answer = client.get(reverse(f"attendance:{name}", args=[pk]))
        assert answer.status_code == 200 and "<b>م" not in answer.content.decode()


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
    refused = 0
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
        refused += status in (403, 404)
    assert refused > 25
    assert counts() == before and list(Attendance.objects.order_by("pk").values()) == rows


def test_fields_nobody_was_shown_are_not_written(scene):
    """F45: a form is read by its own fields."""
    forged = {
        "actor": scene.officer.pk,
        "set_by": scene.officer.pk,
        "by": scene.officer.pk,
        "role": "OFFICER",
    }
    forged |= {
        "entry_id": scene.entry(scene.sun).pk,
        "is_staff": "1",
        "locked": "1",
        "ended_at": "2026-01-01",
    }
    client = client_of(scene.north_organizer)
    for name in ("leave", "waiver", "contact"):
        url, sent = forms_of(scene)[name]
        assert client.post(url, sent | forged).status_code == 302
    leave, waiver, contact = Leave.objects.get(), Waiver.objects.get(), ContactLog.objects.get()
    assert {leave.entry_id, waiver.entry_id, contact.entry_id} == {scene.entry(scene.li).pk}
    assert (waiver.set_by, contact.by, leave.ended_at) == (scene.north_organizer, scene.north_organizer, None)
    scene.north_organizer.refresh_from_db()
    assert scene.north_organizer.role == Role.ORGANIZER
