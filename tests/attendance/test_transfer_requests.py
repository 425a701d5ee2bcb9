"""转组织关系 to a place outside the scope: one side asks, the other accepts or sends it back."""

import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from attendance.models import RosterChange, RosterEntry
from attendance.services.adopting import adopt_differences
from attendance.services.moving import accept_transfer, move_member
from attendance.services.roster import open_campaign
from attendance.services.tree import adopt_tree
from campaigns.models import Campaign, Unit
from campaigns.services.campaigns import create_campaign
from organizations.models import AuditEvent, Organization, Transfer, TransferRequest
from organizations.queries.transfers import todos
from organizations.service import Refused
from organizations.services.members import leave_member
from organizations.services.transfer_requests import ask_transfer, decline_request, withdraw_request
from tests.attendance.recount_oracle import assert_derived_rows_are_true
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_member, make_organization, make_user, once, query_count

pytestmark = pytest.mark.django_db
built, scene = once(Scene)
PLACE = "南河镇党委 南河村党支部"


def ago(days):
    return timezone.localdate() - timedelta(days=days)


def ask(scene, wanted=PLACE, member=None, days=1, **more):
    member = member or scene.wang
    return ask_transfer(actor=scene.north_organizer, member=member, wanted=wanted, day=ago(days), **more)


def accept(scene, request, actor=None, to=None):
    actor, to = actor or scene.south_organizer, to or scene.south_branch
    return accept_transfer(actor=actor, request=request, to_branch=to)


def state(request):
    request.refresh_from_db()
    return request.state


# --- Who answers ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("南河村党支部", "HZ0201"),
        ("hz0201", "HZ0201"),
        ("南河镇党委 南河村党支部", "HZ0201"),
        ("海州区委·南河镇党委·南河村党支部", "HZ0201"),
        ("南河镇党委", "HZ02"),
        ("南河镇南河村支部", "HZ0201"),
        ("南河镇 南河村党支部", "HZ0201"),
        ("南河村支部", "HZ0201"),
        ("海州区南河镇委员会/南河村支部", "HZ0201"),
        ("中共南河村支部", "HZ0201"),
        ("湖镇南河村支部", "HZ"),  # the end of a superior's name is no superior
        ("没有这个党支部", "HZ"),
        ("北山镇党委 南河村党支部", "HZ"),
        ("第一党支部", "HZ"),  # two of that name
        ("南河镇党委 第一党支部", "HZ0202"),
    ],
)
def test_exactly_one_place_is_asked_or_the_level_above(scene, wanted, code):
    make_organization(scene.south, "HZ0202", "第一党支部")
    east = make_organization(scene.district, "HZ03", "东岭镇党委", "COMMITTEE")
    make_organization(east, "HZ0301", "第一党支部")
    assert ask(scene, wanted).addressee.code == code


def test_a_closed_place_does_not_answer(scene):
    make_organization(scene.south, "HZ0202", "老党支部", closed_on=ago(3))
    assert ask(scene, "老党支部").addressee == scene.district


def test_a_place_of_ones_own_is_moved_to_directly_whatever_is_elsewhere(scene):
    for parent, code in ((scene.north, "HZ0103"), (scene.south, "HZ0202")):
        make_organization(parent, code, "第一党支部")
        with pytest.raises(Refused, match="直接办理转支部"):
            ask(scene, "第一党支部")


@pytest.mark.parametrize("member", ["sun", "wang"])
def test_only_ones_own_and_present_members_are_asked_for(scene, member):
    if member == "wang":
        leave_member(actor=scene.north_organizer, member=scene.wang, left_on=ago(0), reason="其他")
    with pytest.raises(Refused):
        ask(scene, member=getattr(scene, member))


def test_the_answer_is_the_same_whether_the_place_exists_or_not(scene, client):
    client.force_login(scene.north_organizer)
    seen = []
    for member, wanted in ((scene.wang, "南河村党支部"), (scene.li, "南湖村党支部")):
        sent = {"wanted": wanted, "day": ago(1), "note": "随子女迁居"}
        answer = client.post(reverse("organizations:member_ask", args=[member.pk]), sent, follow=True)
        page = answer.content.decode().split("<main", 1)[1]
        mine = TransferRequest.objects.get(member=member)
        for words in (member.name, wanted, f"/members/{member.pk}/", f"/transfers/{mine.pk}/"):
            page = page.replace(words, "…")
        seen.append(re.sub('value="[0-9A-Za-z]{64}"', "", page))
    assert seen[0] == seen[1] and "等对方接收" in seen[0]
    assert "区委" not in seen[0] and "南河镇" not in seen[0]


