"""The roster: drawing it when a campaign opens, and 不作硬性要求."""

from datetime import date

from django.db import IntegrityError
from django.db.models import Max
from django.utils import timezone

from attendance.models import RosterChange, RosterEntry, RosterStay, Waiver
from attendance.queries.differences import SECRETARY_POSTS
from attendance.services.exclusively import Also, lock_exactly, with_retry
from attendance.services.recount import rebuild, recount
from attendance.services.roster_changes import note
from campaigns.models import Campaign, Stage, Unit
from campaigns.services.campaigns import draw_units, mark_open
from campaigns.services.locking import lock_units
from organizations.models import Member, User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.member_dates import FIRST_YEAR

BATCH = 2000


@service
def open_campaign(*, actor: User, campaign: Campaign) -> int:
    """Draw the units and the dated roster from the tree and open the campaign; returns the headcount.

    Opening an open campaign again changes nothing. Refused while a member of the
    tree is still on the roster of another open campaign.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if campaign.stage == Stage.OPEN:
        return campaign.entries.present().count()
    if campaign.stage == Stage.CLOSED:
        raise Refused("这次冬训已经结束，不能再划定名册。", code="closed")
    units = draw_units(actor=actor, campaign=campaign)
    people = lock_units([unit.pk for unit in units if unit.holds_people])
    _refuse_busy_members(campaign, people)
    try:
        drawn = _draw_entries(campaign, people)
    except IntegrityError as clash:
        # Another campaign drew the same people in this very moment; the constraint let one of them.
        raise Refused(
            "这些党员刚刚划进了另一次冬训的名册。请先结束那次冬训，再划定这次的名册。", code="busy"
        ) from clash
    mark_open(actor=actor, campaign=campaign)
    campaign.refresh_from_db()
    rebuild(campaign=campaign)
    audit.record(
        actor=actor,
        action="roster.drawn",
        summary=f"划定名册并开始：{campaign.label}，{len(people)}个支部，{drawn}名党员",
        target=campaign,
        organization=campaign.organization,
        details={"members": drawn, "branches": len(people)},
    )
    return drawn


def _refuse_busy_members(campaign: Campaign, units: list[Unit]) -> None:
    """One open campaign per member: the constraint, said in words."""
    busy = (
        RosterEntry.objects.filter(is_open=True, member__branch__in=[u.organization_id for u in units])
        .exclude(campaign=campaign)
        .select_related("campaign", "member")
        .first()
    )
    if busy:
        raise Refused(
            f"{busy.member.name}等党员还在“{busy.campaign.label}”的名册上。请先结束那次冬训，再划定这次的名册。",
            code="busy",
        )


def _draw_entries(campaign: Campaign, units: list[Unit]) -> int:
    """Entries and stays for everybody now in these branches, in chunks, dated by the campaign's first day."""
    unit_of = {unit.organization_id: unit.pk for unit in units}
    since = campaign.starts_on
    members = Member.objects.present().filter(branch__in=unit_of).exclude(entries__campaign=campaign)
    drawn = 0
    fields = ("pk", "branch_id", "category", "post", "is_floating", "is_home_bound")
    batch: list[RosterEntry] = []
    for pk, branch, category, post, floating, home_bound in members.order_by("pk").values_list(*fields):
        batch.append(
            RosterEntry(
                campaign=campaign,
                member_id=pk,
                unit_id=unit_of[branch],
                category=category,
                post=post,
                is_floating=floating,
                is_home_bound=home_bound,
                hours_target=campaign.hours_secretary if post in SECRETARY_POSTS else campaign.hours_member,
                joined_on=since,
            )
        )
        if len(batch) == BATCH:
            drawn += _store(batch, since)
            batch = []
    return drawn + _store(batch, since)


def _store(batch: list[RosterEntry], since: date) -> int:
    entries = RosterEntry.objects.bulk_create(batch)
    RosterStay.objects.bulk_create(
        [RosterStay(entry=entry, unit_id=entry.unit_id, since=since) for entry in entries]
    )
    return len(entries)


