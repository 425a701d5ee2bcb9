"""The sheet on paper, and ticking from it: one order, one numbering."""

import re
from uuid import uuid4

import pytest

from organizations.models import Member
from tests.attendance.scene import Scene
from tests.attendance.sheets import login, statuses, url
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db


class Groups(Scene):
    """王 and 赵 are of one group, 李 between them of another."""

    def __init__(self):
        super().__init__()
        with fixture_writes():
            Member.objects.filter(pk=self.li.pk).update(party_group="二组")
            Member.objects.filter(pk__in=[self.wang.pk, self.zhao.pk]).update(party_group="一组")


built, scene = once(Groups)
ORDER = ["王北甲", "赵北丙", "李北乙"]


@pytest.fixture
def session(scene):
    return scene.session(topics=scene.topics(0))


@pytest.fixture
def north(client, scene):
    return login(client, scene.north_organizer)


def names_in(html: str) -> list[str]:
    return re.findall("王北甲|赵北丙|李北乙", html)


def test_paper_and_ticking_have_the_order_and_numbers_of_the_register(north, session):
    html = north.get(url("sheet_print", session)).content.decode()
    cells = re.findall(r'sheet-no">(\d+)</td><td class="sheet-name">(\w+)<small>(\w+)</small>', html)
    assert sorted(cells) == [("1", "王北甲", "一组"), ("2", "赵北丙", "一组"), ("3", "李北乙", "二组")]
    for word in ("应到：3人", "实到：", "请假：", "缺席：", "主讲人：", "外单位来听的"):
        assert word in html
    assert names_in(north.get(url("sheet_tick", session)).content.decode()) == ORDER
    assert list(dict.fromkeys(names_in(north.get(url("register", session)).content.decode()))) == ORDER


def test_nothing_is_preselected_and_what_is_stored_is_not_sent_again(north, scene, session):
    assert "checked" not in north.get(url("sheet_tick", session)).content.decode().partition("tick-form")[2]
    scene.mark(session, {scene.wang: ("leave", "ILL")})
    li = f"m{scene.entry(scene.li).pk}"
    north.post(url("register", session), {"batch": str(uuid4()), f"{li}.0": "late:20"})
    html = north.get(url("sheet_tick", session)).content.decode()
    assert html.count("checked") == 2 and 'value="leave:ILL" checked' in html
    assert (
        f'name="{li}.1.late:20" value="late:20" checked><span>到<' in html and "已登记：迟到20分钟<" in html
    )
    fields = dict(re.findall(r'name="(m\d+\.\d+\.[^"]+)" value="([^"]+)" checked', html))
    zhao = f"m{scene.entry(scene.zhao).pk}.0"
    north.post(url("register", session), {"batch": str(uuid4()), zhao: "absent"} | fields)
    found = {name: value[:2] for name, value in statuses(session).items()}
    assert found == {"王北甲": ("leave", "ILL"), "李北乙": ("late", ""), "赵北丙": ("absent", "")}
    assert session.batches.latest("pk").marks.count() == 1


def test_one_branch_can_be_printed_alone(north, scene):
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    part = session.parts.get(unit=scene.north_other_unit)
    html = north.get(url("sheet_print", session), {"part": part.pk}).content.decode()
    assert "钱北丁" in html and "王北甲" not in html
    assert "钱北丁" in north.get(url("sheet_tick", session), {"part": part.pk}).content.decode()


def test_who_does_not_mark_does_not_tick(client, scene, session):
    inspector = login(client, scene.inspector)
    assert inspector.get(url("sheet_print", session)).status_code == 200
    assert inspector.get(url("sheet_tick", session)).status_code == 403
    assert login(client, scene.north_organizer).post(url("sheet_tick", session)).status_code == 405
