"""点名 over HTTP: the page, the plain form, the JSON endpoint, undo, closing."""

import json
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attendance.models import Attendance, Mark, MarkBatch
from attendance.services.closing import close_parts
from attendance.services.roster import set_waiver
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, once

pytestmark = pytest.mark.django_db
AT = "2027-01-09T09:00:00+08:00"


built, scene = once(Scene)


@pytest.fixture
def session(scene):
    return scene.session(topics=scene.topics(0))


def url(name, session):
    return reverse(f"attendance:{name}", args=[session.pk])


def as_user(client, user):
    client.force_login(user, backend="organizations.backends.AccountBackend")
    return client


def send(client, session, marks, **fields):
    lines = [
        {"entry": entry, "status": status, "base_version": version, "marked_at": AT}
        | ({"reason": reason} if reason else {})
        for entry, status, reason, version in marks
    ]
    body = json.dumps({"batch": str(uuid4()), "marks": lines} | fields)
    return client.post(url("marks", session), body, content_type="application/json"), body


def statuses(session):
    return dict(Attendance.objects.filter(session=session).values_list("entry__member__name", "status"))


def test_the_page_offers_everybody_as_present_and_stores_nothing(client, scene, session):
    page = as_user(client, scene.north_organizer).get(url("register", session))
    html = page.content.decode()
    assert page.status_code == 200
    for name in ("王北甲", "李北乙", "赵北丙"):
        assert name in html
    assert "孙南甲金丝雀" not in html
    assert html.count('<option value="present" selected>') == 3
    assert Attendance.objects.count() == 0


def test_floating_members_are_offered_as_away_and_waived_ones_are_folded(client, scene):
    session = scene.session()
    entry = scene.entry(scene.wang)
    with fixture_writes():
        entry.is_floating = True
        entry.save()
    set_waiver(
        actor=scene.officer, entry=scene.entry(scene.li), reason="OLD_AGE", since=scene.campaign.starts_on
    )
    html = as_user(client, scene.north_organizer).get(url("register", session)).content.decode()
    assert html.count('<option value="leave:AWAY" selected>') == 1
    assert "不作硬性要求 1人" in html
    assert html.count('<option value="present" selected>') == 1


def test_the_plain_form_stores_the_register(client, scene, session):
    wang, li, zhao = (scene.entry(m).pk for m in (scene.wang, scene.li, scene.zhao))
    as_user(client, scene.north_organizer)
    form = {"batch": str(uuid4()), f"m{wang}.0": "present", f"m{li}.0": "leave:ILL", f"m{zhao}.0": "absent"}
    answer = client.post(url("register", session), form | {"counted_heads": "1"})
    assert answer.status_code == 302
    done = client.get(answer.url).content.decode()
    assert "已登记 3人" in done
    assert "北山村党支部" in done and "应到3人，实到1人，请假1人，缺席1人。" in done
    assert statuses(session) == {"王北甲": "present", "李北乙": "leave", "赵北丙": "absent"}
    session.refresh_from_db()
    assert session.counted_heads == 1
    assert_derived_rows_are_true(scene.campaign)
    client.post(url("register", session), form | {"counted_heads": "1"})
    assert MarkBatch.objects.count() == 1


def test_a_plain_form_nobody_touched_says_so(client, scene, session):
    as_user(client, scene.north_organizer)
    answer = client.post(url("register", session), {"batch": str(uuid4())})
    assert answer.status_code == 422 and "没有改动" in answer.content.decode()


def test_marks_are_stored_and_answered_one_by_one(client, scene, session):
    wang, stranger = scene.entry(scene.wang).pk, scene.entry(scene.sun).pk
    as_user(client, scene.north_organizer)
    answer, body = send(
        client, session, [(wang, "leave", "ILL", 0), (stranger, "present", "", 0)], counted_heads=2
    )
    data = answer.json()
    assert answer.status_code == 200
    assert data["batch"] == json.loads(body)["batch"]
    mine, other = data["marks"]
    assert (mine["outcome"], mine["value"]["status"], mine["value"]["reason"], mine["version"]) == (
        "applied",
        "leave",
        "ILL",
        1,
    )
    assert other["outcome"] == "rejected" and "孙南甲" not in answer.content.decode()


