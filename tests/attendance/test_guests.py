"""Visitors of the scope, and people from outside who wait as text until their own unit claims them."""

from datetime import date
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, Guest, Mark, Part, SessionTally, Standing
from attendance.queries import todos
from attendance.queries.guests import claimable
from attendance.services.closing import close_parts, reopen_part
from attendance.services.guests import claim_guest, drop_guest, note_guest
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, once, query_count

pytestmark = pytest.mark.django_db

built, scene = once(Scene)


@pytest.fixture
def south(scene):
    """A class of the south, at which its own people are marked."""
    session = scene.session(scene.south_branch_unit, topics=scene.topics(0), title="南河的课")
    scene.mark(session, {scene.sun: "present", scene.zhou: "absent"}, actor=scene.south_organizer)
    return session


def note(scene, session, name="王北甲", says_from="北山村党支部", **fields):
    values = {"actor": scene.south_organizer, "session": session, "request_uuid": uuid4()}
    return note_guest(**values | {"name": name, "says_from": says_from} | fields)


def as_user(client, user):
    client.force_login(user, backend="organizations.backends.AccountBackend")
    return client


def waiting(client, user, scene):
    page = as_user(client, user).get(reverse("attendance:guest_list", args=[scene.campaign.pk]))
    return page.content.decode()


# --- Visitors inside the scope -----------------------------------------------------------------
def test_a_visitor_counts_at_home_and_not_at_the_hosts(scene):
    """C9, C10: in a class of the north a member of the south is a visitor of the host."""
    session = scene.session(topics=scene.topics(0))
    scene.mark(session, {scene.wang: "present", scene.sun: "present"}, actor=scene.officer)
    row = Attendance.objects.get(entry=scene.entry(scene.sun))
    assert (row.part, row.unit, row.round) == (Part.VISITOR, scene.south_branch_unit, "MAKE_UP")
    tally = SessionTally.objects.get(session=session)
    assert (tally.expected, tally.attended, tally.visitors) == (3, 1, 1)
    home = Standing.objects.get(entry=row.entry)
    assert (home.unit, home.attended, bool(home.trained_on)) == (scene.south_branch_unit, 1, True)
    assert_derived_rows_are_true(scene.campaign)


def test_somebody_outside_the_scope_is_as_unknown_as_nobody(scene):
    session = scene.session()
    answer = scene.mark(session, {scene.sun: "present"})
    assert [mark.code for mark in answer.marks] == ["unknown"]


def test_two_of_one_name_are_both_offered_with_their_branches(client, scene):
    """C12: nobody picks the first."""
    twin = make_member(scene.north_other_branch, "钱北丁", birth_date=date(1958, 5, 1))
    with fixture_writes():
        entry = scene.entry(scene.qian)
        stay = entry.stays.get()
        entry.pk, entry.member = None, twin
        entry.save()
        stay.pk, stay.entry = None, entry
        stay.save()
    session = scene.session()
    url = reverse("attendance:visitors", args=[session.pk])
    page = as_user(client, scene.north_organizer).get(url, {"visitor": "钱北丁"}).content.decode()
    assert page.count('type="checkbox"') == 2 and "checked" not in page and page.count("北坡村党支部") == 2
    # The same branch, too: a further datum tells them apart; so does their own register.
    assert page.count("1958年生") == page.count("1970年生") == 1
    own = scene.session(scene.north_other_unit)
    page = client.get(reverse("attendance:register", args=[own.pk])).content.decode()
    assert page.count("1958年生") == page.count("1970年生") == 1


# --- Text until claimed --------------------------------------------------------------------------
def test_a_guest_is_text_and_moves_nothing(scene, south):
    before = list(SessionTally.objects.values()), Attendance.objects.count()
    guest = note(scene, south, name="　王北甲\u200b ", says_from=" 北山村 党支部")
    assert (guest.name, guest.says_from) == ("王北甲", "北山村党支部")
    assert (list(SessionTally.objects.values()), Attendance.objects.count()) == before