# --- Until it is accepted -------------------------------------------------------------------------
def test_the_member_stays_and_counts_where_they_are(scene):
    request = ask(scene)
    scene.wang.refresh_from_db()
    assert scene.wang.branch == scene.north_branch and scene.north_branch_unit.tally.members == 3
    assert state(request) == "WAITING" and not Transfer.objects.exists()


def test_one_request_waits_for_a_member(scene):
    request, events = ask(scene), AuditEvent.objects.count()
    assert ask(scene) == request and AuditEvent.objects.count() == events
    with pytest.raises(Refused, match="撤回"):
        ask(scene, "别的地方")
    for _ in range(2):
        withdraw_request(actor=scene.north_organizer, request=request)
    assert state(request) == "WITHDRAWN" and AuditEvent.objects.count() == events + 1
    assert ask(scene, "别的地方") != request


def test_numbers_typed_into_a_note_are_masked(scene):
    assert "13800001111" not in ask(scene, note="电话13800001111").note


def test_a_request_is_a_to_do_of_the_other_side_and_of_nobody_else(scene):
    other = make_user("south-branch", scene.south_branch, "ORGANIZER")
    make_organization(scene.south, "HZ0202", "南岸村党支部")
    aside = make_user("aside", Organization.objects.get(code="HZ0202"), "ORGANIZER")
    ask(scene)
    users = (scene.officer, scene.south_organizer, scene.north_organizer, other, aside)
    waiting = {user.username: [todo.text for todo in todos(user)] for user in users}
    told = ["1份转接申请等您接收"]
    assert waiting == {"officer": told, "south": told, "south-branch": told, "north": [], "aside": []}


# --- Accepting ------------------------------------------------------------------------------------
def test_accepting_moves_member_and_roster_in_one_act_told_to_both_sides(scene):
    scene.mark(scene.session(days=-9), {scene.wang: "present"})
    request, last = ask(scene, days=2), AuditEvent.objects.latest("pk").pk
    assert accept(scene, request) is True
    transfer = Transfer.objects.get()
    assert (transfer.asked_by, transfer.accepted_by) == (scene.north_organizer, scene.south_organizer)
    assert transfer.day == ago(2) and state(request) == "ACCEPTED" and request.transfer == transfer
    scene.south_branch_unit.tally.refresh_from_db()
    assert (scene.south_branch_unit.tally.members, scene.south_branch_unit.tally.trained) == (3, 1)
    assert scene.north_branch_unit.tally.members == 2
    assert_derived_rows_are_true(scene.campaign)
    told = AuditEvent.objects.filter(pk__gt=last)
    north, south = told.get(path=scene.north_branch.path), told.get(path=scene.south_branch.path)
    assert len(told) == 2 and south.actor == scene.south_organizer
    assert "南河" not in f"{north.summary}{north.actor_name}{north.details}"
    lines = RosterChange.objects.order_by("pk").values_list("unit", "kind", "by")
    assert list(lines) == [
        (scene.north_branch_unit.pk, "MOVED_OUT", scene.north_organizer.pk),
        (scene.south_branch_unit.pk, "MOVED_IN", scene.south_organizer.pk),
    ]


def test_two_clicks_are_one_transfer(scene):
    request = ask(scene)
    assert [accept(scene, request), accept(scene, request)] == [True, False]
    assert Transfer.objects.count() == 1
    assert RosterChange.objects.filter(kind="MOVED_IN").count() == 1


def test_a_late_second_click_does_not_bring_back_who_has_moved_on(scene):
    new = make_organization(scene.south, "HZ0202", "南岸村党支部")
    adopt_tree(actor=scene.officer, unit=scene.district_unit)
    request = ask(scene)
    accept(scene, request)
    scene.wang.refresh_from_db()
    move_member(actor=scene.south_organizer, member=scene.wang, to_branch=new, day=ago(0))
    assert accept(scene, request) is False
    assert scene.entry(scene.wang).unit.organization == new
    with pytest.raises(Refused, match="已经接收过"):
        accept(scene, request, to=new)


@pytest.mark.parametrize("actor", ["north_organizer", "inspector", "north_recorder"])
def test_nobody_accepts_whose_scope_does_not_hold_the_addressee(scene, actor):
    request = ask(scene)
    with pytest.raises(Refused):
        accept(scene, request, getattr(scene, actor), scene.north_other_branch)
    assert state(request) == "WAITING" and not Transfer.objects.exists()


