"""Accounts: opened, reset and closed by the level above, on paper slips."""

import re

import pytest
from django.urls import reverse

from organizations.models import AuditEvent, Role, User
from organizations.service import Refused
from organizations.services import accounts
from tests.base import PASSWORD, Cast, make_user, once, query_count

pytestmark = pytest.mark.django_db


built, cast = once(Cast)


def open_one(actor, organization, role, username="newcomer"):
    return accounts.open_account(
        actor=actor, organization=organization, role=role, username=username, name="刘新人"
    )


def test_a_new_account_must_change_its_random_password_first(cast, client):
    slip = open_one(cast.north_organizer, cast.north_branch, Role.RECORDER)
    assert slip.password not in User.objects.get(username="newcomer").password
    assert client.login(username="newcomer", password=slip.password)
    assert client.get(reverse("organizations:member_list")).url == reverse("organizations:password_change")


def test_an_officer_opens_every_role_in_the_own_subtree(cast):
    for number, role in enumerate(Role):
        place = cast.north_branch if role == Role.RECORDER else cast.north
        assert open_one(cast.officer, place, role, f"account{number}").user.role == role


@pytest.mark.parametrize(
    ("place", "role"),
    [
        ("north", Role.ORGANIZER),
        ("north", Role.OFFICER),
        ("north_branch", Role.OFFICER),
        ("north_branch", Role.AUDITOR),
        ("district", Role.ORGANIZER),
        ("south_branch", Role.ORGANIZER),
    ],
)
def test_an_organizer_opens_nothing_beside_or_above(cast, place, role):
    with pytest.raises(Refused):
        open_one(cast.north_organizer, getattr(cast, place), role)
    assert not User.objects.filter(username="newcomer").exists()


@pytest.mark.parametrize("name", ["north_recorder", "inspector", "auditor"])
def test_other_roles_open_nothing(cast, name):
    with pytest.raises(Refused):
        open_one(getattr(cast, name), cast.north_branch, Role.RECORDER)


def test_a_recorder_belongs_to_a_branch(cast):
    with pytest.raises(Refused, match="党支部"):
        open_one(cast.officer, cast.north, Role.RECORDER)


def test_a_taken_account_name_is_refused(cast):
    with pytest.raises(Refused, match="已经有人用了"):
        open_one(cast.officer, cast.north, Role.ORGANIZER, "south")


def test_an_attempt_above_ones_level_is_in_the_audit(cast, client):
    client.force_login(cast.north_organizer)
    data = {"organization": cast.north.pk, "role": "ORGANIZER", "username": "twin", "name": "孪生"}
    response = client.post(reverse("organizations:account_new"), data)
    assert response.status_code == 422 and "只能为下级开通账号" in response.content.decode()
    assert AuditEvent.objects.filter(action="account.refused", actor=cast.north_organizer).count() == 1


def test_a_forged_role_or_organization_opens_nothing(cast, client):
    client.force_login(cast.north_organizer)
    for organization, role in [(cast.north_branch, "OFFICER"), (cast.south_branch, "RECORDER")]:
        data = {"organization": organization.pk, "role": role, "username": "forged", "name": "某人"}
        assert client.post(reverse("organizations:account_new"), data).status_code == 422
    assert not User.objects.filter(username="forged").exists()


def test_the_slip_shows_the_password_once(cast, client):
    client.force_login(cast.north_organizer)
    data = {"organization": cast.north_branch.pk, "role": "RECORDER", "username": "once", "name": "刘一次"}
    response = client.post(reverse("organizations:account_new"), data, follow=True)
    password = re.search(r"[a-z]{4}-\d{4}-[a-z]{4}", response.content.decode())[0]
    assert User.objects.get(username="once").check_password(password)
    assert password not in client.get(reverse("organizations:account_slip")).content.decode()
    assert all(password not in str(event.details) + event.summary for event in AuditEvent.objects.all())


def test_many_accounts_are_opened_in_one_act(cast, client):
    client.force_login(cast.officer)
    chosen = [cast.north_branch.pk, cast.north_other_branch.pk, cast.south_branch.pk]
    data = {"role": "ORGANIZER", "organizations": chosen}
    response = client.post(reverse("organizations:account_bulk"), data, follow=True)
    assert response.content.decode().count('class="slip"') == 3
    assert set(
        User.objects.filter(organization__in=chosen, role="ORGANIZER").values_list("username", flat=True)
    ) == {
        "hz0101",
        "hz0102",
        "hz0201",
    }
    assert AuditEvent.objects.filter(action="account.opened_many").count() == 1


