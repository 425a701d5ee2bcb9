"""Several chosen people of one branch to another, and taking that back while nothing changed since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from attendance.models import Attendance, RosterEntry, Status
from attendance.queries import held_on
from attendance.services.exclusively import Also, with_retry
from attendance.services.moving import Told, follow
from attendance.services.recount import recount
from campaigns.models import Campaign, SessionUnit
from organizations.id_number import without_numbers
from organizations.models import BulkAct, BulkChange, Member, Organization, Transfer, User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.bulk import UNDO_WITHIN, Undone, sending, sent_before
from organizations.services.transfers import (
    locked_branch,
    locked_members,
    place_members,
    transfer_members,
)

KIND = "member.move"
MOST = 500
# What a new branch does not take over, and a way back restores.
KEPT = ("branch_since", "party_group", "post", "place_in_list")


@service(atomic=False)
def move_several(
    *, actor: User, members: Sequence[Member], to_branch: Organization, day: date, request_uuid: UUID
) -> BulkAct | None:
    """These members of one branch belong, and count, in `to_branch` from `day` on; the act can be undone.

    The same `request_uuid` again gives the same act. None where everybody is there already.
    """
    return with_retry(lambda also: _move(actor, members, to_branch, day, request_uuid, also))


def _move(
    actor: User,
    members: Sequence[Member],
    to_branch: Organization,
    day: date,
    request_uuid: UUID,
    also: Also,
) -> BulkAct | None:
    sent = sending(KIND, [member.pk for member in members], {"to_branch": to_branch.pk, "day": day})
    if earlier := sent_before(actor, request_uuid, sent):
        return earlier
    if not members or len(members) > MOST:
        raise Refused(f"请勾选要转的党员，一次最多{MOST}人。", code="none")
    to_branch = locked_branch(actor, to_branch)
    people = locked_members(actor, [member.pk for member in members])
    if len({member.branch_id for member in people}) > 1:
        raise Refused("勾选的人现在不在同一个党支部，请刷新页面再选。", code="branches")
    before = {member.pk: {name: _plain(getattr(member, name)) for name in KEPT} for member in people}
    sheets = _sheets_to_leave(people, day)
    transfers = transfer_members(actor=actor, members=people, to_branch=to_branch, day=day)
    if not transfers:
        return None
    told = Told(actor, f"转到{to_branch.name}", actor, f"由{people[0].branch.name}转来")
    follow(transfers, to_branch, day, told, also)
    kept = {t.pk: before[t.member_id] | {"sheets": sheets.get(t.member_id, [])} for t in transfers}
    return _keep(actor, request_uuid, sent, transfers, to_branch, kept)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _sheets_to_leave(people: Iterable[Member], day: date) -> dict[int, list[list]]:
    """Sheets on which these people stand unmarked, which the move takes them off: [part, way]."""
    rows = Attendance.objects.filter(
        entry__member__in=people, entry__is_open=True, status=Status.UNMARKED, held_on__gte=day
    )
    found: dict[int, list[list]] = {}
    for member, sheet, part in rows.values_list("entry__member", "session_unit", "part"):
        found.setdefault(member, []).append([sheet, part])
    return found


def _keep(
    actor: User,
    request_uuid: UUID,
    sent: str,
    transfers: Sequence[Transfer],
    to_branch: Organization,
    kept: dict[int, dict],
) -> BulkAct:
    names = "、".join(transfer.member.name for transfer in transfers[:3])
    names += f"等{len(transfers)}人" if len(transfers) > 3 else ""
    try:
        with transaction.atomic():
            act = BulkAct.objects.create(
                actor=actor,
                kind=KIND,
                summary=without_numbers(f"{names}转到{to_branch.name}"),
                request_uuid=request_uuid,
                sent=sent,
            )
    except IntegrityError as clash:
        raise Refused("这一页刚才已经办过了，请刷新后再看。", code="sent_twice") from clash
    BulkChange.objects.bulk_create(
        BulkChange(
            act=act,
            target_type=Transfer._meta.label_lower,
            target_id=transfer.pk,
            path=to_branch.path,
            name=transfer.member.name,
            before=kept[transfer.pk],
        )
        for transfer in transfers
    )
    return act


# --- Taking it back -------------------------------------------------------------------------------
@service(atomic=False)
def undo_move(*, actor: User, act: BulkAct) -> Undone:
    """Everybody goes back who is still as the act left them, to the sheets they were taken off; the
    others are named. One's own act, within a day; a second time changes nothing."""
    return with_retry(lambda also: _undo(actor, act, also))


