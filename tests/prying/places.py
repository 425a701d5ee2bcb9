"""A world with one of everything at every place of the tree, each with words found nowhere else."""

import io
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from django.utils import timezone
from openpyxl import Workbook

from attendance.imports.deciding import Line
from attendance.models import Attendance, MarkBatch, RosterEntry, SheetReading
from attendance.services.sheet_readings import Reading
from campaigns.models import Campaign, Department, ProgrammeItem
from campaigns.services.campaigns import create_campaign
from campaigns.services.lecturers import create_lecturer
from campaigns.services.service_tasks import open_task
from organizations.fields import digest
from organizations.models import AuditEvent, ImportBatch, Organization, Role
from organizations.services import bulk, imports, jobs, members
from organizations.services.transfer_requests import ask_transfer
from tests.attendance.scene import Scene
from tests.base import fixture_writes, make_user
from tests.campaigns.scene import unit_of
from tests.organizations.workbooks import id_number, person, roster

# The word of each place: no name of the cast holds one of them.
WORDS = {
    "HZ": "丹顶鹤",
    "HZ01": "白头鹎",
    "HZ0101": "红嘴鸥",
    "HZ0102": "黑枕鹂",
    "HZ02": "蓝尾鸲",
    "HZ0201": "灰喜鹊",
}
GHOST, OVERFLOW = 987_654_321, 2**63


def holds(above: str, code: str) -> bool:
    """Organizations are told apart by their codes here, not by tree paths: HZ01 holds HZ0101."""
    return code.startswith(above)


@dataclass
class Place:
    """One organization of the tree, and one of every kind of record that lies there."""

    code: str
    records: dict = field(default_factory=dict)

    def value(self, record: str, column: str):
        found = self.records.get(record)
        return found if found is None or not column else getattr(found, column)


class Nowhere(Place):
    """The same addresses with numbers nobody has."""

    def value(self, record: str, column: str):
        if record == "indicator":
            return "RATE_DUE"
        return UUID(int=7) if column == "uuid" else self.number

    @property
    def number(self) -> int:
        return OVERFLOW if self.code == "overflow" else GHOST


@dataclass(frozen=True)
class Canary:
    """Words that may be shown only to accounts whose scope holds one of `codes` (empty: to nobody)."""

    words: str
    codes: tuple[str, ...]
    roles: tuple[str, ...] = tuple(Role.values)
    from_below: bool = False  # what a level keeps for all below it: its name, its campaigns, its lecturers

    def may_be_seen_by(self, user) -> bool:
        if user is None or not user.is_active or user.role not in self.roles:
            return False
        mine = user.organization.code
        return any(holds(mine, code) or (self.from_below and holds(code, mine)) for code in self.codes)


