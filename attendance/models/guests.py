from django.conf import settings
from django.db import models

from attendance.models.roster import RosterEntry
from campaigns.models import SessionUnit, Unit


class GuestQuerySet(models.QuerySet):
    def visible_to(self, user):
        """On the sheets of the account's scope. Whoever may claim one asks `queries.guests.claimable`."""
        units = Unit.objects.visible_to(user)
        here = models.Q(models.Exists(units.filter(pk=models.OuterRef("part__unit"))))
        return self.filter(here | models.Exists(units.filter(pk=models.OuterRef("part__session__host"))))

    def standing(self):
        return self.filter(dropped_at__isnull=True)


class Guest(models.Model):
    """Somebody from outside the scope of whoever keeps this sheet came: a name and the unit they named.

    Only text, counted nowhere, until the home unit claims it: `claimed` is then the
    person, marked as a visitor on this sheet. `dropped_at` = written down by mistake.
    """

    part = models.ForeignKey(
        SessionUnit, on_delete=models.PROTECT, related_name="guests", verbose_name="登记表"
    )
    name = models.CharField("姓名", max_length=50)
    says_from = models.CharField("自己说的单位", max_length=100)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="登记人"
    )
    created_at = models.DateTimeField("登记时间", auto_now_add=True)
    claimed = models.ForeignKey(
        RosterEntry, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name="认领为"
    )
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    claimed_at = models.DateTimeField("认领时间", null=True, blank=True)
    dropped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    dropped_at = models.DateTimeField("删去时间", null=True, blank=True)
    request_uuid = models.UUIDField(unique=True, editable=False)

    objects = GuestQuerySet.as_manager()

    class Meta:
        verbose_name = "外来人员"
        verbose_name_plural = "外来人员"
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(claimed__isnull=True) | models.Q(dropped_at__isnull=True),
                name="attendance_guest_claimed_or_dropped",
            )
        ]
        # Claiming begins with the names of the own roster.
        indexes = [
            models.Index(
                fields=["name"],
                condition=models.Q(claimed__isnull=True, dropped_at__isnull=True),
                name="guest_to_claim",
            )
        ]

    def __str__(self):
        return f"{self.name}（{self.says_from}）"
