"""The board: fifteen cards, each proved by what was recorded. Nothing here is ever ticked by hand.

An item's `evidence` names the function that proves it. All functions read one
`Evidence`, gathered in a constant number of queries, whatever the unit's size.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone

from campaigns.models import (
    Campaign,
    Department,
    ProgrammeGroup,
    ProgrammeItem,
    SessionUnit,
    Topic,
    TrainingForm,
    Unit,
)
from campaigns.queries.service import service_counts
from campaigns.queries.sessions import RECORDED, VALID, parts_of, sessions_of, unrecorded

Side = TrainingForm.Side
NO_DATA = "尚无数据"


@dataclass(frozen=True)
class Figure:
    """One number with the list behind it."""

    label: str
    value: int
    measure: str
    url: str


@dataclass
class Card:
    item: ProgrammeItem
    figures: list[Figure] = field(default_factory=list)
    level: str = "muted"
    state: str = NO_DATA
    hint: str = ""


@dataclass(frozen=True)
class Evidence:
    """What is recorded below one unit of the campaign."""

    unit: Unit
    forms: dict[str, int]
    sides: dict[str, int]
    trained: int
    tasks: dict[str, int]
    topics: dict[str, list[tuple[Topic, int]]]
    departments: list[tuple[Department, int]]
    recorded: int
    missing: int
    branches: int
    branches_started: int
    service: dict[str, int]

    def sessions_url(self, state: str = "recorded", **filters: str | int) -> str:
        chosen = {"campaign": self.unit.campaign_id, "unit": self.unit.pk, "state": state, **filters}
        return f"{reverse('campaigns:session_list')}?{urlencode(chosen)}"

    def service_url(self, state: str) -> str:
        chosen = {"campaign": self.unit.campaign_id, "unit": self.unit.pk, "state": state}
        return f"{reverse('campaigns:service_list')}?{urlencode(chosen)}"

    def branches_url(self, form: str) -> str:
        address = reverse("campaigns:board_branches", args=[self.unit.campaign_id])
        return f"{address}?{urlencode({'unit': self.unit.pk, 'form': form, 'have': 'yes'})}"

    def side(self, side: str) -> Figure:
        return Figure(Side(side).label, self.sides.get(side, 0), "场", self.sessions_url(side=side))

    def training(self) -> Figure:
        return Figure("冬训", self.trained, "场", self.sessions_url("taught"))


def gather(campaign: Campaign, unit: Unit) -> Evidence:
    """Eight queries, whatever the size of the unit; classes are counted by form and mask of topics."""
    now = timezone.now()
    parts, sessions = parts_of(unit), sessions_of(unit, "recorded", now).order_by()
    facts = ("form__code", "form__side", "form__counts", "topic_mask")
    groups = list(sessions.values_list(*facts).annotate(n=Count("pk")))
    topics = list(Topic.objects.filter(campaign=campaign, task__isnull=False).select_related("task"))
    branches = Unit.objects.below(unit).with_people().filter(closed_on__isnull=True)
    kickoffs = parts.filter(VALID, RECORDED, session__form__code="KICKOFF", unit__closed_on__isnull=True)
    return Evidence(
        unit=unit,
        forms=sums((code, n) for code, *_, n in groups),
        sides=sums((side, n) for _, side, *_, n in groups),
        trained=sum(n for _, _, counts, _, n in groups if counts),
        tasks={code: classes(groups, mask) for code, mask in masks_of_tasks(topics).items()},
        topics=topics_by_task(topics, groups),
        departments=departments_of(sessions),
        recorded=sum(n for *_, n in groups),
        missing=parts.filter(unrecorded(now)).aggregate(n=Count("session", distinct=True))["n"],
        branches=branches.count(),
        branches_started=kickoffs.aggregate(n=Count("unit", distinct=True))["n"],
        service=service_counts(unit),
    )


def classes(groups: Iterable[tuple], mask: int) -> int:
    """How many classes taught one of these topics."""
    return sum(n for *_, taught, n in groups if taught & mask)


def sums(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for key, number in pairs:
        total[key] = total.get(key, 0) + number
    return total


def masks_of_tasks(topics: Iterable[Topic]) -> dict[str, int]:
    masks: dict[str, int] = {}
    for topic in topics:
        code = topic.task.code  # type: ignore[union-attr]
        masks[code] = masks.get(code, 0) | topic.mask
    return masks


def branches_with(unit: Unit, form: str) -> QuerySet[Unit]:
    """The unit's branches; `has` = one of their registers of a class of this form is stored."""
    parts = SessionUnit.objects.filter(VALID, RECORDED, unit=OuterRef("pk"), session__form__code=form)
    branches = Unit.objects.below(unit).with_people().filter(closed_on__isnull=True)
    return branches.annotate(has=Exists(parts)).order_by()


def topics_by_task(topics: Iterable[Topic], groups: list[tuple]) -> dict[str, list[tuple[Topic, int]]]:
    """The compulsory topics of each task, each with the number of its classes."""
    by_task: dict[str, list[tuple[Topic, int]]] = {}
    for topic in topics:
        if topic.is_compulsory:
            by_task.setdefault(topic.task.code, []).append((topic, classes(groups, topic.mask)))  # type: ignore[union-attr]
    return by_task


def departments_of(sessions: QuerySet) -> list[tuple[Department, int]]:
    """Departments whose lecturers taught, each with the number of those classes."""
    named = sessions.filter(lecturers__department__isnull=False)
    talks = dict(named.values_list("lecturers__department").annotate(n=Count("pk", distinct=True)))
    return [(one, talks[one.pk]) for one in Department.objects.filter(pk__in=talks)]


