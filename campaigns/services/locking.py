"""The lock. Order everywhere: members/organizations, then units, then all else, the Job row last."""

from collections.abc import Iterable

from django.db import transaction

from campaigns.models import Unit


def lock_units(ids: Iterable[int]) -> list[Unit]:
    """Lock these units until the transaction ends, in one order, and return them as they are now.

    Called once per write, with every branch unit concerned, before anything is
    read that the write depends on: state, `frozen_at` and versions are read
    again after it. On SQLite BEGIN IMMEDIATE is the lock and this only reads.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("lock_units needs an open transaction")
    return list(Unit.objects.select_for_update(no_key=True).filter(pk__in=set(ids)).order_by("pk"))
