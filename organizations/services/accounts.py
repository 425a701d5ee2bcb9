"""Accounts: opened by the level above, handed over on paper, reset and closed by the level above."""

import re
import secrets
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from organizations import lockout
from organizations.models import Organization, Role, User
from organizations.service import Refused, service
from organizations.services import audit, second_factor

# Without signs that look alike on paper: l i o 0 1.
LETTERS, DIGITS = "abcdefghjkmnpqrstuvwxyz", "23456789"
MOST_AT_ONCE = 50


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
    """A new password of one's own choice; ends the forced change and all other logins of the account.

    Refused where the stored one is no longer that of the request: somebody reset or closed the account
    meanwhile, and that holds.
    """
    # Hashing takes a third of a second: never while the database waits.
    encoded = make_password(password)
    with transaction.atomic():
        stored = User.objects.select_for_update(no_key=True, of=("self",)).get(pk=user.pk)
        if stored.password != user.password or not stored.is_active:
            raise Refused(
                "密码刚才已经改过或者被重置了，这次没有改。请退出，用新的密码登录。", code="changed"
            )
        user.password, user.must_change_password = encoded, False
        user.password_changed_at = timezone.now()
        user.save(update_fields=["password", "must_change_password", "password_changed_at"])
        audit.record(actor=user, action="account.password_changed", summary="改了自己的密码", target=user)


@dataclass(frozen=True)
class Slip:
    """What goes onto one activation slip. The password exists here and on the paper, nowhere else."""

    user: User
    password: str


def random_password() -> str:
    """Easy to read from paper and to type: mkph-7294-trfw. 48 bits, and five tries lock the account."""
    groups = ((LETTERS, 4), (DIGITS, 4), (LETTERS, 4))
    return "-".join("".join(secrets.choice(signs) for _ in range(n)) for signs, n in groups)


@service(atomic=False)
def open_account(*, actor: User, organization: Organization, role: str, username: str, name: str) -> Slip:
    """One new account with a random password that must be changed at the first login."""
    password = random_password()
    encoded = make_password(password)
    with transaction.atomic():
        user = store_account(actor, organization, role, username, name, encoded)
        audit.record(
            actor=actor,
            action="account.opened",
            summary=f"开通账号：{name}（{user.get_role_display()}，{organization.name}）",
            target=user,
            organization=organization,
        )
    return Slip(user, password)


@service(atomic=False)
def open_accounts(*, actor: User, organizations: list[Organization], role: str) -> list[Slip]:
    """One new account per organization, all or none; one event for the whole act.

    Organizations that have such an account are left out, so that sending twice opens
    nothing twice. Account names follow the organization's code; a taken one gets a number.
    """
    if len(organizations) > MOST_AT_ONCE:
        raise Refused(f"一次最多开通 {MOST_AT_ONCE} 个账号，请分几次办。")
    organizations = _unserved(organizations, role)
    passwords = {organization.pk: random_password() for organization in organizations}
    encoded = {pk: make_password(password) for pk, password in passwords.items()}
    with transaction.atomic():
        # Two sendings of one page meet here; the second finds what the first opened.
        list(Organization.objects.select_for_update(no_key=True).filter(pk__in=passwords).order_by("pk"))
        users = [
            store_account(
                actor,
                organization,
                role,
                free_username(organization),
                organization.contact_name or f"{organization.name[:40]}{Role(role).label}",
                encoded[organization.pk],
            )
            for organization in _unserved(organizations, role)
        ]
        audit.record(
            actor=actor,
            action="account.opened_many",
            summary=f"批量开通 {len(users)} 个{Role(role).label}账号",
            target=actor.organization,
            details={"accounts": [user.username for user in users]},
        )
    return [Slip(user, passwords[user.organization_id]) for user in users]


def _unserved(organizations: list[Organization], role: str) -> list[Organization]:
    served = User.objects.filter(organization__in=organizations, role=role, is_active=True)
    names = dict(served.values_list("organization_id", "username"))
    rest = [organization for organization in organizations if organization.pk not in names]
    if not rest:
        raise Refused(
            f"勾选的党组织都已经有{Role(role).label}账号了（{'、'.join(sorted(names.values())[:5])}）。"
            "没有拿到开通条的，请在账号页面点“重置密码”。",
            code="served",
        )
    return rest


