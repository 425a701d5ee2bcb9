"""Two winters of classes: last year's, finished, and this year's in full swing.

Here the sessions and their parts are planned; who came is made in the database
(registers.py). The sessions of one wave have ids in one range, because a wave
of make-up classes looks back at the waves before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from campaigns.models import (
    Campaign,
    Lecturer,
    Round,
    SessionUnit,
    Topic,
    TrainingForm,
    TrainingSession,
    Unit,
)
from campaigns.queries.hours import Rules
from reports.demo import bulk
from reports.demo.tree import Branch, District, Node, Township

SESSION = [
    "id",
    "campaign_id",
    "host_id",
    "title",
    "form_id",
    "method",
    "topic_mask",
    "starts_at",
    "ends_at",
    "minutes",
    "hours_rule_id",
    "venue",
    "round",
    "is_theme_day",
    "is_party_lecture",
    "cancelled_at",
    "void_reason",
    "created_at",
]
PART = ["id", "session_id", "unit_id", "audience", "recorded_at", "closed_at", "due_at"]
HOURS = [(8, 30), (9, 0), (14, 0), (14, 30), (19, 0)]
JOINT = 6  # branches that sit together in a township's hall
NUMBERS = "一二三四五六七八九十"
# What every branch does besides lessons; the six combinations need both their sides.
EXTRAS = [
    ("FIELD_STUDY", "走学：到重点工程现场看变化", "EXPERIENCE"),
    ("SKILL", "实用技术和就业创业培训", "CASE"),
    ("DISCUSS", "组织生活：围绕冬训谈体会、找差距", "INTERACTIVE"),
    ("SERVICE", "党员大走访、志愿服务", "EXPERIENCE"),
    ("SELF_STUDY", "分散自学：读原文、写心得", "LECTURE"),
    ("EXCHANGE", "城乡互动互看：结对支部互访", "EXPERIENCE"),
    ("ONLINE", "远程教育：集中收看专题片", "LECTURE"),
]


@dataclass(frozen=True)
class Lesson:
    """A class every branch has: which compulsory topics, between which days, how it is held."""

    topics: tuple[int, ...]
    first_day: int
    last_day: int
    how: str = "own"  # own: each branch; general: a 党总支 together; joint: the township's hall
    form: str = "LECTURE"


@dataclass(frozen=True)
class Gathering:
    """A class for named people of a township: kick-off, home teaching, make-up. `wave` orders them."""

    wave: int
    kind: str  # KICKOFF, HOME, MAKE_UP
    title: str
    form: str
    day: int
    topics: tuple[int, ...] = ()


@dataclass(frozen=True)
class Winter:
    """The calendar of one campaign, in days from its first."""

    lessons: tuple[Lesson, ...]
    gatherings: tuple[Gathering, ...]
    extra_days: tuple[int, int]
    unrecorded: float  # share of held parts whose register nobody has kept yet
    not_started: float  # share of branches that have held nothing
    closed: float


LAST_WINTER = Winter(
    lessons=(
        Lesson((0,), 12, 18, form="FIRST_LESSON"),
        Lesson((1, 2), 25, 36, "general"),
        Lesson((3,), 43, 52, "joint", "TOUR"),
        Lesson((4, 5), 58, 68),
    ),
    gatherings=(
        Gathering(1, "KICKOFF", "冬训工作会议暨动员部署会", "KICKOFF", 6),
        Gathering(1, "HOME", "送学上门、送温暖", "HOME_TEACH", 78, (0, 3)),
        Gathering(2, "MAKE_UP", "返乡党员补课班", "MAKEUP", 84, (0, 1, 2, 3, 4, 5)),
        Gathering(3, "MAKE_UP", "兜底补课班", "MAKEUP", 105, (0, 1, 2, 3, 4, 5)),
    ),
    extra_days=(38, 72),
    unrecorded=0.0,
    not_started=0.0,
    closed=1.0,
)
TODAY = 45  # the running campaign began so many days ago
THIS_WINTER = Winter(
    lessons=(
        Lesson((0,), 5, 10, form="FIRST_LESSON"),
        Lesson((1,), 13, 18, "general"),
        Lesson((2,), 22, 28, "joint", "TOUR"),
        Lesson((3,), 33, TODAY),
        Lesson((4,), 50, 57),
        Lesson((5,), 64, 71, "general"),
    ),
    gatherings=(
        Gathering(1, "KICKOFF", "冬训工作会议暨动员部署会", "KICKOFF", 3),
        Gathering(1, "HOME", "送学上门、送温暖", "HOME_TEACH", 35, (0, 1)),
        Gathering(2, "MAKE_UP", "第一期补课班", "MAKEUP", 38, (0, 1, 2)),
        Gathering(3, "MAKE_UP", "第二期补课班", "MAKEUP", 53, (0, 1, 2, 3)),
    ),
    extra_days=(19, 43),
    unrecorded=0.06,
    not_started=0.045,
    closed=0.75,
)


@dataclass
class Batch:
    """Rows of one wave in one district, collected before they are sent."""

    sessions: list[tuple] = field(default_factory=list)
    parts: list[tuple] = field(default_factory=list)
    topics: list[tuple] = field(default_factory=list)
    lecturers: list[tuple] = field(default_factory=list)

    def store(self) -> None:
        bulk.write(TrainingSession, SESSION, self.sessions)
        bulk.write(SessionUnit, PART, self.parts)
        bulk.write(TrainingSession.topics.through, ["trainingsession", "topic"], self.topics)
        bulk.write(TrainingSession.lecturers.through, ["trainingsession", "lecturer"], self.lecturers)


class Calendar:
    """Plans one campaign. `waves` says which session ids each wave has."""

    def __init__(
        self, campaign: Campaign, winter: Winter, today: date, seed: int, first_ids: tuple[int, int]
    ):
        self.campaign, self.winter, self.today = campaign, winter, today
        self.dice = Random(f"{seed}:training:{campaign.label}")  # noqa: S311
        self.session_id, self.part_id = first_ids
        self.forms = {form.code: form for form in TrainingForm.objects.filter(campaign=campaign)}
        topics = list(Topic.objects.filter(campaign=campaign).order_by("position", "bit"))
        self.compulsory = [topic for topic in topics if topic.is_compulsory]
        self.local = [topic for topic in topics if not topic.is_compulsory]
        self.units = dict(Unit.objects.filter(campaign=campaign).values_list("organization_id", "pk"))
        self.rules = Rules(campaign.pk)
        self.lecturers: dict[int, list[int]] = {}
        for pk, owner in Lecturer.objects.order_by("pk").values_list("pk", "organization_id"):
            self.lecturers.setdefault(owner, []).append(pk)
        self.shown: set[int] = set()
        self.idle: set[int] = set()
        self.late: set[int] = set()
        self.waves: dict[int, tuple[int, int]] = {}

    def plan(self, districts: list[District]) -> None:
        """Store the sessions and parts of all districts, wave by wave."""
        for district in districts:
            self.prepare(district)
        for wave in range(4):
            first = self.session_id
            for district in districts:
                self.batch = Batch()
                for township in district.townships:
                    self.plan_gatherings(township, wave) if wave else self.plan_lessons(township)
                self.batch.store()
            self.waves[wave] = (first, self.session_id - 1)

    def prepare(self, district: District) -> None:
        """Branches that meet today, hold nothing, or are late."""
        shown = [b for t in district.townships[:2] for b in t.branches if b.setting != "floating"]
        self.shown |= {branch.node.pk for branch in shown if branch.general is None}
        chance = self.dice.random
        self.idle |= {b.node.pk for b in district.branches if chance() < self.winter.not_started}
        self.late |= {b.node.pk for b in district.branches if chance() < 0.15}

    def plan_lessons(self, township: Township) -> None:
        active = [branch for branch in township.branches if branch.node.pk not in self.idle]
        for number, lesson in enumerate(self.winter.lessons, start=1):
            for host, together in self.seated(township, active, lesson.how):
                self.add_lesson(number, lesson, host, together)
        for place, branch in enumerate(active):
            self.add_extra(place, branch)

    def seated(
        self, township: Township, branches: list[Branch], how: str
    ) -> Iterator[tuple[Node, list[Branch]]]:
        """Who sits together, and who is host."""
        if how == "joint":
            for start in range(0, len(branches), JOINT):
                yield township.node, branches[start : start + JOINT]
            return
        for branch in branches:
            if how == "own" or branch.general is None:
                yield branch.node, [branch]
        for general in {b.general.pk: b.general for b in branches if b.general and how == "general"}.values():
            yield general, [b for b in branches if b.general is general]

    def add_lesson(self, number: int, lesson: Lesson, host: Node, branches: list[Branch]) -> None:
        chosen = [self.compulsory[at] for at in lesson.topics if at < len(self.compulsory)]
        about = "、".join(topic.name for topic in chosen)
        kinds = {"FIRST_LESSON": "书记第一课", "TOUR": "巡回宣讲"}
        self.add_session(
            host,
            branches,
            f"{kinds.get(lesson.form) or f'第{NUMBERS[number - 1]}课'}：{about}"[:100],
            lesson.form,
            self.day_of(lesson, branches[0]),
            chosen,
            minutes=180 if len(chosen) > 1 else 135,
            teacher=self.teacher(lesson.form, branches[0]),
            theme_day=lesson.how == "own" and self.dice.random() < 0.3,
        )

    def day_of(self, lesson: Lesson, branch: Branch) -> int:
        """Companies and offices are quick, some begin late; branches of the demo's accounts meet today."""
        day = self.dice.randint(lesson.first_day, lesson.last_day)
        if branch.node.pk in self.late and day < 20:
            return day + 19
        if lesson.last_day == TODAY and branch.node.pk in self.shown:
            return TODAY
        brisk = branch.setting in ("company", "office") and lesson.how != "joint" and day > 30
        return round(day * 0.62) if brisk else day

    def add_extra(self, place: int, branch: Branch) -> None:
        form, title, method = EXTRAS[place % len(EXTRAS)]
        topics = self.local[:1] if form == "SKILL" else self.local[1:2] if form == "ONLINE" else []
        cancelled = self.dice.random() < 0.015
        self.add_session(
            branch.node,
            [branch],
            title,
            form,
            self.dice.randint(*self.winter.extra_days),
            topics,
            method=method,
            minutes=120,
            cancelled="下雪路滑，改为分散自学" if cancelled else "",
        )

    def plan_gatherings(self, township: Township, wave: int) -> None:
        for gathering in self.winter.gatherings:
            if gathering.wave != wave:
                continue
            branches = [b for b in township.branches if b.node.pk not in self.idle]
            if gathering.kind != "KICKOFF":
                branches = [b for b in branches if b.setting != "floating"]
            for start in range(0, len(branches), 40):
                self.add_gathering(gathering, township, branches[start : start + 40])

    def add_gathering(self, gathering: Gathering, township: Township, branches: list[Branch]) -> None:
        topics = [self.compulsory[at] for at in gathering.topics if at < len(self.compulsory)]
        self.add_session(
            township.node,
            branches,
            f"{township.node.place}{gathering.title}",
            gathering.form,
            gathering.day + self.dice.randrange(3),
            topics,
            minutes=90 if gathering.kind == "KICKOFF" else 180,
            teacher=self.teacher("FIRST_LESSON", branches[0]),
            round=Round.FIRST if gathering.kind == "KICKOFF" else gathering.kind,
            audience=SessionUnit.Audience.NAMED,
        )

    def teacher(self, form: str, branch: Branch) -> int | None:
        """Tours bring the district's lecturers; at home the township's own teach."""
        owner = self.campaign.organization_id if form == "TOUR" else branch.township.node.pk
        known = self.lecturers.get(owner)
        return self.dice.choice(known) if known else None

    def add_session(
        self,
        host: Node,
        branches: list[Branch],
        title: str,
        form: str,
        day: int,
        topics: list[Topic],
        *,
        minutes: int,
        method: str = "LECTURE",
        teacher: int | None = None,
        round: str = Round.FIRST,
        audience: str = SessionUnit.Audience.WHOLE,
        theme_day: bool = False,
        cancelled: str = "",
    ) -> None:
        held = self.campaign.starts_on + timedelta(days=day)
        # Nobody cancels a class for snow that has not fallen.
        cancelled = cancelled if held <= self.today else ""
        begins, ends = self.times(held, minutes)
        row = (
            *(self.session_id, self.campaign.pk, self.units[host.pk], title, self.forms[form].pk, method),
            sum(topic.mask for topic in topics),
            *(begins, ends, minutes),
            self.rule_of(form, begins, ends),
            venue(host, form),
            round,
            theme_day,
            form in ("FIRST_LESSON", "TOUR"),
            bulk.moment(held - timedelta(days=1), 17) if cancelled else None,
            cancelled,
            bulk.moment(min(held, self.today) - timedelta(days=5), 10),
        )
        self.batch.sessions.append(row)
        self.batch.topics += [(self.session_id, topic.pk) for topic in topics]
        if teacher:
            self.batch.lecturers.append((self.session_id, teacher))
        for branch in branches:
            self.add_part(branch, held, audience, None if cancelled else row[8])
        self.session_id += 1

    def rule_of(self, form: str, begins: str, ends: str) -> int | None:
        """The demo's rules are those of the preset: as long as it took."""
        worth = self.rules.worth(form, *(datetime.fromisoformat(f"{at}+00:00") for at in (begins, ends)))
        return worth.rule and worth.rule.pk

    def times(self, held: date, minutes: int) -> tuple[str, str]:
        hour, minute = self.dice.choice(HOURS) if held != self.today else (14, 30)
        ends = hour * 60 + minute + minutes
        return bulk.moment(held, hour, minute), bulk.moment(held, *divmod(ends, 60))

    def add_part(self, branch: Branch, held: date, audience: str, due: str | None) -> None:
        recorded = held < self.today and due is not None and self.dice.random() >= self.winter.unrecorded
        closed = recorded and self.dice.random() < self.winter.closed
        evening = bulk.moment(held, 20, 30)
        self.batch.parts.append(
            (
                self.part_id,
                self.session_id,
                self.units[branch.node.pk],
                audience,
                evening if recorded else None,
                bulk.moment(min(held + timedelta(days=1), self.today), 9) if closed else None,
                due,
            )
        )
        self.part_id += 1


def venue(host: Node, form: str) -> str:
    if form == "HOME_TEACH":
        return "党员家中"
    if form in ("FIELD_STUDY", "EXCHANGE"):
        return "重点工程建设现场" if form == "FIELD_STUDY" else "结对支部党群服务中心"
    return f"{host.place}党群服务中心" if "镇" not in host.place[-1:] else f"{host.place}党校"