def test_the_bulk_page_sent_twice_opens_nothing_twice_and_keeps_the_slips(cast, client):
    client.force_login(cast.officer)
    url = reverse("organizations:account_bulk")
    sent = {"role": "ORGANIZER", "organizations": [cast.north_branch.pk, cast.south_branch.pk]}
    assert client.post(url, sent).url == reverse("organizations:account_slip")
    again = client.post(url, sent, follow=True)
    assert again.content.decode().count('class="slip"') == 2
    assert User.objects.filter(organization__in=sent["organizations"], role="ORGANIZER").count() == 2
    # The slips are gone now; a third sending says what to do.
    third = client.post(url, sent)
    assert third.status_code == 422 and "重置密码" in third.content.decode()


def test_who_has_the_account_already_is_left_out(cast):
    mixed = [cast.north, cast.north_branch]
    slips = accounts.open_accounts(actor=cast.officer, organizations=mixed, role="ORGANIZER")
    assert [slip.user.organization for slip in slips] == [cast.north_branch]
    assert slips[0].user.check_password(slips[0].password)


def test_one_account_sent_twice_leads_to_its_slip(cast, client):
    client.force_login(cast.officer)
    sent = {"organization": cast.north_branch.pk, "role": "ORGANIZER", "name": "张", "username": "zhang"}
    url = reverse("organizations:account_new")
    assert client.post(url, sent).url == client.post(url, sent).url


def test_many_accounts_are_all_opened_or_none(cast):
    with pytest.raises(Refused):
        accounts.open_accounts(
            actor=cast.north_organizer, organizations=[cast.north_branch, cast.south_branch], role="ORGANIZER"
        )
    assert not User.objects.filter(organization=cast.north_branch, role="ORGANIZER").exists()


def test_the_bulk_page_offers_organizations_still_without_this_account(cast, client):
    client.force_login(cast.officer)
    page = client.get(reverse("organizations:account_bulk"), {"role": "RECORDER"}).content.decode()
    assert "北坡村党支部" in page and "北山村党支部" not in page
    # The township stands above its branches and has nothing to tick itself.
    assert page.count('name="organizations"') == page.count("北山镇党委 · ") + page.count("南河镇党委 · ")


def test_a_second_account_of_an_organization_gets_a_number(cast):
    make_user("hz0101", cast.north_branch, Role.RECORDER)
    assert accounts.free_username(cast.north_branch) == "hz0101-2"


def test_a_reset_ends_the_logins_of_the_account(cast, client):
    client.force_login(cast.north_organizer)
    assert client.get(reverse("organizations:member_list")).status_code == 200
    slip = accounts.reset_account(actor=cast.officer, user=cast.north_organizer)
    assert client.get(reverse("organizations:member_list")).status_code == 302
    assert not client.login(username="north", password=PASSWORD)
    assert client.login(username="north", password=slip.password)


def test_a_closed_account_is_out_from_its_next_request_on(cast, client):
    client.force_login(cast.north_organizer)
    accounts.close_account(actor=cast.officer, user=cast.north_organizer)
    assert client.get(reverse("organizations:member_list")).status_code == 302
    assert not client.login(username="north", password=PASSWORD)
    accounts.close_account(actor=cast.officer, user=cast.north_organizer)
    assert AuditEvent.objects.filter(action="account.closed").count() == 1


def test_nobody_resets_or_closes_an_equal_or_a_superior(cast, client):
    client.force_login(cast.north_organizer)
    for user in (cast.officer, cast.south_organizer, cast.north_organizer, cast.inspector):
        assert client.post(reverse("organizations:account_reset", args=[user.pk])).status_code == 404
        assert client.post(reverse("organizations:account_close", args=[user.pk])).status_code == 404
        with pytest.raises(Refused):
            accounts.close_account(actor=cast.north_organizer, user=user)


def test_reset_from_the_page_leads_to_the_slip(cast, client):
    client.force_login(cast.north_organizer)
    url = reverse("organizations:account_reset", args=[cast.north_recorder.pk])
    assert client.get(url).status_code == 405
    assert "recorder" in client.post(url, follow=True).content.decode()


def test_the_list_costs_the_same_for_one_and_for_three(cast, client):
    client.force_login(cast.officer)
    url = reverse("organizations:account_list")
    assert query_count(client, url, q="recorder") == query_count(client, url)


def test_only_keepers_see_the_account_pages(cast, client):
    for user in (cast.inspector, cast.auditor, cast.north_recorder):
        client.force_login(user)
        for name in ("account_list", "account_new", "account_bulk", "account_slip"):
            assert client.get(reverse(f"organizations:{name}")).status_code == 404


def test_the_picker_tells_branches_of_two_townships_apart(cast, client):
    client.force_login(cast.officer)
    shown = client.get(reverse("organizations:account_new")).content.decode()
    assert "北山镇党委 · 北山村党支部" in shown and ">北山镇党委<" in shown


def test_the_slip_leads_back_and_says_what_to_do_when_it_is_lost(cast, client):
    client.force_login(cast.north_organizer)
    shown = client.get(reverse("organizations:account_slip")).content.decode()
    assert reverse("organizations:account_list") in shown and "开通条丢了不要紧" in shown
