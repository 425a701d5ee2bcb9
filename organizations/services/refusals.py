"""Writes an account tried and may not make, so that somebody who pries is seen."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from organizations.models import AuditEvent, User
from organizations.service import service
from organizations.services import audit

ACTION = "account.write_refused"
# So many lines of one account in an hour, the last of which says that there are more.
MOST, SPAN = 30, timedelta(hours=1)
WHY = {403: "没有这项权限，或者页面已经过期", 404: "不在管理范围内，或者没有这条记录"}


@service(atomic=False)
def record_refused_write(*, actor: User, path: str, status: int) -> AuditEvent | None:
    """One line: who, when, which address. Of what was sent nothing is kept. Beyond MOST an hour, None.

    Counted outside of the transaction: whoever sends on and on must not hold up the writers.
    """
    mine = AuditEvent.objects.filter(target_type=User._meta.label_lower, target_id=str(actor.pk))
    told = mine.filter(action=ACTION, at__gt=timezone.now() - SPAN).count()
    if told >= MOST:
        return None
    words = f"没有办成的操作：{path[:150]}（{WHY.get(status, status)}）"
    if told == MOST - 1:
        words = f"没有办成的操作一小时里到了{MOST}次，这一小时后面的不再一条条记"
    details = {"path": path[:200], "status": status}
    with transaction.atomic():
        return audit.record(actor=actor, action=ACTION, summary=words, target=actor, details=details)