def test_the_home_unit_claims_and_it_counts_there(client, scene, south):
    guest, entry = note(scene, south), scene.entry(scene.wang)
    assert "1人到外单位听课，等认领" in [todo.text for todo in todos(scene.north_organizer)]
    page = waiting(client, scene.north_organizer, scene)
    assert "王北甲" in page and "checked" not in page
    url = reverse("attendance:guest_claim", args=[scene.campaign.pk])
    assert "请选是名册里的哪一个人" in client.post(url, {"guest": guest.pk}, follow=True).content.decode()
    done = client.post(url, {"guest": guest.pk, "entry": entry.pk}, follow=True).content.decode()
    assert "认领了王北甲，已算到本人名下" in done and "没有等认领的人" in done
    row = Attendance.objects.get(entry=entry)
    assert (row.part, row.unit, row.session_unit.unit) == (
        Part.VISITOR,
        scene.north_branch_unit,
        scene.south_branch_unit,
    )
    assert Standing.objects.get(entry=entry).attended == 1
    tally = SessionTally.objects.get(session=south)
    assert (tally.expected, tally.visitors) == (2, 1)
    assert client.post(url, {"guest": guest.pk, "entry": entry.pk}).status_code == 404
    assert_derived_rows_are_true(scene.campaign)


def test_claiming_twice_is_once_and_as_another_person_refused(scene, south):
    guest, entry = note(scene, south), scene.entry(scene.wang)
    for _ in range(2):
        claim_guest(actor=scene.north_organizer, guest=guest, entry=entry)
    assert Mark.objects.filter(entry=entry).count() == 1
    assert AuditEvent.objects.filter(action="guest.claimed").count() == 1
    with pytest.raises(Refused, match="同名的人"):
        claim_guest(actor=scene.north_organizer, guest=guest, entry=scene.entry(scene.li))
    with pytest.raises(Refused, match="已经认领"):
        drop_guest(actor=scene.south_organizer, guest=guest)


def test_a_claim_on_a_finished_sheet_waits_for_its_reopening(scene, south):
    guest, entry = note(scene, south), scene.entry(scene.wang)
    close_parts(actor=scene.south_organizer, session=south, rest="", batch=uuid4())
    answer = claim_guest(actor=scene.north_organizer, guest=guest, entry=entry)
    assert [(mark.outcome, mark.code) for mark in answer.marks] == [("held", "closed")]
    assert not Attendance.objects.filter(entry=entry).exists()
    reopen_part(actor=scene.south_organizer, part=south.parts.get(), reason="有人认领")
    assert Attendance.objects.get(entry=entry).status == "present"
    assert_derived_rows_are_true(scene.campaign)


def test_nobody_is_shown_a_guest_of_another_name_or_another_unit(client, scene, south):
    """INV-7: what others typed says nothing about people of other scopes."""
    note(scene, south, name="外县来的人", says_from="北山村党支部")
    note(scene, south, name="王北甲", says_from="外县党支部")
    page = waiting(client, scene.north_organizer, scene)
    assert "没有等认领的人" in page and "外县" not in page
    # The level above sees both townships' names, but only by its own rosters.
    page = waiting(client, scene.officer, scene)
    assert page.count("<legend>王北甲</legend>") == 1 and "外县" not in page
    for user in (scene.inspector, scene.north_recorder):
        url = reverse("attendance:guest_list", args=[scene.campaign.pk])
        assert as_user(client, user).get(url).status_code == 403


def test_at_a_class_of_the_level_above_the_name_is_enough(client, scene):
    session = scene.session(scene.district_unit, units=[scene.south_branch_unit], title="区里的课")
    scene.mark(session, {scene.sun: "present"}, actor=scene.south_organizer)
    note(scene, session, says_from="北边的")
    page = waiting(client, scene.north_organizer, scene)
    assert "<legend>王北甲</legend>" in page and "北边的" not in page
    assert "王北甲" not in waiting(client, scene.south_organizer, scene)


def test_own_units_are_found_by_a_range_of_paths(scene):
    """A LIKE would read every unit of the campaign for each guest."""
    asked = str(claimable(scene.north_organizer, scene.campaign).query)
    assert "LIKE" not in asked and scene.north_unit.path in asked


def test_two_of_the_name_are_both_offered_and_none_is_chosen(client, scene, south):
    twin = make_member(scene.north_branch, "王北甲")
    with fixture_writes():
        entry = scene.entry(scene.wang)
        entry.pk, entry.member = None, twin
        entry.save()
    note(scene, south)
    page = waiting(client, scene.north_organizer, scene)
    assert page.count('name="entry"') == 2 and "checked" not in page