def test_it_is_accepted_only_into_a_branch_of_ones_own(scene):
    request = ask(scene)
    for to in (scene.north_other_branch, scene.south):
        with pytest.raises(Refused):
            accept(scene, request, to=to)


@pytest.mark.parametrize(
    ("changed", "words"),
    [("moved", "换了支部"), ("left", "登记离开"), ("withdrawn", "已撤回"), ("declined", "没有接收")],
)
def test_who_changed_since_is_not_accepted_and_it_says_so(scene, changed, words):
    request, north = ask(scene), {"actor": scene.north_organizer}
    if changed == "moved":
        move_member(**north, member=scene.wang, to_branch=scene.north_other_branch, day=ago(0))
    elif changed == "left":
        leave_member(**north, member=scene.wang, left_on=ago(0), reason="其他")
    elif changed == "withdrawn":
        withdraw_request(**north, request=request)
    else:
        decline_request(actor=scene.south_organizer, request=request, reason="查无此人")
    with pytest.raises(Refused, match=words):
        accept(scene, request)
    scene.wang.refresh_from_db()
    assert scene.wang.branch.code.startswith("HZ01")


@pytest.mark.parametrize("side", ["north_branch_unit", "south_branch_unit"])
def test_a_frozen_side_refuses_and_the_request_waits_on(scene, side):
    request = ask(scene)
    with fixture_writes():
        Unit.objects.filter(pk=getattr(scene, side).pk).update(frozen_at=timezone.now())
    with pytest.raises(Refused, match="锁定"):
        accept(scene, request)
    assert state(request) == "WAITING" and not Transfer.objects.exists()


def test_a_branch_that_is_no_unit_yet_is_adopted_first(scene):
    new = make_organization(scene.south, "HZ0202", "南岸村党支部")
    request = ask(scene)
    with pytest.raises(Refused, match="全部加入名册"):
        accept(scene, request, to=new)
    adopt_tree(actor=scene.officer, unit=scene.district_unit)
    assert accept(scene, request, to=new)
    assert_derived_rows_are_true(scene.campaign)


# --- Another campaign -----------------------------------------------------------------------------
@pytest.fixture
def own_campaigns(scene):
    """Each township trains its own."""
    with fixture_writes():
        Campaign.objects.update(stage="CLOSED")
        RosterEntry.objects.update(is_open=False)
    found = {}
    for township in (scene.north, scene.south):
        with fixture_writes():
            keeper = make_user(f"keeper-{township.code}", township, "OFFICER")
        start = {"starts_on": ago(20), "ends_on": ago(-60)}
        made = create_campaign(
            actor=keeper, organization=township, preset="siwuliu", label=f"{township.name}自办", **start
        )
        open_campaign(actor=keeper, campaign=made)
        found[township.code] = Campaign.objects.get(pk=made.pk)
    return found


def test_who_goes_to_another_owners_campaign_leaves_this_one_and_is_taken_onto_that(scene, own_campaigns):
    north, south = own_campaigns["HZ01"], own_campaigns["HZ02"]
    accept(scene, ask(scene, days=3))
    entry = north.entries.get(member=scene.wang)
    assert (entry.left_on, entry.is_open) == (ago(3), False) and "以外" in entry.left_reason
    top = Unit.objects.get(campaign=south, organization=scene.south)
    assert adopt_differences(actor=scene.south_organizer, unit=top).joined == 1
    assert south.entries.get(member=scene.wang).joined_on == ago(3)
    for campaign in (north, south):
        assert_derived_rows_are_true(campaign)


# --- Pages ----------------------------------------------------------------------------------------
def page(name, pk):
    return reverse(f"{'attendance' if name == 'transfer_accept' else 'organizations'}:{name}", args=[pk])


