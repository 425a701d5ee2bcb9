"""按支部填: a row for each branch; one wrong row never holds up the others."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from attendance.models import Attendance, MarkBatch, RosterEntry
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import Cast, fixture_writes, make_member, make_organization, once, query_count

pytestmark = pytest.mark.django_db


class Crowd(Cast):
    """北坡村 has 钱北丁, 何北戊 and two 陈同名; a third branch 北沟村 has one member."""

    def __init__(self):
        super().__init__()
        self.he = make_member(self.north_other_branch, "何北戊")
        for group in ("第一党小组", "第二党小组"):
            make_member(self.north_other_branch, "陈同名", party_group=group)
        self.third = make_organization(self.north, "HZ0103", "北沟村党支部")
        self.zhu = make_member(self.third, "朱北己")


class Town(Scene, Crowd):
    """北山村 expects three, 北坡村 four, 北沟村 one."""


built, scene = once(Town)


@pytest.fixture
def session(scene):
    return scene.session(scene.north_unit, units=[scene.north_unit])


def as_user(client, user):
    client.force_login(user, backend="organizations.backends.AccountBackend")
    return client


def url(session):
    return reverse("attendance:many", args=[session.pk])


def parts(session):
    return {name[:3]: pk for name, pk in session.parts.values_list("unit__name", "pk")}


def filled(session, rows, **more):
    """{branch: (came, missing)} as the page sends it, a number to each row."""
    sent = {}
    for branch, (came, missing) in rows.items():
        part = parts(session)[branch]
        sent |= {f"u{part}": str(uuid4()), f"came{part}": came, f"missing{part}": missing}
    return sent | more


def stored(session):
    rows = Attendance.objects.filter(session=session)
    told = rows.values_list("entry__member__name", "status", "reason")
    return {name: (status, reason) for name, status, reason in told}


def test_every_branch_is_a_row_with_its_expected_number(client, scene, session):
    html = as_user(client, scene.north_organizer).get(url(session)).content.decode()
    assert "应到3人" in html and "应到4人" in html and "应到1人" in html
    assert MarkBatch.objects.count() == 0


def test_clear_rows_are_stored_and_a_wrong_one_keeps_its_text(client, scene, session):
    as_user(client, scene.north_organizer)
    rows = {"北山村": ("2", "王北甲（生病）"), "北坡村": ("3", "张不存在"), "北沟村": ("1", "")}
    sent = filled(session, rows)
    answer = client.post(url(session), sent)
    html = answer.content.decode()
    assert answer.status_code == 422 and "2个支部存好了，1个要再看" in html
    assert "张不存在" in html and "名册上没有这个名字" in html
    here = ("present", "")
    assert stored(session) == {"王北甲": ("leave", "ILL"), "李北乙": here, "赵北丙": here, "朱北己": here}
    assert_derived_rows_are_true(scene.campaign)
    client.post(url(session), sent)
    assert MarkBatch.objects.count() == 2


def test_sent_again_it_changes_nothing_and_shows_the_same(client, scene, session):
    as_user(client, scene.north_organizer)
    sent = filled(session, {"北山村": ("3", ""), "北沟村": ("0", "朱北己")})
    first, again = client.post(url(session), sent, follow=True), client.post(url(session), sent, follow=True)
    for answer in (first, again):
        assert answer.status_code == 200 and "2个支部存好了" in answer.content.decode()
    assert MarkBatch.objects.count() == 2
    assert stored(session)["朱北己"] == ("absent", "")


@pytest.mark.parametrize(
    ("came", "missing", "said"),
    [
        ("2", "王北甲、李北乙", "应到3、实到2，没来的应有1人，写了2人"),
        ("", "王北甲", "实到没填"),
        ("三个", "", "实到请填数字"),
        ("2", "外出务工去了", "没认出来"),
        ("9999999", "", "实到请填数字"),
    ],
)
def test_a_row_that_does_not_add_up_says_why_and_stores_nothing(client, scene, session, came, missing, said):
    as_user(client, scene.north_organizer)
    answer = client.post(url(session), filled(session, {"北山村": (came, missing)}))
    assert answer.status_code == 422 and said in answer.content.decode()
    assert Attendance.objects.count() == 0


def test_the_rest_stays_open_where_somebody_says_so(client, scene, session):
    as_user(client, scene.north_organizer)
    part = parts(session)["北山村"]
    sent = filled(session, {"北山村": ("1", "王北甲")}, **{f"open{part}": "1"})
    assert client.post(url(session), sent).status_code == 302
    assert stored(session) == {
        "王北甲": ("absent", ""),
        "李北乙": ("unmarked", ""),
        "赵北丙": ("unmarked", ""),
    }
    assert session.parts.get(pk=part).counted_heads == 1


def test_whom_the_register_offers_as_away_is_asked_about(client, scene, session):
    """The sums say that everybody else came, 王北甲 with them, who is away by the roster."""
    with fixture_writes():
        RosterEntry.objects.filter(member=scene.wang).update(is_floating=True)
    as_user(client, scene.north_organizer)
    rest = f"p{parts(session)['北山村']}rest"
    sent = filled(session, {"北山村": ("2", "李北乙")})
    html = client.post(url(session), sent).content.decode()
    assert "没写到王北甲（1人）" in html and html.count(f'name="{rest}"') == 3
    assert not re.search(rf'name="{rest}"[^>]* checked', html) and stored(session) == {}
    assert client.post(url(session), sent | {rest: "offered"}).status_code == 302
    assert stored(session)["王北甲"] == ("leave", "AWAY") and stored(session)["赵北丙"] == ("present", "")
    assert session.parts.get(unit=scene.north_branch_unit).counted_heads is None


@pytest.mark.parametrize(("said", "status"), [("present", "present"), ("none", "unmarked")])
def test_somebody_says_whether_who_is_away_came(client, scene, session, said, status):
    with fixture_writes():
        RosterEntry.objects.filter(member=scene.wang).update(is_floating=True)
    as_user(client, scene.north_organizer)
    rest = f"p{parts(session)['北山村']}rest"
    client.post(url(session), filled(session, {"北山村": ("2", "李北乙")}, **{rest: said}))
    assert stored(session)["王北甲"] == (status, "") and stored(session)["李北乙"] == ("absent", "")


@pytest.mark.parametrize(("came", "missing"), [("1", "李北乙"), ("", "全到")])
def test_who_is_away_is_on_leave_as_the_register_offers(client, scene, session, came, missing):
    """Where the sum says so, or where nobody counted: as a pasted message."""
    with fixture_writes():
        RosterEntry.objects.filter(member=scene.wang).update(is_floating=True)
    as_user(client, scene.north_organizer)
    client.post(url(session), filled(session, {"北山村": (came, missing)}))
    assert stored(session)["王北甲"] == ("leave", "AWAY")


def test_a_number_alone_is_kept_as_heads_of_that_branch(client, scene, session):
    as_user(client, scene.north_organizer)
    answer = client.post(url(session), filled(session, {"北坡村": ("3", "")}), follow=True)
    assert "待补名单" in answer.content.decode() and "记了到3人" in answer.content.decode()
    assert session.parts.get(unit=scene.north_other_unit).counted_heads == 3
    assert Attendance.objects.count() == 0


def test_same_names_are_asked_in_the_row_and_stored_once_chosen(client, scene, session):
    as_user(client, scene.north_organizer)
    sent = filled(session, {"北坡村": ("3", "陈同名请假")})
    html = client.post(url(session), sent).content.decode()
    part = parts(session)["北坡村"]
    offered = re.findall(rf'name="p{part}d0" value="(\d+\.0)"', html)
    assert len(offered) == 2 and "第二党小组" in html
    chosen = {f"p{part}d0": offered[1], f"p{part}d0.name": "陈同名", f"p{part}d0.code": "leave"}
    assert client.post(url(session), sent | chosen).status_code == 302
    assert Attendance.objects.get(entry=offered[1].split(".")[0]).status == "leave"
    assert Attendance.objects.filter(session_unit=part, status="present").count() == 3


def test_who_recorded_the_branch_meanwhile_is_not_overwritten(client, scene, session):
    as_user(client, scene.north_organizer)
    sent = filled(session, {"北山村": ("3", "")})
    scene.mark(session, {scene.wang: "absent"}, actor=scene.officer)
    answer = client.post(url(session), sent)
    assert answer.status_code == 422 and "刚才已经有人登记过这个支部" in answer.content.decode()
    assert stored(session)["王北甲"] == ("absent", "") and stored(session)["李北乙"][0] == "unmarked"


def test_each_row_is_taken_back_by_itself(client, scene, session):
    as_user(client, scene.north_organizer)
    done = client.post(url(session), filled(session, {"北山村": ("3", ""), "北沟村": ("1", "")}), follow=True)
    assert done.content.decode().count("刚才这次登记？") == 2
    batch = MarkBatch.objects.get(part=parts(session)["北山村"])
    client.post(reverse("attendance:register_undo", args=[session.pk]), {"batch": batch.uuid})
    assert stored(session) == {"朱北己": ("present", "")}
    assert_derived_rows_are_true(scene.campaign)


def test_outside_the_scope_and_for_readers_there_is_nothing_to_fill(client, scene, session):
    assert as_user(client, scene.south_organizer).get(url(session)).status_code == 404
    assert as_user(client, scene.inspector).get(url(session)).status_code == 403
    only = scene.session()
    assert as_user(client, scene.north_organizer).get(url(only)).status_code == 404
    foreign = scene.session(scene.south_branch_unit).parts.get().pk
    answer = client.post(url(session), {f"u{foreign}": str(uuid4()), f"came{foreign}": "2"})
    assert answer.status_code == 302 and MarkBatch.objects.count() == 0


def test_the_page_costs_the_same_for_one_branch_and_for_three(client, scene, session):
    as_user(client, scene.north_organizer)
    two = scene.session(scene.north_unit, units=[scene.north_branch_unit, scene.north_other_unit])
    assert query_count(client, url(session)) == query_count(client, url(two))
    assert "没有找到这个支部" in client.get(url(session), {"q": "没有的村"}).content.decode()
