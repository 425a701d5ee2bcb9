"""An example call of every audited write service, by its name in the registry."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from attendance.models import RosterEntry
from attendance.queries.differences import roster_differences
from attendance.services import (
    adopting,
    closing,
    confirming,
    corrections,
    makeup,
    marks,
    merging,
    roster,
    tree,
)
from campaigns.models import ProgrammeItem, Topic
from campaigns.services import campaigns, lecturers, service_tasks, sessions, topics
from campaigns.services.bulk import cancel_sessions
from organizations.service import REGISTRY
from organizations.services import imports
from reports.services import reports
from tests.base import fixture_writes, make_member, make_organization
from tests.campaigns.scene import at, make_campaign
from tests.organizations.workbooks import person
from tests.organizations.workbooks import roster as roster_file
from tests.prying.acts_apart import APART
from tests.prying.acts_care import CARE
from tests.prying.acts_ending import ENDING
from tests.prying.acts_moving import MOVING
from tests.prying.acts_rows import ROWS
from tests.prying.acts_sheets import SHEETS
from tests.test_services import acts as organization_acts
from tests.test_services import load_every_service

load_every_service()
TODAY = timezone.localdate
# On an empty installation only.
FIRST = {
    "organizations.services.accounts.open_first_account",
    "organizations.services.organizations.create_root",
    "reports.demo.load.load",
}


def audited() -> list[str]:
    return sorted(name for name, function in REGISTRY.items() if function.audited and name not in FIRST)


def nothing(winter):
    return None


# name → (what has to be there before, the act itself on what that gave).
ACTS = {**APART, **CARE, **ENDING, **MOVING, **ROWS, **SHEETS}


def act(name, prepare=nothing):
    def keep(function):
        ACTS[name] = (prepare, function)
        return function

    return keep


def planned(w):
    return w.session(w.north_branch_unit, actor=w.north_organizer, days=2, title="还早的课")


def marked(w):
    session = w.session(w.north_branch_unit, days=-3, title="点过名的课", hour=15)
    w.mark(session, {w.wang: "present", w.li: ("absent", "")})
    return session


def sent(w):
    return w.mark(w.session(days=-3, title="刚点的课", hour=15), {w.wang: "present"}).batch


def closed_part(w):
    session = marked(w)
    closing.close_parts(actor=w.north_organizer, session=session, rest="absent", batch=uuid4())
    return session.parts.get()


def open_task(w):
    return service_tasks.open_task(actor=w.north_organizer, unit=w.north_branch_unit, title="修路")


def resolved_task(w):
    return service_tasks.resolve_task(actor=w.north_organizer, task=open_task(w), result="修好了")


def second_campaign(w):
    return make_campaign(w, label="练一练", opened=False, kind="PRACTICE")


def lecturer(w):
    return lecturers.create_lecturer(actor=w.north_organizer, organization=w.north, name="讲师甲")


def checked_roster(w):
    content = roster_file(person("张新一"), person("张新二", id="123"))
    return imports.check_roster(
        actor=w.north_organizer, organization=w.north, file_name="名册.xlsx", content=content
    )


def new_member(w):
    return make_member(w.north_branch, "新来的人", branch_since=TODAY())


def new_branch(w):
    return make_organization(w.north, "HZ0103", "北岭村党支部")


def times(days=2, hour=10):
    start = at(TODAY() + timedelta(days=days), hour)
    return {"starts_at": start, "ends_at": start + timedelta(hours=2)}


def first_item(w):
    return ProgrammeItem.objects.filter(group__campaign=w.campaign).first()


def words_of_programme(w):
    groups = {group.pk: f"{group.name}改" for group in w.campaign.groups.all()}
    items = {
        item.pk: (item.name, item.meaning)
        for item in ProgrammeItem.objects.filter(group__campaign=w.campaign)
    }
    return {"groups": groups, "items": items}


def rows_of_topics(w):
    return [
        {"pk": t.pk, "name": f"{t.name}改", "task": t.task_id, "is_compulsory": t.is_compulsory}
        for t in Topic.objects.filter(campaign=w.campaign)
    ]


def plan_of(w, session):
    return sessions.Plan(
        title="改过的课",
        form=session.form,
        units=[w.north_branch_unit],
        **times(),
    )


@act("attendance.services.adopting.adopt_differences", new_member)
def _(w, _member):
    adopting.adopt_differences(actor=w.north_organizer, unit=w.north_branch_unit)


@act("attendance.services.tree.adopt_tree", new_branch)
def _(w, _branch):
    tree.adopt_tree(actor=w.officer, unit=w.district_unit)


@act("attendance.services.closing.close_parts", marked)
def _(w, session):
    closing.close_parts(actor=w.north_organizer, session=session, rest="absent", batch=uuid4())


@act("attendance.services.closing.reopen_part", closed_part)
def _(w, part):
    closing.reopen_part(actor=w.north_organizer, part=part, reason="漏了一个人")


@act("attendance.services.corrections.correct_session", marked)
def _(w, session):
    corrections.correct_session(
        actor=w.north_organizer, session=session, title="改名", topics=[], minutes=60, **times(-3, 15)
    )


@act("attendance.services.corrections.void_session", marked)
def _(w, session):
    corrections.void_session(actor=w.north_organizer, session=session, reason="录错了")


@act("attendance.services.makeup.plan_makeup")
def _(w, _nothing):
    entries = [w.entry(w.qian)]
    makeup.plan_makeup(
        actor=w.north_organizer,
        unit=w.north_other_unit,
        topics=w.topics(0),
        entries=entries,
        title="补一课",
        **times(),
    )


@act("attendance.services.marks.record_marks", lambda w: w.session(days=-3, hour=15))
def _(w, session):
    w.mark(session, {w.wang: "present", w.li: ("leave", "ILL")})


@act("attendance.services.marks.undo_batch", sent)
def _(w, batch):
    marks.undo_batch(actor=w.north_organizer, batch=batch, uuid=uuid4())


@act("attendance.services.merging.merge_people")
def _(w, _nothing):
    merging.merge_people(actor=w.north_organizer, winner=w.wang, loser=w.li)


@act("attendance.services.confirming.confirm_roster")
def _(w, _nothing):
    differing = roster_differences(w.north_unit).total
    confirming.confirm_roster(actor=w.north_organizer, unit=w.north_unit, knowing=differing)


@act("attendance.services.roster.set_waiver")
def _(w, _nothing):
    roster.set_waiver(actor=w.north_organizer, entry=w.entry(w.li), reason="OLD_AGE", since=TODAY())


@act("attendance.services.roster.end_waiver")
def _(w, _nothing):
    roster.end_waiver(actor=w.north_organizer, entry=w.entry(w.zhao), until=TODAY())


def next_winter(w):
    """The first one is over: nobody is on two open rosters."""
    with fixture_writes():
        RosterEntry.objects.update(is_open=False)
    return second_campaign(w)


@act("attendance.services.roster.open_campaign", next_winter)
def _(w, campaign):
    roster.open_campaign(actor=w.officer, campaign=campaign)


@act("campaigns.services.campaigns.create_campaign")
def _(w, _nothing):
    second_campaign(w)


@act("campaigns.services.campaigns.change_campaign")
def _(w, _nothing):
    campaigns.change_campaign(
        actor=w.officer, campaign=w.campaign, target_percent=90, trained_rule="COMPULSORY"
    )


@act("campaigns.services.campaigns.change_item")
def _(w, _nothing):
    campaigns.change_item(actor=w.officer, item=first_item(w), meaning="新的含义")


@act("campaigns.services.campaigns.rename_programme")
def _(w, _nothing):
    campaigns.rename_programme(actor=w.officer, campaign=w.campaign, **words_of_programme(w))


@act("campaigns.services.topics.save_programme")
def _(w, _nothing):
    topics.save_programme(
        actor=w.officer, campaign=w.campaign, topics=rows_of_topics(w), **words_of_programme(w)
    )


@act("campaigns.services.topics.save_topics")
def _(w, _nothing):
    topics.save_topics(actor=w.officer, campaign=w.campaign, topics=rows_of_topics(w))


@act("campaigns.services.topics.change_topic")
def _(w, _nothing):
    topics.change_topic(actor=w.officer, topic=w.topics(0)[0], name="换个名字", is_compulsory=False)


@act("campaigns.services.lecturers.create_lecturer")
def _(w, _nothing):
    lecturer(w)


@act("campaigns.services.lecturers.change_lecturer", lecturer)
def _(w, one):
    lecturers.change_lecturer(actor=w.north_organizer, lecturer=one, title="教授", kind="EXPERT")


@act("campaigns.services.lecturers.create_department")
def _(w, _nothing):
    lecturers.create_department(actor=w.officer, name="水务局")


@act("campaigns.services.service_tasks.open_task")
def _(w, _nothing):
    open_task(w)


@act("campaigns.services.service_tasks.change_task", open_task)
def _(w, task):
    service_tasks.change_task(actor=w.north_organizer, task=task, title="修桥", deadline=TODAY())


@act("campaigns.services.service_tasks.note_task", open_task)
def _(w, task):
    service_tasks.note_task(actor=w.north_organizer, task=task, text="材料到了")


@act("campaigns.services.service_tasks.resolve_task", open_task)
def _(w, task):
    service_tasks.resolve_task(actor=w.north_organizer, task=task, result="修好了")


@act("campaigns.services.service_tasks.confirm_task", resolved_task)
def _(w, task):
    service_tasks.confirm_task(actor=w.north_organizer, task=task, confirmed_by="老张")


@act("campaigns.services.service_tasks.reopen_task", resolved_task)
def _(w, task):
    service_tasks.reopen_task(actor=w.north_organizer, task=task, reason="又坏了")


@act("campaigns.services.service_tasks.drop_task", open_task)
def _(w, task):
    service_tasks.drop_task(actor=w.north_organizer, task=task, reason="归别处办")


@act("campaigns.services.sessions.plan_session")
def _(w, _nothing):
    planned(w)


@act("campaigns.services.sessions.plan_for_host")
def _(w, _nothing):
    form = w.campaign.forms.get(code="LECTURE")
    sessions.plan_for_host(
        actor=w.north_organizer, host=w.north_branch_unit, title="台账里的课", form=form, **times()
    )


@act("campaigns.services.sessions.change_session", planned)
def _(w, session):
    sessions.change_session(actor=w.north_organizer, session=session, plan=plan_of(w, session))


@act("campaigns.services.sessions.adjust_session", planned)
def _(w, session):
    sessions.adjust_session(actor=w.north_organizer, session=session, title="改个名", venue="会议室")


@act("campaigns.services.sessions.cancel_session", planned)
def _(w, session):
    sessions.cancel_session(actor=w.north_organizer, session=session, reason="停电")


@act("campaigns.services.bulk.cancel_sessions", planned)
def _(w, session):
    cancel_sessions(actor=w.north_organizer, ids=[session.pk], reason="停电", request_uuid=uuid4())


@act("organizations.services.imports.check_roster")
def _(w, _nothing):
    checked_roster(w)


@act("organizations.services.imports.store_batch", checked_roster)
def _(w, batch):
    imports.store_batch(actor=w.north_organizer, batch=batch, partial=True)


@act("organizations.services.imports.fetch_annotated", checked_roster)
def _(w, batch):
    imports.fetch_annotated(actor=w.north_organizer, batch=batch)


@act("reports.services.reports.request_report")
def _(w, _nothing):
    reports.request_report(actor=w.north_organizer, unit=w.north_unit, form=uuid4())


def acts_of_the_left(winter) -> dict:
    """The organizations' own table, under full names."""
    return {f"organizations.services.{name}": run for name, run in organization_acts(winter).items()}
