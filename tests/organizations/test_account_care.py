"""Accounts in use: slips of several rounds, hand-over, who has not come in for long."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from organizations.models import AuditEvent, Job, Role, User
from organizations.queries.accounts import account_history, account_todos
from organizations.service import Refused
from organizations.services import account_care, accounts, jobs
from reports.queries import home
from tests.base import PASSWORD, Cast, fixture_writes, make_organization, make_user, once, query_count

pytestmark = pytest.mark.django_db
INITIAL = re.compile(r"[a-z]{4}-\d{4}-[a-z]{4}")
BULK, SLIPS, LIST = "/accounts/bulk/", "/accounts/slip/", "/accounts/"

built, cast = once(Cast)


def hand_over(actor, user, username="next"):
    return account_care.hand_over(actor=actor, user=user, username=username, name="接手的人")


def test_slips_of_several_rounds_wait_together_and_are_shown_once(cast, client, caplog):
    branches = [make_organization(cast.north, f"HZ01{n}", f"第{n}村党支部") for n in range(20, 72)]
    client.force_login(cast.officer)
    for start in (0, 50):
        chosen = [branch.pk for branch in branches[start : start + 50]]
        assert client.post(BULK, {"role": "ORGANIZER", "organizations": chosen}).url == SLIPS
    assert not any(INITIAL.search(str(row.get_decoded())) for row in Session.objects.all())
    page = client.get(SLIPS).content.decode()
    passwords = INITIAL.findall(page)
    assert page.count('class="slip"') == len(set(passwords)) == 52
    assert "http://testserver/" in page and page.count("slip-steps") == 52
    for username, password in list(zip(re.findall(r"<code>(hz01\d+)", page), passwords, strict=True))[::20]:
        assert User.objects.get(username=username).check_password(password)
    assert not INITIAL.search(client.get(SLIPS).content.decode())
    told = [f"{event.summary}{event.details}" for event in AuditEvent.objects.all()]
    assert not INITIAL.search(f"{told}{caplog.text}{dict(client.session)}")


def test_a_round_of_more_than_fifty_is_told_to_come_in_pieces(cast, client):
    branches = [make_organization(cast.north, f"HZ01{n}", f"第{n}村党支部") for n in range(20, 71)]
    client.force_login(cast.officer)
    answer = client.post(BULK, {"role": "ORGANIZER", "organizations": [branch.pk for branch in branches]})
    assert answer.status_code == 422 and "分几次" in answer.content.decode()
    page = client.get(BULK, {"role": "ORGANIZER"}).content.decode()
    assert page.count('name="organizations"') == 50


@pytest.mark.parametrize("address", ["/accounts/new/", BULK])
@pytest.mark.parametrize("role", ["OFFICER", "RECORDER"])
def test_a_forged_role_or_place_is_refused_and_in_the_audit(cast, client, address, role):
    client.force_login(cast.north_organizer)
    place = cast.north_branch.pk if role == "OFFICER" else cast.south_branch.pk
    sent = {"organization": place, "organizations": place, "role": role, "username": "forged", "name": "某人"}
    assert client.post(address, sent).status_code == 422
    event = AuditEvent.objects.get()
    assert (event.action, event.actor) == ("account.refused", cast.north_organizer)
    assert User.objects.count() == 6


def test_a_hand_over_closes_the_old_and_opens_the_new_in_one_act(cast, client):
    old = cast.north_organizer
    seated = Client()
    seated.force_login(old)
    client.force_login(cast.officer)
    url = reverse("organizations:account_hand_over", args=[old.pk])
    assert 'value="hz01"' in client.get(url).content.decode()
    page = client.post(url, {"name": "周接手", "username": "zhou"}, follow=True).content.decode()
    password = INITIAL.search(page)[0]
    new = User.objects.get(username="zhou")
    assert (new.organization, new.role, new.must_change_password) == (old.organization, old.role, True)
    assert new.check_password(password)
    old.refresh_from_db()
    assert not old.is_active and old.succeeded_by == new and not old.check_password(PASSWORD)
    assert seated.get("/members/").status_code == 302
    assert AuditEvent.objects.count() == 1


def test_a_hand_over_sent_twice_opens_one_account(cast, client):
    client.force_login(cast.officer)
    url = reverse("organizations:account_hand_over", args=[cast.north_organizer.pk])
    for _ in range(2):
        assert client.post(url, {"name": "周接手", "username": "zhou"}).url == SLIPS
    assert client.get(SLIPS).content.decode().count('class="slip"') == 1
    third = client.post(url, {"name": "吴又一", "username": "wuyi"})
    assert third.status_code == 422 and "已经交接给周接手" in third.content.decode()
    assert not User.objects.filter(username="wuyi").exists()


def test_both_pages_tell_the_hand_over(cast, client):
    old = cast.north_organizer
    accounts.reset_account(actor=cast.officer, user=old)
    new = hand_over(cast.officer, old).user
    old.refresh_from_db()
    for account in (old, new):
        told = [step.summary for step in account_history(account, cast.officer)]
        assert sum("交接账号" in line for line in told) == 1
    assert any("重置密码" in step.summary for step in account_history(old, cast.officer))
    client.force_login(cast.officer)
    pages = [client.get(f"{LIST}{account.pk}/").content.decode() for account in (old, new)]
    assert f"{LIST}{new.pk}/" in pages[0] and f"{LIST}{old.pk}/" in pages[1]


def test_an_account_that_was_handed_over_stays_closed(cast):
    hand_over(cast.officer, cast.north_organizer)
    with pytest.raises(Refused, match="已经交接给"):
        accounts.reset_account(actor=cast.officer, user=cast.north_organizer)


@pytest.mark.parametrize("name", ["south_organizer", "officer", "north_organizer", "inspector"])
def test_nobody_hands_over_beside_or_above(cast, client, name):
    user = getattr(cast, name)
    client.force_login(cast.north_organizer)
    url = reverse("organizations:account_hand_over", args=[user.pk])
    assert (
        client.get(url).status_code == client.post(url, {"name": "某", "username": "xyz"}).status_code == 404
    )
    with pytest.raises(Refused):
        hand_over(cast.north_organizer, user)
    assert User.objects.get(pk=user.pk).is_active and not User.objects.filter(username="next").exists()


def test_a_taken_name_leaves_the_old_account_open(cast):
    with pytest.raises(Refused, match="已经有人用了"):
        hand_over(cast.officer, cast.north_organizer, "south")
    assert User.objects.get(username="north").is_active


@pytest.mark.parametrize("role", [Role.ORGANIZER, Role.INSPECTOR])
def test_work_asked_for_by_the_old_account_is_there_for_the_new(cast, role):
    old = make_user("leaving", cast.north, role)
    job = jobs.enqueue(kind="t", title="表", requested_by=old, organization=cast.north, params={})
    new = hand_over(cast.officer, old).user
    assert list(Job.objects.visible_to(new)) == [job]


def seen(user, days):
    with fixture_writes():
        User.objects.filter(pk=user.pk).update(last_login=timezone.now() - timedelta(days=days))


def opened(user, days):
    with fixture_writes():
        User.objects.filter(pk=user.pk).update(created_at=timezone.now() - timedelta(days=days))


def test_who_has_not_come_in_for_ninety_days_is_flagged(cast, settings):
    seen(cast.north_organizer, 91)
    seen(cast.south_organizer, 89)
    assert list(User.objects.stale()) == [cast.north_organizer]
    settings.STALE_ACCOUNT_DAYS = 60
    assert set(User.objects.stale()) == {cast.north_organizer, cast.south_organizer}
    for user in User.objects.all():
        assert (user.flag == "stale") == User.objects.stale().filter(pk=user.pk).exists()


def test_who_never_came_in_is_flagged_thirty_days_after_the_slip(cast):
    opened(cast.north_organizer, 31)
    opened(cast.south_organizer, 29)
    assert list(User.objects.unused()) == [cast.north_organizer]
    assert User.objects.get(username="north").flag == "unused"
    # A new slip begins the time again; a closed account is nobody's business.
    accounts.reset_account(actor=cast.officer, user=cast.north_organizer)
    opened(cast.south_organizer, 31)
    accounts.close_account(actor=cast.officer, user=cast.south_organizer)
    assert not User.objects.unused().exists() and User.objects.get(username="north").flag == ""


def test_a_reopened_account_is_not_stale_at_once(cast):
    seen(cast.north_organizer, 200)
    accounts.reset_account(actor=cast.officer, user=cast.north_organizer)
    assert not User.objects.stale().exists() and User.objects.get(username="north").flag == ""


def test_the_list_shows_them_and_closes_several_at_once(cast, client):
    for user in (cast.north_organizer, cast.south_organizer):
        seen(user, 100)
    client.force_login(cast.officer)
    page = client.get(LIST, {"show": "stale"}).content.decode()
    assert page.count('name="ids"') == 2 and "好久没登录" in page and "区督查" not in page
    sent = {"ids": [cast.north_organizer.pk, cast.south_organizer.pk], "request_uuid": uuid4()}
    for _ in range(2):
        assert client.post("/accounts/close/", sent).url == "/accounts/?show=stale"
    assert not User.objects.filter(username__in=["north", "south"], is_active=True).exists()
    assert AuditEvent.objects.count() == 1
    assert [step.summary for step in account_history(cast.north_organizer, cast.officer)] == [
        "批量办理（启用）"
    ]


@pytest.mark.parametrize("ids", [[], ["x"], ["9" * 30], ["south"]])
def test_closing_several_refuses_what_is_not_ones_own(cast, client, ids):
    client.force_login(cast.north_organizer)
    ids = [cast.south_organizer.pk, cast.north_recorder.pk] if ids == ["south"] else ids
    answer = client.post("/accounts/close/", {"ids": ids, "request_uuid": uuid4()}, follow=True)
    assert answer.status_code == 200 and "notice-warn" in answer.content.decode()
    assert not User.objects.filter(is_active=False).exists()


def test_only_keepers_close_several(cast, client):
    client.force_login(cast.inspector)
    assert client.post("/accounts/close/", {"ids": [cast.north_recorder.pk]}).status_code == 404
    client.force_login(cast.officer)
    assert client.get("/accounts/close/").status_code == 405


def test_whoever_may_close_them_has_a_to_do(cast):
    seen(cast.north_organizer, 100)
    opened(cast.north_recorder, 40)
    assert [todo.count for todo in account_todos(cast.officer)] == [1, 1]
    # Oneself is nothing to close; the recorder below is.
    assert [(todo.count, todo.url) for todo in account_todos(cast.north_organizer)] == [
        (1, "/accounts/?show=unused")
    ]
    assert account_todos(cast.south_organizer) == account_todos(cast.inspector) == []
    assert "1个账号 90 天没登录" in str(home.todos(cast.officer))


def test_the_officer_at_the_top_is_rescued_on_the_server(cast, capsys):
    with fixture_writes():
        User.objects.filter(username="officer").update(is_active=False)
    call_command("rescue_officer", "officer")
    officer = User.objects.get(username="officer")
    assert officer.is_active and officer.must_change_password
    assert officer.check_password(INITIAL.search(capsys.readouterr().out)[0])
    assert AuditEvent.objects.get().action == "account.rescued"


@pytest.mark.parametrize("username", ["north", "nobody", "inspector", "township"])
def test_who_has_a_level_above_is_not_rescued(cast, username):
    make_user("township", cast.north, Role.OFFICER)
    with pytest.raises(CommandError, match="最上级"):
        call_command("rescue_officer", username)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("show", ["stale", "unused", "waiting", "closed", "nonsense"])
def test_every_filter_says_when_there_is_nothing(cast, client, show):
    client.force_login(cast.officer)
    page = client.get(LIST, {"show": show})
    assert page.status_code == 200
    assert ("没有这样的账号" in page.content.decode()) == (show != "nonsense")


def test_the_filtered_list_costs_the_same_for_one_and_for_three(cast, client):
    client.force_login(cast.officer)
    for user in (cast.north_organizer, cast.south_organizer, cast.north_recorder):
        seen(user, 100)
    three = query_count(client, LIST, show="stale")
    assert query_count(client, LIST, show="stale", q="recorder") == three


def test_stale_follows_the_clock(cast):
    seen(cast.north_organizer, 0)
    with time_machine.travel(timezone.now() + timedelta(days=91)):
        assert User.objects.get(username="north").flag == "stale"
