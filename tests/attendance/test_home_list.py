"""送学上门 and 不作硬性要求: who is on the list, why, who said so, and where else that is shown."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.queries.todos import todos
from attendance.services.adopting import adopt_differences
from attendance.services.makeup import plan_makeup
from attendance.services.roster import end_waiver, set_waiver
from campaigns.models import Round
from tests.attendance.scene import Scene
from tests.base import make_member, once, query_count
from tests.campaigns.scene import at

pytestmark = pytest.mark.django_db


built, scene = once(Scene)


def where(scene, query=""):
    return reverse("attendance:home_list", args=[scene.campaign.pk]) + query


@pytest.fixture
def waived(scene):
    """李 cannot walk well; the district said so five days ago."""
    entry = scene.entry(scene.li)
    since = timezone.localdate() - timedelta(days=5)
    set_waiver(actor=scene.officer, entry=entry, reason="IMMOBILE", since=since)
    return scene


def html(client, user, address):
    client.force_login(user)
    return client.get(address).content.decode()


def teach(scene, member):
    start = at(timezone.localdate() - timedelta(days=1), 9)
    session = plan_makeup(
        actor=scene.north_organizer,
        unit=scene.north_branch_unit,
        topics=scene.topics(0),
        entries=[scene.entry(member)],
        title="送学",
        starts_at=start,
        ends_at=start + timedelta(hours=1),
        round=Round.HOME,
    )
    scene.mark(session, {member: "present"})


def test_who_is_waived_gets_a_line_with_reason_and_setter(waived, client):
    page = html(client, waived.north_organizer, where(waived))
    assert "送学上门 1人" in page and "李北乙" in page and "王北甲" not in page
    assert "行动不便" in page and "区委主管" in page and "还没送" in page and "离结束还有" in page
    link = reverse("attendance:home_lesson", args=[waived.campaign.pk])
    assert f"{link}?entry={waived.entry(waived.li).pk}" in page


def test_the_button_leads_to_home_teaching_of_just_this_person(waived, client):
    link = reverse("attendance:makeup_new", args=[waived.campaign.pk])
    entry = waived.entry(waived.li).pk
    page = html(client, waived.north_organizer, f"{link}?list=home_waiting&entry={entry}")
    assert "为1人送学上门" in page and "李北乙" in page
    assert 'value="HOME"' in page.split("checked")[0].rsplit("<input", 1)[1]


def test_who_was_taught_says_when(waived, client):
    teach(waived, waived.li)
    page = html(client, waived.north_organizer, where(waived, "?state=taught"))
    assert "李北乙" in page and "送过学" in page and "1次" in page
    assert "没有等着送学的人" in html(client, waived.north_organizer, where(waived, "?state=waiting"))


def test_an_empty_list_says_what_would_be_there(scene, client):
    assert "没有要送学上门的人" in html(client, scene.north_organizer, where(scene))
    assert "没有找到" in html(client, scene.north_organizer, where(scene, "?q=没有此人"))


def test_the_south_sees_nobody_of_the_north(waived, client):
    assert "李北乙" not in html(client, waived.south_organizer, where(waived))


def test_the_sentence_for_wechat_has_no_names(waived, client):
    client.force_login(waived.north_organizer)
    text = client.get(where(waived, "?state=waiting")).context["text"]
    assert text.startswith("北山镇党委冬训：截至") and "还没送学上门1人" in text and "李" not in text


def test_three_people_cost_as_many_queries_as_one(waived, client):
    teach(waived, waived.li)
    client.force_login(waived.north_organizer)
    one = query_count(client, where(waived))
    for member in (waived.wang, waived.qian):
        set_waiver(
            actor=waived.north_organizer,
            entry=waived.entry(member),
            reason="CARE",
            since=timezone.localdate(),
        )
    assert query_count(client, where(waived)) == one


def test_lists_and_the_register_say_why_nothing_is_asked_and_who_said_so(waived, client):
    session = waived.session(topics=waived.topics(0))
    person = reverse("attendance:entry_detail", args=[waived.entry(waived.li).pk])
    assert "还没送学" in html(client, waived.north_organizer, person)
    people = reverse("attendance:roster_list", args=[waived.campaign.pk])
    register = reverse("attendance:register", args=[session.pk])
    for address in (f"{people}?state=waived", register, person):
        page = html(client, waived.north_organizer, address)
        assert "行动不便" in page and "区委主管" in page, address


def test_on_the_rows_of_a_class_a_waived_person_is_not_unmarked(waived, client):
    session = waived.session(topics=waived.topics(0))
    waived.mark(session, {waived.wang: "present", waived.li: "present"})
    waived.mark(session, {waived.li: "unmarked"})
    rows = reverse("attendance:session_rows", args=[session.pk])
    page = html(client, waived.north_organizer, rows)
    line = next(part for part in page.split("<li>") if "李北乙" in part).split("</li>")[0]
    assert "不作硬性要求" in line and "未登记" not in line and "行动不便" in line


def test_home_bound_people_are_listed_without_a_waiver(scene, client):
    member = make_member(scene.south_branch, "郑南丙", is_home_bound=True)
    client.force_login(scene.south_organizer)
    client.post(reverse("attendance:roster_changes", args=[scene.campaign.pk]))
    page = html(client, scene.south_organizer, where(scene))
    assert member.name in page and "居家" in page


def test_the_first_page_the_list_and_the_roster_count_the_same_people(waived, client):
    make_member(waived.north_branch, "郑北丙", is_home_bound=True)
    adopt_differences(actor=waived.north_organizer, unit=waived.north_branch_unit)
    [line] = [one for one in todos(waived.north_organizer) if "送学上门" in one.text]
    assert (line.text, line.url.split("?")[0]) == ("2人还没送学上门", where(waived))
    client.force_login(waived.north_organizer)
    of_home = client.get(line.url).context["lines"]
    roster = reverse("attendance:roster_list", args=[waived.campaign.pk]) + "?state=home_waiting"
    of_roster = client.get(roster).context["page"].rows
    assert {one.standing.pk for one in of_home} == {one.pk for one in of_roster}
    assert len(of_home) == 2
    teach(waived, waived.li)
    [line] = [one for one in todos(waived.north_organizer) if "送学上门" in one.text]
    assert line.text == "1人还没送学上门"


def test_the_member_page_tells_the_waiver_and_its_end(waived, client):
    where_to = reverse("attendance:member_training", args=[waived.li.pk])
    page = html(client, waived.north_organizer, where_to)
    assert "起不作硬性要求（行动不便），区委主管登记" in page and "恢复应训" not in page
    assert reverse("attendance:entry_detail", args=[waived.entry(waived.li).pk]) in page
    end_waiver(actor=waived.officer, entry=waived.entry(waived.li), until=timezone.localdate())
    assert "起恢复应训" in html(client, waived.north_organizer, where_to)
    ledger = reverse("admin:organizations_member_change", args=[waived.li.pk])
    assert where_to in html(client, waived.officer, ledger)
