"""确认名册: who may, what is confirmed, that it is one confirmation, and what the page and 待办 say."""

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import RosterConfirmation
from attendance.queries.confirming import Numbers, roster_state
from attendance.queries.todos import todos
from attendance.services.adopting import adopt_differences
from attendance.services.confirming import confirm_roster
from attendance.services.roster import set_waiver
from campaigns.models import Stage
from campaigns.services.freezing import freeze_unit
from organizations.models import AuditEvent, Organization
from organizations.service import Refused
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, make_organization, once, query_count
from tests.campaigns.scene import unit_of

pytestmark = pytest.mark.django_db


built, scene = once(Scene)


def page_of(scene, unit, name="roster_confirm"):
    return reverse(f"attendance:{name}", args=[scene.campaign.pk]) + f"?unit={unit.pk}"


def html(client, user, where, status=200):
    client.force_login(user)
    answer = client.get(where)
    assert answer.status_code == status
    return answer.content.decode()


def confirm(scene, **options):
    return confirm_roster(actor=scene.north_organizer, unit=scene.north_unit, **options)


def refused(scene, unit=None, actor=None, **options):
    with pytest.raises(Refused) as refusal:
        confirm_roster(actor=actor or scene.north_organizer, unit=unit or scene.north_unit, **options)
    assert not RosterConfirmation.objects.exists()
    return refusal.value.code


def test_the_page_shows_what_its_button_confirms(scene, client):
    set_waiver(
        actor=scene.north_organizer, entry=scene.entry(scene.li), reason="OLD_AGE", since=timezone.localdate()
    )
    page = html(client, scene.north_organizer, page_of(scene, scene.north_unit))
    assert "还没有确认" in page and "确认名册（4人）" in page and "北坡村党支部" in page
    form = {"unit": scene.north_unit.pk, "seen": "4-0-1", "after": "0"}
    answer = client.post(page_of(scene, scene.north_unit), form, follow=True)
    assert "名册已确认：党员4人，流动0人，不作硬性要求1人" in answer.content.decode()
    assert "重新确认名册" in answer.content.decode()
    one = RosterConfirmation.objects.get()
    assert (one.unit, one.members, one.waived) == (scene.north_unit, 4, 1)
    assert one.confirmed_by == scene.north_organizer


def test_a_page_sent_twice_confirms_once_and_a_new_page_confirms_again(scene):
    first = confirm(scene)
    assert confirm(scene) == first
    again = confirm(scene, after=first.pk)
    assert again != first and RosterConfirmation.objects.count() == 2
    assert AuditEvent.objects.filter(action="roster.confirmed").count() == 2


def test_somebody_elses_confirmation_is_not_covered_up_unseen(scene):
    confirm_roster(actor=scene.officer, unit=scene.north_unit)
    with pytest.raises(Refused, match="区委主管刚刚确认过了"):
        confirm(scene)


def test_numbers_that_changed_under_the_button_are_refused(scene):
    assert refused(scene, seen=Numbers(3, 0, 0)) == "changed"


def test_what_differs_is_adopted_or_knowingly_left(scene, client):
    make_member(scene.north_branch, "陈北戊")
    page = html(client, scene.north_organizer, page_of(scene, scene.north_unit))
    assert "1处不同" in page and "先不加入" in page
    assert refused(scene) == "differs"
    assert refused(scene, knowing=2) == "differs"
    confirm(scene, knowing=1)
    assert AuditEvent.objects.get(action="roster.confirmed").details["left_out"] == 1


@pytest.mark.parametrize(
    ("unit", "actor", "code"),
    [
        ("north_unit", "south_organizer", "scope"),
        ("district_unit", "north_organizer", "scope"),
        ("north_unit", "inspector", "scope"),
        ("north_unit", "north_recorder", "scope"),
        ("north_branch_unit", "north_organizer", "branch"),
    ],
)
def test_only_the_level_above_the_branches_confirms_and_only_its_own(scene, unit, actor, code):
    assert refused(scene, getattr(scene, unit), getattr(scene, actor)) == code


def test_frozen_and_closed_rosters_are_not_confirmed(scene):
    freeze_unit(actor=scene.officer, unit=scene.north_unit)
    assert refused(scene) == "frozen"
    with fixture_writes():
        scene.campaign.stage = Stage.CLOSED
        scene.campaign.save(update_fields=["stage"])
    assert refused(scene, scene.south_unit, scene.south_organizer) == "stage"


def test_a_township_with_nobody_has_nothing_to_confirm(scene):
    with fixture_writes():
        scene.campaign.tallies.all().update(members=0, due=0)
    assert refused(scene) == "empty"