@service(atomic=False)
def reset_account(*, actor: User, user: User) -> Slip:
    """A new random password: every login and lock of the account ends, and a closed account opens again.

    One that was handed over stays closed: its person is another account now.
    """
    password = random_password()
    encoded = make_password(password)
    with transaction.atomic():
        user = managed(actor, user)
        refuse_handed_over(user)
        open_again(user, encoded)
        second_factor.forgive(user)
        audit.record(
            actor=actor,
            action="account.reset",
            summary=f"重置密码：{user.name}（{user.username}）",
            target=user,
            organization=user.organization,
        )
    return Slip(user, password)


def open_again(user: User, encoded: str) -> None:
    """With a password that must be changed at once; on no device the account stays locked."""
    user.password, user.must_change_password, user.is_active = encoded, True, True
    user.password_changed_at = timezone.now()
    user.save(update_fields=["password", "must_change_password", "is_active", "password_changed_at"])
    lockout.release(user.username)


@service
def close_account(*, actor: User, user: User) -> User:
    """The account may not come in any more, from its next request on. A second time changes nothing."""
    user = managed(actor, user)
    if not user.is_active:
        return user
    user.is_active = False
    user.set_unusable_password()
    user.save(update_fields=["is_active", "password"])
    audit.record(
        actor=actor,
        action="account.closed",
        summary=f"停用账号：{user.name}（{user.username}）",
        target=user,
        organization=user.organization,
    )
    return user


@service
def record_refused(*, actor: User, summary: str) -> None:
    """Somebody tried what the account may not do; nothing else is left of the attempt."""
    audit.record(actor=actor, action="account.refused", summary=summary, target=actor)


@service(atomic=False)
def open_first_account(*, organization: Organization, username: str, name: str) -> Slip:
    """The first officer, from the command line, while the installation has no account at all."""
    password = random_password()
    encoded = make_password(password)
    with transaction.atomic():
        if User.objects.exists():
            raise Refused("已经有账号了，请由现有的主管在“账号”页面开通。")
        user = User(username=username, name=name, organization=organization, role=Role.OFFICER)
        user.password = encoded
        user.save()
        audit.record(
            actor=None,
            action="account.opened",
            summary=f"开通第一个账号：{name}（主管）",
            target=user,
            organization=organization,
        )
    return Slip(user, password)


def free_username(organization: Organization) -> str:
    """The organization's code in lower case, with the first free number behind it if taken."""
    base = re.sub(r"[^a-z0-9]", "", organization.code.lower())[:40] or "account"
    taken = set(User.objects.filter(username__startswith=base).values_list("username", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (base, *numbered) if name not in taken)


def store_account(
    actor: User, organization: Organization, role: str, username: str, name: str, encoded: str
) -> User:
    if User.objects.filter(username=username).exists():
        raise Refused(f"账号 {username} 已经有人用了，请换一个。", code="username_taken")
    if role == Role.RECORDER and not organization.holds_people:
        raise Refused("记录员只能开在党支部。")
    if organization.closed_on:
        raise Refused(f"{organization.name}已经撤销，不能开通账号。")
    user = User(
        username=username,
        name=name or Role(role).label,
        organization=organization,
        role=role,
        created_by=actor,
        password=encoded,
    )
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as clash:
        raise Refused(f"账号 {username} 刚刚被别人用了，请换一个。", code="username_taken") from clash
    # The rule of who may open what is written once, on the queryset; the transaction takes the row back.
    if not User.objects.manageable_by(actor).filter(pk=user.pk).exists():
        raise Refused("只能为下级开通账号，角色也不能高于自己。", code="above")
    return user


def refuse_handed_over(user: User) -> None:
    if user.succeeded_by_id:
        raise Refused(f"这个账号已经交接给{user.succeeded_by}，请到那个账号办理。", code="handed_over")


def managed(actor: User, user: User) -> User:
    """The account as stored now, locked, among those the actor may change."""
    mine = User.objects.manageable_by(actor)
    found = User.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=mine, pk=user.pk).first()
    if found is None:
        raise Refused("这个账号不归您管理，请找它的上级。", code="scope")
    return found
