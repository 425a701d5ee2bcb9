from django.conf import settings
from django.db import models

from attendance.models.register import Reason
from attendance.models.roster import RosterEntry
from campaigns.models import TrainingSession, Unit


class LeaveQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(entry__unit__in=Unit.objects.visible_to(user))

    def manageable_by(self, user):
        return self.filter(entry__unit__in=Unit.objects.manageable_by(user))


class Leave(models.Model):
    """Somebody asked leave in advance: for the days `since` to `until` (both included), or for `sessions`.

    A plan, not an attendance: it presets 请假 on registers nobody filled yet and moves
    no figure; who comes nevertheless is marked as there, and the leave stays in history.
    A reason class, never a diagnosis. `ended_at` = taken back: it covers no class of that
    day or later. No row means that nobody asked, never that somebody must come.
    """

    class Reason(models.TextChoices):
        PRIVATE = Reason.PRIVATE.value, "有事"
        ILL = Reason.ILL.value, "生病"
        AWAY = Reason.AWAY.value, "外出"
        DUTY = Reason.DUTY.value, "公务"

    entry = models.ForeignKey(
        RosterEntry, on_delete=models.PROTECT, related_name="leaves", verbose_name="党员"
    )
    reason = models.CharField("原因类别", max_length=8, choices=Reason)
    since = models.DateField("从哪天")
    until = models.DateField("到哪天")
    # False: only the classes named in `sessions`; `since` and `until` are then their first and last day.
    is_period = models.BooleanField("整段时间", default=True)
    sessions = models.ManyToManyField(
        TrainingSession, blank=True, related_name="leaves", verbose_name="请假的场次"
    )
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="登记人"
    )
    set_at = models.DateTimeField("登记时间", auto_now_add=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField("取消时间", null=True, blank=True)
    request_uuid = models.UUIDField(unique=True, editable=False)

    objects = LeaveQuerySet.as_manager()

    class Meta:
        verbose_name = "请假"
        verbose_name_plural = "请假"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(until__gte=models.F("since")), name="attendance_leave_ends_after_start"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, ended_by__isnull=True)
                | models.Q(ended_at__isnull=False, ended_by__isnull=False),
                name="attendance_leave_ended_by_somebody",
            ),
        ]

    def __str__(self):
        return f"{self.entry} 请假·{self.get_reason_display()}"