# --- What proves what -----------------------------------------------------------------
def kickoff(card: Card, evidence: Evidence) -> None:
    meetings = evidence.forms.get("KICKOFF", 0)
    card.hint = "点过名的“动员部署会”算在这里。"
    if meetings:
        started, branches = evidence.branches_started, evidence.branches
        card.figures = [
            Figure("动员部署会", meetings, "场", evidence.sessions_url(form="KICKOFF")),
            Figure("已动员的支部", started, f"/{branches}个", evidence.branches_url("KICKOFF")),
        ]
        settle(card, started >= branches, f"还有{branches - started}个支部")


def publicity(card: Card, evidence: Evidence) -> None:
    card.hint = "有了宣传报道的登记（专栏、电子屏、广播、板报），这里才有数。"


def lecturers(card: Card, evidence: Evidence) -> None:
    card.hint = "场次写了主讲人、台账里主讲人填了部门，这里就有数。"
    card.figures = [
        Figure(one.name, talks, "场", evidence.sessions_url(department=one.pk))
        for one, talks in evidence.departments
    ]
    if card.figures:
        settle(card, True, "", f"{len(card.figures)}个部门来讲过")


def registers(card: Card, evidence: Evidence) -> None:
    card.hint = "上过的课都点了名，考勤才算落实。"
    if evidence.recorded or evidence.missing:
        card.figures = [
            Figure("已点名", evidence.recorded, "场", evidence.sessions_url("recorded")),
            Figure("上过课未点名", evidence.missing, "场", evidence.sessions_url("missing")),
        ]
        settle(card, not evidence.missing, f"还有{evidence.missing}场没点完")


def task(card: Card, evidence: Evidence) -> None:
    card.hint = "场次选了这项任务的专题并点过名，就算在这里。"
    held = evidence.tasks.get(card.item.code, 0)
    if held:
        topics = evidence.topics.get(card.item.code, [])
        card.figures = [Figure("已开课", held, "场", evidence.sessions_url(task=card.item.code))]
        if len(topics) > 1:
            card.figures += [
                Figure(one.name, classes, "场", evidence.sessions_url(topic=one.pk))
                for one, classes in topics
            ]
        waiting = sum(not classes for _, classes in topics)
        settle(card, not waiting, f"还有{waiting}个必训专题没讲")


def benefit(card: Card, evidence: Evidence) -> None:
    """A task that is also proved by what was done for residents."""
    task(card, evidence)
    card.hint = "选了这项任务专题的场次和办结的实事，都算在这里。"
    done = evidence.service["done"]
    if done:
        card.figures.append(Figure("解决难题", done, "件", evidence.service_url("done")))
        if card.state == NO_DATA:
            settle(card, True, "")


def combination(first: Callable, second: Callable, hint: str) -> Callable[[Card, Evidence], None]:
    """Both sides happened: combined. One of them: the card says which is missing."""

    def prove(card: Card, evidence: Evidence) -> None:
        card.hint = hint
        sides = [first(evidence), second(evidence)]
        if any(side.value for side in sides):
            card.figures = sides
            missing = [side.label for side in sides if not side.value]
            settle(card, not missing, f"还缺{'、'.join(missing)}", "两面都有")

    return prove


def solved(evidence: Evidence) -> Figure:
    return Figure("为民办实事", evidence.service["done"], "件", evidence.service_url("done"))


def settle(card: Card, good: bool, missing: str, done: str = "有记录") -> None:
    card.level, card.state = ("good", done) if good else ("warn", missing)


EVIDENCE: dict[str, Callable[[Card, Evidence], None]] = {
    "kickoff": kickoff,
    "publicity": publicity,
    "lecturers": lecturers,
    "registers": registers,
    "task": task,
    "benefit": benefit,
    "central_scattered": combination(
        lambda e: e.side(Side.CENTRAL),
        lambda e: e.side(Side.SCATTERED),
        "集中授课和分散自学都点过名，就算结合。",
    ),
    "field_home": combination(
        lambda e: e.side(Side.FIELD), lambda e: e.side(Side.HOME), "走学观摩和送学上门都有，就算结合。"
    ),
    "training_skill": combination(
        Evidence.training, lambda e: e.side(Side.SKILL), "冬训场次和技能培训都有，就算结合。"
    ),
    "classroom_field": combination(
        lambda e: e.side(Side.CENTRAL), lambda e: e.side(Side.FIELD), "课堂授课和现场观摩都有，就算结合。"
    ),
    "training_service": combination(Evidence.training, solved, "冬训场次和办结的实事都有，就算结合。"),
    "training_branch": combination(
        Evidence.training, lambda e: e.side(Side.BRANCH_LIFE), "冬训场次和组织生活、讨论联学都有，就算结合。"
    ),
}


def board(campaign: Campaign, unit: Unit) -> list[tuple[ProgrammeGroup, list[Card]]]:
    """The programme's groups with their cards for one unit and everything below it."""
    unit.campaign = campaign  # known here, and asked for below
    evidence = gather(campaign, unit)
    groups = campaign.groups.prefetch_related("items")
    return [(group, [proved(item, evidence) for item in group.items.all()]) for group in groups]


def proved(item: ProgrammeItem, evidence: Evidence) -> Card:
    card = Card(item)
    prove = EVIDENCE.get(item.evidence)
    if prove:
        prove(card, evidence)
    return card
