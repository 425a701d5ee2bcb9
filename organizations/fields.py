"""Encrypted text at rest, and the keyed digest that lets equal values be found.

Keys come from settings.FIELD_KEYS: the first encrypts, all decrypt (rotation).
The digest key is derived from the last one, the oldest, so that rotation keeps
digests. A national cipher would replace this module alone.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=4)
def _digest_key(key: str) -> bytes:
    return hashlib.sha256(b"digest:" + key.encode()).digest()


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
    )


def encrypt(text: str) -> str:
    return _cipher(tuple(settings.FIELD_KEYS)).encrypt(text.encode()).decode() if text else ""


def decrypt(token: str) -> str:
    return _cipher(tuple(settings.FIELD_KEYS)).decrypt(token.encode()).decode() if token else ""


def encrypt_bytes(content: bytes) -> bytes:
    return _cipher(tuple(settings.FIELD_KEYS)).encrypt(content)


def decrypt_bytes(token: bytes) -> bytes:
    return _cipher(tuple(settings.FIELD_KEYS)).decrypt(token)


def digest(text: str) -> str:
    """Keyed digest of a value: equal values have equal digests, nothing else can be learnt."""
    return hmac.digest(_digest_key(settings.FIELD_KEYS[-1]), text.encode(), "sha256").hex() if text else ""


def short_digests(texts: Iterable[str]) -> Iterator[bytes]:
    """Keyed digests of 8 bytes each, for telling again among some thousands what was seen before."""
    key = _digest_key(settings.FIELD_KEYS[-1])
    return (hashlib.blake2b(text.encode(), key=key, digest_size=8).digest() for text in texts)


class EncryptedField(models.TextField):
    """Text that the database only ever sees encrypted. Not searchable: keep a digest beside it."""

    def from_db_value(self, value, expression, connection):
        return decrypt(value) if value else ""

    def get_prep_value(self, value):
        return encrypt(super().get_prep_value(value) or "")


def mask_id_number(number: str) -> str:
    """3207***********12: enough to compare with a paper, not to misuse."""
    return f"{number[:4]}{'*' * (len(number) - 6)}{number[-2:]}" if len(number) > 6 else "*" * len(number)


def mask_phone(phone: str) -> str:
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "*" * len(phone)