def test_the_same_sending_again_has_one_effect(client, scene, session):
    as_user(client, scene.north_organizer)
    _, body = send(client, session, [(scene.entry(scene.wang).pk, "absent", "", 0)])
    again = client.post(url("marks", session), body, content_type="application/json")
    assert again.status_code == 200
    assert [m["outcome"] for m in again.json()["marks"]] == ["duplicate"]
    assert Mark.objects.count() == 1


def test_a_uuid_used_for_something_else_is_422(client, scene, session):
    as_user(client, scene.north_organizer)
    _, body = send(client, session, [(scene.entry(scene.wang).pk, "absent", "", 0)])
    changed = client.post(
        url("marks", session), body.replace("absent", "present"), content_type="application/json"
    )
    assert changed.status_code == 422 and changed.json()["code"] == "key_reuse"


def test_marks_refuses_what_it_cannot_read(client, scene, session):
    as_user(client, scene.north_organizer)
    where = url("marks", session)
    assert client.post(where, {"batch": "x"}).status_code == 415
    assert client.post(where, "{}", content_type="text/plain").status_code == 415
    bad = client.post(where, "{", content_type="application/json")
    assert bad.status_code == 400 and bad.json()["error"].endswith("。")
    assert client.post(where, " " * (1024 * 1024 + 1), content_type="application/json").status_code == 413
    assert client.post(where, " " * (3 * 1024 * 1024), content_type="application/json").status_code == 413
    many = [(n, "present", "", 0) for n in range(1, 502)]
    assert send(client, session, many)[0].status_code == 413
    assert client.get(where).status_code == 405


def test_a_class_of_tomorrow_cannot_be_marked(client, scene):
    session = scene.session(days=1)
    as_user(client, scene.north_organizer)
    assert "还没到上课的日子" in client.get(url("register", session)).content.decode()
    answer, _ = send(client, session, [(scene.entry(scene.wang).pk, "absent", "", 0)])
    assert answer.status_code == 422 and answer.json()["code"] == "future"


POSTS = ["marks", "register_undo", "part_close", "part_reopen"]
PAGES = ["register", "sheet_print", "session_rows", "visitors"]


@pytest.mark.parametrize("name", PAGES + POSTS)
def test_the_other_township_finds_nothing(client, scene, session, name):
    as_user(client, scene.south_organizer)
    if name in POSTS:
        assert client.post(url(name, session), "{}", content_type="application/json").status_code == 404
    else:
        assert client.get(url(name, session)).status_code == 404


@pytest.mark.parametrize("name", PAGES + POSTS)
def test_the_wrong_method_is_refused(client, scene, session, name):
    as_user(client, scene.north_organizer)
    wrong = client.get if name in POSTS else client.delete
    assert wrong(url(name, session)).status_code == 405


def test_the_inspector_reads_and_cannot_write(client, scene, session):
    as_user(client, scene.inspector)
    page = client.get(url("register", session))
    assert page.status_code == 200 and "register-form" not in page.content.decode().replace(
        ".register-form", ""
    )
    assert send(client, session, [(scene.entry(scene.wang).pk, "absent", "", 0)])[0].status_code == 403
    for name in ("register", "register_undo", "part_close", "part_reopen"):
        assert client.post(url(name, session), {}).status_code == 403
    assert Attendance.objects.count() == 0


def test_the_auditor_sees_no_register(client, scene, session):
    assert as_user(client, scene.auditor).get(url("register", session)).status_code == 404


def test_a_recorder_keeps_only_the_own_branch_of_a_joint_session(client, scene):
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    html = as_user(client, scene.north_recorder).get(url("register", session)).content.decode()
    assert "王北甲" in html and "钱北丁" not in html
    answer, _ = send(client, session, [(scene.entry(scene.qian).pk, "absent", "", 0)])
    assert [m["outcome"] for m in answer.json()["marks"]] == ["rejected"]


def test_a_joint_session_shows_each_branch_with_its_head(client, scene):
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    as_user(client, scene.north_organizer)
    html = client.get(url("register", session)).content.decode()
    assert "2个支部，应到4人" in html and "北坡村党支部" in html
    part = session.parts.get(unit=scene.north_other_unit)
    alone = client.get(url("register", session) + f"?part={part.pk}").content.decode()
    assert 'name="m' + str(scene.entry(scene.qian).pk) in alone
    assert 'name="m' + str(scene.entry(scene.wang).pk) not in alone


