"""Planning a class: one session of a host with its parts. Once a part is recorded, attendance corrects it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from campaigns.models import (
    Campaign,
    Lecturer,
    SessionUnit,
    Stage,
    Topic,
    TrainingForm,
    TrainingSession,
    Unit,
    clock_minutes,
)
from campaigns.queries.hours import Rules
from campaigns.services.locking import lock_units
from organizations.models import Member, User
from organizations.service import Refused, is_blank, service
from organizations.services import audit, changes
from organizations.tree import ancestors

LONGEST_MINUTES = 720
REASON_LENGTH = TrainingSession._meta.get_field("void_reason").max_length
NamedMembers = dict[int, list[Member]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a planner decides about a class, the same when it is new and when it is changed."""

    title: str
    form: TrainingForm
    starts_at: datetime
    ends_at: datetime
    units: Sequence[Unit]
    topics: Sequence[Topic] = ()
    minutes: int | None = None
    round: str | None = None
    method: str = TrainingSession.Method.LECTURE
    venue: str = ""
    lecturer_names: Sequence[str] = ()
    is_theme_day: bool = False
    is_party_lecture: bool = False
    audience: str = SessionUnit.Audience.WHOLE
    category: str = ""
    named_members: NamedMembers = field(default_factory=dict)

    @property
    def full_minutes(self) -> int:
        return self.minutes or clock_minutes(self.starts_at, self.ends_at)

    @property
    def topic_mask(self) -> int:
        mask = 0
        for topic in self.topics:
            mask |= topic.mask
        return mask

    def columns(self) -> dict:
        """The session's own columns."""
        return {
            "title": self.title.strip(),
            "form": self.form,
            "method": self.method,
            "topic_mask": self.topic_mask,
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
            "minutes": self.full_minutes,
            "venue": self.venue.strip(),
            "round": self.round or self.form.default_round,
            "is_theme_day": self.is_theme_day,
            "is_party_lecture": self.is_party_lecture,
        }

    def stored_columns(self, rules: Rules | None = None) -> dict:
        """The same as they are stored: minutes nobody entered are those of the rule in force that day."""
        if self.minutes:
            return self.columns() | {"hours_rule": None}
        rules = rules or Rules(self.form.campaign_id)
        minutes, rule = rules.worth(self.form.code, self.starts_at, self.ends_at)
        return self.columns() | {"minutes": minutes, "hours_rule": rule}


@service
def plan_session(
    *,
    actor: User,
    campaign: Campaign,
    host: Unit,
    plan: Plan,
    request_uuid: UUID | None = None,
    as_act: tuple[str, str] | None = None,
) -> TrainingSession:
    """Plan a class of `host` for the plan's units; an upper unit stands for its branches.

    The same `request_uuid` again gives the same session: a weak network may send
    twice. With other facts it is refused, or somebody would believe them stored.
    `as_act`: action and sentence of a larger act this is part of, told in place of the planning.
    """
    branches = lock_for(actor, host, plan.units)
    if request_uuid and (earlier := sent_before(actor, request_uuid)):
        require_same(earlier, plan, branches)
        return earlier
    check_plan(Campaign.objects.get(pk=campaign.pk), host, plan)
    session = TrainingSession.objects.create(
        campaign=campaign, host=host, request_uuid=request_uuid, **plan.stored_columns()
    )
    fill(session, plan, branches)
    planned = ("session.plan", f"安排场次“{session.title}”，{len(branches)}个支部参加")
    record(actor, session, *(as_act or planned))
    return session


@service
def change_session(*, actor: User, session: TrainingSession, plan: Plan) -> TrainingSession:
    """Replace the plan of a class nobody has been marked for. Repeating it changes nothing but the audit."""
    session = hosted(actor, session)
    branches = lock_for(actor, session.host, plan.units, also=session.parts.values_list("unit_id", flat=True))
    session = unrecorded(session)
    check_parts_are_mine(actor, session)
    check_plan(session.campaign, session.host, plan)
    before = facts_of(session)
    columns = plan.stored_columns()
    for column, value in columns.items():
        setattr(session, column, value)
    session.save(update_fields=columns)
    session.parts.exclude(unit__in=branches).delete()
    fill(session, plan, branches)
    differences = changes.between(before, facts_of(session))
    summary = f"修改场次“{session.title}”{changes.labels(differences)}"
    record(actor, session, "session.change", summary, {"changes": differences})
    return session


