"""Several classes called off, several tasks given to somebody else: in one act."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from campaigns.models import ServiceEvent, ServiceTask, SessionUnit, Unit
from campaigns.services.bulk import TASKS, cancel_sessions
from campaigns.services.registers import set_recorded
from campaigns.services.service_tasks import drop_task, open_task
from organizations.models import AuditEvent
from organizations.service import Refused
from organizations.services import bulk
from tests.base import fixture_writes, make_member
from tests.campaigns.scene import make_session, unit_of


@pytest.fixture
def classes(cast, campaign, branch):
    return [make_session(cast.north_organizer, campaign, branch, title=f"第{n}课") for n in "一二"]


@pytest.fixture
def tasks(cast, branch):
    return [open_task(actor=cast.north_organizer, unit=branch, title=f"修{what}") for what in ("桥", "路")]


def cancel(cast, sessions, reason="大雪", actor=None, key=None):
    return cancel_sessions(
        actor=actor or cast.north_organizer,
        ids=[session.pk for session in sessions],
        reason=reason,
        request_uuid=key or uuid4(),
    )


def change(cast, tasks, **values):
    return bulk.change_many(
        actor=cast.north_organizer,
        kind=TASKS,
        ids=[task.pk for task in tasks],
        values=values,
        request_uuid=uuid4(),
    )


def test_several_classes_are_called_off_in_one_act(cast, classes):
    before, key = AuditEvent.objects.count(), uuid4()
    act = cancel(cast, classes, key=key)
    assert cancel(cast, classes, key=key) == act
    for session in classes:
        session.refresh_from_db()
        assert session.cancelled_at and session.void_reason == "大雪"
    assert not SessionUnit.objects.filter(due_at__isnull=False).exists()
    assert AuditEvent.objects.count() == before + 1 and act.changes.count() == 2
    with pytest.raises(Refused, match="取消了的场次不能恢复"):
        bulk.undo_act(actor=cast.north_organizer, act=act)


def test_one_with_marks_is_named_and_none_is_called_off(cast, classes):
    set_recorded(parts=classes[1].parts.all())
    with pytest.raises(Refused, match="第二课：已经点过名"):
        cancel(cast, classes)
    classes[0].refresh_from_db()
    assert classes[0].cancelled_at is None


def test_a_reason_is_needed_and_classes_of_others_stay(cast, campaign, classes):
    with pytest.raises(Refused, match="原因"):
        cancel(cast, classes, reason=" ")
    south = make_session(cast.south_organizer, campaign, unit_of(campaign, cast.south_branch))
    with pytest.raises(Refused, match="管理范围"):
        cancel(cast, [*classes, south])


def test_a_class_of_accepted_figures_stays(cast, classes, branch):
    with fixture_writes():
        Unit.objects.filter(pk=branch.pk).update(frozen_at=timezone.now())
    with pytest.raises(Refused, match="已经确认上报"):
        cancel(cast, classes)


def test_tasks_get_another_owner_and_deadline_and_back(cast, tasks):
    day = timezone.localdate() + timedelta(days=9)
    act = change(cast, tasks, owner_id=cast.wang.pk, deadline=day)
    assert {(t.owner_id, t.deadline) for t in ServiceTask.objects.all()} == {(cast.wang.pk, day)}
    assert act.changes.first().told[0] == {
        "field": "owner",
        "label": "承办党员",
        "before": "",
        "after": "王北甲",
    }
    assert ServiceEvent.objects.filter(kind="CHANGED").count() == 2
    assert bulk.undo_act(actor=cast.north_organizer, act=act).done == 2
    assert {(t.owner_id, t.deadline) for t in ServiceTask.objects.all()} == {(None, None)}


def test_undo_leaves_alone_whose_former_owner_is_gone(cast, tasks):
    old = make_member(cast.north_branch, "周北戊")
    change(cast, tasks[:1], owner_id=old.pk)
    act = change(cast, tasks, owner_id=cast.wang.pk)
    with fixture_writes():
        old.delete()
    outcome = bulk.undo_act(actor=cast.north_organizer, act=act)
    assert outcome.done == 1 and outcome.left == ["修桥（原来的承办党员已经不在了）"]
    assert {task.owner_id for task in ServiceTask.objects.all()} == {cast.wang.pk, None}


def test_one_that_is_over_is_named(cast, tasks):
    drop_task(actor=cast.north_organizer, task=tasks[1], reason="归别处办")
    with pytest.raises(Refused, match="修路：已经确认或不再办理"):
        change(cast, tasks, deadline=timezone.localdate())


def test_no_owner_from_elsewhere_and_no_deadline_in_the_past(cast, tasks):
    with pytest.raises(Refused, match="承办党员"):
        change(cast, tasks, owner_id=cast.sun.pk)
    with pytest.raises(Refused, match="不能早于今天"):
        change(cast, tasks, deadline=timezone.localdate() - timedelta(days=1))
    assert not ServiceTask.objects.filter(owner__isnull=False).exists()


def test_undo_leaves_alone_whose_figures_were_accepted_since(cast, tasks, branch):
    act = change(cast, tasks, owner_id=cast.wang.pk)
    with fixture_writes():
        Unit.objects.filter(pk=branch.pk).update(frozen_at=timezone.now())
    outcome = bulk.undo_act(actor=cast.north_organizer, act=act)
    assert outcome.done == 0 and len(outcome.left) == 2 and "确认上报" in outcome.left[0]