def test_undo_puts_everything_back_and_twice_is_once(client, scene, session):
    as_user(client, scene.north_organizer)
    _, body = send(client, session, [(scene.entry(scene.wang).pk, "absent", "", 0)])
    form = {"batch": json.loads(body)["batch"], "uuid": str(uuid4())}
    answer = client.post(url("register_undo", session), form, follow=True)
    assert "已撤销您的这次点名" in answer.content.decode()
    assert statuses(session) == {} and session.parts.get().recorded_at is None
    client.post(url("register_undo", session), form | {"uuid": str(uuid4())})
    assert MarkBatch.objects.count() == 2
    # Nothing is known again, so the page offers what it offered at first.
    assert (
        client.get(url("register", session)).content.decode().count('<option value="present" selected>') == 3
    )
    assert_derived_rows_are_true(scene.campaign)


def test_going_back_to_a_sending_that_was_taken_back_does_not_say_that_all_came(client, scene, session):
    client = as_user(client, scene.north_organizer)
    _, body = send(client, session, [(scene.entry(scene.wang).pk, "present", "", 0)])
    batch = json.loads(body)["batch"]
    client.post(url("register_undo", session), {"batch": batch, "uuid": str(uuid4())})
    page = client.get(url("register", session) + f"?batch={batch}").content.decode()
    assert "这次提交已撤销" in page and "还有1个支部未点名" in page
    assert "都到了" not in page and "已登记" not in page


def test_a_correction_says_how_many_it_changed(client, scene, session):
    client, wang = as_user(client, scene.north_organizer), scene.entry(scene.wang).pk
    send(client, session, [(wang, "present", "", 0)])
    _, body = send(client, session, [(wang, "absent", "", 1)])
    page = client.get(url("register", session) + "?batch=" + json.loads(body)["batch"]).content.decode()
    assert "改了 1人" in page and "已登记 1人" not in page


def test_the_sending_of_somebody_else_is_undone_by_who_keeps_records_only(client, scene, session):
    _, body = send(
        as_user(client, scene.north_organizer), session, [(scene.entry(scene.wang).pk, "absent", "", 0)]
    )
    form = {"batch": json.loads(body)["batch"], "uuid": str(uuid4())}
    assert as_user(client, scene.south_organizer).post(url("register_undo", session), form).status_code == 404
    told = as_user(client, scene.north_recorder).post(url("register_undo", session), form, follow=True)
    assert "由组织员撤销" in told.content.decode() and statuses(session)["王北甲"] == "absent"
    told = as_user(client, scene.officer).post(url("register_undo", session), form, follow=True)
    assert "已撤销北山组织员的这次点名" in told.content.decode() and statuses(session) == {}
    assert client.post(url("register_undo", session), {"batch": "x"}).status_code == 404


def test_a_conflict_shows_both_values_and_mine_can_win(client, scene, session):
    wang = scene.entry(scene.wang).pk
    send(as_user(client, scene.north_recorder), session, [(wang, "late", "", 0)])
    answer, body = send(as_user(client, scene.north_organizer), session, [(wang, "absent", "", 0)])
    assert answer.json()["marks"][0]["outcome"] == "conflict"
    done = client.get(url("register", session) + "?batch=" + json.loads(body)["batch"]).content.decode()
    assert "北山村记录员" in done and "用我的：缺席" in done and "不动：迟到" in done
    client.post(url("register", session), {"batch": str(uuid4()), f"m{wang}.1": "absent"})
    assert statuses(session)["王北甲"] == "absent"


def test_an_unmarked_person_of_a_taken_register_stays_unmarked(client, scene, session):
    as_user(client, scene.north_organizer)
    send(client, session, [(scene.entry(scene.wang).pk, "absent", "", 0)])
    html = client.get(url("register", session)).content.decode()
    assert html.count('<option value="unmarked" selected>') == 2


def test_closing_asks_how_to_count_the_rest(client, scene, session):
    as_user(client, scene.north_organizer)
    _, body = send(client, session, [(scene.entry(scene.wang).pk, "absent", "", 0)])
    done = client.get(url("register", session) + "?batch=" + json.loads(body)["batch"]).content.decode()
    assert "还有2人没有登记，怎么算" in done
    assert 'name="rest" value="present" required' in done
    refused = client.post(
        url("part_close", session), {"batch": str(uuid4()), "rest": "unmarked"}, follow=True
    )
    assert "要写一句说明" in refused.content.decode()
    client.post(url("part_close", session), {"batch": str(uuid4()), "rest": "present"})
    assert statuses(session) == {"王北甲": "absent", "李北乙": "present", "赵北丙": "present"}
    assert session.parts.get().closed_at is not None