@service
def plan_for_host(*, actor: User, host: Unit, request_uuid: UUID | None = None, **fields) -> TrainingSession:
    """A class of a unit for itself, or for all its branches: what the ledger can write."""
    plan = Plan(units=[host], **fields)
    return plan_session(actor=actor, campaign=host.campaign, host=host, plan=plan, request_uuid=request_uuid)


@service
def adjust_session(*, actor: User, session: TrainingSession, **fields) -> TrainingSession:
    """Change some columns of a planned class. Repeating it changes nothing but the audit."""
    session = hosted(actor, session)
    # What is left out stays as it is under the lock, not as it was on somebody's page.
    lock_units([session.host_id, *session.parts.values_list("unit_id", flat=True)])
    moved = {"starts_at", "ends_at"} & set(fields)
    plan = stored_plan(TrainingSession.objects.get(pk=session.pk))
    # Another time means another length, unless the length was given, too.
    plan = replace(plan, minutes=None) if moved and "minutes" not in fields else plan
    return change_session(actor=actor, session=session, plan=replace(plan, **fields))


@service
def cancel_session(*, actor: User, session: TrainingSession, reason: str) -> TrainingSession:
    """The class does not take place. Cancelling a cancelled one leaves it as it is."""
    reason = short(reason, REASON_LENGTH, "取消的原因")
    if not reason:
        raise Refused("请写一句取消的原因。", "reason_missing")
    session = hosted(actor, session)
    locked = lock_units([session.host_id, *session.parts.values_list("unit_id", flat=True)])
    if TrainingSession.objects.filter(pk=session.pk, cancelled_at__isnull=False).exists():
        return session
    require_thawed(locked)
    session = unrecorded(session)
    check_open(session.campaign)
    session.cancelled_at, session.void_reason = timezone.now(), reason
    session.save(update_fields=["cancelled_at", "void_reason"])
    session.parts.update(due_at=None)
    record(actor, session, "session.cancel", f"取消场次“{session.title}”：{session.void_reason}")
    return session


def hosted(actor: User, session: TrainingSession) -> TrainingSession:
    found = TrainingSession.objects.hosted_by(actor).filter(pk=session.pk).first()
    if found is None:
        raise Refused("这场由其他单位主办，请联系主办单位修改。", "scope")
    return found


def check_parts_are_mine(actor: User, session: TrainingSession) -> None:
    """Somebody who sees only some of the parts must not drop the others by saving."""
    if session.parts.exclude(unit__in=Unit.objects.manageable_by(actor)).exists():
        raise Refused("这场还有您管理范围以外的支部参加，请由安排它的上级修改。", "scope")


def unrecorded(session: TrainingSession) -> TrainingSession:
    """The session read again after the lock, if nothing was recorded for it."""
    session = TrainingSession.objects.select_related("campaign", "host__organization").get(pk=session.pk)
    if session.parts.filter(recorded_at__isnull=False).exists():
        raise Refused("已经点过名的场次不能在这里改，请点“更正场次”。", "recorded")
    if not session.is_valid:
        raise Refused("这场已经取消，不能再改；需要时请另安排一场。", "cancelled")
    return session


def sent_before(actor: User, request_uuid: UUID) -> TrainingSession | None:
    earlier = TrainingSession.objects.filter(request_uuid=request_uuid).first()
    return hosted(actor, earlier) if earlier else None


