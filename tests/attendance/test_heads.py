"""待补名单: a number without names, until the names are there."""

from uuid import uuid4

import pytest
from django.urls import reverse

from attendance.queries import todos
from attendance.queries.heads import waiting_for_names
from attendance.services.closing import close_parts
from attendance.services.undoing import take_back
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import once, query_count

pytestmark = pytest.mark.django_db

built, scene = once(Scene)


def url(scene):
    return reverse("attendance:heads_list", args=[scene.campaign.pk])


def as_user(client, user):
    client.force_login(user, backend="organizations.backends.AccountBackend")
    return client


def count(session, scene, heads, **more):
    return scene.mark(session, {}, counted_heads=heads, **more)


def test_a_counted_class_waits_until_everybody_is_marked(client, scene):
    session = scene.session()
    count(session, scene, 2)
    as_user(client, scene.north_organizer)
    html = client.get(url(scene)).content.decode()
    assert "待补名单 1场" in html and "2人" in html and "未点名" in html
    assert any("待补名单" in todo.text for todo in todos(scene.north_organizer))
    scene.mark(session, {scene.wang: "present", scene.li: "present"})
    assert "1人" in client.get(url(scene)).content.decode()
    scene.mark(session, {scene.zhao: "absent"})
    html = client.get(url(scene)).content.decode()
    assert "没有要补名单的课" in html
    assert not any("待补名单" in todo.text for todo in todos(scene.north_organizer))
    assert_derived_rows_are_true(scene.campaign)


def test_heads_move_no_figure(scene):
    session = scene.session()
    count(session, scene, 3)
    assert session.parts.get().counted_heads == 3
    assert session.rows.count() == 0 and session.parts.get().recorded_at is None
    assert_derived_rows_are_true(scene.campaign)


def test_what_was_counted_goes_with_the_sending_that_is_taken_back(scene):
    session = scene.session()

    def heads():
        session.refresh_from_db()
        return session.counted_heads, session.parts.get().counted_heads

    first = scene.mark(session, {scene.wang: "present"}, counted_heads=2).batch
    wrong = scene.mark(session, {scene.li: "present"}, counted_heads=39).batch
    take_back(actor=scene.north_organizer, batch=wrong, uuid=uuid4())
    assert heads() == (2, 2)
    count(session, scene, 3)
    take_back(actor=scene.north_organizer, batch=first, uuid=uuid4())
    assert heads() == (3, 3), "somebody has counted since"


def test_a_message_pasted_into_the_wrong_class_leaves_no_number(scene):
    session = scene.session()
    wrong = scene.mark(session, {scene.li: "present"}, counted_heads=39).batch
    take_back(actor=scene.north_organizer, batch=wrong, uuid=uuid4())
    assert session.parts.get().counted_heads is None
    assert waiting_for_names(scene.north_unit).count() == 0


def test_a_class_that_is_off_or_locked_waits_for_nobody(scene):
    session = scene.session()
    scene.mark(session, {scene.wang: "present"}, counted_heads=1)
    assert waiting_for_names(scene.north_unit).count() == 1
    close_parts(
        actor=scene.north_organizer, session=session, rest="unmarked", note="签到表受潮", batch=uuid4()
    )
    assert waiting_for_names(scene.north_unit).count() == 0


def test_of_several_branches_only_the_counted_one_waits(scene):
    session = scene.session(scene.north_unit, units=[scene.north_branch_unit, scene.north_other_unit])
    part = session.parts.get(unit=scene.north_other_unit)
    count(session, scene, 1, part=part)
    assert list(waiting_for_names(scene.district_unit)) == [part]
    count(session, scene, 5)
    session.refresh_from_db()
    assert session.counted_heads == 5
    assert list(waiting_for_names(scene.district_unit)) == [part]


def test_the_list_is_searched_scoped_and_costs_the_same_for_one_and_for_three(client, scene):
    as_user(client, scene.north_organizer)
    for number in range(3):
        count(scene.session(hour=8 + number, title=f"第{number}课"), scene, 2)
        if number == 0:
            one = query_count(client, url(scene))
    assert query_count(client, url(scene)) == one
    assert "待补名单 1场" in client.get(url(scene), {"q": "第2课"}).content.decode()
    assert "没有找到" in client.get(url(scene), {"q": "没有的课"}).content.decode()
    south = as_user(client, scene.south_organizer)
    assert "待补名单 0场" in south.get(url(scene)).content.decode()
    assert south.get(url(scene), {"unit": scene.north_unit.pk}).status_code == 404
    assert client.post(url(scene)).status_code == 405
