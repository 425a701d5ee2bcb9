"""转组织关系 written the way people write it, and passed on by the level above where it fits nobody."""

import pytest
from django.urls import reverse
from django.utils import timezone

from attendance.models import RosterEntry
from organizations.models import TransferRequest
from organizations.services.transfer_requests import ask_transfer
from tests.attendance.scene import Scene
from tests.base import make_member, make_organization, once

pytestmark = pytest.mark.django_db
built, scene = once(Scene)
PASSED_ON = "对方支部没有对上，请您核对后选定接收的党支部"


def ask(scene, wanted, member=None) -> TransferRequest:
    return ask_transfer(
        actor=scene.north_organizer, member=member or scene.wang, wanted=wanted, day=timezone.localdate()
    )


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("听松镇西岭村第一支部", "HZ030101"),
        ("听松镇 第一党支部", "HZ030101"),
        ("西岭村总支第一支部", "HZ030101"),
        ("海州区西岭村第一党支部", "HZ030101"),
        ("听松镇东坡村支部", "HZ0302"),
        ("松镇东坡村支部", "HZ"),
        ("东坡村", "HZ"),
    ],
)
def test_superiors_may_be_shortened_or_left_out_anywhere(scene, wanted, code):
    town = make_organization(scene.district, "HZ03", "听松镇党工委", "COMMITTEE")
    village = make_organization(town, "HZ0301", "西岭村党总支", "GENERAL_BRANCH")
    make_organization(village, "HZ030101", "第一党支部")
    make_organization(scene.south, "HZ0209", "第一党支部")
    make_organization(town, "HZ0302", "东坡村党支部")
    assert ask(scene, wanted).addressee.code == code


def accept(client, request, user, branch) -> str:
    client.force_login(user)
    address = reverse("attendance:transfer_accept", args=[request.pk])
    answer = client.post(address, {"to_branch": branch.pk}, follow=True)
    request.refresh_from_db()
    assert request.state == "ACCEPTED"
    return answer.content.decode()


def test_the_superior_passes_on_to_a_branch_it_picks(scene, client):
    request = ask(scene, "往南去的地方")
    client.force_login(scene.officer)
    shown = reverse("organizations:transfer_detail", args=[request.pk])
    assert PASSED_ON in client.get(shown).content.decode()
    assert "冬训名册一起改好了" in accept(client, request, scene.officer, scene.south_branch)
    assert RosterEntry.objects.get(member=scene.wang).unit.organization == scene.south_branch


def test_who_asks_or_is_meant_reads_nothing_of_passing_on(scene, client):
    shown = reverse("organizations:transfer_detail", args=[ask(scene, "南河镇南河村支部").pk])
    for user in (scene.north_organizer, scene.south_organizer):
        client.force_login(user)
        assert PASSED_ON not in client.get(shown).content.decode()
    elsewhere = ask(scene, "没有的地方", scene.li)
    client.force_login(scene.north_organizer)
    address = reverse("organizations:transfer_detail", args=[elsewhere.pk])
    assert PASSED_ON not in client.get(address).content.decode()


def test_of_somebody_on_no_roster_nothing_is_said_of_the_roster(scene, client):
    request = ask(scene, "南河村党支部", make_member(scene.north_branch, "新来的"))
    page = accept(client, request, scene.south_organizer, scene.south_branch)
    assert "已经接收到" in page and "名册一起" not in page
