"""流动联系: a line for each time somebody was in touch with a floating member."""

from datetime import date, timedelta
from uuid import UUID

from django.utils import timezone

from attendance.models import ContactLog, RosterEntry
from campaigns.models import Campaign
from campaigns.services.locking import lock_units
from campaigns.services.sessions import check_open, short
from organizations.id_number import without_numbers
from organizations.models import User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.services.writing import insert_once

OLDEST = timedelta(days=366)


@service
def log_contact(
    *,
    actor: User,
    entry: RosterEntry,
    how: str,
    day: date,
    request_uuid: UUID,
    content: str = "",
) -> ContactLog:
    """Somebody was in touch on `day`. The same `request_uuid` again gives the same line; with other facts
    it is refused."""
    mine = RosterEntry.objects.manageable_by(actor).filter(pk=entry.pk).first()
    if mine is None:
        raise Refused("这名党员不在您的管理范围内。", code="scope")
    lock_units([mine.unit_id])
    check_open(Campaign.objects.get(pk=mine.campaign_id))
    now = RosterEntry.objects.select_related("member", "unit__organization").get(pk=mine.pk)
    if now.left_on or not now.is_floating:
        raise Refused("名册上没有把这名党员标为流动，或已离开名册，不用登记联系。", code="not_floating")
    if how not in ContactLog.How.values:
        raise Refused("请选怎么联系的：电话、微信、见面或寄学习资料。", code="how")
    today = timezone.localdate()
    if not today - OLDEST <= day <= today:
        raise Refused("联系的日子不能晚于今天，也不能早于一年前。", code="day")
    log = ContactLog(
        entry=now,
        day=day,
        how=how,
        content=without_numbers(short(content, 500, "说了什么")),
        by=actor,
        request_uuid=request_uuid,
    )
    if not insert_once(log):
        return _sent_before(log)
    audit.record(
        actor=actor,
        action="contact.logged",
        summary=f"登记联系流动党员：{now.member.name}，{log.get_how_display()}",
        target=now,
        organization=now.unit.organization,
        path=now.unit.path,
    )
    return log


def _sent_before(log: ContactLog) -> ContactLog:
    same = ("request_uuid", "entry_id", "by_id", "day", "how", "content")
    earlier = ContactLog.objects.filter(**{name: getattr(log, name) for name in same}).first()
    if earlier is None:
        raise Refused("这个提交编号已经用过，请刷新页面再登记。", code="key_reuse")
    return earlier