def require_same(earlier: TrainingSession, plan: Plan, branches: list[Unit]) -> None:
    """What was sent again is what was stored; the page may have been changed in between."""
    stored = stored_plan(earlier)
    same = stored.columns() == plan.columns() and facts_beside(stored) == facts_beside(
        replace(plan, units=branches)
    )
    if not same:
        raise Refused(
            f"这一页刚才已经安排好“{earlier.title}”，这次填的和那时不一样，没有保存。"
            "要改那一场，请打开它点“修改”；要另外安排一场，请重新打开“安排场次”。",
            "other_facts",
        )


def facts_beside(plan: Plan) -> tuple:
    """What a plan says beyond the session's own columns."""
    return (
        {unit.pk for unit in plan.units},
        {topic.pk for topic in plan.topics},
        {name.strip() for name in plan.lecturer_names if name.strip()},
        (plan.audience, plan.category),
        {unit: {member.pk for member in members} for unit, members in plan.named_members.items() if members},
    )


def short(text: str, most: int | None, what: str) -> str:
    """Text as it fits its column (`most` as the field says it); longer is for the writer to cut."""
    text = text.strip()
    if most is not None and len(text) > most:
        raise Refused(f"{what}最多{most}个字，现在是{len(text)}个，请写短一些。", "too_long_text")
    return text


def lock_for(actor: User, host: Unit, units: Sequence[Unit], also: Iterable[int] = ()) -> list[Unit]:
    """Lock the host and all branches concerned; the branches the plan names, as they are now."""
    branches = expand(actor, host, units)
    locked = {unit.pk: unit for unit in lock_units([host.pk, *(unit.pk for unit in branches), *also])}
    require_thawed(locked.values())
    return [locked[unit.pk] for unit in branches]


def require_thawed(units: Iterable[Unit]) -> None:
    """Units as read under the lock."""
    for unit in units:
        if unit.frozen_at:
            raise Refused(f"“{unit.name}”的数字已经确认上报，不能再改；需要时请上级退回。", "frozen")


def expand(actor: User, host: Unit, units: Sequence[Unit]) -> list[Unit]:
    """People-holding units of the choice, each inside the account's scope."""
    mine = Unit.objects.manageable_by(actor).filter(campaign_id=host.campaign_id, closed_on__isnull=True)
    if not mine.filter(pk=host.pk).exists():
        raise Refused("主办单位不在您的管理范围内。", "scope")
    branches: dict[int, Unit] = {}
    own = mine.in_bulk([unit.pk for unit in units if unit.holds_people])
    for unit in units:
        alone = [own[unit.pk]] if unit.pk in own else []
        below = alone if unit.holds_people else list(mine.below(unit).with_people())
        if not below:
            raise Refused(f"“{unit.name}”不在您的管理范围内，或没有可参加的党支部。", "scope")
        branches.update((branch.pk, branch) for branch in below)
    if not branches:
        raise Refused("请选择参加的党支部。", "no_units")
    return sorted(branches.values(), key=lambda unit: unit.path)


def check_open(campaign: Campaign) -> None:
    if campaign.stage == Stage.PREPARING:
        raise Refused("这期冬训还在筹备，请先由主管划定名册、开始冬训。", "not_open")
    if campaign.stage == Stage.CLOSED:
        raise Refused("这期冬训已经结束，场次不能再改。", "closed")


def check_plan(campaign: Campaign, host: Unit, plan: Plan) -> None:
    check_open(campaign)
    if is_blank(plan.title):
        raise Refused("请写场次名称。", "title_missing")
    if host.campaign_id != campaign.pk or plan.form.campaign_id != campaign.pk:
        raise Refused("主办单位、形式要属于同一期冬训。", "other_campaign")
    if any(topic.campaign_id != campaign.pk for topic in plan.topics):
        raise Refused("专题要属于同一期冬训。", "other_campaign")
    check_time(campaign, plan)


def check_time(campaign: Campaign, plan: Plan) -> None:
    if plan.ends_at <= plan.starts_at:
        raise Refused("结束时间要晚于开始时间。", "ends_before_start")
    day = timezone.localdate(plan.starts_at)
    if not campaign.starts_on <= day <= campaign.ends_on:
        raise Refused(
            f"日期要在冬训期间（{campaign.starts_on:%Y-%m-%d} 至 {campaign.ends_on:%Y-%m-%d}）内。",
            "outside_campaign",
        )
    if not 0 < plan.full_minutes <= LONGEST_MINUTES:
        raise Refused("一场不超过12小时；连着几天的，请每天安排一场。", "too_long")


