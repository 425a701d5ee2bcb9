from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone

from campaigns.models.campaigns import Campaign, Round, Topic, TrainingForm, Unit
from campaigns.models.hours import HoursKind, HoursRule, hours_kind
from organizations.models import Category, Member, Organization


class DepartmentQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Shared by everybody who reads records: a handful of names without people."""
        return self.all() if user.is_active and user.sees_records else self.none()

    def manageable_by(self, user):
        return (
            self.all()
            if user.is_active and user.runs_campaigns and user.organization.is_root()
            else self.none()
        )


class Department(models.Model):
    """One department that sends lecturers (the seed's seven)."""

    name = models.CharField("部门", max_length=50, unique=True)
    position = models.PositiveSmallIntegerField("顺序", default=0)

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        verbose_name = "宣讲部门"
        verbose_name_plural = "宣讲部门"
        ordering = ["position", "id"]

    def __str__(self):
        return self.name


class LecturerQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Lecturers of the own subtree, and those the levels above offer."""
        return self.filter(organization__in=Organization.objects.visible_to(user)) | self.filter(
            organization__path__in=[
                user.organization.path[:end] for end in range(4, len(user.organization.path), 4)
            ]
        )

    def manageable_by(self, user):
        if not user.keeps_records:
            return self.none()
        return self.filter(organization__in=Organization.objects.visible_to(user))


class Lecturer(models.Model):
    """One person who teaches, kept by the organization that first named them."""

    class Kind(models.TextChoices):
        LEADER = "LEADER", "领导干部"
        BACKBONE = "BACKBONE", "骨干"
        EXPERT = "EXPERT", "专家学者"
        ROLE_MODEL = "ROLE_MODEL", "先进典型"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="lecturers", verbose_name="归属党组织"
    )
    name = models.CharField("姓名", max_length=50)
    title = models.CharField("职务", max_length=100, blank=True)
    department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.PROTECT, verbose_name="部门"
    )
    kind = models.CharField("类别", max_length=12, choices=Kind, blank=True)

    objects = LecturerQuerySet.as_manager()

    class Meta:
        verbose_name = "主讲人"
        verbose_name_plural = "主讲人"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="campaigns_lecturer_name_unique")
        ]

    def __str__(self):
        return f"{self.name}（{self.title}）" if self.title else self.name


class TrainingSessionQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Sessions hosted in the account's scope, or with a part there."""
        units = Unit.objects.visible_to(user)
        parts = SessionUnit.objects.filter(unit__in=units)
        if user.organization.is_root():
            # Nearly all: found by day, and asked one by one.
            host = units.filter(pk=models.OuterRef("host"))
            return self.filter(
                models.Exists(host) | models.Exists(parts.filter(session=models.OuterRef("pk")))
            )
        # Two ranges, each by its own index: with OR none of them serves, and all are read by day.
        hosted = TrainingSession.objects.filter(host__in=units).order_by().values("pk")
        return self.filter(pk__in=hosted.union(parts.order_by().values("session")))

    def hosted_by(self, user):
        """Sessions the account may plan, change or cancel: hosted in its scope."""
        return self.filter(host__in=Unit.objects.manageable_by(user))

    manageable_by = hosted_by

    def valid(self):
        return self.filter(cancelled_at__isnull=True, voided_at__isnull=True)


class TrainingSession(models.Model):
    """One planned or held class. A wrong session is voided, never deleted.

    `topic_mask` is stored beside the topics. `minutes` is the length in whole
    minutes that a full attendance is worth, `hours_rule` the rule they come from:
    null = somebody entered them. `round` says whether it is a first
    class, a make-up or home teaching.
    """

    class Method(models.TextChoices):
        LECTURE = "LECTURE", "讲授式"
        CASE = "CASE", "案例式"
        SIMULATION = "SIMULATION", "模拟式"
        EXPERIENCE = "EXPERIENCE", "体验式"
        INTERACTIVE = "INTERACTIVE", "互动式"

    # Both indexes below begin with it.
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="sessions", db_index=False, verbose_name="冬训"
    )
    host = models.ForeignKey(
        Unit, on_delete=models.PROTECT, related_name="hosted_sessions", verbose_name="主办单位"
    )
    title = models.CharField("名称", max_length=100)
    form = models.ForeignKey(
        TrainingForm, on_delete=models.PROTECT, related_name="sessions", verbose_name="形式"
    )
    method = models.CharField("方法", max_length=12, choices=Method, default=Method.LECTURE)
    topics = models.ManyToManyField(Topic, blank=True, related_name="sessions", verbose_name="专题")
    topic_mask = models.BigIntegerField(default=0, editable=False)
    starts_at = models.DateTimeField("开始时间")
    ends_at = models.DateTimeField("结束时间")
    minutes = models.PositiveIntegerField("时长（分钟）", validators=[MaxValueValidator(720)])
    hours_rule = models.ForeignKey(
        HoursRule,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="sessions",
        verbose_name="按哪条规则折算",
    )
    venue = models.CharField("地点", max_length=100, blank=True)
    lecturers = models.ManyToManyField(Lecturer, blank=True, related_name="sessions", verbose_name="主讲人")
    round = models.CharField("轮次", max_length=8, choices=Round, default=Round.FIRST)
    is_theme_day = models.BooleanField("同时是主题党日", default=False)
    is_party_lecture = models.BooleanField("同时是党课", default=False)
    counted_heads = models.PositiveIntegerField("现场清点人数", null=True, blank=True)
    cancelled_at = models.DateTimeField("取消时间", null=True, blank=True)
    voided_at = models.DateTimeField("作废时间", null=True, blank=True)
    void_reason = models.CharField("取消或作废原因", max_length=200, blank=True)
    request_uuid = models.UUIDField(
        null=True, blank=True, unique=True, editable=False, help_text="同一次提交只生成一个场次。"
    )
    created_at = models.DateTimeField("安排时间", auto_now_add=True)

    objects = TrainingSessionQuerySet.as_manager()

    class Meta:
        verbose_name = "培训场次"
        verbose_name_plural = "培训场次"
        ordering = ["-starts_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="campaigns_session_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "-starts_at", "-id"], name="session_by_campaign"),
            # The ledger lists the classes of all winters together.
            models.Index(fields=["-starts_at", "-id"], name="session_by_start"),
            models.Index(
                fields=["campaign", "ends_at", "starts_at", "id"],
                condition=models.Q(cancelled_at__isnull=True, voided_at__isnull=True),
                name="valid_session_by_end",
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def day_has_come(self) -> bool:
        """From the morning of its day on a register may be filled."""
        return timezone.localdate(self.starts_at) <= timezone.localdate()

    @property
    def hours_kind(self) -> HoursKind:
        return hours_kind(self.form.code, self.starts_at, self.ends_at)

    @property
    def is_valid(self) -> bool:
        return self.cancelled_at is None and self.voided_at is None

    @property
    def counts(self) -> bool:
        """Whether attendance at it counts for the rates: by its form, unless voided or cancelled."""
        return self.is_valid and self.form.counts


class SessionUnit(models.Model):
    """One people-holding unit's part in a session: whom it expects there, and how far its register is.

    `recorded_at` = the first mark was stored; `closed_at` = the part is finished
    and accepts no direct change. `due_at` = from when on a register is missed: a
    copy of the session's end, null while cancelled or voided, kept by the services
    that change those, so that what is missing is found without reading what is not.
    `counted_heads`: how many of this unit came, where only the number is known.
    """

    class Audience(models.TextChoices):
        WHOLE = "WHOLE", "全体党员"
        CATEGORY = "CATEGORY", "某类党员"
        NAMED = "NAMED", "指定的人"

    session = models.ForeignKey(
        TrainingSession, on_delete=models.CASCADE, related_name="parts", verbose_name="场次"
    )
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="parts", verbose_name="单位")
    audience = models.CharField("参加范围", max_length=10, choices=Audience, default=Audience.WHOLE)
    category = models.CharField("人员类别", max_length=12, choices=Category, blank=True)
    named_members = models.ManyToManyField(Member, blank=True, related_name="+", verbose_name="指定的人")
    recorded_at = models.DateTimeField("登记时间", null=True, blank=True)
    closed_at = models.DateTimeField("关闭时间", null=True, blank=True)
    due_at = models.DateTimeField(null=True, editable=False)
    counted_heads = models.PositiveIntegerField("清点人数", null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "参加单位"
        verbose_name_plural = "参加单位"
        ordering = ["session", "unit__path"]
        constraints = [
            models.UniqueConstraint(fields=["session", "unit"], name="campaigns_one_part_per_unit")
        ]
        indexes = [
            models.Index(
                fields=["due_at", "session", "unit"],
                condition=models.Q(recorded_at__isnull=True),
                name="part_without_register",
            ),
            models.Index(
                fields=["session", "unit"],
                condition=models.Q(counted_heads__isnull=False, closed_at__isnull=True),
                name="part_with_heads",
            ),
        ]

    def __str__(self):
        return f"{self.session}·{self.unit}"
