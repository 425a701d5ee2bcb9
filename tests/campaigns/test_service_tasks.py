import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import ServiceTask
from campaigns.queries import service_counts
from campaigns.services.freezing import freeze_unit
from campaigns.services.service_tasks import (
    change_task,
    confirm_task,
    drop_task,
    note_task,
    open_task,
    reopen_task,
    resolve_task,
)
from organizations.models import AuditEvent
from organizations.service import Refused
from tests.campaigns.scene import unit_of


@pytest.fixture
def task(cast, branch):
    return open_task(actor=cast.north_organizer, unit=branch, title="修好村口路灯", owner=cast.wang)


def test_a_task_goes_from_open_to_confirmed(cast, task):
    note_task(actor=cast.north_organizer, task=task, text="已联系电工")
    resolve_task(actor=cast.north_organizer, task=task, result="换了三盏灯")
    done = confirm_task(actor=cast.north_organizer, task=task, confirmed_by="村民李某")
    assert done.state == "CONFIRMED" and done.resolved_on == timezone.localdate()
    assert [e.kind for e in done.events.all()] == ["OPENED", "NOTED", "RESOLVED", "CONFIRMED"]


def test_a_result_is_required(cast, task):
    with pytest.raises(Refused, match="办理结果"):
        resolve_task(actor=cast.north_organizer, task=task, result="  ")


def test_the_same_key_with_other_facts_is_refused(cast, branch):
    key = uuid.uuid4()
    facts = {"actor": cast.north_organizer, "unit": branch, "request_uuid": key}
    first = open_task(title="修路", owner=cast.wang, **facts)
    assert open_task(title=" 修路 ", owner=cast.wang, **facts) == first
    for other in ({"title": "修桥", "owner": cast.wang}, {"title": "修路"}):
        with pytest.raises(Refused, match="刚才已经登记好"):
            open_task(**other, **facts)


def test_every_step_twice_is_one_step(cast, task):
    for _ in range(2):
        note_task(actor=cast.north_organizer, task=task, text="已联系")
        resolve_task(actor=cast.north_organizer, task=task, result="好了")
        confirm_task(actor=cast.north_organizer, task=task, confirmed_by="李某")
        task.refresh_from_db()
    assert task.events.filter(kind__in=["RESOLVED", "CONFIRMED"]).count() == 2


def test_confirming_needs_a_result_first(cast, task):
    with pytest.raises(Refused, match="先办结"):
        confirm_task(actor=cast.north_organizer, task=task, confirmed_by="李某")


def test_reopening_clears_the_result_but_not_its_history(cast, task):
    resolve_task(actor=cast.north_organizer, task=task, result="好了")
    opened = reopen_task(actor=cast.north_organizer, task=task, reason="又坏了")
    assert opened.state == "OPEN" and opened.result == "" and opened.resolved_on is None
    assert opened.events.filter(text="好了").exists()


def test_dropping_needs_a_reason_and_an_open_task(cast, task):
    with pytest.raises(Refused):
        drop_task(actor=cast.north_organizer, task=task, reason="")
    assert drop_task(actor=cast.north_organizer, task=task, reason="转给供电所").state == "DROPPED"


def test_a_change_says_what_was_changed(cast, task):
    changed = change_task(actor=cast.north_organizer, task=task, title="修路灯", kind=task.kind)
    assert changed.events.last().text == "事项：修好村口路灯 → 修路灯"
    again = change_task(actor=cast.north_organizer, task=changed, title="修路灯")
    assert again.events.filter(kind="CHANGED").count() == 1


def test_a_confirmed_task_is_not_changed(cast, task):
    resolve_task(actor=cast.north_organizer, task=task, result="好了")
    assert change_task(actor=cast.north_organizer, task=task, title="修路灯").title == "修路灯"
    confirm_task(actor=cast.north_organizer, task=task, confirmed_by="李某")
    with pytest.raises(Refused, match="已经确认"):
        change_task(actor=cast.north_organizer, task=task, title="修桥")


def test_a_deadline_that_has_passed_is_refused(cast, branch):
    yesterday = timezone.localdate() - timedelta(days=1)
    with pytest.raises(Refused, match="不能早于今天"):
        open_task(actor=cast.north_organizer, unit=branch, title="修桥", deadline=yesterday)


def test_the_same_sending_twice_is_one_task(cast, branch):
    key = uuid.uuid4()
    tasks = {
        open_task(actor=cast.north_organizer, unit=branch, title="修桥", request_uuid=key).pk
        for _ in range(2)
    }
    assert len(tasks) == 1 and ServiceTask.objects.count() == 1


def test_an_owner_of_another_township_is_refused(cast, branch):
    with pytest.raises(Refused, match="承办党员"):
        open_task(actor=cast.north_organizer, unit=branch, title="修桥", owner=cast.sun)


def test_another_township_changes_nothing(cast, task):
    with pytest.raises(Refused):
        resolve_task(actor=cast.south_organizer, task=task, result="我来")
    task.refresh_from_db()
    assert task.state == "OPEN"


def test_a_frozen_unit_takes_no_step(cast, campaign, task):
    freeze_unit(actor=cast.officer, unit=unit_of(campaign, cast.north))
    with pytest.raises(Refused, match="确认上报"):
        resolve_task(actor=cast.north_organizer, task=task, result="好了")


def test_the_future_is_no_day_of_a_result(cast, task):
    tomorrow = timezone.localdate() + timedelta(days=1)
    with pytest.raises(Refused, match="晚于今天"):
        resolve_task(actor=cast.north_organizer, task=task, result="好了", resolved_on=tomorrow)


def test_counts_turn_with_the_calendar(cast, campaign, branch):
    today = timezone.localdate()
    actor, district = cast.north_organizer, unit_of(campaign, cast.district)
    late = open_task(actor=actor, unit=branch, title="晚了的")
    open_task(actor=actor, unit=branch, title="今天到期", deadline=today)
    done = open_task(actor=actor, unit=branch, title="办好的")
    for task in (late, done):
        change_task(actor=actor, task=task, deadline=today - timedelta(days=1))
    resolve_task(actor=actor, task=done, result="好了")
    counts = service_counts(district)
    assert counts == {"all": 3, "open": 2, "overdue": 1, "done": 1, "dropped": 0}
    assert service_counts(district, today + timedelta(days=2))["overdue"] == 2
    assert service_counts(unit_of(campaign, cast.south))["all"] == 0


def test_each_step_is_one_audit_event(cast, task):
    resolve_task(actor=cast.north_organizer, task=task, result="好了")
    actions = AuditEvent.objects.filter(action__startswith="service.").values_list("action", flat=True)
    assert list(actions) == ["service.resolved", "service.opened"]
