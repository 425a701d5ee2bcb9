"""What is written down about people no class reaches: taught at home, kept in touch with, looked into."""

from django.conf import settings
from django.db import models

from attendance.models.roster import RosterEntry
from campaigns.models import Campaign, ServiceTask, TrainingSession, Unit


class CareQuerySet(models.QuerySet):
    """Notes about a roster entry: seen and kept by whoever sees and keeps the entry's unit."""

    def visible_to(self, user):
        return self.filter(entry__unit__in=Unit.objects.visible_to(user))

    def manageable_by(self, user):
        return self.filter(entry__unit__in=Unit.objects.manageable_by(user))


class HomeLesson(models.Model):
    """One person was taught at home on one visit: by whom, what, and the wish they spoke of.

    That they were there is an Attendance row of `session`, like any other. No row means the
    visit was not written down here; somebody taught at home by a planned class has none.
    """

    entry = models.ForeignKey(
        RosterEntry, on_delete=models.PROTECT, related_name="home_lessons", verbose_name="党员"
    )
    session = models.ForeignKey(
        TrainingSession, on_delete=models.PROTECT, related_name="home_lessons", verbose_name="场次"
    )
    teacher = models.CharField("谁去送的", max_length=50)
    taught = models.CharField("讲了什么", max_length=500, blank=True)
    wish = models.CharField("听到的心愿", max_length=500, blank=True)
    task = models.OneToOneField(
        ServiceTask,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="home_lesson",
        verbose_name="办实事",
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="登记人"
    )
    at = models.DateTimeField("登记时间", auto_now_add=True)
    request_uuid = models.UUIDField(editable=False, help_text="同一次提交只登记一次。")

    objects = CareQuerySet.as_manager()

    class Meta:
        verbose_name = "送学记录"
        verbose_name_plural = "送学记录"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "entry"], name="attendance_one_lesson_per_session_and_entry"
            ),
            models.UniqueConstraint(
                fields=["request_uuid", "entry"], name="attendance_one_lesson_per_request_and_entry"
            ),
        ]

    def __str__(self):
        return f"{self.entry} {self.session}"


class ContactLog(models.Model):
    """Somebody was in touch with a floating member: when, how, what was said. Append-only.

    No row means nobody wrote anything down.
    """

    class How(models.TextChoices):
        PHONE = "PHONE", "电话"
        WECHAT = "WECHAT", "微信"
        MET = "MET", "见面"
        POST = "POST", "寄学习资料"

    # contact_by_entry begins with it.
    entry = models.ForeignKey(
        RosterEntry, on_delete=models.PROTECT, related_name="contacts", db_index=False, verbose_name="党员"
    )
    day = models.DateField("哪天")
    how = models.CharField("怎么联系的", max_length=8, choices=How)
    content = models.CharField("说了什么", max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="登记人"
    )
    at = models.DateTimeField("登记时间", auto_now_add=True)
    request_uuid = models.UUIDField(unique=True, editable=False, help_text="同一次提交只登记一次。")

    objects = CareQuerySet.as_manager()

    class Meta:
        verbose_name = "联系记录"
        verbose_name_plural = "联系记录"
        ordering = ["-day", "-pk"]
        indexes = [models.Index(fields=["entry", "-day", "-id"], name="contact_by_entry")]

    def __str__(self):
        return f"{self.entry} {self.day}"


class DoubtNote(models.Model):
    """An officer or inspector has looked into one finding of 存疑清单. No row means nobody has.

    `key` names the finding with the numbers it was seen with: other numbers are another finding.
    """

    class Kind(models.TextChoices):
        TWO_PLACES = "TWO_PLACES", "同时在两处"
        GONE = "GONE", "离开以后还到课"
        HEADS = "HEADS", "清点人数和登记对不上"
        LATE = "LATE", "整场补登太晚"
        WAIVERS = "WAIVERS", "不作硬性要求偏多"

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="doubt_notes", db_index=False, verbose_name="冬训"
    )
    kind = models.CharField("哪一类", max_length=10, choices=Kind)
    key = models.CharField(max_length=80)
    note = models.CharField("看了怎么说", max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="谁看的"
    )
    at = models.DateTimeField("什么时候", auto_now_add=True)

    class Meta:
        verbose_name = "存疑说明"
        verbose_name_plural = "存疑说明"
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "kind", "key"], name="attendance_one_note_per_finding"
            )
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.key}"
