"""The page that shows two records side by side before they become one, and 冬训情况 on the member page."""

import re

import pytest
from django.urls import reverse

from attendance.views.merging import CHANGED
from campaigns.services.freezing import freeze_unit
from organizations.models import Member
from tests.attendance.test_merging import TwinScene, assert_true
from tests.base import fixture_writes, make_member, once

pytestmark = pytest.mark.django_db
built, scene = once(TwinScene)


def address(winner, loser=None):
    where = reverse("attendance:member_merge", args=[winner.pk])
    return f"{where}?with={loser.pk}" if loser else where


def seen(client, winner, loser):
    page = client.get(address(winner, loser)).content.decode()
    return {"with": loser.pk, "seen": re.search(r'name="seen" value="(\w+)"', page)[1]}


@pytest.fixture
def client(client, scene):
    client.force_login(scene.north_organizer)
    return client


def test_what_the_page_shows_is_what_happens(scene, client):
    session = scene.session(title="四个到位专题课")
    scene.mark(session, {scene.wang: "absent", scene.wang_twice: "present"})
    with fixture_writes():
        Member.objects.filter(pk=scene.wang_twice.pk).update(category="PROBATIONARY")
    page = client.get(address(scene.wang, scene.wang_twice)).content.decode()
    assert "四个到位专题课" in page and "预备党员" in page and "合并以后不能再拆开" in page
    form = seen(client, scene.wang, scene.wang_twice) | {"take_category": "theirs"}
    answer = client.post(address(scene.wang), form)
    assert answer.url == f"/members/{scene.wang.pk}/"
    assert Member.objects.get(pk=scene.wang.pk).category == "PROBATIONARY"
    assert scene.entry(scene.wang).rows.get().status == "present"
    assert_true(scene.campaign)
    again = client.post(address(scene.wang), form, follow=True)
    assert "已经合并过了" in again.content.decode()


def test_a_preview_older_than_the_marks_merges_nothing(scene, client):
    session = scene.session()
    form = seen(client, scene.wang, scene.wang_twice)
    scene.mark(session, {scene.wang_twice: "present"})
    answer = client.post(address(scene.wang), form)
    assert answer.status_code == 422 and CHANGED in answer.content.decode()
    assert Member.objects.get(pk=scene.wang_twice.pk).merged_into is None


def test_what_stands_against_it_is_said_before_the_click_and_after(scene, client):
    form = seen(client, scene.qian, scene.qian_twice)
    freeze_unit(actor=scene.officer, unit=scene.north_other_unit)
    page = client.get(address(scene.qian, scene.qian_twice)).content.decode()
    assert "已经上报锁定" in page and "合并成一条" not in page
    answer = client.post(address(scene.qian), form)
    assert answer.status_code == 422 and "北坡村党支部" in answer.content.decode()


def test_the_other_record_is_found_by_name_in_the_own_scope_only(scene, client):
    make_member(scene.south_branch, "王北甲")
    page = client.get(address(scene.wang)).content.decode()
    assert f"?with={scene.wang_twice.pk}" in page and page.count("对照看</a>") == 1
    assert "没有找到另一条" in client.get(address(scene.wang), {"q": "无此人"}).content.decode()


def test_foreign_and_senseless_pairs_do_not_exist(scene, client):
    assert client.get(address(scene.wang, scene.sun)).status_code == 404
    assert client.get(address(scene.sun, scene.wang)).status_code == 404
    assert client.get(address(scene.wang, scene.wang)).status_code == 404
    assert client.get(address(scene.wang) + "?with=x").status_code == 404
    assert client.put(address(scene.wang)).status_code == 405
    client.force_login(scene.inspector)
    assert client.get(address(scene.wang, scene.wang_twice)).status_code == 404


def test_the_member_page_leads_to_the_winter(scene, client):
    where = reverse("attendance:member_training", args=[scene.wang.pk])
    assert where in client.get(f"/members/{scene.wang.pk}/").content.decode()
    entry = reverse("attendance:entry_detail", args=[scene.entry(scene.wang).pk])
    whole, piece = client.get(where), client.get(where, headers={"HX-Request": "true"})
    assert entry in whole.content.decode() and entry in piece.content.decode()
    assert b"<html" in whole.content and b"<html" not in piece.content
    assert client.get(reverse("attendance:member_training", args=[scene.sun.pk])).status_code == 404
    assert client.post(where).status_code == 405


def test_who_is_on_no_roster_is_told_where_to_join(scene, client):
    fresh = make_member(scene.north_branch, "新来")
    page = client.get(reverse("attendance:member_training", args=[fresh.pk])).content.decode()
    assert "还没有进冬训名册" in page


def test_the_history_of_both_is_read_at_the_one_that_stays(scene, client):
    session = scene.session(title="只点了一条的课")
    scene.mark(session, {scene.wang_twice: "present"})
    client.post(address(scene.wang), seen(client, scene.wang, scene.wang_twice))
    page = client.get(reverse("attendance:entry_detail", args=[scene.entry(scene.wang).pk]))
    assert "合并重复登记" in page.content.decode()
    gone = client.get(reverse("attendance:entry_detail", args=[scene.entry(scene.wang_twice).pk]))
    assert "重复登记，已并入本人的另一条" in gone.content.decode()
