"""The browser somebody sits at, known by a signed cookie: a random number and who came in there.

It is no proof of anybody: it keeps apart who types wrong passwords, and remembers that a code was given.
"""

import secrets
from dataclasses import dataclass, field

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

SALT = "organizations.devices"
YEAR = 365 * 24 * 3600
MOST_ACCOUNTS = 30  # an office computer; the one that came in longest ago is forgotten


@dataclass
class Device:
    """`accounts`: ids of accounts that logged in here; `trusted`: what proves a code given here, and when."""

    number: str = ""
    accounts: list[int] = field(default_factory=list)
    trusted: dict[str, list] = field(default_factory=dict)

    def knows(self, pk: int) -> bool:
        return pk in self.accounts

    def remember(self, pk: int) -> None:
        self.accounts = [*(one for one in self.accounts if one != pk), pk][-MOST_ACCOUNTS:]

    def trust(self, user, key: str, now: float) -> None:
        kept = {one: value for one, value in self.trusted.items() if int(one) in self.accounts}
        self.trusted = kept | {str(user.pk): [proof(user, key), int(now)]}

    def trusted_since(self, user, key: str, now: float) -> int | None:
        """When the code was given here, where that still counts."""
        return self.trusted[str(user.pk)][1] if self.is_trusted(user, key, now) else None

    def is_trusted(self, user, key: str, now: float) -> bool:
        """A new password, another phone or the end of all logins ends it, and so does time."""
        given, at = self.trusted.get(str(user.pk), ["", 0])
        fresh = now - at < settings.OTP_REMEMBER_DAYS * 24 * 3600
        return fresh and constant_time_compare(given, proof(user, key))


def proof(user, key: str) -> str:
    text = f"{user.pk}:{user.password}:{user.logins_ended}:{key}"
    return salted_hmac(f"{SALT}.code", text).hexdigest()[:32]


def cookie_name() -> str:
    return "__Host-device" if settings.HTTPS else "device"


def device_of(request) -> Device:
    """The device a request comes from; one without a number when the cookie is missing or forged."""
    try:
        kept = signing.loads(request.COOKIES.get(cookie_name(), ""), salt=SALT)
        return Device(str(kept["n"]), [int(one) for one in kept["a"]], dict(kept["t"]))
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return Device()


def keep_device(response, device: Device) -> None:
    """Give the browser its number, or what has been learnt about it."""
    device.number = device.number or secrets.token_urlsafe(16)
    value = signing.dumps({"n": device.number, "a": device.accounts, "t": device.trusted}, salt=SALT)
    response.set_cookie(
        cookie_name(), value, max_age=YEAR, secure=settings.HTTPS, httponly=True, samesite="Lax"
    )
