import uuid

from django.conf import settings
from django.db import models

from organizations.models.organizations import Organization
from organizations.tree import within


class StoredFile(models.Model):
    """The bytes of one finished file. Kept in the database: published in one transaction with
    the job that made it, seen by every web process, in every backup, never half written."""

    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)

    def __str__(self):
        return self.name


class JobState(models.TextChoices):
    PENDING = "PENDING", "排队中"
    RUNNING = "RUNNING", "正在做"
    READY = "READY", "已完成"
    FAILED = "FAILED", "没有做成"


class JobQuerySet(models.QuerySet):
    def visible_to(self, user):
        """One's own jobs and those of the account one took over; for officers and organizers also those of
        their subtree."""
        if not user.is_active or not user.sees_records:
            return self.none()
        mine = models.Q(requested_by=user) | models.Q(requested_by__succeeded_by=user)
        if user.keeps_records:
            mine |= within("organization__path", user.organization.path)
        return self.filter(mine & within("organization__path", user.organization.path))


class Job(models.Model):
    """One piece of requested work: the ledger. A broker message is only a doorbell.

    `kind` is the Celery task's name. `params` hold filters, never lists of ids and
    never personal data. Claimed by one conditional UPDATE that sets `lease_until`;
    a run whose lease was taken over publishes nothing.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField("种类", max_length=80)
    title = models.CharField("名称", max_length=200)
    params = models.JSONField("条件", default=dict)
    # Null, not "": many jobs have no key, and only null may repeat in a unique column.
    key = models.CharField(max_length=150, unique=True, null=True)  # noqa: DJ001
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="jobs",
        verbose_name="申请人",
    )
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="党组织"
    )
    state = models.CharField("状态", max_length=8, choices=JobState, default=JobState.PENDING)
    done = models.PositiveIntegerField("已完成", default=0)
    total = models.PositiveIntegerField("总数", default=0)
    progress_text = models.CharField("进度", max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField("尝试次数", default=0)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    reason = models.CharField("原因", max_length=300, blank=True)
    file = models.ForeignKey(
        StoredFile, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name="文件"
    )
    created_at = models.DateTimeField("申请时间", auto_now_add=True)
    finished_at = models.DateTimeField("完成时间", null=True)

    objects = JobQuerySet.as_manager()
    State = JobState

    class Meta:
        verbose_name = "后台任务"
        verbose_name_plural = "后台任务"
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "id"], name="job_by_state")]

    def __str__(self):
        return self.title

    @property
    def is_over(self) -> bool:
        return self.state in (JobState.READY, JobState.FAILED)

    @property
    def percent(self) -> int:
        return (
            100
            if self.state == JobState.READY
            else min(99, self.done * 100 // self.total)
            if self.total
            else 0
        )
