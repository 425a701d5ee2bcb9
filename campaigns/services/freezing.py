"""Frozen units: their figures were accepted, and nothing that changes them may be written."""

from django.utils import timezone

from campaigns.models import Unit
from campaigns.services.locking import lock_units
from organizations.models import User
from organizations.service import service


@service(audited=False)
def freeze_unit(*, actor: User, unit: Unit) -> list[Unit]:
    """Freeze a unit and every unit below it, in the transaction of the version, which is audited there.

    Those frozen before keep their day and name.
    """
    units = lock_units(Unit.objects.below(unit).values_list("pk", flat=True))
    Unit.objects.filter(pk__in=[one.pk for one in units], frozen_at__isnull=True).update(
        frozen_at=timezone.now(), frozen_by=actor
    )
    return units


@service(audited=False)
def thaw_unit(*, actor: User, unit: Unit) -> list[Unit]:
    """Let a unit and every unit below it be written again, after its version was sent back. Idempotent."""
    units = lock_units(Unit.objects.below(unit).values_list("pk", flat=True))
    Unit.objects.filter(pk__in=[one.pk for one in units]).update(frozen_at=None, frozen_by=None)
    return units