def _undo(actor: User, act: BulkAct, also: Also) -> Undone:
    mine = BulkAct.objects.manageable_by(actor).filter(kind=KIND)
    found = mine.select_for_update(no_key=True, of=("self",)).filter(pk=act.pk).first()
    if found is None:
        raise Refused("只能撤销自己办的转支部。", code="scope")
    if found.undone_at:
        return Undone()
    if timezone.now() - found.at > UNDO_WITHIN:
        raise Refused("已经过了24小时，不能一次撤销了；要转回去，请再办一次转支部。", code="late")
    kept = {change.target_id: change for change in found.changes.all()}
    transfers = list(Transfer.objects.filter(pk__in=kept).select_related("from_branch").order_by("pk"))
    back_to = locked_branch(actor, transfers[0].from_branch)
    ready, left = _who_goes_back(actor, transfers)
    if ready:
        _bring_back(actor, back_to, ready, [kept[transfer.pk] for transfer, _ in ready], also)
    rest = f"，{len(left)}人没有动" if left else ""
    found.undone_at = timezone.now()
    found.save(update_fields=["undone_at"])
    found.changes.filter(target_id__in=[transfer.pk for transfer, _ in ready]).update(was_undone=True)
    audit.record(
        actor=actor,
        action="member.moved_back",
        summary=f"撤销“{found.summary[:150]}”，转回{len(ready)}人{rest}",
        target=back_to,
        organization=back_to,
        details={"members": [member.pk for _, member in ready], "left": left},
    )
    return Undone(len(ready), left)


def _who_goes_back(
    actor: User, transfers: Sequence[Transfer]
) -> tuple[list[tuple[Transfer, Member]], list[str]]:
    """Those who are still as the move left them, locked; and the others in words."""
    people = Member.objects.select_for_update(no_key=True, of=("self",)).select_related("branch")
    ids = [transfer.member_id for transfer in transfers]
    stored = {member.pk: member for member in people.filter(pk__in=ids).order_by("pk")}
    mine = set(Member.objects.manageable_by(actor).filter(pk__in=ids).values_list("pk", flat=True))
    newest: dict[int, int] = {}
    for pk, member_pk in Transfer.objects.filter(member__in=ids).order_by("pk").values_list("pk", "member"):
        newest[member_pk] = pk
    ready, left = [], []
    for transfer in transfers:
        member = stored[transfer.member_id]
        if member.pk not in mine:
            left.append(f"{member.name}（已经不归您管理）")
        elif member.left_on:
            left.append(f"{member.name}（后来登记离开了）")
        elif newest[member.pk] != transfer.pk or member.branch_since != transfer.day:
            left.append(f"{member.name}（后来又转过）")
        else:
            ready.append((transfer, member))
    return ready, left


def _bring_back(
    actor: User,
    branch: Organization,
    ready: Sequence[tuple[Transfer, Member]],
    kept: Sequence[BulkChange],
    also: Also,
) -> None:
    members, day = [member for _, member in ready], ready[0][0].day
    back = place_members(members=members, to_branch=branch, day=day, asked_by=actor, accepted_by=actor)
    for member, change in zip(members, kept, strict=True):
        since = change.before["branch_since"]
        member.branch_since = date.fromisoformat(since) if since else None
        for name in KEPT[1:]:
            setattr(member, name, change.before[name])
    Member.objects.bulk_update(members, KEPT, batch_size=500)
    sheets = [
        Sheet(member.pk, *sheet)
        for member, change in zip(members, kept, strict=True)
        for sheet in change.before["sheets"]
    ]
    units = set(SessionUnit.objects.filter(pk__in={s.part for s in sheets}).values_list("unit_id", flat=True))
    follow(back, branch, day, Told(actor, "撤销转支部", actor, "撤销转支部"), also, units)
    _onto_sheets(sheets)


@dataclass(frozen=True)
class Sheet:
    """A sheet the move took somebody off, and how they were to take part."""

    member: int
    part: int
    way: str


def _onto_sheets(sheets: Sequence[Sheet]) -> None:
    """Back among the expected, where the sheet is still open and they do not stand on it by now."""
    rows = SessionUnit.objects.filter(
        pk__in={sheet.part for sheet in sheets},
        recorded_at__isnull=False,
        closed_at__isnull=True,
        unit__frozen_at__isnull=True,
    )
    parts = {part.pk: part for part in rows.select_related("session", "unit")}
    campaigns = {part.session.campaign_id for part in parts.values()}
    entries = RosterEntry.objects.present().filter(
        member__in={sheet.member for sheet in sheets}, campaign__in=campaigns
    )
    entry_of = {(entry.member_id, entry.campaign_id): entry for entry in entries}
    restored: dict[int, list[Attendance]] = {}
    for sheet in sheets:
        part = parts.get(sheet.part)
        entry = entry_of.get((sheet.member, part.session.campaign_id)) if part else None
        if part and entry and not entry.rows.filter(session=part.session_id).exists():
            restored.setdefault(part.session.campaign_id, []).append(_unmarked(part, entry, sheet.way))
    for campaign in Campaign.objects.filter(pk__in=restored):
        rows_here = Attendance.objects.bulk_create(restored[campaign.pk])
        recount(
            campaign=campaign,
            entries={row.entry_id for row in rows_here},
            parts={row.session_unit_id for row in rows_here},
            units={row.unit_id for row in rows_here},
        )


def _unmarked(part: SessionUnit, entry: RosterEntry, way: str) -> Attendance:
    session = part.session
    return Attendance(
        session=session,
        session_unit=part,
        entry=entry,
        unit_id=part.unit_id,
        part=way,
        held_on=held_on(session),
        topic_mask=session.topic_mask,
        round=session.round,
        counts=session.counts,
    )
