"""Where comparing everybody would keep a page waiting it names the levels below, and keeps what was asked."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attendance.models import RosterEntry, Standing
from attendance.queries import contacts, count_standings, doubts, forecast, hours, owing
from attendance.services.recount import rebuild
from tests.attendance.scene import Scene
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db


class Wanted(Scene):
    """王 is away and owes a topic."""

    def __init__(self):
        super().__init__()
        held = self.session(days=-2, topics=self.topics(0))
        self.mark(held, {self.wang: ("absent", ""), self.li: "present"})
        with fixture_writes():
            RosterEntry.objects.filter(member=self.wang).update(is_floating=True)
        rebuild(campaign=self.campaign)


built, scene = once(Wanted)


@pytest.mark.parametrize(
    ("page", "query", "limit"),
    [
        ("makeup_list", "due=soon", (owing, "MOST_OWING")),
        ("contact_list", "state=never", (contacts, "MOST_FLOATING")),
        ("hours_list", "state=enough", (hours, "MOST_COMPARED")),
        ("doubt_list", "kind=GONE", (doubts, "MOST_ROWS")),
        ("doubt_list", "kind=LATE", (doubts, "MOST_OF_SHEETS")),
    ],
)
def test_too_many_for_one_page_are_asked_one_level_down(scene, client, monkeypatch, page, query, limit):
    client.force_login(scene.officer)
    where = f"{reverse(f'attendance:{page}', args=[scene.campaign.pk])}?{query}"
    assert "page" in client.get(where).context
    monkeypatch.setattr(*limit, 0)
    answer = client.get(where)
    told = answer.content.decode()
    assert "请打开下面一级" in told and "page" not in answer.context
    assert f"unit={scene.north_unit.pk}" in told and query in told
    monkeypatch.setattr(*limit, Standing.objects.count())
    assert "page" in client.get(f"{where}&unit={scene.north_unit.pk}").context


def test_it_counts_who_would_be_compared_not_everybody_there(scene, client, monkeypatch):
    monkeypatch.setattr(owing, "MOST_OWING", 0)
    client.force_login(scene.officer)
    where = reverse("attendance:makeup_list", args=[scene.campaign.pk])
    told = client.get(f"{where}?due=soon").content.decode()
    assert f"要逐人比对的有{count_standings(scene.north_unit, 'owing')}人" in told


@pytest.mark.parametrize(
    ("page", "limit"),
    [("contact_list", (contacts, "MOST_FLOATING")), ("hours_list", (hours, "MOST_COMPARED"))],
)
def test_a_name_is_found_at_any_level(scene, client, monkeypatch, page, limit):
    monkeypatch.setattr(*limit, 0)
    client.force_login(scene.officer)
    where = reverse(f"attendance:{page}", args=[scene.campaign.pk])
    assert client.get(f"{where}?state=short&q=王").context["page"].total == 1


@pytest.mark.parametrize(
    ("query", "limit"),
    [("list=late", (forecast, "MOST_MEMBERS")), ("list=owing&due=soon", (owing, "MOST_OWING"))],
)
def test_what_is_too_many_for_a_page_is_too_many_for_its_file(scene, client, monkeypatch, query, limit):
    client.force_login(scene.officer)
    where = f"{reverse('attendance:debts_export', args=[scene.campaign.pk])}?{query}"
    assert client.get(where).status_code == 200
    monkeypatch.setattr(*limit, 0)
    assert "先打开下一级再导出" in client.get(where, follow=True).content.decode()


def test_a_list_that_ends_on_its_first_page_is_not_counted_besides(scene, client):
    client.force_login(scene.officer)
    where = f"{reverse('attendance:home_list', args=[scene.campaign.pk])}?state=all"
    with CaptureQueriesContext(connection) as captured:
        page = client.get(where).context["page"]
    assert page.total == len(page.rows)
    assert not [one for one in captured.captured_queries if "LIMIT 200" in one["sql"]]