def test_a_class_the_own_branch_takes_part_in_is_marked_on_its_own_sheet(scene):
    session = scene.session(
        scene.district_unit, units=[scene.south_branch_unit, scene.north_branch_unit], title="两家的课"
    )
    scene.mark(session, {scene.sun: "present"}, actor=scene.south_organizer)
    guest = note(scene, session)
    with pytest.raises(Refused, match="本支部的登记表"):
        claim_guest(actor=scene.north_organizer, guest=guest, entry=scene.entry(scene.wang))
    assert Guest.objects.get().claimed is None


def test_a_sheet_nobody_filled_is_not_opened_by_a_claim(client, scene):
    session = scene.session(scene.south_branch_unit)
    guest = note(scene, session)
    assert "没有等认领的人" in waiting(client, scene.north_organizer, scene)
    with pytest.raises(Refused):
        claim_guest(actor=scene.north_organizer, guest=guest, entry=scene.entry(scene.wang))
    assert Attendance.objects.count() == 0


@pytest.mark.parametrize(
    "fields",
    [{"name": " \u200b"}, {"name": "王" * 51}, {"says_from": ""}, {"says_from": "北" * 101}],
)
def test_a_guest_without_a_name_or_unit_is_refused(scene, south, fields):
    with pytest.raises(Refused):
        note(scene, south, **fields)


def test_guests_are_refused_where_the_sheet_is_finished_frozen_or_foreign(scene, south):
    with pytest.raises(Refused, match="不负责"):
        note(scene, south, actor=scene.north_organizer)
    with pytest.raises(Refused, match="就在您管的名册里"):
        note(scene, south, actor=scene.officer)
    guest = note(scene, south)
    close_parts(actor=scene.south_organizer, session=south, rest="", batch=uuid4())
    with pytest.raises(Refused, match="完成登记"):
        note(scene, south)
    with pytest.raises(Refused, match="完成登记"):
        drop_guest(actor=scene.south_organizer, guest=guest)
    reopen_part(actor=scene.south_organizer, part=south.parts.get(), reason="再看看")
    with fixture_writes():
        scene.south_branch_unit.frozen_at = timezone.now()
        scene.south_branch_unit.save()
    with pytest.raises(Refused, match="上报锁定"):
        note(scene, south)
    with pytest.raises(Refused, match="上报锁定"):
        drop_guest(actor=scene.south_organizer, guest=guest)


def test_sent_again_after_the_sheet_was_finished_it_hears_what_it_heard_before(scene, south):
    number = uuid4()
    guest = note(scene, south, request_uuid=number)
    other = note(scene, south, name="赵外来")
    drop_guest(actor=scene.south_organizer, guest=other)
    close_parts(actor=scene.south_organizer, session=south, rest="absent", batch=uuid4())
    assert note(scene, south, request_uuid=number) == guest
    assert drop_guest(actor=scene.south_organizer, guest=other).dropped_at
    with pytest.raises(Refused, match="编号已经用过"):
        note(scene, south, name="别人", request_uuid=number)


def test_the_same_sending_is_one_guest_and_dropped_twice_is_once(client, scene, south):
    url = reverse("attendance:session_guests", args=[south.pk])
    sent = {"guest_name": "王北甲", "guest_says_from": "北山村党支部", "request_uuid": str(uuid4())}
    as_user(client, scene.south_organizer)
    for _ in range(2):
        page = client.post(url, sent, headers={"HX-Request": "true"}).content.decode()
    assert page.count("等认领") == 1 and "<html" not in page
    refused = client.post(url, sent | {"guest_name": ""}, headers={"HX-Request": "true"})
    assert refused.status_code == 422 and "请写姓名" in refused.content.decode()
    guest = Guest.objects.get()
    for _ in range(2):
        drop_guest(actor=scene.south_organizer, guest=guest)
    assert AuditEvent.objects.filter(action="guest.dropped").count() == 1
    assert "等认领" not in client.get(reverse("attendance:register", args=[south.pk])).content.decode()
    assert as_user(client, scene.north_organizer).get(url).status_code == 404


def test_the_list_takes_no_more_queries_for_more_guests(client, scene, south):
    as_user(client, scene.north_organizer)
    url = reverse("attendance:guest_list", args=[scene.campaign.pk])
    note(scene, south)
    one = query_count(client, url)
    note(scene, south, name="李北乙")
    note(scene, south, name="赵北丙")
    assert query_count(client, url) == one
