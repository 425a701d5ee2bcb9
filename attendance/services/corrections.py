"""Correcting a session that was already recorded: its rows follow, and every figure with them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from attendance.models import ATTENDED, Attendance, Part
from attendance.queries import held_on
from attendance.services.exclusively import Also, lock_exactly, with_retry
from attendance.services.recount import recount
from campaigns.models import Stage, Topic, TrainingForm, TrainingSession, Unit, clock_minutes
from campaigns.models.hours import MOST_MINUTES
from campaigns.queries.hours import Rules
from campaigns.services.registers import set_facts
from campaigns.services.sessions import REASON_LENGTH, short
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit, changes


@service(atomic=False)
def correct_session(
    *,
    actor: User,
    session: TrainingSession,
    title: str,
    topics: Sequence[Topic],
    starts_at: datetime,
    ends_at: datetime,
    minutes: int | None,
) -> TrainingSession:
    """Change title, topics, time or length of a recorded session and rewrite what its rows copied.

    `minutes` None: what the hours rule of the day says. Who was expected stays who was
    expected. Minutes a person set are kept. Repeating it changes nothing but the audit.
    """
    title = short(title, TrainingSession._meta.get_field("title").max_length, "场次名称")
    if not title:
        raise Refused("请写场次名称。", code="title")
    if any(topic.campaign_id != session.campaign_id for topic in topics):
        raise Refused("专题要属于这次冬训。", code="topics")
    facts = {"title": title, "starts_at": starts_at, "ends_at": ends_at}

    def act(also: Also) -> TrainingSession:
        fresh = _locked(actor, session, also)
        _refuse_time(fresh, starts_at, ends_at, minutes)
        shown = (*facts, "minutes")
        before = _facts(fresh, shown)
        set_facts(session=fresh, topics=topics, **facts, **_worth(fresh, starts_at, ends_at, minutes))
        _rewrite_rows(fresh)
        differences = changes.between(before, _facts(fresh, shown))
        summary = f"更正已点名的场次“{fresh.title}”{changes.labels(differences)}"
        _audit(actor, fresh, "session.corrected", summary, changes=differences)
        return fresh

    return with_retry(act)


@service(atomic=False)
def void_session(*, actor: User, session: TrainingSession, reason: str) -> TrainingSession:
    """A wrong session counts no more; it is never deleted. Voiding it again changes nothing."""
    reason = short(reason, REASON_LENGTH, "作废的原因")
    if not reason:
        raise Refused("请写一句作废的原因。", code="reason")

    def act(also: Also) -> TrainingSession:
        fresh = _locked(actor, session, also)
        if fresh.voided_at:
            return fresh
        set_facts(session=fresh, voided_at=timezone.now(), void_reason=reason)
        _rewrite_rows(fresh)
        _audit(actor, fresh, "session.voided", f"作废场次“{fresh.title}”，原因：{fresh.void_reason}")
        return fresh

    return with_retry(act)


def _facts(session: TrainingSession, names: Iterable[str]) -> changes.Facts:
    topics = changes.names(topic.name for topic in session.topics.all())
    return changes.facts(session, names) | {"topics": ("专题", topics)}


def _audit(actor: User, session: TrainingSession, action: str, summary: str, **details: object) -> None:
    audit.record(
        actor=actor, action=action, summary=summary, target=session, path=session.host.path, details=details
    )


def _locked(actor: User, session: TrainingSession, also: Also) -> TrainingSession:
    """The session under the lock of every unit its rows touch; refused outside the host's scope."""
    if not TrainingSession.objects.hosted_by(actor).filter(pk=session.pk).exists():
        raise Refused("这场由其他单位主办，请联系主办单位更正。", code="scope")
    lock_exactly(lambda: _concerned(session), also)
    session = TrainingSession.objects.select_related("campaign", "form", "host").get(pk=session.pk)
    if session.campaign.stage == Stage.CLOSED:
        raise Refused("这次冬训已经结束，场次不能再改。", code="closed")
    if Unit.objects.filter(pk__in=_concerned(session), frozen_at__isnull=False).exists():
        raise Refused("有单位的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")
    return session


def _concerned(session: TrainingSession) -> set[int]:
    """The host, the parts' units, and where everybody on a sheet belonged and counts now."""
    rows = Attendance.objects.filter(session=session)
    return {
        session.host_id,
        *session.parts.values_list("unit_id", flat=True),
        *rows.values_list("unit_id", flat=True),
        *rows.values_list("entry__unit_id", flat=True),
    }


def _worth(
    session: TrainingSession, starts_at: datetime, ends_at: datetime, minutes: int | None
) -> dict[str, object]:
    """What the class is worth: as entered, else by the rule. What nobody touched stays the rule's."""
    untouched = session.hours_rule_id and (session.starts_at, session.ends_at, session.minutes) == (
        starts_at,
        ends_at,
        minutes,
    )
    if minutes is not None:
        return {} if untouched else {"minutes": minutes, "hours_rule": None}
    worth = Rules(session.campaign_id).worth(session.form.code, starts_at, ends_at)
    return {"minutes": worth.minutes, "hours_rule": worth.rule}


def _refuse_time(
    session: TrainingSession, starts_at: datetime, ends_at: datetime, minutes: int | None
) -> None:
    campaign, day = session.campaign, timezone.localdate(starts_at)
    if ends_at <= starts_at:
        raise Refused("结束时间要晚于开始时间。", code="time")
    if not campaign.starts_on <= day <= campaign.ends_on:
        raise Refused("日期要在冬训期间内。", code="time")
    if day > timezone.localdate():
        raise Refused("已经点过名的场次不能改到今天以后。", code="time")
    if clock_minutes(starts_at, ends_at) > MOST_MINUTES:
        raise Refused("一场不超过12小时；连着几天的，请每天安排一场。", code="time")
    if minutes is not None and not 0 < minutes <= MOST_MINUTES:
        raise Refused("时长要在1到720分钟之间。", code="minutes")


def _rewrite_rows(session: TrainingSession) -> None:
    rows = Attendance.objects.filter(session=session)
    rows.update(held_on=held_on(session), topic_mask=session.topic_mask, counts=session.counts)
    full = 0 if session.form.hours_rule == TrainingForm.HoursRule.NONE else session.minutes
    rows.filter(status__in=ATTENDED, minutes_set=False).update(minutes=full)
    rows.exclude(part=Part.VISITOR).update(round=session.round)
    parts = session.parts.filter(recorded_at__isnull=False)
    here = Q(pk__in=rows.values("entry__unit")) | Q(pk__in=parts.values("unit"))
    recount(
        campaign=session.campaign,
        entries=set(rows.values_list("entry_id", flat=True)),
        parts=parts.values_list("pk", flat=True),
        units=Unit.objects.filter(here).values_list("pk", flat=True),
    )
