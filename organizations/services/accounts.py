"""Accounts: opened by the level above, handed over on paper, reset and closed by the level above."""

from django.contrib.auth.hashers import make_password
from django.db import transaction

from organizations.models import Organization, User
from organizations.service import service
from organizations.services import audit


@service
def record_login(*, user: User) -> None:
    """Somebody came in. Each login is one event."""
    audit.record(actor=user, action="account.login", summary=f"登录：{user.name}", target=user)


@service
def record_failed_login(*, username: str, locked: bool) -> None:
    """Somebody was turned away.

    What was typed as an unknown account name is not kept: people type passwords into that field.
    """
    user = User.objects.select_related("organization").filter(username=username).first()
    reason = "连续输错，账号暂时锁住" if locked else "密码不对" if user else "没有这个账号"
    audit.record(
        actor=None,
        action="account.locked" if locked else "account.login_failed",
        summary=f"登录没有成功：{user.username if user else '未知账号'}（{reason}）",
        target=user or User(),
        # Attempts on unknown names belong to the top of the tree, where somebody can see them.
        organization=user.organization if user else Organization.objects.order_by("path").first(),
    )


@service(atomic=False)
def change_own_password(*, user: User, password: str) -> None:
    """A new password of one's own choice; ends the forced change and all other logins of the account."""
    # Hashing takes a third of a second: never while the database waits.
    encoded = make_password(password)
    with transaction.atomic():
        user.password, user.must_change_password = encoded, False
        user.save(update_fields=["password", "must_change_password"])
        audit.record(actor=user, action="account.password_changed", summary="改了自己的密码", target=user)
