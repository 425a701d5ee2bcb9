"""What a phone may keep, what it is told, and what the address of marks says to a phone that kept some."""

import json
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from attendance.models import Attendance, Mark, MarkBatch
from attendance.queries import packs
from attendance.services.closing import close_parts, reopen_part
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db
# Invented, and found nowhere else on a page.
NUMBER, PHONE, BORN = "320706195303128888", "13905130888", date(1953, 3, 12)


class Hall(Scene):
    """A class of the northern branch; 王北甲 has an ID number, a phone and a birthday."""

    def __init__(self):
        super().__init__()
        with fixture_writes():
            self.wang.id_number, self.wang.phone, self.wang.birth_date = NUMBER, PHONE, BORN
            self.wang.party_group = "第三党小组金丝雀"
            self.wang.save()
        self.today = self.session(topics=self.topics(0), days=0, hour=0, title="专题党课")


built, hall = once(Hall)


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


def pack_of(hall, user=None):
    return client_of(user or hall.north_recorder).get(f"/sessions/{hall.today.pk}/pack/")


def send(hall, user=None, *, raw=None, headers=None, **fields):
    entry = hall.entry(hall.wang).pk
    mark = {"entry": entry, "status": "absent", "base_version": 0, "marked_at": "2026-01-09T09:00:00+08:00"}
    body = {"batch": str(uuid4()), "marks": [mark], "kind": "sync"} | fields
    return client_of(user or hall.north_recorder).post(
        f"/sessions/{hall.today.pk}/marks/",
        raw if raw is not None else json.dumps(body),
        content_type="application/json",
        headers=headers,
    )


# --- The pack ---------------------------------------------------------------------------------
def test_a_pack_holds_names_and_marks_and_nothing_else(hall):
    hall.mark(hall.today, {hall.wang: ("leave", "ILL"), hall.li: "present"})
    answer = pack_of(hall)
    assert answer.headers["Cache-Control"] == "no-store"
    pack = answer.json()
    assert set(pack) == {
        *("session", "account", "title", "day", "minutes", "token", "made", "expires", "parts")
    }
    people = pack["parts"][0]["people"]
    assert {tuple(person) for person in people} == {
        ("entry", "name", "initials", "part", "version", "code", "known")
    }
    by_name = {person["name"]: person for person in people}
    assert by_name["王北甲"]["code"] == "leave"  # of an illness nothing
    assert by_name["李北乙"]["version"] == 1 and by_name["李北乙"]["known"]
    text = answer.content.decode()
    for secret in (NUMBER, NUMBER[-4:], PHONE, PHONE[-4:], "1953", "ILL", "党小组", "金丝雀"):
        assert secret not in text, secret


def test_a_pack_lasts_72_hours_by_the_servers_clock(hall):
    pack = pack_of(hall).json()
    made, ends = (timezone.datetime.fromisoformat(pack[name]) for name in ("made", "expires"))
    assert ends - made == timedelta(hours=72)


def test_presets_of_a_sheet_nobody_opened_are_offered_and_not_known(hall):
    with fixture_writes():
        entry = hall.entry(hall.zhao)
        entry.is_floating = True
        entry.save()
    people = {person["name"]: person for person in pack_of(hall).json()["parts"][0]["people"]}
    assert people["赵北丙"]["code"] == "leave:AWAY" and people["王北甲"]["code"] == "present"
    assert not people["王北甲"]["known"] and people["王北甲"]["version"] == 0


def test_a_sibling_gets_no_pack_and_a_reader_none_either(hall):
    assert pack_of(hall, hall.south_organizer).status_code == 404
    assert pack_of(hall, hall.inspector).status_code == 403
    assert client_of(hall.north_recorder).post(f"/sessions/{hall.today.pk}/pack/").status_code == 405
    assert Client().get(f"/sessions/{hall.today.pk}/pack/").status_code == 302


