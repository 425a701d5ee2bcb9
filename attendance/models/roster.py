from django.conf import settings
from django.db import models

from campaigns.models import Campaign, Unit
from organizations.models import Category, Member, Post


class RosterEntryQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(unit__in=Unit.objects.visible_to(user))

    def manageable_by(self, user):
        return self.filter(unit__in=Unit.objects.manageable_by(user))

    def present(self):
        return self.filter(left_on__isnull=True)


class RosterEntry(models.Model):
    """One member in one campaign; `unit` is where the person counts now: one headcount per campaign.

    Category, post, floating, home-bound and hours target are copies: a later
    edit of the member is a difference to adopt, never a silent change of a
    figure. `required` false = 不作硬性要求. No entry means the member is not part
    of the campaign.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="entries", verbose_name="冬训"
    )
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="entries", verbose_name="党员")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="entries", verbose_name="单位")
    category = models.CharField("人员类别", max_length=12, choices=Category)
    post = models.CharField("党内职务", max_length=20, choices=Post, blank=True)
    is_floating = models.BooleanField("流动党员", default=False)
    is_home_bound = models.BooleanField("居家", default=False)
    hours_target = models.PositiveSmallIntegerField("年度学时目标")
    required = models.BooleanField("应训", default=True)
    joined_on = models.DateField("入册日期")
    left_on = models.DateField("离册日期", null=True, blank=True)
    left_reason = models.CharField("离册原因", max_length=100, blank=True)
    # The same person stood on the roster twice: this entry gave way to that one and counts nowhere.
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged_from", editable=False
    )
    is_open = models.BooleanField("冬训未结束", default=True, help_text="所在冬训还没有结束。")

    objects = RosterEntryQuerySet.as_manager()

    class Meta:
        verbose_name = "名册"
        verbose_name_plural = "名册"
        constraints = [
            models.UniqueConstraint(fields=["campaign", "member"], name="attendance_one_entry_per_member"),
            models.UniqueConstraint(
                fields=["member"],
                condition=models.Q(is_open=True),
                name="attendance_one_open_campaign_per_member",
            ),
        ]
        indexes = [models.Index(fields=["unit", "id"], name="entry_by_unit")]

    def __str__(self):
        return f"{self.member}"


class RosterStay(models.Model):
    """The entry belonged to this unit from a day until the day before `until` (null = still). No overlap.

    Answers who was expected on a session's day.
    """

    entry = models.ForeignKey(
        RosterEntry, on_delete=models.CASCADE, related_name="stays", verbose_name="党员"
    )
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="stays", verbose_name="支部")
    since = models.DateField("从哪天")
    until = models.DateField("到哪天", null=True, blank=True)

    class Meta:
        ordering = ["entry", "since"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "since"], name="attendance_one_stay_per_start"),
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gt=models.F("since")),
                name="attendance_stay_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["unit", "since"], name="stay_by_unit")]

    def __str__(self):
        return f"{self.entry} {self.since}—{self.until or ''}"


class Waiver(models.Model):
    """不作硬性要求 for one entry: from a day, until ended by an act (条例 art. 23).

    A reason class, never a diagnosis.
    """

    class Reason(models.TextChoices):
        OLD_AGE = "OLD_AGE", "年老体弱"
        IMMOBILE = "IMMOBILE", "行动不便"
        ILLNESS = "ILLNESS", "重病"
        INCAPACITY = "INCAPACITY", "失能"
        CARE = "CARE", "长期照护家人"

    entry = models.ForeignKey(
        RosterEntry, on_delete=models.PROTECT, related_name="waivers", verbose_name="党员"
    )
    reason = models.CharField("原因类别", max_length=12, choices=Reason)
    since = models.DateField("开始日期")
    until = models.DateField("结束日期", null=True, blank=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="登记人"
    )
    set_at = models.DateTimeField("登记时间", auto_now_add=True)

    class Meta:
        verbose_name = "不作硬性要求"
        verbose_name_plural = "不作硬性要求"
        constraints = [
            models.UniqueConstraint(
                fields=["entry"], condition=models.Q(until__isnull=True), name="attendance_one_running_waiver"
            )
        ]

    def __str__(self):
        return f"{self.entry} {self.get_reason_display()}"


class RosterChange(models.Model):
    """One change of who is on a campaign's roster, and where: 名册变动. Append-only.

    Written in the transaction of the change, once the roster is drawn; drawing itself
    writes none. A move is two rows, one for each unit.
    """

    class Kind(models.TextChoices):
        JOINED = "JOINED", "加入名册"
        LEFT = "LEFT", "离册"
        RETURNED = "RETURNED", "回来"
        MOVED_OUT = "MOVED_OUT", "转出"
        MOVED_IN = "MOVED_IN", "转入"
        WAIVED = "WAIVED", "不作硬性要求"
        WAIVER_ENDED = "WAIVER_ENDED", "恢复要求"
        CHANGED = "CHANGED", "信息更新"
        MERGED = "MERGED", "重复登记合并"

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", verbose_name="支部")
    entry = models.ForeignKey(
        RosterEntry, on_delete=models.PROTECT, related_name="changes", verbose_name="党员"
    )
    kind = models.CharField("变动", max_length=12, choices=Kind)
    day = models.DateField("从哪天起")
    why = models.CharField("原因", max_length=200, blank=True)
    # Null = the system.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="办理人"
    )
    at = models.DateTimeField("办理时间", auto_now_add=True)

    class Meta:
        verbose_name = "名册变动"
        verbose_name_plural = "名册变动"
        ordering = ["-pk"]
        indexes = [models.Index(fields=["unit", "at"], name="roster_change_by_unit")]

    def __str__(self):
        return f"{self.entry} {self.get_kind_display()}"


class RosterConfirmation(models.Model):
    """A unit said: this is who takes part. The latest one counts; later changes are listed beside it.

    The three numbers are what was confirmed: people, floating, 不作硬性要求. No row means not confirmed.
    """

    unit = models.ForeignKey(
        Unit, on_delete=models.PROTECT, related_name="confirmations", verbose_name="单位"
    )
    members = models.PositiveIntegerField("党员")
    floating = models.PositiveIntegerField("流动党员")
    waived = models.PositiveIntegerField("不作硬性要求")
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="确认人"
    )
    confirmed_at = models.DateTimeField("确认时间", auto_now_add=True)

    class Meta:
        verbose_name = "名册确认"
        verbose_name_plural = "名册确认"
        ordering = ["-pk"]
        indexes = [models.Index(fields=["unit", "-id"], name="confirmation_by_unit")]

    def __str__(self):
        return f"{self.unit} {self.members}"
