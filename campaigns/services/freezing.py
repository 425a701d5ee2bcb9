"""Frozen units: their figures were accepted, and nothing that changes them may be written."""

from django.utils import timezone

from campaigns.models import Campaign, Stage, Unit
from campaigns.services.locking import lock_units
from organizations.models import User
from organizations.service import Refused, service


@service(audited=False)
def freeze_unit(*, actor: User, unit: Unit) -> list[Unit]:
    """Freeze a unit and every unit below it, in the transaction of the version, which is audited there.

    Those frozen before keep their day and name. Of a campaign that is over nothing is left to freeze.
    """
    units = lock_units(Unit.objects.below(unit).values_list("pk", flat=True))
    refuse_closed(unit)
    Unit.objects.filter(pk__in=[one.pk for one in units], frozen_at__isnull=True).update(
        frozen_at=timezone.now(), frozen_by=actor
    )
    return units


@service(audited=False)
def thaw_unit(*, actor: User, unit: Unit) -> list[Unit]:
    """Let a unit and every unit below it be written again, after its version was sent back. Idempotent.

    Marks that waited for it: `attendance.services.unlocking.let_in_waiting`, or `unlock_unit` for both.
    """
    units = lock_units(Unit.objects.below(unit).values_list("pk", flat=True))
    refuse_closed(unit)
    Unit.objects.filter(pk__in=[one.pk for one in units]).update(frozen_at=None, frozen_by=None)
    return units


def refuse_closed(unit: Unit) -> None:
    """Under the lock."""
    if Campaign.objects.get(pk=unit.campaign_id).stage == Stage.CLOSED:
        raise Refused("这期冬训已经结束，数字已定。要改，请主办单位的主管先重新打开。", "closed")
