"""The lock. Order everywhere: members/organizations or the row of a sending, then units, then all else,
the Job row last."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from campaigns.models import Unit


def lock_units(ids: Iterable[int] | QuerySet, also: Iterable[int] = ()) -> list[Unit]:
    """Lock these units until the transaction ends, in one order, and return them as they are now.

    Called once per write, with every branch unit concerned, before anything is
    read that the write depends on: state, `frozen_at` and versions are read
    again after it. On SQLite BEGIN IMMEDIATE is the lock and this only reads.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("lock_units needs an open transaction")
    units = Unit.objects.select_for_update(no_key=True).order_by("pk")
    if not isinstance(ids, QuerySet):
        return list(units.filter(pk__in={*ids, *also}))
    # One statement finds the units and locks them.
    more = Unit.objects.order_by().filter(pk__in=set(also)).values("pk")
    return list(units.filter(pk__in=ids.union(more) if also else ids))
