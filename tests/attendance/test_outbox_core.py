"""What the phone decides by itself: static/js/outbox-core.js, asked one question at a time."""

import json

import pytest

from tests.attendance.phones import Core

ME, OTHER, CLASS = 7, 8, 3
NOW = 1_800_000_000_000
LOST = {"status": 0, "data": None, "retryAfter": 0}


@pytest.fixture(scope="module")
def core():
    core = Core()
    yield core
    core.close()


def tapped(core, state, *values, base=0, account=ME, session=CLASS, **more):
    """values: (entry, status)."""
    marks = [
        {"entry": entry, "name": f"某{entry}", "status": status, "base": base} for entry, status in values
    ]
    facts = {"account": account, "session": session, "title": "党课", "at": "2027-01-09T01:00:00Z"}
    return core.add(state, facts | {"marks": marks} | more)


def stored(uuid, *lines):
    """lines: (entry, outcome, code, status, version)."""
    marks = [
        {
            "entry": entry,
            "outcome": outcome,
            "code": code,
            "version": version,
            "value": {"status": status, "reason": "", "minutes": None},
            "by": "区委主管",
            "at": "2027-01-09T02:00:00+00:00",
        }
        for entry, outcome, code, status, version in lines
    ]
    return {"status": 200, "data": {"batch": uuid, "marks": marks}, "retryAfter": 0}


def in_conflict(core):
    state = core.next(tapped(core, core.empty(), (1, "absent")), ME, "a", NOW)["state"]
    return core.answer(state, "a", stored("a", (1, "conflict", "changed", "late", 2)), NOW, 0.5)["state"]


def test_taps_collapse_and_a_sealed_sending_never_changes(core):
    state = tapped(core, tapped(core, core.empty(), (1, "absent"), (2, "present")), (1, "late"))
    assert core.count(state, ME)["waiting"] == 2
    first = core.next(state, ME, "a", NOW)
    sent = json.loads(first["send"]["body"])
    assert {mark["entry"]: mark["status"] for mark in sent["marks"]} == {1: "late", 2: "present"}
    assert sent["kind"] == "sync" and "某" not in first["send"]["body"]
    state = core.answer(tapped(core, first["state"], (1, "present")), "a", LOST, NOW, 0.5)["state"]
    again = core.next(state, ME, "b", NOW, {"urgent": True})
    assert (again["send"]["uuid"], again["send"]["body"]) == ("a", first["send"]["body"])
    assert core.count(again["state"], ME)["waiting"] == 3


def test_a_later_tap_waits_behind_and_follows_the_version_it_made(core):
    state = core.next(tapped(core, core.empty(), (1, "absent")), ME, "a", NOW)["state"]
    state = core.answer(tapped(core, state, (1, "present")), "a", LOST, NOW, 0.5)["state"]
    for _ in range(3):
        step = core.next(state, ME, "b", NOW, {"urgent": True})
        assert step["send"]["uuid"] == "a"
        state = core.answer(step["state"], "a", LOST, NOW, 0.5)["state"]
    state = core.answer(state, "a", stored("a", (1, "duplicate", "applied", "late", 2)), NOW, 0.5)["state"]
    sent = json.loads(core.next(state, ME, "b", NOW)["send"]["body"])
    assert sent["marks"][0]["base_version"] == 1  # its own; that somebody made 2 of it, it has not seen


def test_a_page_from_the_server_knows_better_than_what_this_phone_sent_before(core):
    state = core.next(tapped(core, core.empty(), (1, "absent")), ME, "a", NOW)["state"]
    state = core.answer(state, "a", stored("a", (1, "applied", "", "absent", 1)), NOW, 0.5)["state"]
    stale = tapped(core, state, (1, "late"))  # the page still shows the version before its own sending
    assert stale["marks"][0]["base"] == 1
    fresh = tapped(core, core.fresh(state, ME, CLASS), (1, "late"))  # undone since: nothing is stored
    assert fresh["marks"][0]["base"] == 0


def test_no_second_sending_of_a_session_is_sealed_beside_one_that_is_out(core):
    state = core.next(tapped(core, core.empty(), (9, "late"), account=OTHER), OTHER, "o", NOW)["state"]
    state = core.next(tapped(core, state, (1, "absent")), ME, "a", NOW)["state"]
    state = core.answer(tapped(core, state, (1, "present")), "a", LOST, NOW, 0.5)["state"]
    assert core.next(state, ME, "b", NOW, {"urgent": True})["send"]["uuid"] == "a"
    state = tapped(core, state, (5, "late"), session=4)
    assert core.next(state, ME, "b", NOW, {"urgent": True})["send"]["session"] == 4


@pytest.mark.parametrize(
    "reply",
    [
        LOST,
        {"status": 200, "data": None},
        {"status": 200, "data": {"batch": "x", "marks": []}},
        {"status": 200, "data": {"batch": "a", "marks": [{"entry": 1}]}},
        {"status": 503, "data": None, "retryAfter": 10},
        {"status": 409, "data": {"code": "running"}, "retryAfter": 1},
        {"status": 422, "data": {"code": "moving"}},
        {"status": 0, "data": None, "login": True},
        {"status": 403, "data": {"code": "other_account"}},
    ],
)
def test_nothing_leaves_before_an_answer_that_names_every_mark(core, reply):
    state = core.next(tapped(core, core.empty(), (1, "absent"), (2, "late")), ME, "a", NOW)["state"]
    state = core.answer(state, "a", reply, NOW, 0.5)["state"]
    assert core.count(state, ME)["waiting"] == 2 and state["sealed"][0]["uuid"] == "a"


