"""Planning a class that several branches hold each for itself: a session of each, all in one act."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, prefetch_related_objects
from django.utils import timezone

from campaigns.models import Campaign, SessionUnit, TrainingSession, Unit
from campaigns.queries.hours import Rules
from campaigns.services.bulk import fetch_sessions, session_refusal
from campaigns.services.sessions import Plan, check_plan, lecturers, lock_for
from organizations.models import BulkAct, BulkChange, User
from organizations.service import Refused, service
from organizations.services import bulk

APART = "session.plan_apart"
# More than the branches of a large township; their writes are one short transaction.
MOST_APART = 100
CANCELLED = "撤销安排"
# What the undo finds as the act left it. Minutes follow the rules of hours without anybody's doing.
KEPT = ("title", "starts_at", "ends_at", "venue", "topic_mask", "round", "form_id")
BESIDE = ("lecturers", "parts")


@dataclass(frozen=True)
class Held:
    """When and where one branch holds it."""

    unit: Unit
    starts_at: datetime
    venue: str = ""


@service
def plan_apart(
    *, actor: User, campaign: Campaign, host: Unit, plan: Plan, held: Sequence[Held], request_uuid: UUID
) -> BulkAct:
    """Plan this class for each of these branches, which hosts its own; lecturers are kept at `host`.

    The same `request_uuid` again gives the same act. One branch that may not refuses all, by name.
    """
    branches = {unit.pk: unit for unit in lock_for(actor, host, [one.unit for one in held])}
    sent = bulk.sending(APART, branches, facts_of(plan, held))
    if earlier := sent_before(actor, request_uuid, sent):
        return earlier
    if not 2 <= len(branches) == len(held) <= MOST_APART:
        raise Refused(f"各支部分别上，一次安排2到{MOST_APART}个支部。请分几次安排。", "too_many")
    campaign = Campaign.objects.get(pk=campaign.pk)
    plans = {one.unit.pk: plan_of(plan, one) for one in held}
    for pk, branch in branches.items():
        require_plan(campaign, branch, plans[pk])
    sessions = create(campaign, [(branch, plans[pk]) for pk, branch in branches.items()], request_uuid)
    fill_all(sessions, plan, lecturers(host, plan.lecturer_names))
    prefetch_related_objects(list(branches.values()), "organization")
    prefetch_related_objects(sessions, *BESIDE)
    lines = [bulk.Line(one, one.host.organization, {}, kept(one), told(one)) for one in sessions]
    summary = f"安排各支部分别上“{plan.title.strip()}”，{len(sessions)}个支部各一场"
    return bulk.keep(actor, APART, summary, request_uuid, lines, sent)


def facts_of(plan: Plan, held: Sequence[Held]) -> dict[str, Any]:
    """All a page asks for, to tell its second sending from another."""
    besides = {
        "lecturers": list(plan.lecturer_names),
        "audience": (plan.audience, plan.category),
        **{f"unit {one.unit.pk}": (one.starts_at.isoformat(), one.venue.strip()) for one in held},
    }
    return plan.columns() | besides


def sent_before(actor: User, request_uuid: UUID, sent: str) -> BulkAct | None:
    if earlier := bulk.sent_before(actor, request_uuid, sent):
        if earlier.undone_at:
            raise Refused("这次安排已经撤销了。还要安排，请重新打开“安排场次”。", "undone")
        return earlier
    if TrainingSession.objects.filter(request_uuid=request_uuid).exists():
        words = "这一页刚才已经安排好一场，没有再安排。要另外安排，请重新打开“安排场次”。"
        raise Refused(words, "other_facts")
    return None


def plan_of(plan: Plan, one: Held) -> Plan:
    ends_at = one.starts_at + (plan.ends_at - plan.starts_at)
    return replace(plan, starts_at=one.starts_at, ends_at=ends_at, venue=one.venue, units=[one.unit])


def require_plan(campaign: Campaign, branch: Unit, plan: Plan) -> None:
    try:
        check_plan(campaign, branch, plan)
    except Refused as refusal:
        raise Refused(f"{branch.name}：{refusal.message}", refusal.code) from refusal


def create(
    campaign: Campaign, planned: Sequence[tuple[Unit, Plan]], request_uuid: UUID
) -> list[TrainingSession]:
    """The first carries the number of the page, which then plans no class of another kind."""
    rules = Rules(campaign.pk)
    numbers = [request_uuid, *[None] * len(planned)]
    return TrainingSession.objects.bulk_create(
        TrainingSession(campaign=campaign, host=branch, request_uuid=number, **plan.stored_columns(rules))
        for (branch, plan), number in zip(planned, numbers, strict=False)
    )


def fill_all(sessions: Sequence[TrainingSession], plan: Plan, named: Sequence) -> None:
    """Topics, lecturers and parts of all of them, in one statement each."""
    topics, teachers = TrainingSession.topics.through, TrainingSession.lecturers.through
    topics.objects.bulk_create(
        topics(trainingsession_id=one.pk, topic_id=topic.pk) for one in sessions for topic in plan.topics
    )
    teachers.objects.bulk_create(
        teachers(trainingsession_id=one.pk, lecturer_id=person.pk) for one in sessions for person in named
    )
    SessionUnit.objects.bulk_create(
        SessionUnit(
            session=one,
            unit=one.host,
            audience=plan.audience,
            category=plan.category,
            due_at=one.ends_at,
        )
        for one in sessions
    )


def kept(session: TrainingSession) -> dict[str, Any]:
    """Read beforehand: what lies BESIDE."""
    values = {name: getattr(session, name) for name in KEPT}
    values |= {"parts": [[part.unit_id, part.audience, part.category] for part in session.parts.all()]}
    values |= {"lecturers": sorted(person.pk for person in session.lecturers.all())}
    return {name: moment(value) if isinstance(value, datetime) else value for name, value in values.items()}


def moment(value: datetime) -> str:
    """The same as it was planned and as it is read back."""
    return value.astimezone(UTC).isoformat()


def told(session: TrainingSession) -> bulk.Told:
    when = f"{timezone.localtime(session.starts_at):%Y-%m-%d %H:%M}"
    after = " ".join(filter(None, [session.host.name, when, session.venue]))
    return [{"field": "state", "label": "安排场次", "before": "", "after": after}]


@service
def undo_apart(*, actor: User, act: BulkAct) -> bulk.Undone:
    """None of these classes takes place; those opened or changed since stay and are named.

    One's own act, within a day. A second time changes nothing. Refused where none can go.
    """
    mine = BulkAct.objects.manageable_by(actor).filter(kind=APART)
    found = mine.select_for_update(no_key=True, of=("self",)).filter(pk=act.pk).first()
    if found is None:
        raise Refused("只能撤销自己办的安排。", "scope")
    if found.undone_at:
        return bulk.Undone()
    if problem := bulk.why_not_undone(found):
        raise Refused(problem, "final")
    changes = list(found.changes.all())
    stored = {one.pk: one for one in fetch_sessions(actor, [change.target_id for change in changes])}
    prefetch_related_objects(list(stored.values()), *BESIDE)
    held, outcome, gone = told_who_came(stored), bulk.Undone(verb="取消"), []
    for change in changes:
        session = stored.get(change.target_id)
        if problem := why_left(session, change, held):
            outcome.left.append(f"{session.host.name if session else change.name}（{problem}）")
        else:
            gone.append(change)
    if not gone:
        raise Refused(f"没有撤销：{'、'.join(outcome.left)}。", "one_refuses")
    cancel(found, gone)
    outcome.done = len(gone)
    bulk.tell_undone(actor, found, outcome)
    return outcome


def told_who_came(ids: Collection[int]) -> set[int]:
    """Classes of which nobody is marked, but heads are counted or others written down."""
    told = Q(counted_heads__isnull=False) | Q(trainees__isnull=False) | Q(head_counts__isnull=False)
    return set(SessionUnit.objects.filter(told, session__in=ids).values_list("session_id", flat=True))


def why_left(session: TrainingSession | None, change: BulkChange, held: Collection[int]) -> str:
    if session is None:
        return "已经不归您管理"
    if session.cancelled_at:
        return "已经取消"
    if problem := session_refusal(session):
        return problem
    if session.pk in held:
        return "已经报了到场的人"
    return "" if kept(session) == change.after else "后来又改过"


def cancel(act: BulkAct, changes: Sequence[BulkChange]) -> None:
    now, ids = timezone.now(), [change.target_id for change in changes]
    TrainingSession.objects.filter(pk__in=ids).update(cancelled_at=now, void_reason=CANCELLED)
    SessionUnit.objects.filter(session__in=ids).update(due_at=None)
    act.undone_at = now
    act.save(update_fields=["undone_at"])
    act.changes.filter(pk__in=[change.pk for change in changes]).update(was_undone=True)


bulk.UNDO[APART] = undo_apart
