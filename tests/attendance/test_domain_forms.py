"""What forms around the register are given on a bad day, and what comes of it (hardening 3.3)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import (
    ContactLog,
    RosterChange,
    RosterEntry,
    SessionTally,
)
from attendance.services.adopting import adopt_differences
from attendance.services.closing import close_parts, reopen_part
from attendance.services.corrections import correct_session, void_session
from attendance.services.ending import close_campaign, reopen_campaign
from attendance.services.guests import note_guest
from attendance.services.roster import set_waiver
from campaigns.models import TrainingSession
from campaigns.services.campaigns import change_campaign
from campaigns.services.sessions import cancel_session
from organizations.models import AuditEvent
from organizations.service import Refused
from reports.queries import figures
from tests.attendance.missed_scene import DATED, Missed, client_of, counts, day, forms_of, makeup_of
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.base import once
from tests.campaigns.scene import at

pytestmark = pytest.mark.django_db
BLANK = ["", " ", "\u3000", "\u200b", "\u200b\u200d \ufeff", "\u202e"]
NO_DAYS = ["0001-01-01", "9999-12-31", "2027-02-29", "０００１-01-01"]
built, scene = once(Missed)


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


@pytest.mark.parametrize("minutes", ["-2", "0", "0.3", "1500", "1e9", "NaN", "²", "１.５", "1_0", "٣", "1e1"])
def test_minutes_nobody_can_have_are_refused(scene, minutes):
    """F1: the whole class in minutes, as a correction takes them."""
    url, sent = forms_of(scene)["correct"]
    answer = client_of(scene.north_organizer).post(url, sent | {"minutes": minutes})
    assert answer.status_code == 422
    scene.missed.refresh_from_db()
    assert scene.missed.minutes == 120


def test_of_two_who_correct_one_class_the_second_sees_both_values_and_saves_nothing(scene):
    """F30."""
    url, sent = forms_of(scene)["correct"]
    first, second = client_of(scene.officer), client_of(scene.north_organizer)
    version = first.get(url).context["form"]["version"].value()
    assert second.get(url).context["form"]["version"].value() == version
    assert first.post(url, sent | {"title": "党课", "version": version}).status_code == 302
    answer = second.post(url, sent | {"starts": "08:30", "version": version})
    page = answer.content.decode()
    assert answer.status_code == 409 and "名称：现在是“党课”，您填的是“缺的课”" in page
    assert "开始：现在是“09:00”，您填的是“08:30”" in page
    scene.missed.refresh_from_db()
    assert (scene.missed.title, timezone.localtime(scene.missed.starts_at).hour) == ("党课", 9)


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
