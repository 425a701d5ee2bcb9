import pytest
from django.urls import reverse

from campaigns.models import Department, Lecturer, ServiceTask, TrainingSession
from campaigns.services.campaigns import FACTS
from campaigns.services.registers import set_recorded
from campaigns.services.service_tasks import open_task
from organizations.models import AuditEvent
from tests.base import query_count
from tests.campaigns.scene import make_session, unit_of


def url(model, page, *args):
    return reverse(f"admin:campaigns_{model}_{page}", args=args)


@pytest.fixture
def ledger(client, cast):
    client.force_login(cast.north_organizer)
    return client


def day_fields(session_or_day, **more):
    day = str(session_or_day)
    return {"starts_at": f"{day}T09:00", "ends_at": f"{day}T11:00", **more}


def class_fields(campaign, **changes):
    fields = {
        "title": "台账里安排的课",
        "form": campaign.forms.get(code="LECTURE").pk,
        "method": "LECTURE",
        "topics": [campaign.topics.first().pk],
        "round": "FIRST",
        "venue": "村部",
    }
    return day_fields(campaign.starts_on, **{**fields, **changes})


def test_a_class_is_planned_and_changed_in_the_ledger(ledger, cast, campaign, branch):
    ledger.post(url("trainingsession", "add"), class_fields(campaign, host=branch.pk))
    session = TrainingSession.objects.get()
    assert session.parts.get().unit == branch and session.minutes == 120
    change = url("trainingsession", "change", session.pk)
    answer = ledger.post(change, class_fields(campaign, ends_at=f"{campaign.starts_on}T10:00"))
    session.refresh_from_db()
    assert answer.status_code == 302 and session.minutes == 60 and session.topics.count() == 1
    actions = AuditEvent.objects.about(session, cast.officer).values_list("action", flat=True)
    assert list(actions) == ["session.change", "session.plan"]


def test_the_list_leads_to_register_and_makeup(ledger, cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch, days=-1)
    coming = make_session(cast.north_organizer, campaign, branch, days=1)
    page = ledger.get(url("trainingsession", "changelist")).content.decode()
    assert reverse("attendance:register", args=[session.pk]) in page
    assert reverse("attendance:register", args=[coming.pk]) not in page
    assert reverse("attendance:sheet_print", args=[coming.pk]) in page
    assert reverse("attendance:makeup_list", args=[campaign.pk]) in page


def test_a_recorded_class_is_refused_with_a_sentence(ledger, cast, campaign, branch):
    session = make_session(cast.north_organizer, campaign, branch)
    set_recorded(parts=session.parts.all())
    answer = ledger.post(url("trainingsession", "change", session.pk), class_fields(campaign))
    session.refresh_from_db()
    assert "更正场次" in answer.content.decode() and session.title == "冬训第一课"


def test_a_foreign_host_changes_nothing(ledger, cast, campaign):
    south = unit_of(campaign, cast.south_branch)
    ledger.post(url("trainingsession", "add"), class_fields(campaign, host=south.pk))
    assert not TrainingSession.objects.exists()


def test_parts_of_others_are_not_shown(ledger, cast, campaign, branch):
    units = [branch, unit_of(campaign, cast.south_branch)]
    session = make_session(cast.officer, campaign, branch, units=units)
    page = ledger.get(url("trainingsession", "change", session.pk)).content.decode()
    assert "南河村" not in page


def test_a_service_task_is_written_down_and_changed(ledger, cast, branch):
    fields = {"unit": branch.pk, "title": "修桥", "kind": "PROBLEM", "owner": cast.wang.pk}
    ledger.post(url("servicetask", "add"), fields)
    task = ServiceTask.objects.get()
    answer = ledger.post(url("servicetask", "change", task.pk), {**fields, "title": "修大桥"})
    task.refresh_from_db()
    assert answer.status_code == 302 and task.title == "修大桥" and task.owner == cast.wang
    assert task.events.count() == 2


def test_another_townships_records_do_not_exist(client, cast, campaign, branch):
    task = open_task(actor=cast.north_organizer, unit=branch, title="修桥")
    session = make_session(cast.north_organizer, campaign, branch)
    client.force_login(cast.south_organizer)
    assert client.get(url("servicetask", "change", task.pk)).status_code == 404
    assert client.get(url("trainingsession", "change", session.pk)).status_code == 404


def test_a_lecturer_gets_a_department(ledger, cast, campaign):
    fields = {"organization": cast.north.pk, "name": "周讲师", "title": "站长", "kind": "BACKBONE"}
    ledger.post(url("lecturer", "add"), fields)
    lecturer = Lecturer.objects.get()
    fields["department"] = Department.objects.get(name="农水").pk
    ledger.post(url("lecturer", "change", lecturer.pk), fields)
    lecturer.refresh_from_db()
    assert lecturer.department.name == "农水"
    ledger.post(url("lecturer", "add"), fields)
    assert Lecturer.objects.count() == 1


def test_departments_are_added_by_the_top_level_only(client, cast, campaign):
    client.force_login(cast.north_organizer)
    assert client.post(url("department", "add"), {"name": "教育", "position": 8}).status_code == 403
    client.force_login(cast.officer)
    client.post(url("department", "add"), {"name": "教育", "position": 8})
    assert Department.objects.filter(name="教育").exists()


def test_a_campaign_its_items_and_topics_are_changed_by_officers(client, cast, campaign):
    item, topic = campaign.groups.first().items.first(), campaign.topics.first()
    client.force_login(cast.officer)
    client.post(url("programmeitem", "change", item.pk), {"name": "领导到位", "meaning": "x"})
    client.post(url("topic", "change", topic.pk), {"name": "新提法", "task": topic.task_id})
    item.refresh_from_db()
    topic.refresh_from_db()
    assert item.name == "领导到位" and topic.name == "新提法" and not topic.is_compulsory
    fields = {name: getattr(campaign, name) for name in FACTS}
    client.post(url("campaign", "change", campaign.pk), {**fields, "target_percent": 90})
    campaign.refresh_from_db()
    assert campaign.target_percent == 90


def test_organizers_read_the_programme_only(ledger, campaign):
    item = campaign.groups.first().items.first()
    assert ledger.get(url("programmeitem", "change", item.pk)).status_code == 200
    assert ledger.post(url("programmeitem", "change", item.pk), {"name": "x"}).status_code == 403


def test_the_list_costs_the_same_for_one_and_three(ledger, cast, campaign, branch):
    make_session(cast.north_organizer, campaign, branch, title="一")
    one = query_count(ledger, url("trainingsession", "changelist"))
    for title in ("二", "三"):
        make_session(cast.north_organizer, campaign, branch, title=title)
    assert query_count(ledger, url("trainingsession", "changelist")) == one
