"""The tree: walked, extended, renamed, closed."""

import pytest
from django.urls import reverse
from django.utils import timezone

from organizations.models import AuditEvent, Organization
from organizations.service import Refused
from organizations.services import accounts, members, organizations
from tests.base import Cast, make_organization, once, query_count

pytestmark = pytest.mark.django_db


built, cast = once(Cast)


@pytest.fixture
def page(cast, client):
    client.force_login(cast.north_organizer)
    return client


def url(name, *args):
    return reverse(f"organizations:{name}", args=args)


def create(actor, parent, **values):
    values = {"code": "HZ0199", "name": "新村党支部", "kind": "BRANCH"} | values
    return organizations.create_organization(actor=actor, parent=parent, **values)


def test_the_list_counts_branches_and_members_of_each_subtree(cast, client):
    client.force_login(cast.officer)
    rows = client.get(url("organization_list")).context["page"].rows
    counts = {row.name: (row.branch_count, row.member_count) for row in rows}
    assert counts == {"海州区委": (3, 6), "北山镇党委": (2, 4), "南河镇党委": (1, 2)}


def test_a_search_finds_every_level_of_the_scope_only(page):
    shown = page.get(url("organization_list"), {"q": "村党支部"}).content.decode()
    assert "北坡村党支部" in shown and "南河村" not in shown


def test_the_detail_shows_what_lies_below(cast, page):
    shown = page.get(url("organization_detail", cast.north.pk)).content.decode()
    assert "北山村党支部" in shown and "海州区委" not in shown.split("<main")[1]
    assert page.get(url("organization_detail", cast.south.pk)).status_code == 404
    assert page.get(url("organization_detail", cast.district.pk)).status_code == 404


def test_lists_cost_the_same_for_one_and_for_three(cast, client):
    client.force_login(cast.officer)
    assert query_count(client, url("organization_list"), q="北坡") == query_count(
        client, url("organization_list")
    )
    one, two = (query_count(client, url("organization_detail", p.pk)) for p in (cast.south, cast.north))
    assert one == two


def test_a_new_branch_comes_after_its_sisters(cast, page):
    data = {"parent": cast.north.pk, "code": "HZ0103", "name": "北湖村党支部", "kind": "BRANCH"}
    page.post(url("organization_new"), data)
    created = Organization.objects.get(code="HZ0103")
    assert created.path > cast.north_other_branch.path and created.path.startswith(cast.north.path)
    assert AuditEvent.objects.get().target_id == str(created.pk)


def test_nothing_is_built_outside_the_scope_or_below_a_branch(cast, page):
    for parent, sentence in [(cast.south, "管理范围"), (cast.north_branch, "不能再设")]:
        with pytest.raises(Refused, match=sentence):
            create(cast.north_organizer, parent)
        data = {"parent": parent.pk, "code": "X1", "name": "某支部", "kind": "BRANCH"}
        assert page.post(url("organization_new"), data).status_code == 422


def test_codes_and_names_of_sisters_are_unique(cast):
    with pytest.raises(Refused, match="HZ0201"):
        create(cast.north_organizer, cast.north, code="HZ0201")
    with pytest.raises(Refused, match="北山村党支部"):
        create(cast.north_organizer, cast.north, name="北山村党支部")


def test_a_rename_keeps_before_and_after(cast, page):
    data = {"name": "北山社区党支部", "kind": "BRANCH", "contact_name": "", "contact_phone": ""}
    page.post(url("organization_edit", cast.north_branch.pk), data)
    change = AuditEvent.objects.get().details["changes"][0]
    assert (change["before"], change["after"]) == ("北山村党支部", "北山社区党支部")


def test_a_branch_with_members_stays_a_branch(cast):
    with pytest.raises(Refused, match="转出"):
        organizations.change_organization(
            actor=cast.officer, organization=cast.north_branch, kind="COMMITTEE"
        )
    with pytest.raises(Refused, match="下面还有"):
        organizations.change_organization(actor=cast.officer, organization=cast.north, kind="BRANCH")


def test_closing_says_what_to_do_first(cast):
    def close(organization):
        return organizations.close_organization(actor=cast.officer, organization=organization)

    with pytest.raises(Refused, match="3 名党员，请先把他们转出或登记离开"):
        close(cast.north_branch)
    for member in (cast.wang, cast.li, cast.zhao):
        members.leave_member(
            actor=cast.officer, member=member, left_on=timezone.localdate(), reason="组织关系转出本区"
        )
    with pytest.raises(Refused, match="停用账号"):
        close(cast.north_branch)
    accounts.close_account(actor=cast.officer, user=cast.north_recorder)
    assert close(cast.north_branch).closed_on == timezone.localdate()
    with pytest.raises(Refused, match="已经撤销"):
        members.create_member(actor=cast.officer, branch=cast.north_branch, name="来晚了")


def test_an_organization_with_living_parts_is_not_closed(cast):
    east = make_organization(cast.district, "HZ03", "东海镇党委", "COMMITTEE")
    make_organization(east, "HZ0301", "东海村党支部")
    with pytest.raises(Refused, match="请先撤销它们"):
        organizations.close_organization(actor=cast.officer, organization=east)
    with pytest.raises(Refused, match="上级"):
        organizations.close_organization(actor=cast.north_organizer, organization=cast.north)


def test_closing_from_the_page_shows_the_refusal(cast, page):
    response = page.post(url("organization_close", cast.north_branch.pk), follow=True)
    assert "3 名党员" in response.content.decode()
    assert page.post(url("organization_close", cast.south_branch.pk)).status_code == 404


def test_readers_change_nothing(cast, client):
    client.force_login(cast.inspector)
    assert client.get(url("organization_detail", cast.north.pk)).status_code == 200
    assert client.get(url("organization_edit", cast.north.pk)).status_code == 404
    assert client.get(url("organization_new")).status_code == 404
