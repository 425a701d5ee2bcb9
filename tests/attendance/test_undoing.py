"""登记记录: every sending with its people, and taking back any of them, closings too."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.models import Attendance, MarkBatch
from attendance.services.closing import close_parts, reopen_part
from attendance.services.undoing import take_back, undo_closing
from organizations.models import Role
from organizations.service import Refused
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.attendance.sheets import login, statuses, url
from tests.base import make_user, once, query_count

pytestmark = pytest.mark.django_db
built, scene = once(Scene)


@pytest.fixture
def session(scene):
    return scene.session(topics=scene.topics(0))


@pytest.fixture
def north(client, scene):
    return login(client, scene.north_organizer)


def close(scene, session, rest="absent", **options):
    close_parts(actor=scene.north_organizer, session=session, rest=rest, batch=uuid4(), **options)
    return MarkBatch.objects.filter(kind="close").latest("pk")


def undo(scene, batch, actor=None, uuid=None):
    return take_back(actor=actor or scene.north_organizer, batch=batch, uuid=uuid or uuid4())


@pytest.mark.parametrize("kind", ["register", "paste", "sheet", "import", "sync"])
def test_every_way_in_is_taken_back(scene, session, kind):
    first = scene.mark(session, {scene.wang: "present"})
    sent = scene.mark(session, {scene.wang: ("leave", "ILL"), scene.li: "late"}, kind=kind)
    undo(scene, sent.batch)
    assert statuses(session) == {"王北甲": ("present", "", None)}
    undo(scene, first.batch)
    assert session.parts.get().recorded_at is None
    assert_derived_rows_are_true(scene.campaign)


def test_what_waits_is_read_once_for_all_sheets_of_a_closing(scene):
    session = scene.session(scene.north_unit, units=[scene.north_branch_unit, scene.north_other_unit])
    batch = close(scene, session)
    scene.mark(session, {scene.wang: "present", scene.qian: "present"})
    with CaptureQueriesContext(connection) as asked:
        undo_closing(actor=scene.north_organizer, batch=batch, uuid=uuid4())
    waiting = [one for one in asked if "'held'" in one["sql"] and one["sql"].startswith("SELECT")]
    assert len(waiting) == 1
    assert {name: told[0] for name, told in statuses(session).items()} == {
        "王北甲": "present",
        "钱北丁": "present",
    }
    assert_derived_rows_are_true(scene.campaign)


def test_undoing_a_closing_opens_the_sheet_and_restores_the_rest(scene, session):
    scene.mark(session, {scene.wang: "present"})
    batch = close(scene, session)
    uuid = uuid4()
    undo(scene, batch, uuid=uuid)
    part = session.parts.get()
    assert (
        part.closed_at is None and part.recorded_at and statuses(session) == {"王北甲": ("present", "", None)}
    )
    undo(scene, batch, uuid=uuid)
    undo(scene, batch)
    assert MarkBatch.objects.filter(kind="undo").count() == 1
    assert_derived_rows_are_true(scene.campaign)


def test_a_closing_that_marked_nobody_is_undone_too(scene, session):
    scene.mark(session, {scene.wang: "present", scene.li: "present", scene.zhao: "absent"})
    undo(scene, close(scene, session, rest=""))
    assert session.parts.get().closed_at is None and len(statuses(session)) == 3


def test_a_register_that_only_the_closing_opened_was_never_opened(scene, session):
    undo(scene, close(scene, session, rest="unmarked", note="签到表丢了"))
    assert session.parts.get().recorded_at is None and not Attendance.objects.exists()
    assert_derived_rows_are_true(scene.campaign)


def test_marks_that_waited_for_the_sheet_are_let_in(scene, session):
    scene.mark(session, {scene.wang: "present"})
    batch = close(scene, session)
    held = scene.mark(session, {scene.wang: ("leave", "ILL")}, actor=scene.north_recorder)
    assert held.marks[0].outcome == "held"
    undo(scene, batch)
    assert statuses(session)["王北甲"][:2] == ("leave", "ILL")
    assert_derived_rows_are_true(scene.campaign)


def test_a_sheet_finished_again_since_refuses_by_name(scene, session):
    batch = close(scene, session)
    reopen_part(actor=scene.north_organizer, part=session.parts.get(), reason="核对")
    close(scene, session, rest="")
    with pytest.raises(Refused, match="北山村党支部后来又重新打开、再完成过"):
        undo(scene, batch)
    assert session.parts.get().closed_at


def test_who_was_changed_after_a_closing_keeps_the_new_value(scene, session):
    batch = close(scene, session)
    reopen_part(actor=scene.north_organizer, part=session.parts.get(), reason="核对")
    scene.mark(session, {scene.li: "late"})
    answer = undo(scene, batch)
    assert [mark.outcome for mark in answer.marks].count("conflict") == 1
    assert set(statuses(session)) == {"李北乙"}


def test_closing_is_undone_by_who_may_reopen_and_keeps_all_its_sheets(scene):
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    batch = close(scene, session)
    for actor in (scene.north_recorder, scene.inspector):
        with pytest.raises(Refused):
            undo_closing(actor=actor, batch=batch, uuid=uuid4())
    undo(scene, batch, actor=scene.officer)
    assert not session.parts.filter(closed_at__isnull=False).exists()
    with pytest.raises(Refused, match="区委主管已经撤销过"):
        undo(scene, batch)


def test_half_a_sending_is_not_taken_back(scene):
    """Who keeps one sheet of several would use up the undoing of all."""
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    sent = scene.mark(session, {scene.wang: "present", scene.qian: "present"})
    keeper = make_user("keeper", scene.north_other_branch, Role.ORGANIZER)
    with pytest.raises(Refused, match="1人在别的支部"):
        undo(scene, sent.batch, actor=keeper)
    assert statuses(session).keys() == {"王北甲", "钱北丁"}
    undo(scene, sent.batch)
    assert statuses(session) == {}


def test_what_is_no_sending_is_not_taken_back(scene, session):
    undone = undo(scene, scene.mark(session, {scene.wang: "present"}).batch)
    with pytest.raises(Refused, match="不能撤销"):
        undo(scene, undone.batch)


def test_the_list_tells_who_did_what_and_opens_to_the_people(north, scene, session):
    scene.mark(session, {scene.wang: "present", scene.li: "late"}, actor=scene.north_recorder)
    last = scene.mark(session, {scene.wang: ("leave", "ILL")}, kind="sheet")
    html = north.get(url("batch_list", session)).content.decode()
    assert "已登记2人" in html and "北山村记录员" in html and html.count("撤销</button>") == 2
    page = north.get(url("batch_detail", session, last.batch.pk)).content.decode()
    assert "签到表 1人" in page and "出席</span> → <b>请假·生病" in page
    first = MarkBatch.objects.earliest("pk")
    assert "后来又改过" in north.get(url("batch_detail", session, first.pk)).content.decode()
    assert 'name="back" value="list"' in html
    answer = north.post(url("register_undo", session), {"batch": first.uuid, "back": "list"}, follow=True)
    told = answer.content.decode()
    assert answer.redirect_chain[-1][0] == url("batch_list", session)
    assert "撤销了点名（1人），后来又改过、没有动1人" in told
    assert "已撤销北山村记录员的这次点名" in told and "王北甲后来又被改过，没有动" in told
    assert statuses(session) == {"王北甲": ("leave", "ILL", None)}
    assert "已撤销" in north.get(url("batch_list", session)).content.decode()


def test_the_list_is_searched_and_says_when_it_is_empty(north, scene, session):
    assert "还没有登记过" in north.get(url("batch_list", session)).content.decode()
    batch = scene.mark(session, {scene.wang: "present"}).batch
    assert "没有找到" in north.get(url("batch_list", session), {"q": "不存在"}).content.decode()
    page = url("batch_detail", session, batch.pk)
    assert "没有找到" in north.get(page, {"q": "不存在"}).content.decode()
    assert north.post(page).status_code == 405


def test_the_same_few_queries_for_one_sending_and_for_three(north, scene, session):
    scene.mark(session, {scene.wang: "present"})
    one = query_count(north, url("batch_list", session))
    scene.mark(session, {scene.wang: "late"})
    last = scene.mark(session, {scene.wang: "absent", scene.li: "absent", scene.zhao: "absent"})
    assert query_count(north, url("batch_list", session)) == one
    alone = scene.mark(session, {scene.zhao: "late"})
    detail = query_count(north, url("batch_detail", session, alone.batch.pk))
    assert query_count(north, url("batch_detail", session, last.batch.pk)) == detail


def test_other_townships_see_their_own_people_only(client, scene):
    units = [scene.north_branch_unit, scene.south_branch_unit]
    session = scene.session(scene.district_unit, units=units)
    batch = scene.mark(session, {scene.wang: "present", scene.sun: "absent"}, actor=scene.officer).batch
    alone = scene.mark(session, {scene.li: "present"}, actor=scene.officer).batch
    south = login(client, scene.south_organizer)
    assert "已登记1人" in south.get(url("batch_list", session)).content.decode()
    page = south.get(url("batch_detail", session, batch.pk)).content.decode()
    assert "孙南甲金丝雀" in page and "王北甲" not in page
    assert south.get(url("batch_detail", session, alone.pk)).status_code == 404
    assert south.post(url("register_undo", session), {"batch": alone.uuid}).status_code == 404