class World(Scene):
    """`places`: {code: Place}; `canaries`: every word that tells where it comes from; `actors`."""

    def __init__(self):
        super().__init__()
        self.canaries: list[Canary] = []
        self.numbers: list[str] = []
        self.places = {code: Place(code) for code in WORDS}
        for organization in Organization.objects.order_by("path"):
            self.fill(self.places[organization.code], organization)
        self.shared = self.joint_session()
        self.ghosts = [Nowhere("ghost"), Nowhere("overflow")]
        self.actors = self.make_actors()

    # --- One place --------------------------------------------------------------------------
    def fill(self, place, organization):
        code, word = place.code, WORDS[place.code]
        below = organization if organization.holds_people else self.branch_below(code)
        unit, part = unit_of(self.campaign, organization), unit_of(self.campaign, below)
        keeper = make_user(f"keeper-{code.lower()}", organization, Role.OFFICER, name=f"{word}经办")
        session = self.session(unit, title=f"{word}课", venue=f"{word}堂", units=[part])
        task = open_task(
            actor=self.officer,
            unit=unit,
            title=f"{word}家修路",
            beneficiary=f"{word}户",
            detail=f"{word}详情",
        )
        place.records |= {
            "organization": organization,
            "account": keeper,
            "unit": unit,
            "session": session,
            "part": session.parts.get(),
            "task": task,
            "job": self.finished_job(keeper, word),
            "batch": self.import_batch(keeper, word, below),
            "lecturer": create_lecturer(actor=self.officer, organization=organization, name=f"{word}师"),
            "bulk": self.bulk_act(keeper, organization, word),
            "department": Nowhere("ghost"),
            "indicator": "RATE_DUE",
        }
        place.records["department"] = Department.objects.order_by("pk").first()
        self.add(f"{word}联", code)
        self.add(f"{word}课", code, below.code)
        self.add(f"{word}堂", code, below.code)
        for words in (f"{word}家修路", f"{word}户", f"{word}详情", f"{word}经办"):
            self.add(words, code)
        keepers = (Role.OFFICER, Role.ORGANIZER, Role.AUDITOR)
        self.add(f"{word}报表", code, roles=keepers)
        self.add(f"{word}表格内", code, roles=keepers)
        self.add(f"{word}名册", code)
        self.add(f"{word}生", code, roles=keepers)
        self.add(f"{word}师", code, from_below=True)
        self.add(organization.name, code, from_below=True)
        if organization.holds_people:
            self.fill_people(place, organization, session)
        else:
            self.fill_campaign(place, organization, word)
            if code != "HZ":
                self.ask(place, actor=keeper, member=below.members.order_by("place_in_list").last())
        place.records["event"] = AuditEvent.objects.filter(target_id=str(task.pk)).last()

    def fill_people(self, place, branch, session):
        people = list(branch.members.order_by("place_in_list"))
        for number, member in enumerate(people):
            self.give_numbers(member, number)
            self.add(member.name, place.code)
        entry = RosterEntry.objects.get(campaign=self.campaign, member=people[0])
        sending = self.mark(session, {people[0]: ("absent", "")}, actor=self.officer).batch
        members.change_member(actor=self.officer, member=people[0], party_group=f"{WORDS[place.code]}组")
        self.add(f"{WORDS[place.code]}组", place.code)
        row = Attendance.objects.get(session=session, entry=entry)
        self.ask(place, actor=self.keeper_of(branch), member=people[0])
        place.records |= {"member": people[0], "entry": entry, "attendance": row, "sending": sending}
        place.records["reading"] = self.reading_of(session, self.keeper_of(branch), people[-1].name)

    def reading_of(self, session, account, name):
        """What somebody uploaded and has not sent yet: nobody else's business, in the own branch neither."""
        lines = Reading([Line("第 2 行", name, say=f"{name}没有读")], [], [])
        with fixture_writes():
            return SheetReading.objects.create(
                uuid=uuid4(),
                session=session,
                account=account,
                kind=MarkBatch.Kind.SHEET,
                file_name="签到表.xlsx",
                lines=lines.as_bytes(),
            )

    def fill_campaign(self, place, organization, word):
        today = timezone.localdate()
        campaign = create_campaign(
            actor=self.officer,
            organization=self.district,
            preset="siwuliu",
            label=f"{word}自办",
            starts_on=today - timedelta(days=30),
            ends_on=today + timedelta(days=90),
        )
        with fixture_writes():
            Campaign.objects.filter(pk=campaign.pk).update(organization=organization)
            item = ProgrammeItem.objects.filter(group__campaign=campaign).first()
            topic = campaign.topics.first()
            ProgrammeItem.objects.filter(pk=item.pk).update(meaning=f"{word}含义")
            type(topic).objects.filter(pk=topic.pk).update(name=f"{word}专题")
        for words in (f"{word}自办", f"{word}含义", f"{word}专题"):
            self.add(words, place.code, from_below=True)
        campaign.refresh_from_db()
        place.records |= {"campaign": campaign, "item": item, "topic": topic}

    def ask(self, place, actor, member):
        """Somebody is to go to a place nobody knows; the level above is asked."""
        waiting = member.transfer_requests.first()
        words = f"{WORDS[member.branch.code]}外"
        self.add(words, member.branch.code)
        place.records["request"] = waiting or ask_transfer(
            actor=actor, member=member, wanted=words, day=timezone.localdate(), note=words
        )

    def keeper_of(self, organization):
        return organization.accounts.get(username=f"keeper-{organization.code.lower()}")

    def add(self, words, *codes, **more):
        self.canaries.append(Canary(words, codes, **more))

    def branch_below(self, code):
        """The last one: HZ → the south's branch, so that the north has no part in the district's class."""
        return Organization.objects.filter(code__startswith=code, kind="BRANCH").order_by("-path").first()

    def give_numbers(self, member, number):
        """An ID number and a phone no page, file, log or address may hold in full."""
        serial = f"{len(self.numbers) + 1:03}"
        member.id_number = id_number("19700101", serial)
        member.phone = f"1390000{len(self.numbers):04}"
        member.id_digest, member.phone_digest = digest(member.id_number), digest(member.phone)
        self.numbers += [member.id_number, member.phone]
        with fixture_writes():
            member.save()

    def bulk_act(self, keeper, organization, word):
        values = {"contact_name": f"{word}联"}
        return bulk.change_many(
            actor=keeper,
            kind="organization.change",
            ids=[organization.pk],
            values=values,
            request_uuid=uuid4(),
        )

    def finished_job(self, keeper, word):
        organization = keeper.organization
        job = jobs.enqueue(
            kind="tests.canary",
            title=f"{word}报表",
            requested_by=keeper,
            organization=organization,
            params={},
        )
        jobs.publish(jobs.claim(job.pk), name=f"{word}报表.xlsx", content=workbook(f"{word}表格内"))
        job.refresh_from_db()
        return job

    def import_batch(self, keeper, word, branch) -> ImportBatch:
        """One good row and one wrong one, so that there is an annotated sheet to fetch."""
        content = roster(
            person(f"{word}生甲", branch=branch.name), person(f"{word}生乙", branch=branch.name, id="123")
        )
        return imports.check_roster(
            actor=keeper, organization=keeper.organization, file_name=f"{word}名册.xlsx", content=content
        )

    def joint_session(self):
        """One class of both townships: seen by both, the people only by their own."""
        units = [self.north_branch_unit, self.south_branch_unit]
        session = self.session(self.district_unit, title="两镇合上的课", units=units, hour=15)
        self.mark(session, {self.wang: "present", self.sun: ("absent", "")}, actor=self.officer)
        return session

    def make_actors(self) -> dict:
        with fixture_writes():
            closed = make_user("closed", self.north, Role.ORGANIZER, is_active=False)
        make = {
            "township officer": (self.north, Role.OFFICER),
            "branch organizer": (self.north_branch, Role.ORGANIZER),
            "township inspector": (self.south, Role.INSPECTOR),
            "township auditor": (self.north, Role.AUDITOR),
        }
        made = {name: make_user(name.replace(" ", "-"), *at) for name, at in make.items()}
        return {
            "officer": self.officer,
            "organizer": self.north_organizer,
            "sibling organizer": self.south_organizer,
            "recorder": self.north_recorder,
            "inspector": self.inspector,
            "auditor": self.auditor,
            **made,
            "closed account": closed,
            "anonymous": None,
        }


def workbook(words: str) -> bytes:
    """A real workbook, so that the search has to look inside."""
    book, output = Workbook(), io.BytesIO()
    book.active.append([words])
    book.save(output)
    return output.getvalue()
