"""The end of a campaign: what is open is said first, then nothing is written any more; and its reopening."""

from django.db import IntegrityError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from attendance.models import RosterEntry
from attendance.queries.ending import open_items, stopping, words_of
from campaigns.models import Campaign, Stage, Unit
from campaigns.services.campaigns import may_run, record
from campaigns.services.locking import lock_units
from campaigns.services.sessions import REASON_LENGTH, short
from campaigns.services.stages import mark_closed, mark_reopened
from organizations.models import User
from organizations.service import Refused, service

MOST_NAMED = 5


@service
def close_campaign(
    *, actor: User, campaign: Campaign, reason: str = "", knowing: int | None = None
) -> Campaign:
    """Nothing of the campaign is written from now on: the roster, its tree and the figures stay for ever.

    While somebody is unmarked, or a mark waits, it is refused with the list, unless the
    officer gives a `reason`; `knowing` is how many stopped it when they read the page.
    Closing a closed one changes nothing.
    """
    reason = short(reason, REASON_LENGTH, "原因")
    campaign = _locked(actor, campaign)
    if campaign.stage == Stage.CLOSED:
        return campaign
    _refuse_end(campaign)
    top = Unit.objects.select_related("campaign").get(
        campaign=campaign, organization=campaign.organization_id
    )
    items = open_items(campaign, top, timezone.now())
    _refuse_open(stopping(items), reason, knowing)
    # One statement whatever the size; who left before keeps what they are.
    closed = RosterEntry.objects.filter(campaign=campaign, is_open=True).update(is_open=False)
    mark_closed(campaign=campaign)
    over = f"；还有{words_of(stopping(items))}，仍然结束，原因：{reason}" if stopping(items) else ""
    record(
        actor,
        campaign,
        "campaign.closed",
        f"结束冬训：{campaign.label}，名册{closed}人{over}",
        {"open": {item.code: item.count for item in items}, "reason": reason},
    )
    return campaign


@service
def reopen_campaign(*, actor: User, campaign: Campaign, reason: str) -> Campaign:
    """Open a closed campaign again, by an officer of the owner, with a reason. Figures are counted once more.

    Refused, by name, while one of its people is on the roster of another open campaign.
    Marks that arrived meanwhile go on waiting until `let_in_waiting`. Reopening an open one
    changes nothing.
    """
    if not (actor.is_active and actor.runs_campaigns) or actor.organization_id != campaign.organization_id:
        raise Refused("只有主办单位的主管可以重新打开冬训。", code="scope")
    reason = short(reason, REASON_LENGTH, "重新打开的原因")
    if not reason:
        raise Refused("请写一句重新打开的原因。", code="reason")
    campaign = _locked(actor, campaign)
    if campaign.stage == Stage.OPEN:
        return campaign
    if campaign.stage == Stage.PREPARING:
        raise Refused("这期冬训还没有开始。", code="preparing")
    entries = _counting(campaign)
    _refuse_busy(entries)
    try:
        entries.update(is_open=True)
    except IntegrityError as clash:
        # Another campaign drew one of them in this very moment.
        raise Refused("有党员刚刚进了另一次进行中的冬训，不能重新打开。", code="busy") from clash
    mark_reopened(campaign=campaign)
    words = f"重新打开冬训：{campaign.label}，原因：{reason}"
    record(actor, campaign, "campaign.reopened", words, {"reason": reason})
    return campaign


def _locked(actor: User, campaign: Campaign) -> Campaign:
    """The campaign as it is once every unit of it, and the campaign, is held."""
    lock_units(Unit.objects.filter(campaign=campaign).order_by().values_list("pk", flat=True))
    campaign = (
        Campaign.objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization")
        .get(pk=campaign.pk)
    )
    may_run(actor, campaign.organization)
    return campaign


def _refuse_end(campaign: Campaign) -> None:
    if campaign.stage == Stage.PREPARING:
        raise Refused("这期冬训还没有开始，不用结束。", code="preparing")
    if campaign.recount_due_at:
        raise Refused("数字正在重算，请等一两分钟，算好了再结束。", code="recount")


def _refuse_open(stops: list, reason: str, knowing: int | None) -> None:
    if not stops:
        return
    if not reason:
        raise Refused(f"还不能结束：{words_of(stops)}。办完再结束；确实要结束，请写明原因。", code="open")
    if knowing is not None and knowing != sum(item.count for item in stops):
        raise Refused(f"情况刚刚有变动，现在是{words_of(stops)}。请看过再决定。", code="changed")


def _counting(campaign: Campaign) -> QuerySet[RosterEntry]:
    """Who is on the roster to the end; who left, or was merged, stays apart."""
    return RosterEntry.objects.filter(campaign=campaign, left_on__isnull=True, merged_into__isnull=True)


def _refuse_busy(entries: QuerySet[RosterEntry]) -> None:
    elsewhere = RosterEntry.objects.filter(member=OuterRef("member"), is_open=True)
    busy = entries.filter(Exists(elsewhere.exclude(campaign=OuterRef("campaign"))))
    found = list(busy.select_related("member").order_by("unit__path", "pk")[: MOST_NAMED + 1])
    if found:
        other = RosterEntry.objects.filter(member=found[0].member_id, is_open=True).select_related("campaign")
        names = "、".join(entry.member.name for entry in found[:MOST_NAMED])
        more = "等" if len(found) > MOST_NAMED else ""
        raise Refused(
            f"{names}{more}已经在“{other[0].campaign.label}”的名册上。请先结束那次冬训，再重新打开这一次。",
            code="busy",
        )
