from django.conf import settings
from django.db import models

from organizations.models.jobs import StoredFile
from organizations.models.organizations import Organization
from organizations.tree import within


class ImportState(models.TextChoices):
    CHECKED = "CHECKED", "已检查，还没存"
    STORED = "STORED", "已存进系统"
    DROPPED = "DROPPED", "已放弃"


class ImportBatchQuerySet(models.QuerySet):
    def visible_to(self, user):
        if not user.is_active or not user.sees_records:
            return self.none()
        return self.filter(within("organization__path", user.organization.path))

    def manageable_by(self, user):
        return self.visible_to(user) if user.keeps_records else self.none()


class ImportBatch(models.Model):
    """One uploaded roster workbook: what was read, the verdict on each row, and what it changed.

    Checked first (nothing stored), then stored in one transaction. `rows` is the
    checked reading, ID numbers and phones encrypted in it; `verdict` holds counts,
    errors and warnings by row and column. No row in `rows` means nothing was readable.
    The workbook itself is not kept; `annotated` is, encrypted, for a day.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", verbose_name="党组织"
    )
    # Null = imported on the command line by the system.
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="上传人"
    )
    uploaded_at = models.DateTimeField("上传时间", auto_now_add=True)
    file_name = models.CharField("文件名", max_length=200)
    file_sha256 = models.CharField(max_length=64)
    annotated = models.ForeignKey(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField("状态", max_length=8, choices=ImportState, default=ImportState.CHECKED)
    header_row = models.PositiveIntegerField("表头在第几行", null=True)
    row_count = models.PositiveIntegerField("行数", default=0)
    rows = models.JSONField(default=list)
    verdict = models.JSONField(default=dict)
    stored_at = models.DateTimeField("存进系统的时间", null=True)
    result = models.JSONField(default=dict)

    objects = ImportBatchQuerySet.as_manager()
    State = ImportState

    class Meta:
        verbose_name = "名册导入"
        verbose_name_plural = "名册导入"
        ordering = ["-pk"]

    def __str__(self):
        return self.file_name
