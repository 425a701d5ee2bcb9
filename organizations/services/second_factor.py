"""The second factor: a code of the phone (TOTP) after the password, where the role asks for it.

What an authenticator shares with us is derived from a random number in the database and a key outside it,
so a copy of the database makes no codes. Recovery codes are kept as digests.
"""

import base64
import secrets
import time
from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from urllib.parse import quote, urlencode

from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from organizations.fields import digest
from organizations.models import User
from organizations.service import service
from organizations.services import audit

CODE_GIVEN = "code_given"  # in the login: the second factor was shown
MOST_WRONG = 5
HELD_FOR = timedelta(minutes=30)
RECOVERY_CODES = 8
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"


class Verdict(Enum):
    RIGHT = "right"
    RECOVERY = "recovery"  # right, and used up now
    WRONG = "wrong"
    HELD = "held"


def phone_of(user: User) -> TOTPDevice | None:
    """The authenticator that was tried out with one code."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def secret_of(device: TOTPDevice) -> bytes:
    return bytes.fromhex(digest(f"totp:{device.key}")[:40])


def typed_secret(device: TOTPDevice) -> str:
    """For who cannot scan: groups of four."""
    text = base64.b32encode(secret_of(device)).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def address_of(device: TOTPDevice) -> str:
    """What the picture says to the authenticator."""
    name = quote(f"海州冬训:{device.user.username}")
    secret = base64.b32encode(secret_of(device)).decode()
    return f"otpauth://totp/{name}?{urlencode({'secret': secret, 'issuer': '海州冬训'})}"


def recovery_left(user: User) -> int:
    return StaticToken.objects.filter(device__user=user).count()


@service(audited=False)
def begin_setup(*, user: User) -> TOTPDevice:
    """The authenticator to be set up. Asking again shows the same one, so that a reload breaks nothing."""
    User.objects.select_for_update(no_key=True, of=("self",)).get(pk=user.pk)
    device, _ = TOTPDevice.objects.get_or_create(user=user, defaults={"name": "手机", "confirmed": False})
    return device


@service
def confirm_setup(*, user: User, code: str) -> list[str] | None:
    """The first right code switches the phone on: recovery codes, shown this once. None: the code is wrong.

    A phone that is set up already stays as it is, and no codes are shown again.
    """
    device = TOTPDevice.objects.select_for_update().get(user=user)
    if device.confirmed:
        return []
    if not _fits(device, code):
        return None
    device.confirmed = True
    device.save()
    audit.record(actor=user, action="account.phone_set_up", summary="设好了手机验证码", target=user)
    return _new_recovery_codes(user)


@service
def renew_recovery_codes(*, user: User) -> list[str]:
    """Eight new ones; the old ones are worth nothing."""
    codes = _new_recovery_codes(user)
    audit.record(actor=user, action="account.recovery_codes", summary="换了一批备用码", target=user)
    return codes


@service
def check_code(*, user: User, code: str) -> Verdict:
    """One try, of the phone or of the paper. Five wrong ones hold all tries for half an hour."""
    device = TOTPDevice.objects.select_for_update().get(user=user, confirmed=True)
    verdict = _judge(device, "".join(code.split()).lower())
    device.save()
    words = {
        Verdict.RIGHT: ("account.code_right", "输对了手机验证码"),
        Verdict.RECOVERY: ("account.recovery_code_used", "用掉了一个备用码"),
        Verdict.WRONG: ("account.code_wrong", "输错了手机验证码"),
        Verdict.HELD: ("account.code_held", "手机验证码连错，暂时不能再试"),
    }
    action, summary = words[verdict]
    audit.record(actor=user, action=action, summary=summary, target=user)
    return verdict


def forgive(user: User) -> bool:
    """Part of an unlocking, which audits it: wrong codes no longer count. Whether there were any."""
    wrong = TOTPDevice.objects.filter(user=user, throttling_failure_count__gt=0)
    return bool(wrong.update(throttling_failure_count=0, throttling_failure_timestamp=None))


def is_held(user: User) -> bool:
    """Whether five wrong codes hold the account just now."""
    return bool(held_among([user.pk]))


def held_among(users: Iterable[int]) -> set[int]:
    """Which of these wrong codes hold just now, in one query."""
    since = timezone.now() - HELD_FOR
    wrong = TOTPDevice.objects.filter(user__in=users, throttling_failure_count__gte=MOST_WRONG)
    return set(wrong.filter(throttling_failure_timestamp__gt=since).values_list("user_id", flat=True))


def forget_phone(user: User) -> bool:
    """Part of a reset, which audits it: the next login sets up anew. Whether there was anything."""
    StaticDevice.objects.filter(user=user).delete()
    return bool(TOTPDevice.objects.filter(user=user).delete()[0])


def _judge(device: TOTPDevice, code: str) -> Verdict:
    now = timezone.now()
    failed_at = device.throttling_failure_timestamp
    if failed_at and now - failed_at >= HELD_FOR:
        device.throttle_reset(commit=False)
    if device.throttling_failure_count >= MOST_WRONG:
        return Verdict.HELD
    used = StaticToken.objects.filter(device__user_id=device.user_id, token=_kept(device.user_id, code))
    verdict = (
        Verdict.RIGHT if _fits(device, code) else Verdict.RECOVERY if used.delete()[0] else Verdict.WRONG
    )
    if verdict == Verdict.WRONG:
        device.throttling_failure_timestamp = now
        device.throttling_failure_count += 1
    else:
        device.throttle_reset(commit=False)
    return verdict


def _fits(device: TOTPDevice, code: str) -> bool:
    """A code counts once, and a minute around its half minute; a phone that is slow is followed."""
    if not (code.isascii() and code.isdecimal() and len(code) == device.digits):
        return False
    totp = TOTP(secret_of(device), device.step, device.t0, device.digits, device.drift)
    totp.time = time.time()
    if not totp.verify(int(code), device.tolerance, device.last_t + 1):
        return False
    device.last_t, device.drift = totp.t(), totp.drift
    device.last_used_at = timezone.now()
    return True


def _new_recovery_codes(user: User) -> list[str]:
    codes = [f"{_signs(5)}-{_signs(5)}" for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        paper = StaticDevice.objects.create(user=user, name="备用码")
        StaticToken.objects.bulk_create(
            [StaticToken(device=paper, token=_kept(user.pk, code)) for code in codes]
        )
    return codes


def _signs(count: int) -> str:
    return "".join(secrets.choice(SIGNS) for _ in range(count))


def _kept(pk: int, code: str) -> str:
    return digest(f"recovery:{pk}:{code}")[:16]
