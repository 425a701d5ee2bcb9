"""Make-up classes: from a list of people who owe topics to a planned class for exactly them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from attendance.models import RosterEntry
from attendance.queries.makeup import Verdict, verdicts
from campaigns.models import Round, Topic, TrainingForm, TrainingSession, Unit
from campaigns.services.sessions import Plan, lock_for, plan_session
from organizations.models import Member, User
from organizations.service import Refused, service

FORM_OF_ROUND = {Round.MAKE_UP: "MAKEUP", Round.HOME: "HOME_TEACH"}
MOST_NAMED = 5


@service
def plan_makeup(
    *,
    actor: User,
    unit: Unit,
    topics: Sequence[Topic],
    entries: Sequence[RosterEntry],
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    form: TrainingForm | None = None,
    round: str = Round.MAKE_UP,
    venue: str = "",
    lecturer_names: Sequence[str] = (),
    request_uuid: UUID | None = None,
    as_act: tuple[str, str] | None = None,
) -> TrainingSession:
    """A class (or home teaching) for these people and topics, hosted by `unit`.

    Each home branch gets its own part with its own people named. The same
    `request_uuid` again gives the same class. Attending it settles the debts.
    Refused by name where it would settle nothing for somebody (`queries.makeup`).
    `as_act` as for `plan_session`.
    """
    _refuse(actor, topics, entries)
    form = form or unit.campaign.forms.filter(code=FORM_OF_ROUND[Round(round)]).first()
    if form is None:
        raise Refused("这次冬训没有设补课的形式，请选择一种培训形式。", code="form")
    lock_for(actor, unit, list(_homes(entries)))
    if not TrainingSession.objects.filter(request_uuid=request_uuid, request_uuid__isnull=False).exists():
        _refuse_in_vain(entries, topics, starts_at, ends_at, round)
    plan = Plan(
        title=title,
        form=form,
        starts_at=starts_at,
        ends_at=ends_at,
        units=list(_homes(entries)),
        topics=list(topics),
        round=round,
        venue=venue,
        lecturer_names=list(lecturer_names),
        audience="NAMED",
        named_members=_members_by_unit(entries),
    )
    return plan_session(
        actor=actor,
        campaign=unit.campaign,
        host=unit,
        plan=plan,
        request_uuid=request_uuid,
        as_act=as_act,
    )


def _refuse(actor: User, topics: Sequence[Topic], entries: Sequence[RosterEntry]) -> None:
    if not entries:
        raise Refused("请先勾选要补课的人。", code="nobody")
    if not topics:
        raise Refused("请选择要补的专题。", code="topics")
    mine = RosterEntry.objects.manageable_by(actor).filter(pk__in=[entry.pk for entry in entries])
    if mine.count() != len({entry.pk for entry in entries}):
        raise Refused("名单里有不在您管理范围内的人，请重新勾选。", code="scope")


def _refuse_in_vain(
    entries: Sequence[RosterEntry],
    topics: Sequence[Topic],
    starts_at: datetime,
    ends_at: datetime,
    round: str,
) -> None:
    """As they stand now, under the lock: the page may be old."""
    keys = [entry.pk for entry in entries]
    now = list(RosterEntry.objects.filter(pk__in=keys).select_related("member", "unit"))
    vain = [one for one in verdicts(now, topics, starts_at, ends_at, round) if one.code]
    if vain:
        more = f"等{len(vain)}人" if len(vain) > MOST_NAMED else ""
        raise Refused(f"{named(vain[:MOST_NAMED])}{more}。请去掉勾选再安排。", code=vain[0].code)


def named(verdicts: Sequence[Verdict]) -> str:
    return "；".join(f"{one.entry.member.name}：{one.words}" for one in verdicts)


def _homes(entries: Sequence[RosterEntry]) -> dict[Unit, None]:
    return {entry.unit: None for entry in sorted(entries, key=lambda entry: entry.unit.path)}


def _members_by_unit(entries: Sequence[RosterEntry]) -> dict[int, list[Member]]:
    named: dict[int, list[Member]] = {}
    for entry in entries:
        named.setdefault(entry.unit_id, []).append(entry.member)
    return named
