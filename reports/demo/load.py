"""Loads the whole demo, or says what is already loaded."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from attendance.models import Attendance, RosterEntry, RosterStay
from attendance.services.recount import rebuild
from campaigns.models import Campaign, SessionUnit, Stage, TrainingSession, Unit
from campaigns.services.campaigns import create_campaign, draw_units
from organizations.models import AuditEvent, Member, Organization, Role, User
from organizations.service import Refused, service
from organizations.services import audit
from reports.demo import accounts, bulk, care, confirmations, evenings, lecturers, people
from reports.demo.registers import FINISHED, RUNNING, Registers
from reports.demo.service import ServiceTasks
from reports.demo.training import LAST_WINTER, THIS_WINTER, TODAY, Calendar, Winter
from reports.demo.tree import Tree

ACTION = "demo.load"
FEWEST = 20
Say = Callable[[str], None]
# What grows with people and classes.
LARGE = (
    *(Member, RosterEntry, RosterStay, TrainingSession, SessionUnit, Attendance),
    *(TrainingSession.topics.through, TrainingSession.lecturers.through, SessionUnit.named_members.through),
)


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


@service
def load(*, demo: Demo, say: Say) -> None:
    """Fill an empty database, all or nothing. Repeating it is refused."""
    if loaded():
        raise Refused("演示数据已经装好了。", "loaded")
    bulk.patience()
    tree = Tree(demo.members, demo.seed)
    tree.store()
    accounts.store(tree, demo.seed)
    say(f"党组织{len(tree.nodes)}个")
    winters = ((LAST_WINTER, demo.last_start), (THIS_WINTER, demo.this_start))
    with bulk.bare(*LARGE):
        many = people.store(tree, demo.seed, demo.today, demo.last_start, demo.this_start)
        say(f"党员{many}名（姓名、证件号、电话均为虚构）")
        bulk.analyze(Organization, Member)
        lecturers.store(tree, demo.seed)
        officer = User.objects.select_related("organization").get(pk=1)
        campaigns = [_campaign(officer, starts_on) for _, starts_on in winters]
        for campaign, (winter, _) in zip(campaigns, winters, strict=True):
            _train(tree, campaign, demo, winter, say)
    bulk.analyze(*LARGE)
    _serve(tree, campaigns, demo)
    for campaign in campaigns:
        rebuild(campaign=campaign)
        say(f"{campaign.label}：统计完成")
    care.store(campaigns[-1], demo.today)
    confirmations.store(campaigns[-1])
    evenings.store(campaigns[-1], demo.today)
    _record(tree, demo)


def _campaign(officer: User, starts_on: date) -> Campaign:
    """Named by its season: what begins from July on belongs to the winter that follows."""
    year = starts_on.year if starts_on.month >= 7 else starts_on.year - 1
    campaign = create_campaign(
        actor=officer,
        organization=officer.organization,
        preset="siwuliu",
        label=f"{year}—{year + 1}年度党员冬训",
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=150),
    )
    draw_units(actor=officer, campaign=campaign)
    return campaign


def _train(tree: Tree, campaign: Campaign, demo: Demo, winter: Winter, say: Say) -> None:
    """Roster, sessions, registers."""
    over = winter is LAST_WINTER
    width = len(tree.districts[0].townships[0].node.path)
    registers = Registers(campaign, FINISHED if over else RUNNING, demo.seed, not over, width)
    registers.draw()
    bulk.analyze(Unit, RosterEntry, RosterStay)
    calendar = Calendar(campaign, winter, demo.today, demo.seed, _next_ids())
    calendar.plan(tree.districts)
    bulk.reset_sequences(TrainingSession, SessionUnit)
    bulk.analyze(TrainingSession, SessionUnit)
    registers.hold(calendar.waves)
    Campaign.objects.filter(pk=campaign.pk).update(stage=Stage.CLOSED if over else Stage.OPEN)
    campaign.refresh_from_db()
    say(f"{campaign.label}：培训{TrainingSession.objects.filter(campaign=campaign).count()}场")


def _serve(tree: Tree, campaigns: list[Campaign], demo: Demo) -> None:
    """办实事 of both winters, recorded by the organizers of the townships."""
    tasks = ServiceTasks(tree, demo.seed, demo.today)
    authors = dict(User.objects.filter(role=Role.ORGANIZER).values_list("organization_id", "pk"))
    for campaign, share in zip(campaigns, (0.056, 0.024), strict=True):
        over = campaign.stage == Stage.CLOSED
        tasks.store(campaign, max(24, round(demo.members * share)), authors, over)


def _next_ids() -> tuple[int, int]:
    def following(model) -> int:
        return (model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1

    return following(TrainingSession), following(SessionUnit)


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