def _require_in_scope(actor: User, entry: RosterEntry) -> None:
    if not RosterEntry.objects.manageable_by(actor).filter(pk=entry.pk).exists():
        raise Refused("这名党员不在您管理的范围内。", code="scope")


def _locked(actor: User, entry: RosterEntry, also: Also) -> RosterEntry:
    """The entry as it is under the lock of the unit it counts in now; refused where that may not change."""
    here = RosterEntry.objects.filter(pk=entry.pk)
    lock_exactly(lambda: set(here.values_list("unit_id", flat=True)), also)
    # Asked again: somebody may have moved the person away while we waited.
    _require_in_scope(actor, entry)
    entry = RosterEntry.objects.select_related("campaign", "unit", "member").get(pk=entry.pk)
    if entry.merged_into_id:
        raise Refused("这条名册是重复登记，已经并入本人的另一条，请到那一条上办理。", code="merged")
    if not entry.campaign.is_open:
        raise Refused("这次冬训已经结束，名册不能再改。", code="closed")
    if entry.unit.frozen_at:
        raise Refused("本单位的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")
    return entry


def _recount_person(entry: RosterEntry) -> None:
    recount(campaign=entry.campaign, entries=[entry.pk], parts=[], units=[entry.unit_id])


@service(atomic=False)
def set_waiver(*, actor: User, entry: RosterEntry, reason: str, since: date) -> Waiver:
    """不作硬性要求 from a day (条例 art. 23). Setting it again changes nothing; ended only by `end_waiver`.

    The person stays on the roster; what is already in a register stays as it is.
    """
    _require_in_scope(actor, entry)
    if since > timezone.localdate():
        raise Refused("开始日期不能晚于今天。", code="future")
    if since.year < FIRST_YEAR:
        raise Refused("开始日期不合理，请核对年份。", code="past")
    if reason not in Waiver.Reason.values:
        raise Refused("请选择原因类别。", code="reason")
    return with_retry(lambda also: _waive(actor, _locked(actor, entry, also), reason, since))


def _waive(actor: User, entry: RosterEntry, reason: str, since: date) -> Waiver:
    """Under the lock of the unit."""
    running = entry.waivers.filter(until__isnull=True).first()
    if running:
        return running
    last = entry.waivers.aggregate(last=Max("until"))["last"]
    if last and since < last:
        raise Refused(
            f"上一次不作硬性要求到{last:%Y年%m月%d日}才结束，请把开始日期放在那之后。", code="overlap"
        )
    waiver = Waiver.objects.create(entry=entry, reason=reason, since=since, set_by=actor)
    entry.required = False
    entry.save(update_fields=["required"])
    note([entry], RosterChange.Kind.WAIVED, since, actor, waiver.get_reason_display())
    _recount_person(entry)
    audit.record(
        actor=actor,
        action="waiver.set",
        summary=f"{entry.member.name}：不作硬性要求（{waiver.get_reason_display()}），自{since:%Y年%m月%d日}",
        target=entry,
        path=entry.unit.path,
    )
    return waiver


@service(atomic=False)
def end_waiver(*, actor: User, entry: RosterEntry, until: date) -> None:
    """The person is required again from `until` on. Ending an ended waiver changes nothing."""
    _require_in_scope(actor, entry)
    with_retry(lambda also: _require_again(actor, _locked(actor, entry, also), until))


def _require_again(actor: User, entry: RosterEntry, until: date) -> None:
    """Under the lock of the unit."""
    running = entry.waivers.filter(until__isnull=True).first()
    if running is None:
        return
    if not running.since <= until <= timezone.localdate():
        raise Refused("结束日期要在开始日期和今天之间。", code="date")
    running.until = until
    running.save(update_fields=["until"])
    entry.required = True
    entry.save(update_fields=["required"])
    note([entry], RosterChange.Kind.WAIVER_ENDED, until, actor, running.get_reason_display())
    _recount_person(entry)
    audit.record(
        actor=actor,
        action="waiver.ended",
        summary=f"{entry.member.name}：恢复应训，自{until:%Y年%m月%d日}",
        target=entry,
        path=entry.unit.path,
    )
