from django.conf import settings
from django.db import models

from attendance.models.roster import RosterEntry
from campaigns.models import Round, SessionUnit, TrainingSession, Unit


class Status(models.TextChoices):
    UNMARKED = "unmarked", "未登记"
    PRESENT = "present", "出席"
    LATE = "late", "迟到"
    LEFT_EARLY = "left_early", "早退"
    ONLINE = "online", "线上"
    ELSEWHERE = "elsewhere", "异地参训"
    LEAVE = "leave", "请假"
    ABSENT = "absent", "缺席"


ATTENDED = (Status.PRESENT, Status.LATE, Status.LEFT_EARLY, Status.ONLINE, Status.ELSEWHERE)


class Reason(models.TextChoices):
    """Why somebody did not come; for leave and absence."""

    NONE = "", "—"
    AWAY = "AWAY", "外出"
    ILL = "ILL", "生病"
    PRIVATE = "PRIVATE", "有事"
    DUTY = "DUTY", "公务"
    UNKNOWN = "UNKNOWN", "没说"


class Part(models.TextChoices):
    EXPECTED = "EXPECTED", "应到"
    OPTIONAL = "OPTIONAL", "不作硬性要求"
    VISITOR = "VISITOR", "外单位来听"


class Attendance(models.Model):
    """One roster entry was expected at (or came to) one session, and what is known of it.

    Written for the whole audience of a part at its first mark, so who was
    expected is a row, not a guess. `session_unit` is the part on whose sheet
    the row stands (a visitor: the host's), `unit` the home that day. `held_on`,
    `topic_mask`, `round` and `counts` are copies of the session, rewritten by the
    one service that corrects a recorded session. `version` 0 = expected, nothing
    known yet. No row means "not expected or register not opened", never "absent".
    """

    # The pair (session, entry), row_by_entry and row_by_part already index these three.
    session = models.ForeignKey(
        TrainingSession, on_delete=models.PROTECT, related_name="rows", db_index=False, verbose_name="场次"
    )
    session_unit = models.ForeignKey(
        SessionUnit, on_delete=models.PROTECT, related_name="rows", db_index=False
    )
    entry = models.ForeignKey(
        RosterEntry, on_delete=models.PROTECT, related_name="rows", db_index=False, verbose_name="党员"
    )
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="rows", verbose_name="支部")
    part = models.CharField("参加方式", max_length=8, choices=Part, default=Part.EXPECTED)
    status = models.CharField("情况", max_length=10, choices=Status, default=Status.UNMARKED)
    reason = models.CharField("原因", max_length=8, choices=Reason, blank=True)
    minutes = models.PositiveIntegerField("分钟", default=0)
    minutes_set = models.BooleanField(default=False)
    held_on = models.DateField("日期")
    topic_mask = models.BigIntegerField(default=0)
    round = models.CharField("轮次", max_length=8, choices=Round, default=Round.FIRST)
    counts = models.BooleanField("计入参训率", default=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "考勤"
        verbose_name_plural = "考勤"
        constraints = [
            models.UniqueConstraint(
                fields=["session", "entry"], name="attendance_one_row_per_session_and_entry"
            ),
            models.CheckConstraint(
                condition=models.Q(reason="") | models.Q(status__in=[Status.LEAVE, Status.ABSENT]),
                name="attendance_reason_only_for_missing",
            ),
        ]
        indexes = [
            models.Index(fields=["entry", "held_on"], name="row_by_entry"),
            models.Index(fields=["session_unit"], name="row_by_part"),
        ]

    def __str__(self):
        return f"{self.entry} {self.get_status_display()}"


class MarkBatch(models.Model):
    """One sending of marks. The client's UUID is unique: the same sending again changes nothing.

    `part`: the one branch its counted heads are of; null = of the whole class. `unread`: names and words of
    the text it came from that nobody was found for.
    """

    class Kind(models.TextChoices):
        REGISTER = "register", "点名"
        PASTE = "paste", "粘贴"
        SHEET = "sheet", "签到表"
        IMPORT = "import", "导入"
        SYNC = "sync", "离线补传"
        CLOSE = "close", "完成时补登"
        RELEASE = "release", "重新打开后补登"
        UNDO = "undo", "撤销"
        MERGE = "merge", "合并重复登记"
        HOME = "home", "送学上门"
        CLAIM = "claim", "认领"

    uuid = models.UUIDField(unique=True)
    session = models.ForeignKey(
        TrainingSession, on_delete=models.DO_NOTHING, db_constraint=False, related_name="batches"
    )
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REGISTER)
    body_sha256 = models.CharField(max_length=64)
    counted_heads = models.PositiveIntegerField(null=True)
    part = models.ForeignKey(
        SessionUnit,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    unread = models.CharField(max_length=500, blank=True)
    undoes = models.OneToOneField(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="undone_by"
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "登记批次"
        verbose_name_plural = "登记批次"
        ordering = ["-pk"]
        indexes = [models.Index(fields=["session", "-id"], name="batch_by_session")]

    def __str__(self):
        return f"{self.get_kind_display()} {self.at:%m-%d %H:%M}"


class Mark(models.Model):
    """What one sending did to one entry. Append-only."""

    class Outcome(models.TextChoices):
        APPLIED = "applied", "已登记"
        SAME = "same", "没有变化"
        CONFLICT = "conflict", "别人先改过"
        HELD = "held", "待解锁"
        REJECTED = "rejected", "未登记"

    batch = models.ForeignKey(
        MarkBatch, on_delete=models.DO_NOTHING, db_constraint=False, related_name="marks"
    )
    entry = models.ForeignKey(
        RosterEntry, on_delete=models.DO_NOTHING, db_constraint=False, related_name="marks"
    )
    status = models.CharField(max_length=10, choices=Status)
    reason = models.CharField(max_length=8, choices=Reason, blank=True)
    minutes = models.PositiveIntegerField(null=True)
    before_status = models.CharField(max_length=10, choices=Status, blank=True)
    before_reason = models.CharField(max_length=8, choices=Reason, blank=True)
    before_minutes = models.PositiveIntegerField(null=True)
    before_minutes_set = models.BooleanField(default=False)
    base_version = models.PositiveIntegerField()
    version_after = models.PositiveIntegerField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    code = models.CharField(max_length=20, blank=True)
    marked_at = models.DateTimeField(null=True, help_text="手机上的时间，仅作旁证。")
    settles = models.OneToOneField(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="settled_by"
    )

    class Meta:
        verbose_name = "登记"
        verbose_name_plural = "登记"
        constraints = [
            models.UniqueConstraint(fields=["batch", "entry"], name="attendance_one_mark_per_batch_and_entry")
        ]
        # The few of millions that wait for somebody.
        indexes = [
            models.Index(
                fields=["batch", "entry"],
                condition=models.Q(outcome__in=["held", "conflict"]),
                name="mark_waiting",
            )
        ]

    def __str__(self):
        return f"{self.entry_id} {self.status} {self.outcome}"