def test_of_a_locked_or_cancelled_class_there_is_no_pack(hall):
    close_parts(actor=hall.north_organizer, session=hall.today, rest="present", batch=uuid4())
    answer = pack_of(hall)
    assert answer.status_code == 422 and answer.json()["code"] == "over"


# --- Hello -----------------------------------------------------------------------------------------
def test_hello_names_the_account_and_the_packs_that_are_over(hall):
    client = client_of(hall.north_recorder)
    other = hall.session(host=hall.south_branch_unit)
    where = f"/offline/hello/?sessions={hall.today.pk},{other.pk},999999,x,-1"
    answer = client.get(where)
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    assert told["account"] == hall.north_recorder.pk and len(told["csrf"]) == 64
    assert told["over"] == sorted([other.pk, 999999])
    close_parts(actor=hall.north_organizer, session=hall.today, rest="present", batch=uuid4())
    assert client.get(where).json()["over"] == sorted([hall.today.pk, other.pk, 999999])
    assert client.post("/offline/hello/").status_code == 405
    assert client_of(hall.inspector).get("/offline/hello/").status_code == 403


# --- The frame ------------------------------------------------------------------------------------
def test_the_frame_is_the_same_for_everybody_and_sets_no_cookie(hall):
    ours, nobodys = client_of(hall.north_recorder).get("/offline/"), Client().get("/offline/")
    assert ours.content == nobodys.content and not nobodys.cookies
    assert hall.north_recorder.name not in ours.content.decode()
    assert "csrf" not in ours.content.decode().lower()


def test_the_worker_may_serve_every_page_and_names_only_files(hall):
    answer = Client().get("/sw.js")
    assert answer.headers["Service-Worker-Allowed"] == "/"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "no-cache" and not answer.cookies
    shell = json.loads(answer.content.decode().split("self.shell = ")[1].split(";\n")[0])
    assert shell[0] == "/offline/" and all(name.startswith("/static/") for name in shell[1:])
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for name in shell[1:]:
        assert Client().get(name).status_code == 200, name


