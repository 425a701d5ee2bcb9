"""One more row of every model the ledger shows, in the north township; its name holds `WORD`."""

from datetime import date, timedelta
from itertools import count
from uuid import uuid4

from django.utils import timezone

from attendance.models import Attendance, RosterEntry, RosterStay, Status
from campaigns.models import (
    Campaign,
    Department,
    Lecturer,
    ProgrammeItem,
    ServiceTask,
    Topic,
    TrainingSession,
    Unit,
)
from organizations.models import (
    AuditEvent,
    BulkAct,
    BulkChange,
    ImportBatch,
    Job,
    Member,
    Organization,
    Role,
    TransferRequest,
    User,
)
from organizations.services import audit, jobs
from tests.base import fixture_writes, make_member, make_organization, make_user
from tests.campaigns.scene import make_campaign

WORD = "金翅雀"
numbers = count(1)


def organization(scene):
    return make_organization(scene.north, f"HZ01{WORD}{next(numbers)}", f"{WORD}村{next(numbers)}")


def member(scene):
    return make_member(scene.north_branch, f"{WORD}{next(numbers)}", initials="jcq")


def transfer_request(scene):
    return TransferRequest.objects.create(
        member=member(scene),
        from_branch=scene.north_branch,
        wanted=WORD,
        addressee=scene.district,
        day=date(2026, 11, 1),
        asked_by=scene.north_organizer,
    )


def user(scene):
    return make_user(f"jcq{next(numbers)}", scene.north_branch, Role.RECORDER, name=WORD)


def job(scene):
    asker = scene.north_organizer
    return jobs.enqueue(
        kind="t", title=f"{WORD}表", requested_by=asker, organization=asker.organization, params={}
    )


def batch(scene):
    return ImportBatch.objects.create(
        organization=scene.north, uploaded_by=scene.north_organizer, file_name=f"{WORD}.xlsx"
    )


def event(scene):
    return audit.record(
        actor=scene.north_organizer, action="t", summary=f"办了{WORD}", target=scene.north_branch
    )


def bulk_act(scene):
    act = BulkAct.objects.create(
        actor=scene.north_organizer, kind="member.change", summary=f"改了{WORD}", request_uuid=uuid4()
    )
    BulkChange.objects.create(
        act=act,
        target_type="organizations.member",
        target_id=scene.wang.pk,
        path=scene.north_branch.path,
        name=WORD,
    )
    return act


def campaign(scene):
    """The north's own: what the district runs is everybody's to read."""
    made = make_campaign(scene, f"{WORD}{next(numbers)}", kind="PRACTICE", opened=False)
    Campaign.objects.filter(pk=made.pk).update(organization=scene.north)
    made.refresh_from_db()
    return made


def own_campaign(scene):
    found = Campaign.objects.filter(organization=scene.north).first()
    return found or campaign(scene)


def item(scene):
    group = own_campaign(scene).groups.first()
    place = next(numbers)
    return ProgrammeItem.objects.create(group=group, code=f"c{place}", name=f"{WORD}{place}", position=place)


def topic(scene):
    of = own_campaign(scene)
    bit = max([-1, *of.topics.values_list("bit", flat=True)]) + 1
    return Topic.objects.create(campaign=of, name=f"{WORD}{bit}", bit=bit)


def unit(scene):
    of = organization(scene)
    return Unit.objects.create(
        campaign=scene.campaign, organization=of, name=of.name, kind=of.kind, path=of.path, depth=of.depth
    )


def session(scene):
    hour = 7 + next(numbers) % 12
    return scene.session(scene.north_branch_unit, days=2, hour=hour, title=f"{WORD}课{next(numbers)}")


def lecturer(scene):
    return Lecturer.objects.create(organization=scene.north, name=f"{WORD}{next(numbers)}")


def department(scene):
    return Department.objects.create(name=f"{WORD}{next(numbers)}")


def task(scene):
    return ServiceTask.objects.create(
        campaign=scene.campaign, unit=scene.north_branch_unit, title=f"{WORD}修路", owner=scene.wang
    )


def entry(scene):
    made = RosterEntry.objects.create(
        campaign=scene.campaign,
        member=member(scene),
        unit=scene.north_branch_unit,
        category="FULL",
        hours_target=32,
        joined_on=timezone.localdate(),
    )
    RosterStay.objects.create(entry=made, unit=made.unit, since=made.joined_on)
    return made


def attendance(scene):
    held = timezone.localdate() - timedelta(days=1)
    of = session(scene)
    return Attendance.objects.create(
        session=of,
        session_unit=of.parts.get(),
        entry=entry(scene),
        unit=scene.north_branch_unit,
        held_on=held,
        status=Status.PRESENT,
    )


ROWS = {
    Organization: organization,
    Member: member,
    TransferRequest: transfer_request,
    User: user,
    Job: job,
    ImportBatch: batch,
    AuditEvent: event,
    BulkAct: bulk_act,
    Campaign: campaign,
    ProgrammeItem: item,
    Topic: topic,
    Unit: unit,
    TrainingSession: session,
    Lecturer: lecturer,
    Department: department,
    ServiceTask: task,
    RosterEntry: entry,
    Attendance: attendance,
}


def one_more(model, scene):
    with fixture_writes():
        return ROWS[model](scene)
