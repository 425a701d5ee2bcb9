"""Loads the whole demo, or says what is already loaded."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from attendance.models import Attendance, RosterEntry, RosterStay
from attendance.services.recount import rebuild
from campaigns.models import Campaign, SessionUnit, Stage, TrainingSession
from campaigns.services.campaigns import create_campaign, draw_units
from organizations.models import AuditEvent, Member, Organization, Role, User
from organizations.service import Refused, service
from organizations.services import audit
from reports.demo import accounts, bulk, evenings, lecturers
from reports.demo.people import People
from reports.demo.registers import FINISHED, RUNNING, Habits, Registers
from reports.demo.service import ServiceTasks
from reports.demo.training import LAST_WINTER, THIS_WINTER, TODAY, Calendar, Winter
from reports.demo.tree import LONE_DISTRICT, Tree

ACTION = "demo.load"
FEWEST = 20
Say = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """What was asked for when the demo was loaded; everything else follows from it."""

    members: int
    seed: int
    today: date

    @property
    def this_start(self) -> date:
        return self.today - timedelta(days=TODAY)

    @property
    def last_start(self) -> date:
        return self.this_start - timedelta(days=365)


def loaded() -> Demo | None:
    """The demo in this database, None if it is empty. Refused where other data, or half a demo, is in it."""
    if not Organization.objects.exists():
        return None
    event = AuditEvent.objects.filter(action=ACTION).order_by("pk").first()
    if event:
        facts = event.details
        return Demo(facts["members"], facts["seed"], date.fromisoformat(facts["today"]))
    if Organization.objects.filter(code="YS").exists():
        raise Refused("上次演示数据没有装完。请删除这个数据库，重新建库后再装。", "half")
    raise Refused("数据库里已有其他数据，不能装演示数据。请换一个空的数据库。", "not_empty")


@service(atomic=False)
def load(*, demo: Demo, say: Say) -> None:
    """Fill an empty database. Repeating it is refused; up to 100,000 members it is all or nothing."""
    if loaded():
        raise Refused("演示数据已经装好了。", "loaded")
    bulk.patience(True)
    try:
        with transaction.atomic() if demo.members <= LONE_DISTRICT else nullcontext():
            _load(demo, say)
    finally:
        bulk.patience(False)


def _load(demo: Demo, say: Say) -> None:
    tree = Tree(demo.members, demo.seed)
    with transaction.atomic():
        tree.store()
        accounts.store(tree, demo.seed)
    say(f"党组织{len(tree.nodes)}个")
    with transaction.atomic():
        people = People(tree, demo.seed, demo.today, demo.last_start, demo.this_start)
        say(f"党员{people.store()}名（姓名、证件号、电话均为虚构）")
    bulk.analyze(Organization, Member)
    officer = User.objects.select_related("organization").get(pk=1)
    campaigns = [_campaign(officer, demo.last_start, 150), _campaign(officer, demo.this_start, 150)]
    lecturers.store(tree, demo.seed)
    tasks = ServiceTasks(tree, demo.seed, demo.today)
    authors = dict(User.objects.filter(role=Role.ORGANIZER).values_list("organization_id", "pk"))
    winters = ((LAST_WINTER, FINISHED, 0.056), (THIS_WINTER, RUNNING, 0.024))
    for campaign, (winter, habits, share) in zip(campaigns, winters, strict=True):
        over = winter is LAST_WINTER
        _train(tree, campaign, demo, winter, habits, say)
        tasks.store(campaign, max(24, round(demo.members * share)), authors, over)
        Campaign.objects.filter(pk=campaign.pk).update(stage=Stage.CLOSED if over else Stage.OPEN)
        campaign.refresh_from_db()
        rebuild(campaign=campaign)
        if not over:
            evenings.store(campaign, demo.today)
        say(f"{campaign.label}：统计完成")
    _record(tree, demo)


def _campaign(officer: User, starts_on: date, days: int) -> Campaign:
    """Named by its season: what begins from July on belongs to the winter that follows."""
    year = starts_on.year if starts_on.month >= 7 else starts_on.year - 1
    with transaction.atomic():
        campaign = create_campaign(
            actor=officer,
            organization=officer.organization,
            preset="siwuliu",
            label=f"{year}—{year + 1}年度党员冬训",
            starts_on=starts_on,
            ends_on=starts_on + timedelta(days=days),
        )
        draw_units(actor=officer, campaign=campaign)
    return campaign


def _train(tree: Tree, campaign: Campaign, demo: Demo, winter: Winter, habits: Habits, say: Say) -> None:
    """Roster, sessions, registers; one district after the other."""
    width = len(tree.districts[0].townships[0].node.path)
    registers = Registers(campaign, habits, demo.seed, winter is THIS_WINTER, width)
    with transaction.atomic():
        registers.draw()
    bulk.analyze(RosterEntry, RosterStay)
    calendar = Calendar(campaign, winter, demo.today, demo.seed, _next_ids())
    for district in tree.districts:
        with transaction.atomic():
            calendar.plan(district)
            registers.hold(calendar.waves)
    bulk.reset_sequences(TrainingSession, SessionUnit)
    bulk.analyze(TrainingSession, SessionUnit, Attendance)
    say(f"{campaign.label}：培训{TrainingSession.objects.filter(campaign=campaign).count()}场")


def _next_ids() -> tuple[int, int]:
    def following(model) -> int:
        return (model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1

    return following(TrainingSession), following(SessionUnit)


@transaction.atomic
def _record(tree: Tree, demo: Demo) -> None:
    root = Organization.objects.get(pk=tree.root.pk)
    audit.record(
        actor=None,
        action=ACTION,
        summary=f"装入演示数据：{demo.members}名党员，全部虚构",
        target=root,
        organization=root,
        details={"members": demo.members, "seed": demo.seed, "today": demo.today.isoformat()},
    )


def describe(demo: Demo) -> dict:
    """What the command prints; the same however often it is asked."""
    rows = User.objects.filter(must_change_password=False, created_by=None).select_related("organization")
    root = Organization.objects.get(depth=1)
    return {
        "district": root.code,
        "campaigns": list(Campaign.objects.order_by("starts_on").values_list("label", flat=True)),
        "accounts": [
            {
                "role": user.role,
                "organization": user.organization.code,
                "username": user.username,
                "password": accounts.password(demo.seed, user.username),
            }
            for user in rows.order_by("pk")
        ],
    }


def write_accounts(demo: Demo) -> Path:
    """The list the demo's login page offers."""
    path = settings.DATA_DIR / "demo_accounts.json"
    users = {user.username: user for user in User.objects.select_related("organization")}
    listed = [
        {
            "role": users[account["username"]].get_role_display(),
            "organization": users[account["username"]].organization.name,
            "username": account["username"],
            "password": account["password"],
        }
        for account in describe(demo)["accounts"]
    ]
    path.write_text(json.dumps(listed, ensure_ascii=False, indent=1), "utf-8")
    return path


def today() -> date:
    return timezone.localdate()
