"""The pages of accounts as a newcomer reads them: where a branch lies, who is locked, whom to ask."""

import pytest
from django.urls import reverse

from organizations.models import Role, User
from tests.base import Cast, make_organization, make_user, once, query_count
from tests.organizations.browsers import Browser

pytestmark = pytest.mark.django_db
BULK, SLIPS, LIST = "/accounts/bulk/", "/accounts/slip/", "/accounts/"
built, cast = once(Cast)


@pytest.fixture
def twins(cast):
    """Two villages of one name, in two townships."""
    return [
        make_organization(cast.north, "HZ0177", "西桥村党支部"),
        make_organization(cast.south, "HZ0277", "西桥村党支部"),
    ]


def test_branches_of_one_name_are_told_apart_by_their_township(cast, client, twins):
    client.force_login(cast.officer)
    page = client.get(BULK, {"q": "西桥"}).content.decode()
    for township in (cast.north, cast.south):
        assert f"<span>{township.name} · 西桥村党支部" in page and f">{township.name}</h3>" in page
    # Branches only: who is missing there takes the register.
    assert 'name="role" value="RECORDER"' in page and "全部勾选" not in page
    sent = {"role": "RECORDER", "organizations": [branch.pk for branch in twins]}
    client.post(BULK, sent)
    slips = client.get(SLIPS).content.decode()
    assert f"<h2>{cast.north.name} · 西桥村党支部</h2>" in slips
    assert "10 位以上，大写字母、小写字母、数字、符号至少 3 种" in slips
    names = User.objects.filter(organization__in=twins).values_list("name", flat=True)
    assert set(names) == {"西桥村党支部记录员"}


def test_a_longer_list_of_branches_asks_no_query_for_each(cast, client, twins):
    client.force_login(cast.officer)
    client.get(BULK)
    one = query_count(client, BULK, q="HZ0177")
    assert query_count(client, BULK, q="西桥") == one


def test_a_locked_account_is_marked_and_unlocked_on_the_list(cast, client, settings):
    settings.AXES_ENABLED = True
    mate = make_user("mate", cast.north_branch, Role.RECORDER)
    browser = Browser()
    for _ in range(5):
        browser.log_in("mate", "wrong")
    client.force_login(cast.north_organizer)
    page = client.get(LIST, {"q": "mate"}).content.decode()
    assert "锁住" in page and "解锁" in page
    other = client.get(LIST, {"q": "recorder"}).content.decode()
    assert "锁住" not in other and "解锁" not in other
    unlock = reverse("organizations:account_unlock", args=[mate.pk])
    answer = client.post(unlock, {"back": "list"}, follow=True)
    assert answer.redirect_chain[-1][0] == LIST
    assert "解锁了，现在就可以登录" in answer.content.decode()
    assert "锁住" not in client.get(LIST, {"q": "mate"}).content.decode()


def test_who_has_nobody_above_is_told_whom_to_ask(cast, settings):
    settings.AXES_ENABLED, browser = True, Browser()
    shown = [browser.log_in("officer", "wrong") for _ in range(5)][-1]
    assert shown.status_code == 429
    assert "请管服务器的人运行" in shown.content.decode() and "rescue_officer" in shown.content.decode()


def test_the_filter_says_since_when_nobody_came(cast, client, settings):
    client.force_login(cast.officer)
    page = client.get(LIST).content.decode()
    assert "开通 30 天还没登录" in page and "从没登录" not in page


def test_a_taken_code_is_told_in_the_workbench_too(cast, client):
    client.force_login(cast.officer)
    data = {"parent": cast.north.pk, "code": cast.north_branch.code, "name": "新村", "kind": "BRANCH"}
    page = client.post(reverse("organizations:organization_new"), data).content.decode()
    assert "这个党组织代码已经有党组织在用，请换一个。" in page
