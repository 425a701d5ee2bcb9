"""Several accounts of the level below, closed or reset in one act."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from organizations import lockout
from organizations.models import BulkAct, User
from organizations.service import Refused, service
from organizations.services import changes, second_factor
from organizations.services.accounts import MOST_AT_ONCE, Slip, random_password, refuse_handed_over
from organizations.services.bulk import Line, fetched, keep, sending, sent_before

CLOSE, RESET = "account.close", "account.reset"


@service
def close_accounts(*, actor: User, ids: Sequence[int], request_uuid: UUID) -> BulkAct | None:
    """These accounts may not come in any more. The same `request_uuid` again gives the same act.

    None when all were closed already.
    """
    sent = sending(CLOSE, ids, {})
    if earlier := sent_before(actor, request_uuid, sent):
        return earlier
    users = [user for user in fetched(fetch_accounts, actor, ids) if user.is_active]
    if not users:
        return None
    for user in users:
        user.is_active = False
        user.set_unusable_password()
    User.objects.bulk_update(users, ["is_active", "password"])
    told = [{"field": "is_active", "label": "启用", "before": "是", "after": "否"}]
    summary = f"批量停用{len(users)}个账号：{named(users)}"
    return keep(actor, CLOSE, summary, request_uuid, lines(users, told), sent)


@service(atomic=False)
def reset_accounts(*, actor: User, ids: Sequence[int], request_uuid: UUID) -> list[Slip]:
    """A new random password for each; closed ones open again. All or none.

    The same `request_uuid` again is refused: the first slips are the right ones.
    """
    if len(set(ids)) > MOST_AT_ONCE:
        raise Refused(f"一次最多重置{MOST_AT_ONCE}个账号，请分几次办。", code="too_many")
    # Hashing takes its time: before the database waits, and only for accounts that exist.
    wanted = User.objects.manageable_by(actor).filter(pk__in=ids).values_list("pk", flat=True)
    passwords = {pk: random_password() for pk in wanted}
    encoded = {pk: make_password(password) for pk, password in passwords.items()}
    with transaction.atomic():
        sent = sending(RESET, ids, {})
        if sent_before(actor, request_uuid, sent):
            raise Refused("这一页刚才已经重置过了，请用那时打印的开通条。", code="sent_twice")
        users = fetched(fetch_accounts, actor, ids)
        for user in users:
            refuse_handed_over(user)
            user.password, user.must_change_password, user.is_active = encoded[user.pk], True, True
            user.password_changed_at = timezone.now()
            lockout.release(user.username)
            second_factor.forgive(user)
        columns = ["password", "must_change_password", "is_active", "password_changed_at"]
        User.objects.bulk_update(users, columns)
        told = [{"field": "password", "label": "密码", "before": "旧密码", "after": "新的初始密码"}]
        summary = f"批量重置{len(users)}个账号的密码：{named(users)}"
        keep(actor, RESET, summary, request_uuid, lines(users, told), sent)
    return [Slip(user, passwords[user.pk]) for user in users]


def fetch_accounts(actor: User, ids: Sequence[int]) -> list[User]:
    rows = User.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    mine = User.objects.manageable_by(actor).filter(pk__in=ids)
    return list(rows.filter(pk__in=mine.values("pk")).order_by("pk"))


def lines(users: Sequence[User], told: list[dict[str, str]]) -> list[Line]:
    return [Line(user, user.organization, {}, {}, told) for user in users]


def named(users: Sequence[User]) -> str:
    return changes.names((f"{user.name}（{user.username}）" for user in users), "个")