def test_the_manifest_names_icons_that_are_there(hall):
    answer = Client().get("/manifest.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    icons = answer.json()["icons"]
    assert {icon["sizes"] for icon in icons} == {"192x192", "512x512", "any"}
    for icon in icons:
        assert Client().get(icon["src"]).status_code == 200


# --- Sending what was kept ---------------------------------------------------------------------------
def test_what_was_kept_is_stored_as_such_with_the_phones_time_beside_it(hall):
    answer = send(hall)
    assert answer.status_code == 200 and answer.json()["marks"][0]["outcome"] == "applied"
    batch, mark = MarkBatch.objects.get(), Mark.objects.get()
    assert batch.kind == MarkBatch.Kind.SYNC and mark.marked_at.year == 2026
    assert Attendance.objects.get(status="absent").held_on == timezone.localdate()


@pytest.mark.parametrize(
    "wrong", [{"kind": "close"}, {"kind": ["sync"]}, {"pack": 7}, {"pack": "x" * 301}, {"who": 1}]
)
def test_what_a_phone_may_not_say_is_refused_as_a_whole(hall, wrong):
    assert send(hall, **wrong).status_code == 400
    assert not MarkBatch.objects.exists()


def test_too_much_at_once_is_refused(hall):
    mark = {"entry": 1, "status": "absent", "base_version": 0, "marked_at": None}
    many = [mark | {"entry": number + 1} for number in range(501)]
    assert send(hall, marks=many).status_code == 413
    assert send(hall, raw=b'{"batch": "' + b"x" * 1024 * 1024 + b'"}').status_code == 413
    assert send(hall, raw=b"[" * 1000).status_code == 413


def test_the_same_number_with_another_body_touches_nothing(hall):
    uuid = str(uuid4())
    assert send(hall, batch=uuid).status_code == 200
    again = send(hall, batch=uuid, counted_heads=3)
    assert again.status_code == 422 and again.json()["code"] == "key_reuse"
    hall.today.refresh_from_db()
    assert hall.today.counted_heads is None
    kept = MarkBatch.objects.get(unread="现场人数3")  # kept to look at
    assert [mark.outcome for mark in kept.marks.all()] == ["same"] and MarkBatch.objects.count() == 2


def test_marks_of_another_account_are_not_taken(hall):
    answer = send(hall, headers={"X-Account": str(hall.north_organizer.pk)})
    assert answer.status_code == 403 and answer.json()["code"] == "other_account"
    assert not MarkBatch.objects.exists()
    assert send(hall, headers={"X-Account": str(hall.north_recorder.pk)}).status_code == 200


def test_a_conflict_sent_again_still_names_who_was_first(hall):
    hall.mark(hall.today, {hall.wang: "late"}, actor=hall.north_organizer)
    uuid = str(uuid4())
    first, again = (send(hall, batch=uuid).json()["marks"][0] for _ in range(2))
    assert (first["outcome"], again["outcome"], again["code"]) == ("conflict", "duplicate", "conflict")
    assert first["by"] == again["by"] == hall.north_organizer.name and again["at"]


# --- An old pack --------------------------------------------------------------------------------------
def old_token(hall, user, monkeypatch):
    with monkeypatch.context() as then:
        then.setattr("django.core.signing.time.time", lambda: 1_700_000_000)
        return packs.SIGNER.sign(f"{user.pk}.{hall.today.pk}")


def test_marks_of_an_old_pack_wait_for_the_organizer(hall, monkeypatch):
    token = old_token(hall, hall.north_recorder, monkeypatch)
    line = send(hall, pack=token, counted_heads=9).json()["marks"][0]
    assert (line["outcome"], line["code"]) == ("held", "late")
    part = hall.today.parts.get()
    assert part.recorded_at is None and not Attendance.objects.exists()
    hall.today.refresh_from_db()
    assert hall.today.counted_heads is None
    where = f"/sessions/{hall.today.pk}/register/"
    page = client_of(hall.north_organizer).get(where).content.decode()
    assert "1人的登记等您看" in page and "北山村记录员点的" in page
    assert "等您看" not in client_of(hall.north_recorder).get(where).content.decode()
    client_of(hall.north_organizer).post(
        f"/sessions/{hall.today.pk}/reopen/", {"part": part.pk, "reason": "和签到表对过"}
    )
    assert Attendance.objects.get(entry=hall.entry(hall.wang)).status == "absent"
    assert "等您看" not in client_of(hall.north_organizer).get(where).content.decode()


def test_an_old_mark_never_wins_over_what_was_stored_since(hall, monkeypatch):
    token = old_token(hall, hall.north_recorder, monkeypatch)
    assert send(hall, pack=token).json()["marks"][0]["outcome"] == "held"
    hall.mark(hall.today, {hall.wang: "late"})
    released = reopen_part(actor=hall.north_organizer, part=hall.today.parts.get(), reason="核对过")
    assert [mark.outcome for mark in released.marks] == ["conflict"]
    assert Attendance.objects.get(entry=hall.entry(hall.wang)).status == "late"


@pytest.mark.parametrize("whose", ["north_organizer", "nobody"])
def test_a_pack_that_is_not_ours_is_none(hall, whose):
    mine = packs.SIGNER.sign(f"{hall.north_recorder.pk}.{hall.today.pk}")
    user = getattr(hall, whose, None)
    token = packs.SIGNER.sign(f"{user.pk}.{hall.today.pk}") if user else mine[:-1] + "!"
    assert send(hall, pack=token).json()["marks"][0]["code"] == "late"
    assert packs.hold_code(mine, hall.today, hall.north_recorder) == ""


# --- An account that was closed ----------------------------------------------------------------------
def leave(pack, body=None):
    left = {"pack": pack} | ({"body": body} if body else {})
    return Client(enforce_csrf_checks=True).post("/offline/left/", left, content_type="application/json")


def sealed(hall, **fields):
    mark = {"entry": hall.entry(hall.wang).pk, "status": "absent", "base_version": 0, "marked_at": None}
    return json.dumps({"batch": str(uuid4()), "marks": [mark], "kind": "sync"} | fields)


def close_account(user):
    with fixture_writes():
        user.is_active = False
        user.save()


def test_what_a_closed_account_left_waits_for_its_superior(hall):
    pack, body = pack_of(hall).json()["token"], sealed(hall)
    assert leave(pack, body).status_code == 403  # as long as it may log in, it logs in
    close_account(hall.north_recorder)
    assert leave(pack).json() == {"closed": True}
    first, again = leave(pack, body).json(), leave(pack, body).json()
    assert (first["marks"][0]["outcome"], first["marks"][0]["code"]) == ("held", "account_closed")
    assert again["marks"][0]["outcome"] == "duplicate" and Mark.objects.count() == 1
    assert not Attendance.objects.exists()
    released = reopen_part(actor=hall.north_organizer, part=hall.today.parts.get(), reason="核对过")
    assert [mark.outcome for mark in released.marks] == ["applied"]


def test_only_a_pack_of_ours_leaves_anything_and_never_much(hall, monkeypatch):
    pack = pack_of(hall).json()["token"]
    old = old_token(hall, hall.north_recorder, monkeypatch)
    close_account(hall.north_recorder)
    for wrong in (pack + "x", "", old, packs.SIGNER.sign("999999.1"), packs.SIGNER.sign("x")):
        assert leave(wrong, sealed(hall)).status_code == 403
    assert leave(pack, "{").status_code == 400 and leave("x" * 301).status_code == 400
    foreign = hall.entry(hall.sun).pk
    marks = [{"entry": foreign, "status": "present", "base_version": 0, "marked_at": None}]
    assert leave(pack, sealed(hall, marks=marks)).json()["marks"][0]["outcome"] == "rejected"
    monkeypatch.setattr(packs, "MOST_LEFT", 1)
    assert leave(pack, sealed(hall)).status_code == 200
    much = leave(pack, sealed(hall))
    assert much.status_code == 429 and much.headers["Retry-After"] == "3600"
    assert Client().get("/offline/left/").status_code == 405


def test_what_changes_nothing_is_bounded_as_well(hall, monkeypatch):
    """Nobody need be logged in here: names of nobody must not fill the disk."""
    monkeypatch.setattr(packs, "MOST_IN_VAIN", 2)
    pack = pack_of(hall).json()["token"]
    close_account(hall.north_recorder)
    nobody = [{"entry": 10**9, "status": "present", "base_version": 0, "marked_at": None}]
    answers = [leave(pack, sealed(hall, marks=nobody)).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert MarkBatch.objects.filter(account=hall.north_recorder).count() == 2


# --- Versions never come back --------------------------------------------------------------------
def test_a_version_from_before_an_undo_never_fits_again(hall):
    """A phone saw 出席 (version 1); that was undone, somebody else wrote 迟到: a person must decide."""
    uuid = uuid4()
    hall.mark(hall.today, {hall.wang: "present"}, actor=hall.north_organizer, batch=uuid)
    batch = MarkBatch.objects.get(uuid=uuid)
    client = client_of(hall.north_organizer)
    client.post(f"/sessions/{hall.today.pk}/undo/", {"batch": str(batch.uuid), "uuid": str(uuid4())})
    assert not Attendance.objects.exists()
    hall.mark(hall.today, {hall.wang: "late"}, actor=hall.north_organizer)
    mark = {"entry": hall.entry(hall.wang).pk, "status": "absent", "base_version": 1, "marked_at": None}
    line = send(hall, marks=[mark]).json()["marks"][0]
    assert line["outcome"] == "conflict" and line["value"]["status"] == "late"