def test_the_pages_ask_send_back_ask_again_and_accept(scene, client):
    client.force_login(scene.north_organizer)
    move = reverse("attendance:member_move", args=[scene.wang.pk])
    assert page("member_ask", scene.wang.pk) in client.get(move).content.decode()
    sent = {"wanted": PLACE, "day": ago(1), "note": "随子女迁居"}
    client.post(page("member_ask", scene.wang.pk), sent)
    first = TransferRequest.objects.get()
    client.force_login(scene.south_organizer)
    home = client.get(reverse("reports:home")).content.decode()
    assert "1份转接申请等您接收" in home
    listed = client.get(reverse("organizations:transfer_list")).content.decode()
    assert scene.wang.name in listed and "北山村党支部" in listed
    shown = client.get(page("transfer_detail", first.pk)).content.decode()
    assert "随子女迁居" in shown and "北山镇党委" in shown and page("transfer_accept", first.pk) in shown
    assert reverse("organizations:member_detail", args=[scene.wang.pk]) not in shown
    assert client.post(page("transfer_decline", first.pk), {"reason": " "}).status_code == 422
    client.post(page("transfer_decline", first.pk), {"reason": "请核对去向"})
    client.force_login(scene.north_organizer)
    member = client.get(reverse("organizations:member_detail", args=[scene.wang.pk])).content.decode()
    assert "请核对去向" in member
    client.post(page("member_ask", scene.wang.pk), sent)
    second = TransferRequest.objects.latest("pk")
    client.force_login(scene.south_organizer)
    assert "南河村党支部" in client.get(page("transfer_accept", second.pk)).content.decode()
    taken = client.post(page("transfer_accept", second.pk), {"to_branch": scene.south_branch.pk})
    assert taken.status_code == 302
    client = Client()
    client.force_login(scene.north_organizer)
    answer = client.get(page("transfer_detail", second.pk)).content.decode()
    assert "对方已经接收" in answer and "南河村党支部" not in answer.replace(PLACE, "")
    mine = {"box": "sent", "state": "accepted", "q": "王"}
    assert scene.wang.name in client.get(reverse("organizations:transfer_list"), mine).content.decode()


@pytest.mark.parametrize(
    "name", ["transfer_detail", "transfer_withdraw", "transfer_decline", "transfer_accept"]
)
def test_a_third_township_sees_nothing_of_it(scene, client, name):
    east = make_organization(scene.district, "HZ03", "东岭镇党委", "COMMITTEE")
    client.force_login(make_user("east", east, "OFFICER"))
    request = ask(scene)
    method = client.get if name == "transfer_detail" else client.post
    assert method(page(name, request.pk)).status_code == 404
    assert scene.wang.name not in client.get(reverse("organizations:transfer_list")).content.decode()


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        ("south_organizer", "transfer_withdraw"),
        ("north_organizer", "transfer_decline"),
        ("north_organizer", "transfer_accept"),
        ("south_organizer", "member_ask"),
    ],
)
def test_neither_side_acts_for_the_other(scene, client, actor, name):
    request = ask(scene)
    client.force_login(getattr(scene, actor))
    pk = scene.wang.pk if name == "member_ask" else request.pk
    assert client.post(page(name, pk), {"reason": "不收不收"}).status_code == 404
    assert state(request) == "WAITING"


@pytest.mark.parametrize("name", ["transfer_withdraw", "transfer_decline"])
def test_acts_are_posted(scene, client, name):
    client.force_login(scene.officer)
    assert client.get(page(name, ask(scene).pk)).status_code == 405


def test_three_requests_cost_as_many_queries_as_one(scene, client):
    client.force_login(scene.south_organizer)
    ask(scene)
    one = query_count(client, reverse("organizations:transfer_list"))
    for number in range(2):
        ask(scene, member=make_member(scene.north_branch, f"新来{number}"))
    assert query_count(client, reverse("organizations:transfer_list")) == one


@pytest.mark.parametrize("answered", [False, True])
def test_the_ledger_tells_each_side_no_more_than_the_workbench(scene, client, answered):
    request = ask(scene, "往南去的地方", note="随子女迁居")
    with fixture_writes():
        TransferRequest.objects.update(addressee=scene.south)
    if answered:
        request.refresh_from_db()
        decline_request(actor=scene.south_organizer, request=request, reason="查无此人")
    ledger = [
        f"/admin/organizations/transferrequest/{end}" for end in ("", f"{request.pk}/change/", "export/")
    ]
    hidden = {
        scene.north_organizer: [scene.south.name, scene.south_organizer.name],
        scene.south_organizer: [scene.north_organizer.name],
    }
    for user, names in hidden.items():
        client.force_login(user)
        for address in ledger:
            answer = client.get(address)
            assert answer.status_code == 200
            shown = text_of(answer)
            assert scene.wang.name in shown
            assert [name for name in names if name in shown] == [], (user, address)
    client.force_login(scene.north_organizer)
    assert shown_asker(client.get(ledger[1])) == scene.north_organizer.name


def text_of(answer) -> str:
    """What a page or a file says."""
    if "sheet" in answer.headers["Content-Type"]:
        rows = load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True)
        return str(list(rows))
    return answer.content.decode()


def shown_asker(answer) -> str:
    found = re.search(r"申请人.*?readonly[^>]*>(.*?)<", answer.content.decode(), re.DOTALL)
    return found[1].strip() if found else ""