@pytest.mark.parametrize("name", ["roster_confirm", "roster_unconfirmed", "roster_history", "home_list"])
def test_the_sibling_township_does_not_exist(scene, client, name):
    html(client, scene.south_organizer, page_of(scene, scene.north_unit, name), 404)
    if name == "roster_confirm":
        where, form = page_of(scene, scene.north_unit), {"seen": "4-0-0", "after": "0"}
        assert client.post(where, form).status_code == 404


def test_the_wrong_method_and_the_wrong_role_are_refused(scene, client):
    client.force_login(scene.inspector)
    assert client.get(page_of(scene, scene.north_unit)).status_code == 200
    assert client.post(page_of(scene, scene.north_unit), {"seen": "4-0-0"}).status_code == 403
    assert client.delete(page_of(scene, scene.north_unit)).status_code == 405
    for name in ("roster_unconfirmed", "roster_history", "home_list"):
        assert client.post(page_of(scene, scene.north_unit, name)).status_code == 405


@pytest.mark.parametrize("broken", ["", "x", "1-2", "-1-0-0", "9999999999-0-0"])
def test_a_page_that_is_not_ours_confirms_nothing(scene, client, broken):
    client.force_login(scene.north_organizer)
    answer = client.post(page_of(scene, scene.north_unit), {"seen": broken, "after": "x"}, follow=True)
    assert "请刷新后再确认" in answer.content.decode()
    assert not RosterConfirmation.objects.exists()


def test_the_district_sees_who_has_confirmed_in_the_fixed_order(scene, client):
    confirm_roster(actor=scene.south_organizer, unit=scene.south_unit)
    make_member(scene.south_branch, "何南丙")
    adopt_differences(actor=scene.south_organizer, unit=scene.south_unit)
    page = html(client, scene.officer, page_of(scene, scene.district_unit))
    assert page.index("北山镇党委</a>") < page.index("南河镇党委</a>")
    assert "还有<strong>1个</strong>没有确认" in page and "南河组织员" in page and "变动1条" in page


def lines_of(user):
    return [todo.text for todo in todos(user) if "确认名册" in todo.text]


def test_todo_says_who_has_not_confirmed(scene):
    assert lines_of(scene.north_organizer) == ["还没有确认名册"]
    assert lines_of(scene.officer) == ["2个单位没有确认名册"]
    assert lines_of(scene.north_recorder) == lines_of(scene.inspector) == []
    confirm(scene)
    assert lines_of(scene.north_organizer) == []
    assert lines_of(scene.officer) == ["1个单位没有确认名册"]


def test_a_class_before_the_confirmation_is_told_gently(scene, client):
    where = page_of(scene, scene.north_branch_unit, "roster_unconfirmed")
    said = html(client, scene.north_organizer, where)
    assert "北山镇党委的名册还没有确认" in said and "不受影响" in said
    assert "notice" not in html(client, scene.north_recorder, where)
    session = scene.session()
    page = html(client, scene.north_organizer, reverse("campaigns:session_detail", args=[session.pk]))
    assert where.split("?")[0] in page
    whole = page_of(scene, scene.district_unit, "roster_unconfirmed")
    assert "还有2个单位的名册没有确认" in html(client, scene.officer, whole)
    confirm(scene)
    assert "notice" not in html(client, scene.north_organizer, where)
    assert "还有1个单位" in html(client, scene.officer, whole)


def test_the_dashboard_counts_what_changed_since(scene, client):
    where = reverse("reports:unit_dashboard", args=[scene.campaign.pk, scene.north_unit.pk])
    assert "名册还没有确认" in html(client, scene.north_organizer, where)
    confirm(scene)
    whole = reverse("reports:unit_dashboard", args=[scene.campaign.pk, scene.district_unit.pk])
    assert "2个单位，1个已确认" in html(client, scene.officer, whole)
    make_member(scene.north_branch, "陈北戊")
    adopt_differences(actor=scene.north_organizer, unit=scene.north_unit)
    assert "变动1条" in html(client, scene.north_organizer, where)
    assert roster_state(scene.north_branch_unit).changes == 1
    assert roster_state(scene.north_other_unit).changes == 0


def test_many_townships_cost_as_many_queries_as_two(scene, client):
    client.force_login(scene.officer)
    before = query_count(client, page_of(scene, scene.district_unit))
    for number in (3, 4):
        place = make_organization(scene.district, f"HZ0{number}", f"{number}镇党委", "COMMITTEE")
        make_member(make_organization(place, f"HZ0{number}01", f"{number}村党支部"), f"何{number}")
    client.post(reverse("attendance:roster_changes", args=[scene.campaign.pk]))
    for code in ("HZ03", "HZ04"):
        unit = unit_of(scene.campaign, Organization.objects.get(code=code))
        confirm_roster(actor=scene.officer, unit=unit)
    assert query_count(client, page_of(scene, scene.district_unit)) == before
