"""What the level above does for accounts that exist: hand over, unlock, set the phone anew."""

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F

from organizations import lockout
from organizations.models import Role, User
from organizations.service import Refused, service
from organizations.services import audit, second_factor
from organizations.services.accounts import (
    Slip,
    managed,
    open_again,
    random_password,
    refuse_handed_over,
    store_account,
)


@service(atomic=False)
def hand_over(*, actor: User, user: User, username: str, name: str) -> Slip:
    """The old account closes and one for the next person opens, in the same organization and role.

    Sent twice, the second is refused and opens nothing. Records stay with the organization, the
    history with whoever made it.
    """
    password = random_password()
    encoded = make_password(password)
    with transaction.atomic():
        old = managed(actor, user)
        refuse_handed_over(old)
        new = store_account(actor, old.organization, old.role, username, name, encoded)
        old.is_active, old.succeeded_by = False, new
        old.set_unusable_password()
        old.save(update_fields=["is_active", "password", "succeeded_by"])
        audit.record(
            actor=actor,
            action="account.handed_over",
            summary=f"交接账号：{old.name}（{old.username}）停用，由{name}（{username}）接手",
            target=new,
            organization=old.organization,
            details={"from": old.username, "to": username},
        )
    return Slip(new, password)


@service
def unlock_account(*, actor: User, user: User) -> bool:
    """Wrong passwords and codes are forgotten; whether there were any. A second time changes nothing."""
    user = managed(actor, user)
    forgiven = [lockout.release(user.username), second_factor.forgive(user)]
    if any(forgiven):
        audit.record(
            actor=actor,
            action="account.unlocked",
            summary=f"解锁账号：{user.name}（{user.username}）",
            target=user,
            organization=user.organization,
        )
    return any(forgiven)


@service
def reset_phone(*, actor: User, user: User) -> bool:
    """The phone is lost or new: the next login sets it up again. Whether one was set up."""
    user = managed(actor, user)
    had_one = second_factor.forget_phone(user)
    if had_one:
        User.objects.filter(pk=user.pk).update(logins_ended=F("logins_ended") + 1)
        audit.record(
            actor=actor,
            action="account.phone_reset",
            summary=f"清掉手机验证码：{user.name}（{user.username}）",
            target=user,
            organization=user.organization,
        )
    return had_one


@service
def end_other_logins(*, user: User) -> User:
    """Every login of the account ends; the caller keeps the one it sits in."""
    User.objects.filter(pk=user.pk).update(logins_ended=F("logins_ended") + 1)
    user.refresh_from_db(fields=["logins_ended"])
    audit.record(actor=user, action="account.logins_ended", summary="结束了自己的其他登录", target=user)
    return user


@service(atomic=False)
def rescue_officer(*, username: str) -> Slip:
    """From the command line, for who has no level above: a new password, no lock, the phone set up anew."""
    password = random_password()
    encoded = make_password(password)
    with transaction.atomic():
        users = User.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
        user = users.filter(username=username, role=Role.OFFICER, succeeded_by=None).first()
        if user is None or not user.organization.is_root():
            raise Refused("没有这个账号，或者它不是最上级党组织的主管。别的账号请由上级在“账号”页面办理。")
        open_again(user, encoded)
        second_factor.forget_phone(user)
        audit.record(
            actor=None,
            action="account.rescued",
            summary=f"在服务器上重置账号：{user.name}（{user.username}）",
            target=user,
            organization=user.organization,
        )
    return Slip(user, password)
