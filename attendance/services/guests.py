"""People from outside the scope: written down as text by the host, claimed by the home unit."""

import hashlib
from unicodedata import normalize
from uuid import UUID, uuid5

from django.utils import timezone

from attendance.models import Guest, Mark, MarkBatch, RosterEntry, Status
from attendance.queries import parts_for
from attendance.queries.guests import claimable, own_people
from attendance.services.exclusively import Also, with_retry
from attendance.services.judging import MarkInput, lock_sheet, refuse_session
from attendance.services.marks import BatchAnswer, apply_batch
from campaigns.models import SessionUnit, Stage, TrainingSession
from campaigns.services.locking import lock_units
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.writing import insert_once

NAME, FROM = 50, 100  # as long as their columns are


def _plain(text: str) -> str:
    """As names stand on a roster: no spaces, nothing that cannot be seen."""
    return "".join(letter for letter in normalize("NFKC", text) if letter.isprintable() and letter != " ")


@service
def note_guest(
    *, actor: User, session: TrainingSession, name: str, says_from: str, request_uuid: UUID
) -> Guest:
    """Somebody of no unit of this scope came. Counted nowhere until claimed.

    The same `request_uuid` again gives the guest that is stored.
    """
    name, says_from = _plain(name), _plain(says_from)
    if not name or len(name) > NAME:
        raise Refused(f"请写姓名，最多{NAME}个字。", code="name")
    if not says_from or len(says_from) > FROM:
        raise Refused(f"请写他说的单位，最多{FROM}个字，例如“××镇××村党支部”。", code="says_from")
    part = _locked_part(actor, session)
    if stored := Guest.objects.filter(request_uuid=request_uuid).first():
        if (stored.name, stored.says_from, stored.part.session_id) != (name, says_from, session.pk):
            raise Refused("这个提交编号已经用过，请刷新页面再登记。", code="key_reuse")
        return stored
    refuse_session(part.session)
    _refuse_locked(part)
    seen = RosterEntry.objects.visible_to(actor).present().filter(campaign=session.campaign_id)
    if seen.filter(member__name=name, unit__name=says_from).exists():
        raise Refused("这个人就在您管的名册里，请在点名页“外单位来听”里找他的名字，直接登记。", code="known")
    guest = Guest.objects.create(
        part=part, name=name, says_from=says_from, created_by=actor, request_uuid=request_uuid
    )
    _audit(actor, guest, "guest.noted", f"记下外来人员：{guest}（{session.title}）")
    return guest


def _locked_part(actor: User, session: TrainingSession) -> SessionUnit:
    """The sheet a guest stands on, under the lock: the host's, else the first the account keeps."""
    parts = parts_for(session, actor, to_write=True)
    if not parts:
        raise Refused("您不负责登记这个场次。", code="scope")
    chosen = next((part for part in parts if part.unit_id == session.host_id), parts[0])
    lock_units([chosen.unit_id])
    return SessionUnit.objects.select_related("unit", "session__campaign", "session__host").get(pk=chosen.pk)


def _refuse_locked(part: SessionUnit) -> None:
    if part.session.campaign.stage == Stage.CLOSED:
        raise Refused("这次冬训已经结束，登记不能再改。", code="closed")
    if part.closed_at:
        raise Refused("这张登记表已经完成登记。要改，请先重新打开。", code="closed")
    if part.unit.frozen_at:
        raise Refused("本单位的数据已经上报锁定。要改，请先请上级解锁。", code="frozen")


@service
def drop_guest(*, actor: User, guest: Guest) -> Guest:
    """Written down by mistake; it stays in history. Dropping it again changes nothing."""
    if guest.part_id not in {part.pk for part in parts_for(guest.part.session, actor, to_write=True)}:
        raise Refused("您不负责登记这个场次。", code="scope")
    lock_units([guest.part.unit_id])
    parts = ("part__unit", "part__session__host", "part__session__campaign")
    row = Guest.objects.select_related(*parts).get(pk=guest.pk)
    if row.dropped_at:
        return row
    _refuse_locked(row.part)
    if row.claimed_id:
        raise Refused("他所在的单位已经认领，不能删。登记有误，请在点名里更正。", code="claimed")
    row.dropped_at, row.dropped_by = timezone.now(), actor
    row.save(update_fields=["dropped_at", "dropped_by"])
    _audit(actor, row, "guest.dropped", f"删去外来人员：{row}（{row.part.session.title}）")
    return row


@service(atomic=False)
def claim_guest(*, actor: User, guest: Guest, entry: RosterEntry) -> BatchAnswer:
    """The home unit says who the guest is: marked as a visitor on the host's sheet, counted at home.

    Where the host's sheet is finished the mark is held and waits for its reopening.
    Claiming as the same person again changes nothing.
    """
    session = guest.part.session
    uuid = uuid5(guest.request_uuid, f"claim:{entry.pk}")
    body = hashlib.sha256(f"claim:{guest.pk}:{entry.pk}".encode()).hexdigest()
    facts = {"session": session, "account": actor, "kind": MarkBatch.Kind.CLAIM, "body_sha256": body}

    def act(also: Also) -> BatchAnswer:
        if not own_people(actor, session.campaign).filter(pk=entry.pk, member__name=guest.name).exists():
            raise Refused("只能认领自己名册里同名的人。", code="scope")
        stored = MarkBatch(uuid=uuid, **facts)
        if not insert_once(stored):
            return BatchAnswer(MarkBatch.objects.get(uuid=uuid), [])
        sheet = lock_sheet(actor, session, also, [entry.pk], SessionUnit.objects.filter(pk=guest.part_id))
        if sheet.session.campaign.stage == Stage.CLOSED:
            raise Refused("这次冬训已经结束，登记不能再改。", code="closed")
        if not claimable(actor, session.campaign).filter(pk=guest.pk).exists():
            raise Refused("这个人已经认领，或者登记他的单位删去了。", code="gone")
        if entry.pk not in sheet.entries:
            raise Refused("这个人在名册上刚刚变了，请刷新页面再认领。", code="changed")
        home = sheet.entries[entry.pk].home
        if sheet.session.parts.exclude(pk=guest.part_id).filter(unit=home).exists():
            raise Refused("本支部也参加这一场，请在本支部的登记表上登记。", code="own_sheet")
        row = sheet.rows.get(entry.pk)
        mark = MarkInput(entry.pk, Status.PRESENT, row.version if row else 0)
        answer = apply_batch(sheet, stored, [mark])
        if answer.of(Mark.Outcome.REJECTED):
            raise Refused("这个人在这一场已经登记在别的登记表上，不用认领。", code="other_part")
        _store_claim(actor, guest, entry)
        return answer

    return with_retry(act)


def _store_claim(actor: User, guest: Guest, entry: RosterEntry) -> None:
    guest.claimed, guest.claimed_by, guest.claimed_at = entry, actor, timezone.now()
    guest.save(update_fields=["claimed", "claimed_by", "claimed_at"])
    day = timezone.localdate(guest.part.session.starts_at)
    audit.record(
        actor=actor,
        action="guest.claimed",
        summary=f"认领{entry.member.name}（{entry.unit.name}）：{day.month}月{day.day}日到外单位听课",
        target=entry,
        path=entry.unit.path,
        details={"guest": guest.pk, "session": guest.part.session_id},
    )


def _audit(actor: User, guest: Guest, action: str, summary: str) -> None:
    audit.record(
        actor=actor, action=action, summary=summary, target=guest.part.session, path=guest.part.unit.path
    )