def test_closing_does_not_guess_when_nothing_was_chosen(client, scene, session):
    as_user(client, scene.north_organizer)
    send(client, session, [(scene.entry(scene.wang).pk, "absent", "", 0)])
    answer = client.post(url("part_close", session), {"batch": str(uuid4())}, follow=True)
    assert session.parts.get().closed_at is None
    assert "请选择没有登记的人怎么算" in answer.content.decode()
    assert statuses(session)["李北乙"] == "unmarked"


def test_a_finished_register_is_read_only_until_it_is_opened_again(client, scene, session):
    close_parts(actor=scene.north_organizer, session=session, rest="present", batch=uuid4())
    part = session.parts.get()
    as_user(client, scene.north_organizer)
    html = client.get(url("register", session)).content.decode()
    assert "重新打开" in html and "<select" not in html
    client.post(url("part_reopen", session), {"part": part.pk, "reason": ""})
    part.refresh_from_db()
    assert part.closed_at is not None
    client.post(url("part_reopen", session), {"part": part.pk, "reason": "登记错了一人"})
    part.refresh_from_db()
    assert part.closed_at is None


def test_a_recorder_cannot_open_a_finished_register(client, scene, session):
    close_parts(actor=scene.north_organizer, session=session, rest="present", batch=uuid4())
    as_user(client, scene.north_recorder)
    form = {"part": session.parts.get().pk, "reason": "改"}
    assert client.post(url("part_reopen", session), form).status_code == 403


def test_visitors_are_found_in_scope_only(client, scene, session):
    as_user(client, scene.north_organizer)
    found = client.get(url("visitors", session) + "?visitor=钱").content.decode()
    assert "钱北丁" in found and f'name="m{scene.entry(scene.qian).pk}.0"' in found
    assert "孙南甲金丝雀" not in client.get(url("visitors", session) + "?visitor=孙").content.decode()
    form = {"batch": str(uuid4()), f"m{scene.entry(scene.qian).pk}.0": "present"}
    form[f"m{scene.entry(scene.wang).pk}.0"] = "present"
    done = client.post(url("register", session), form, follow=True).content.decode()
    assert "已登记 1人，另来1人" in done
    row = Attendance.objects.get(session=session, entry__member=scene.qian)
    assert (row.part, row.status) == ("VISITOR", "present")


def test_the_sheet_prints_names_in_order_and_leaves_signatures_empty(client, scene, session):
    html = as_user(client, scene.north_organizer).get(url("sheet_print", session)).content.decode()
    # Read down, then across.
    assert html.index("王北甲") < html.index("赵北丙") < html.index("李北乙")
    assert "应到：3人" in html and "签名" in html


@pytest.mark.parametrize("name", ["register", "sheet_print", "session_rows"])
@pytest.mark.parametrize("recorded", [False, True])
def test_query_counts_do_not_grow_with_people(client, scene, session, name, recorded):
    as_user(client, scene.north_organizer)
    if recorded:
        close_parts(actor=scene.north_organizer, session=session, rest="present", batch=uuid4())
    client.get(url(name, session))
    first = _queries(client, url(name, session))
    for number in range(3):
        member = make_member(scene.north_branch, f"新党员{number}")
        with fixture_writes():
            _add_entry(scene, member, session if recorded else None)
    assert _queries(client, url(name, session)) == first


def _queries(client, where):

    with CaptureQueriesContext(connection) as caught:
        assert client.get(where).status_code == 200
    return len(caught)


def _add_entry(scene, member, session):
    entry = scene.entry(scene.wang)
    entry.pk, entry.member = None, member
    entry.save()
    entry.stays.create(unit=entry.unit, since=scene.campaign.starts_on)
    if session:
        row = Attendance.objects.get(session=session, entry__member=scene.wang)
        row.pk, row.entry = None, entry
        row.save()


def test_the_largest_numbers_are_answered_not_crashed_on(client, scene, session):
    as_user(client, scene.north_organizer)
    wang = scene.entry(scene.wang).pk
    answer, _ = send(client, session, [(2**63 - 1, "present", "", 0), (wang, "absent", "", 2**31 - 1)])
    assert [m["outcome"] for m in answer.json()["marks"]] == ["rejected", "conflict"]
    assert client.get(reverse("attendance:register", args=[2**70])).status_code == 404
    assert client.post(url("part_reopen", session), {"part": "9" * 30, "reason": "x"}).status_code == 404
