import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns.models import ServiceTask
from campaigns.services.service_tasks import change_task, open_task, resolve_task
from tests.base import make_member
from tests.campaigns.scene import unit_of

NEW = "/service/new/"
STEPS = ["service_note", "service_resolve", "service_confirm", "service_reopen", "service_drop"]


@pytest.fixture
def north(client, cast):
    client.force_login(cast.north_organizer)
    return client


@pytest.fixture
def task(cast, branch):
    return open_task(actor=cast.north_organizer, unit=branch, title="修好村口路灯", owner=cast.wang)


def typed(unit, **changes):
    fields = {"request_uuid": str(uuid.uuid4()), "title": "修桥", "kind": "PROBLEM", "unit": unit.pk}
    return {**fields, **changes}


def test_a_task_is_written_down_with_its_owner(north, cast, branch):
    answer = north.post(
        NEW, typed(branch, owner="王北甲（北山村党支部）", deadline=str(timezone.localdate()))
    )
    task = ServiceTask.objects.get()
    assert answer.url == reverse("campaigns:service_detail", args=[task.pk])
    assert task.owner == cast.wang and task.unit == branch


def test_sending_twice_gives_one_task(north, branch):
    fields = typed(branch)
    assert north.post(NEW, fields).url == north.post(NEW, fields).url
    assert ServiceTask.objects.count() == 1


def test_namesakes_are_told_apart_by_a_tap(north, cast, branch):
    other = make_member(cast.north_other_branch, "王北甲")
    answer = north.post(NEW, typed(branch, owner="王北甲"))
    assert answer.status_code == 422 and "有2人" in answer.content.decode()
    north.post(NEW, typed(branch, owner="王北甲", owner_pk=other.pk))
    assert ServiceTask.objects.get().owner == other


def test_somebody_of_another_township_is_not_found(north, cast, branch):
    answer = north.post(NEW, typed(branch, owner="孙南甲金丝雀", owner_pk=cast.sun.pk))
    assert answer.status_code == 422 and not ServiceTask.objects.exists()
    assert "金丝雀" not in north.get("/service/owners/?owner=孙").content.decode()
    assert "王北甲（北山村党支部）" in north.get("/service/owners/?owner=王").content.decode()


def test_a_foreign_unit_in_the_post_changes_nothing(north, cast, campaign):
    answer = north.post(NEW, typed(unit_of(campaign, cast.south_branch)))
    assert answer.status_code == 422 and not ServiceTask.objects.exists()
    assert "管理范围" in answer.content.decode()


def test_the_steps_are_taken_on_the_page(north, task):
    for name, text in [("service_note", "在办"), ("service_resolve", "好了"), ("service_confirm", "李某")]:
        answer = north.post(reverse(f"campaigns:{name}", args=[task.pk]), {"text": text})
        assert answer.status_code == 302
    task.refresh_from_db()
    assert task.state == "CONFIRMED"
    page = north.get(reverse("campaigns:service_detail", args=[task.pk])).content.decode()
    assert "在办" in page and "已确认" in page
    north.post(reverse("campaigns:service_reopen", args=[task.pk]), {"text": "又坏了"})
    north.post(reverse("campaigns:service_drop", args=[task.pk]), {"text": "转走"})
    task.refresh_from_db()
    assert task.state == "DROPPED"


def test_a_name_too_long_is_said_and_not_cut(north, cast, task):
    resolve_task(actor=cast.north_organizer, task=task, result="修好了")
    answer = north.post(reverse("campaigns:service_confirm", args=[task.pk]), {"text": "名" * 51})
    task.refresh_from_db()
    assert answer.status_code == 422 and "最多50个字" in answer.content.decode() and not task.confirmed_by


