from django.conf import settings
from django.db import models

from campaigns.models.campaigns import Campaign, Unit
from organizations.models import Member


class ServiceTaskQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(unit__in=Unit.objects.visible_to(user))

    def manageable_by(self, user):
        return self.filter(unit__in=Unit.objects.manageable_by(user))

    def search(self, text: str):
        """By what it is, for whom, or who does it."""
        return self.filter(
            models.Q(title__icontains=text)
            | models.Q(beneficiary__icontains=text)
            | models.Q(owner__name__startswith=text)
        )


class ServiceTask(models.Model):
    """One thing done for residents: a problem with an owner and a deadline, a result, and who confirmed it.

    The state follows from its events and is stored for lists: 办结 needs a result.
    """

    class Kind(models.TextChoices):
        PROBLEM = "PROBLEM", "群众难题"
        DEED = "DEED", "惠民实事"
        HARDSHIP = "HARDSHIP", "困难帮扶"

    class State(models.TextChoices):
        OPEN = "OPEN", "办理中"
        RESOLVED = "RESOLVED", "已办结"
        CONFIRMED = "CONFIRMED", "已确认"
        DROPPED = "DROPPED", "不再办理"

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="service_tasks", verbose_name="冬训"
    )
    unit = models.ForeignKey(
        Unit, on_delete=models.PROTECT, related_name="service_tasks", verbose_name="承办单位"
    )
    kind = models.CharField("种类", max_length=10, choices=Kind, default=Kind.PROBLEM)
    title = models.CharField("事项", max_length=100)
    detail = models.TextField("情况", max_length=2000, blank=True)
    beneficiary = models.CharField(
        "服务对象", max_length=100, blank=True, help_text="户主或单位，写到村即可。"
    )
    owner = models.ForeignKey(
        Member,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="service_tasks",
        verbose_name="承办党员",
    )
    deadline = models.DateField("办理期限", null=True, blank=True)
    state = models.CharField("状态", max_length=10, choices=State, default=State.OPEN)
    result = models.TextField("办理结果", max_length=2000, blank=True)
    resolved_on = models.DateField("办结日期", null=True, blank=True)
    confirmed_by = models.CharField("确认人", max_length=50, blank=True)
    request_uuid = models.UUIDField(
        null=True, blank=True, unique=True, editable=False, help_text="同一次提交只登记一件。"
    )
    created_at = models.DateTimeField("登记时间", auto_now_add=True)

    objects = ServiceTaskQuerySet.as_manager()

    class Meta:
        verbose_name = "办实事"
        verbose_name_plural = "办实事"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state__in=["RESOLVED", "CONFIRMED"])
                | (~models.Q(result="") & models.Q(resolved_on__isnull=False)),
                name="campaigns_resolved_task_has_result",
            )
        ]
        indexes = [models.Index(fields=["unit", "state"], name="service_by_unit_state")]

    def __str__(self):
        return self.title


class ServiceEvent(models.Model):
    """One step in a service task's life: its only history. Append-only."""

    class Kind(models.TextChoices):
        OPENED = "OPENED", "登记"
        NOTED = "NOTED", "进展"
        CHANGED = "CHANGED", "修改"
        RESOLVED = "RESOLVED", "办结"
        CONFIRMED = "CONFIRMED", "确认"
        REOPENED = "REOPENED", "退回重办"
        DROPPED = "DROPPED", "不再办理"

    task = models.ForeignKey(
        ServiceTask, on_delete=models.PROTECT, related_name="events", verbose_name="事项"
    )
    kind = models.CharField("步骤", max_length=10, choices=Kind)
    text = models.TextField("说明", max_length=2000, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="操作人"
    )
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = "办理经过"
        verbose_name_plural = "办理经过"
        ordering = ["pk"]

    def __str__(self):
        return f"{self.get_kind_display()}：{self.text}" if self.text else self.get_kind_display()
