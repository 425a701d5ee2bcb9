"""学时折算: the rules of a campaign. A rule is never edited; another one from a day on takes its place."""

from collections.abc import Iterable
from datetime import date

from django.utils import timezone

from campaigns.models import Campaign, HoursKind, HoursRule, TrainingSession, Unit
from campaigns.models.hours import MOST_MINUTES
from campaigns.queries.hours import Behind, Rules, behind
from campaigns.services.campaigns import locked, may_run, record
from campaigns.services.locking import lock_units
from organizations.models import User
from organizations.service import Refused, service

LONGEST_SOURCE = HoursRule._meta.get_field("source").max_length


@service
def set_hours_rule(
    *,
    actor: User,
    campaign: Campaign,
    kind: str,
    since: date,
    minutes: int | None,
    source: str,
    most_minutes: int | None = None,
) -> tuple[HoursRule, int]:
    """From `since` on a whole class of this kind is worth `minutes` (None: as long as it took).

    Classes of earlier days, and minutes somebody entered, stay. Where classes have to
    follow, the figures wait for the recount, which brings them up to the rule; returns
    how many. The same rule again changes nothing.
    """
    may_run(actor, campaign.organization)
    # Whoever plans or corrects a class holds a unit and reads the rules: all of them first, or after us.
    lock_units(Unit.objects.filter(campaign=campaign).order_by().values_list("pk", flat=True))
    campaign = locked(actor, campaign)
    check_rule(campaign, kind, since, minutes, most_minutes, source)
    now = Rules(campaign.pk).on(kind, since)
    facts = {"minutes": minutes, "most_minutes": most_minutes, "source": source.strip()}
    if now and now.since == since and all(getattr(now, name) == value for name, value in facts.items()):
        return now, 0
    rule = HoursRule.objects.create(campaign=campaign, kind=kind, since=since, set_by=actor, **facts)
    waiting = len(behind(campaign.pk))
    if waiting:
        refuse_frozen(campaign)
        campaign.recount_due_at = timezone.now()
        campaign.save(update_fields=["recount_due_at"])
    words = f"{rule.get_kind_display()}从{since:%Y年%-m月%-d日}的课起{rule.words}"
    details = {"rule": rule.pk, "sessions": waiting, "source": rule.source}
    record(actor, campaign, "campaign.hours", f"改学时折算：{words}，{waiting}场课重新折算", details)
    return rule, waiting


def check_rule(
    campaign: Campaign, kind: str, since: date, minutes: int | None, most: int | None, source: str
) -> None:
    if kind not in HoursKind.values:
        raise Refused("请选择哪种课。", "kind")
    if not campaign.starts_on <= since <= campaign.ends_on:
        raise Refused(
            f"从哪天起，要在冬训期间（{campaign.starts_on:%Y-%m-%d} 至 {campaign.ends_on:%Y-%m-%d}）内。",
            "since",
        )
    if minutes is not None and most is not None:
        raise Refused("定了每场计多少，就不用再写最多计多少。", "most_minutes")
    if any(value is not None and not 0 < value <= MOST_MINUTES for value in (minutes, most)):
        raise Refused("一场要大于0，不超过12小时（720分钟）。", "minutes")
    if not 0 < len(source.strip()) <= (LONGEST_SOURCE or 0):
        raise Refused(f"请写明依据哪个文件或谁定的，不超过{LONGEST_SOURCE}字。", "source")


def refuse_frozen(campaign: Campaign) -> None:
    if Unit.objects.filter(campaign=campaign, frozen_at__isnull=False).exists():
        raise Refused(
            "有单位的数据已经上报锁定，已有的课不能重新折算。请先由上级解锁，或把日期改到还没有课的那天。",
            "frozen",
        )


@service(audited=False)
def set_worth(*, found: Iterable[Behind]) -> None:
    """These classes are worth what their rules say. Called by attendance, under the lock, with their rows."""
    by_worth: dict[tuple[int, int | None], list[int]] = {}
    for one in found:
        key = (one.worth.minutes, one.worth.rule.pk if one.worth.rule else None)
        by_worth.setdefault(key, []).append(one.session)
    for (minutes, rule), sessions in by_worth.items():
        TrainingSession.objects.filter(pk__in=sessions).update(minutes=minutes, hours_rule=rule)
