"""Files that came back, between reading and storing; and which sheets an act finished."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from attendance.models.register import MarkBatch
from campaigns.models import SessionUnit, TrainingSession

KEPT_FOR = timedelta(hours=24)


class SheetReadingQuerySet(models.QuerySet):
    def of(self, user):
        """What this account uploaded itself, as long as it is kept; nobody else looks into it."""
        return self.filter(account=user, at__gt=timezone.now() - KEPT_FOR)

    def expired(self):
        return self.filter(at__lte=timezone.now() - KEPT_FOR)


class SheetReading(models.Model):
    """One uploaded file as it was read, waiting for somebody to look at it: nothing of it is stored yet.

    `lines` is compressed JSON, encrypted: what each line would do, or what is asked about it.
    Figures are taken from here, never from the page. `uuid` becomes the number of the sending.
    Gone after a day.
    """

    uuid = models.UUIDField(unique=True)
    session = models.ForeignKey(TrainingSession, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=MarkBatch.Kind)
    file_name = models.CharField("文件名", max_length=200)
    lines = models.BinaryField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = SheetReadingQuerySet.as_manager()

    class Meta:
        verbose_name = "读过的签到表"
        verbose_name_plural = "读过的签到表"

    def __str__(self):
        return self.file_name


class PartClosing(models.Model):
    """One sheet that the act of a batch finished: what undoing the closing opens again.

    No row means the sheet was open still, or was finished before such acts were noted.
    """

    batch = models.ForeignKey(
        MarkBatch, on_delete=models.DO_NOTHING, db_constraint=False, related_name="closings"
    )
    part = models.ForeignKey(
        SessionUnit, on_delete=models.DO_NOTHING, db_constraint=False, related_name="closings"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "part"], name="attendance_one_closing_per_batch_and_part"
            )
        ]

    def __str__(self):
        return f"{self.part_id}"