def stored_plan(session: TrainingSession) -> Plan:
    """The plan a session was made from."""
    parts = list(session.parts.select_related("unit").prefetch_related("named_members"))
    first = parts[0]
    copied = ("title", "form", "starts_at", "ends_at", "round", "method", "venue")
    return Plan(
        **{name: getattr(session, name) for name in (*copied, "is_theme_day", "is_party_lecture")},
        minutes=None if session.hours_rule_id else session.minutes,
        units=[part.unit for part in parts],
        topics=list(session.topics.all()),
        lecturer_names=[lecturer.name for lecturer in session.lecturers.all()],
        audience=first.audience,
        category=first.category,
        named_members={part.unit_id: list(part.named_members.all()) for part in parts},
    )


def fill(session: TrainingSession, plan: Plan, branches: list[Unit]) -> None:
    """Topics, lecturers and parts as planned; a part that stays keeps its row."""
    session.topics.set(plan.topics)
    session.lecturers.set(lecturers(session.host, plan.lecturer_names))
    SessionUnit.objects.bulk_create(
        [
            SessionUnit(
                session=session,
                unit=unit,
                audience=plan.audience,
                category=plan.category,
                due_at=session.ends_at,
            )
            for unit in branches
        ],
        update_conflicts=True,
        unique_fields=["session", "unit"],
        update_fields=["audience", "category", "due_at"],
    )
    if plan.named_members:
        name_members(session, plan.named_members)


def name_members(session: TrainingSession, named: NamedMembers) -> None:
    """Who is expected by name, part by part, in one statement."""
    through = SessionUnit.named_members.through
    through.objects.filter(sessionunit__session=session).delete()
    parts = dict(session.parts.values_list("unit_id", "pk"))
    through.objects.bulk_create(
        through(sessionunit_id=parts[unit_pk], member_id=member.pk)
        for unit_pk, members in named.items()
        if unit_pk in parts
        for member in members
    )


def lecturers(host: Unit, names: Sequence[str]) -> list[Lecturer]:
    """By name: the host's own lecturer, else one a level above keeps, else a new one of the host."""
    longest = Lecturer._meta.get_field("name").max_length
    wanted = list(dict.fromkeys(short(name, longest, "主讲人姓名") for name in names if name.strip()))
    if not wanted:
        return []
    path = host.organization.path
    known = Lecturer.objects.filter(name__in=wanted, organization__path__in=ancestors(path))
    # Read from the top down: the nearest level's lecturer wins.
    found = {lecturer.name: lecturer for lecturer in known.order_by("organization__path")}
    return [
        found.get(name) or Lecturer.objects.create(organization=host.organization, name=name)
        for name in wanted
    ]


def facts_of(session: TrainingSession) -> changes.Facts:
    """All a planner decides, in words, as it is stored now."""
    plan = stored_plan(TrainingSession.objects.get(pk=session.pk))
    part = SessionUnit(audience=plan.audience, category=plan.category)
    named = [member.name for members in plan.named_members.values() for member in members]
    return changes.facts(session, [name for name in plan.columns() if name != "topic_mask"]) | {
        "topics": ("专题", changes.names(topic.name for topic in plan.topics)),
        "lecturers": ("主讲人", changes.names(plan.lecturer_names)),
        "units": ("参加单位", changes.names(unit.name for unit in plan.units)),
        **changes.facts(part, ("audience", "category")),
        "named": ("指定的人", changes.names(named, "人")),
    }


def record(
    actor: User, session: TrainingSession, action: str, summary: str, details: dict | None = None
) -> None:
    audit.record(
        actor=actor,
        action=action,
        summary=summary,
        target=session,
        organization=session.host.organization,
        details=details,
    )