def test_it_waits_longer_each_time_and_as_long_as_the_server_asks(core):
    state, waits = core.next(tapped(core, core.empty(), (1, "absent")), ME, "a", NOW)["state"], []
    for _ in range(12):
        state = core.answer(state, "a", LOST, NOW, 0.0)["state"]
        waits.append(core.due(state, ME, NOW))
    assert waits[:4] == [1000, 2000, 4000, 8000] and waits[-1] == 150_000
    assert core.due(state, ME, NOW, {"urgent": True}) == 0
    state = core.answer(state, "a", {"status": 429, "data": None, "retryAfter": 30}, NOW, 0.5)["state"]
    assert core.due(state, ME, NOW, {"urgent": True}) == 33_000
    assert core.due(state, ME, NOW - 86_400_000) == 0  # the clock was set back


def test_a_campaign_that_is_over_takes_the_marks_off_the_phone_and_says_they_wait(core):
    state = core.next(tapped(core, core.empty(), (1, "absent")), ME, "a", NOW)["state"]
    reply = stored("a", (1, "held", "campaign_closed", "", 0)) | {"status": 409}
    reply["data"] |= {"code": "locked"}
    state = core.answer(state, "a", reply, NOW, 0.5)["state"]
    assert core.count(state, ME)["waiting"] == 0
    assert [(one["what"], one["code"]) for one in core.told(state, ME)] == [("held", "campaign_closed")]


def test_a_refused_sending_stays_until_a_person_decides(core):
    state = core.next(tapped(core, core.empty(), (1, "absent")), ME, "a", NOW)["state"]
    reply = {"status": 409, "data": {"code": "cancelled", "error": "这个场次已经取消"}}
    state = core.answer(state, "a", reply, NOW, 0.5)["state"]
    (told,) = core.told(state, ME)
    assert (told["what"], told["text"], told["name"]) == ("refused", "这个场次已经取消", "某1")
    again = core.settle(state, ME, told["id"], "mine", "2027-01-09T03:00:00Z")
    assert core.count(again, ME)["waiting"] == 1 and not core.told(again, ME)


@pytest.mark.parametrize(("choice", "status"), [("mine", "absent"), ("theirs", "late")])
def test_a_conflict_shows_both_and_either_choice_is_a_mark_on_what_was_shown(core, choice, status):
    state = in_conflict(core)
    (told,) = core.told(state, ME)
    assert (told["mine"]["status"], told["theirs"]["status"], told["by"]) == ("absent", "late", "区委主管")
    state = core.settle(state, ME, told["id"], choice, "2027-01-09T03:00:00Z")
    (mark,) = json.loads(core.next(state, ME, "b", NOW)["send"]["body"])["marks"]
    assert (mark["status"], mark["base_version"]) == (status, 2) and not core.told(state, ME)


def test_a_tap_on_the_old_value_answers_no_conflict(core):
    state = tapped(core, in_conflict(core), (1, "present"))
    assert core.told(state, ME)[0]["mine"]["status"] == "present" and not state["marks"]
    state = tapped(core, state, (1, "present"), base=2)
    assert not core.told(state, ME) and len(state["marks"]) == 1


def test_another_account_neither_sees_nor_sends_it(core):
    state = tapped(core, core.empty(), (1, "absent"), (2, "late"), heads=40)
    assert core.next(state, OTHER, "a", NOW, {"urgent": True})["send"] is None
    assert core.waiting(state, OTHER, CLASS) == {}
    sums = core.count(state, OTHER)
    assert (sums["waiting"], sums["others"]) == (0, 3)
    out = core.signedIn(state, ME, False)
    assert core.next(out, ME, "a", NOW, {"urgent": True})["send"] is None
    assert core.next(core.signedIn(out, ME, True), ME, "a", NOW)["send"]


def test_many_people_go_in_sendings_of_500_with_the_heads_once(core):
    state = tapped(core, core.empty(), *[(entry, "present") for entry in range(1, 601)], heads=598)
    first = core.next(state, ME, "a", NOW, {"live": True})
    body = json.loads(first["send"]["body"])
    assert len(body["marks"]) == 500 and body["counted_heads"] == 598 and "kind" not in body
    lines = [(mark["entry"], "applied", "", "present", 1) for mark in body["marks"]]
    state = core.answer(first["state"], "a", stored("a", *lines), NOW, 0.5)["state"]
    rest = json.loads(core.next(state, ME, "b", NOW, {"live": True})["send"]["body"])
    assert len(rest["marks"]) == 100 and "counted_heads" not in rest


def test_the_oldest_pack_speaks_for_all_that_waits(core):
    state = tapped(core, core.empty(), (1, "absent"), pack="old")
    state = tapped(core, state, (2, "late"), pack="new")
    assert json.loads(core.next(state, ME, "a", NOW)["send"]["body"])["pack"] == "old"


def test_a_pack_is_over_after_72_hours_of_a_clock_that_may_be_set_back(core):
    pack = {"saved": NOW}
    hours = 3_600_000
    assert [core.isOver(pack, NOW + h * hours) for h in (0, 71, 73, -1, -25)] == [
        False,
        False,
        True,
        False,
        True,
    ]
