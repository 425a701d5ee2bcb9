from django.conf import settings
from django.db import models

from organizations.models.jobs import StoredFile
from organizations.models.members import Member
from organizations.models.organizations import Organization
from organizations.tree import within


class ImportState(models.TextChoices):
    CHECKING = "CHECKING", "正在检查"
    REFUSED = "REFUSED", "读不出来"
    CHECKED = "CHECKED", "已检查，还没存"
    PARTIAL = "PARTIAL", "存了一部分"
    STORED = "STORED", "已存进系统"
    UNDONE = "UNDONE", "已撤销"
    DROPPED = "DROPPED", "没存，已过期"


class ImportBatchQuerySet(models.QuerySet):
    def visible_to(self, user):
        if not user.is_active or not user.sees_records:
            return self.none()
        return self.filter(within("organization__path", user.organization.path))

    def manageable_by(self, user):
        return self.visible_to(user) if user.keeps_records else self.none()


class ImportBatch(models.Model):
    """One uploaded roster workbook: what was read, the verdict on each row, and what it changed.

    Checked first (nothing stored), then stored in one transaction. A corrected workbook sent
    to the same batch is checked again and touches only what was wrong before: `settled` knows
    the lines that are stored already. `verdict` holds counts, errors and warnings by row and
    column; the checked lines are `ImportPiece` rows, what was done to whom `ImportChange` rows.
    The uploaded file and the annotated one are kept, encrypted, for a day.
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
    source = models.ForeignKey(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")
    annotated = models.ForeignKey(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField("状态", max_length=8, choices=ImportState, default=ImportState.CHECKED)
    # What the user answered about the file: which header means what, which sheets, hidden rows or not.
    choices = models.JSONField(default=dict)
    header_row = models.PositiveIntegerField("表头在第几行", null=True)
    row_count = models.PositiveIntegerField("行数", default=0)
    verdict = models.JSONField(default=dict)
    # Keyed digests, 8 bytes each, of the lines this batch has stored.
    settled = models.BinaryField(default=bytes)
    # Each check, storing, and file or answer kept for a check is another one: who acts shows which they saw.
    version = models.PositiveIntegerField("第几版", default=1)
    stored_at = models.DateTimeField("存进系统的时间", null=True)
    result = models.JSONField(default=dict)
    undone_at = models.DateTimeField("撤销时间", null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="撤销人"
    )

    objects = ImportBatchQuerySet.as_manager()
    State = ImportState

    class Meta:
        verbose_name = "名册导入"
        verbose_name_plural = "名册导入"
        ordering = ["-pk"]

    def __str__(self):
        return self.file_name


class ImportPiece(models.Model):
    """Up to two thousand checked lines of a batch, in order, ready to be stored.

    `lines` is compressed JSON, encrypted as a whole. Gone once everything is stored.
    """

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    lines = models.BinaryField()

    class Meta:
        ordering = ["batch", "number"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="organizations_one_piece_per_number")
        ]

    def __str__(self):
        return f"{self.batch} {self.number}"


class ImportChange(models.Model):
    """What one batch did to one member: the history of the member and the undo read it.

    `before` holds the old value of each column written, {} for somebody new; ID numbers and
    phones are encrypted in it. `after` tells whether the member still is as the batch left it.
    """

    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, related_name="changes")
    # Null = somebody new who was taken back; the name stays readable.
    member = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="imports")
    name = models.CharField("姓名", max_length=50)
    row = models.PositiveIntegerField("表里第几行")
    is_new = models.BooleanField("新增")
    before = models.JSONField(default=dict)
    after = models.CharField(max_length=64)

    class Meta:
        ordering = ["batch", "id"]

    def __str__(self):
        return f"{self.name}（{self.batch}）"


class HeaderMeaning(models.Model):
    """What an organization once said a header of its rosters means; "" = the column is not used.

    No row means nobody was asked, or the header is known to everybody.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    header = models.CharField("列名", max_length=100)
    field = models.CharField("含义", max_length=30, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "header"], name="organizations_one_meaning_per_header"
            )
        ]

    def __str__(self):
        return f"{self.header}={self.field}"