def test_a_result_is_required_and_what_was_typed_stays(north, task):
    answer = north.post(
        reverse("campaigns:service_resolve", args=[task.pk]), {"text": " ", "day": "2026-11-20"}
    )
    assert answer.status_code == 422
    assert "办理结果" in answer.content.decode() and "2026-11-20" in answer.content.decode()


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_posted_by_their_own_township_only(client, cast, task, name):
    address = reverse(f"campaigns:{name}", args=[task.pk])
    client.force_login(cast.south_organizer)
    assert client.post(address, {"text": "x"}).status_code == 404
    client.force_login(cast.inspector)
    assert client.post(address, {"text": "x"}).status_code == 404
    client.force_login(cast.north_organizer)
    assert client.get(address).status_code == 405
    task.refresh_from_db()
    assert task.state == "OPEN"


def test_what_was_written_down_is_corrected_on_the_page(north, cast, task):
    page = reverse("campaigns:service_edit", args=[task.pk])
    shown = north.get(page).context["form"].initial
    assert shown["owner"] == "王北甲（北山村党支部）"
    fields = {"title": "修好路灯", "kind": "PROBLEM", "owner": shown["owner"], "deadline": "2020-01-01"}
    assert north.post(page, fields).url == reverse("campaigns:service_detail", args=[task.pk])
    task.refresh_from_db()
    assert task.title == "修好路灯" and task.owner == cast.wang
    assert task.events.last().text == ("事项：修好村口路灯 → 修好路灯；办理期限：空 → 2020年1月1日")


def test_a_correction_from_a_page_older_than_the_task_is_refused(north, cast, task):
    page = reverse("campaigns:service_edit", args=[task.pk])
    version = north.get(page).context["form"]["version"].value()
    change_task(actor=cast.north_organizer, task=task, title="别人改的")
    answer = north.post(page, {"title": "旧的", "kind": "PROBLEM", "version": version})
    assert answer.status_code == 409 and "有人改过" in answer.content.decode()


def test_another_township_corrects_nothing(client, cast, task):
    client.force_login(cast.south_organizer)
    assert client.get(reverse("campaigns:service_edit", args=[task.pk])).status_code == 404


def test_a_deadline_that_has_passed_is_said_at_its_field(north, branch):
    answer = north.post(NEW, typed(branch, deadline="2020-01-01"))
    assert answer.status_code == 422 and "deadline" in answer.context["form"].errors
    assert 'href="#id_deadline"' in answer.content.decode()


def test_another_township_reads_nothing(client, cast, task):
    client.force_login(cast.south_organizer)
    assert client.get(reverse("campaigns:service_detail", args=[task.pk])).status_code == 404
    assert "路灯" not in client.get("/service/?state=all").content.decode()


def test_tabs_count_what_they_list(north, cast, branch, task):
    yesterday = timezone.localdate() - timedelta(days=1)
    late = open_task(actor=cast.north_organizer, unit=branch, title="晚了")
    change_task(actor=cast.north_organizer, task=late, deadline=yesterday)
    resolve_task(
        actor=cast.north_organizer,
        task=open_task(actor=cast.north_organizer, unit=branch, title="办好的"),
        result="好了",
    )
    for word, _, count in north.get("/service/").context["tabs"]:
        assert north.get(f"/service/?state={word}").context["page"].total == count
    assert [row.title for row in north.get("/service/?state=overdue").context["page"].rows] == ["晚了"]


def test_the_list_is_searched_by_owner_and_narrowed(north, cast, campaign, branch, task):
    assert north.get("/service/?q=王北").context["page"].total == 1
    other = unit_of(campaign, cast.north_other_branch)
    assert north.get(f"/service/?unit={other.pk}").context["page"].total == 0
    assert "没有找到" in north.get("/service/?q=不存在").content.decode()


def test_the_list_costs_the_same_for_one_and_three(north, cast, branch, task, django_assert_num_queries):
    north.get("/service/")
    with CaptureQueriesContext(connection) as one:
        north.get("/service/")
    for _ in range(2):
        open_task(actor=cast.north_organizer, unit=branch, title="又一件", owner=cast.li)
    with django_assert_num_queries(len(one)):
        north.get("/service/")


def test_who_only_reads_writes_nothing(client, cast, branch):
    client.force_login(cast.inspector)
    assert client.get(NEW).status_code == 404
    assert client.post(NEW, typed(branch)).status_code == 404
