from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from organizations.models import BRANCH_KINDS, Organization, OrganizationKind
from organizations.tree import STEP, ancestors, within


class Stage(models.TextChoices):
    PREPARING = "PREPARING", "筹备中"
    OPEN = "OPEN", "进行中"
    CLOSED = "CLOSED", "已结束"


class TrainedRule(models.TextChoices):
    ANY = "ANY", "参加过任何一次计入的培训"
    COMPULSORY = "COMPULSORY", "学完全部必训专题"
    HOURS = "HOURS", "达到学时"


class CampaignKind(models.TextChoices):
    REGULAR = "REGULAR", "正式"
    PRACTICE = "PRACTICE", "练习"


class CampaignQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Campaigns owned by an organization above, at or below the account's own."""
        if not user.is_active or not user.sees_records:
            return self.none()
        path = user.organization.path
        return self.filter(
            within("organization__path", path) | models.Q(organization__path__in=ancestors(path))
        )

    def manageable_by(self, user):
        """Campaigns the account runs: owned inside its subtree, by an officer."""
        if not user.is_active or not user.runs_campaigns:
            return self.none()
        return self.filter(within("organization__path", user.organization.path))

    def current(self):
        """Newest first, running before prepared before closed."""
        return self.annotate(
            rank=models.Case(
                models.When(stage=Stage.OPEN, then=0), models.When(stage=Stage.PREPARING, then=1), default=2
            )
        ).order_by("rank", "-kind", "-starts_on", "-pk")  # -kind: REGULAR before PRACTICE


class Campaign(models.Model):
    """One winter's training, e.g. 2026—2027年度, owned by the organization whose subtree it trains.

    It crosses the calendar year. A practice campaign counts nowhere.
    `recount_due_at` set = derived figures are stale until the recount job ran.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="campaigns", verbose_name="主办党组织"
    )
    label = models.CharField("名称", max_length=100, help_text="例如：2026—2027年度党员冬训")
    kind = models.CharField("性质", max_length=10, choices=CampaignKind, default=CampaignKind.REGULAR)
    preset = models.CharField("工作法", max_length=30)
    stage = models.CharField("阶段", max_length=10, choices=Stage, default=Stage.PREPARING)
    starts_on = models.DateField("开始日期")
    ends_on = models.DateField("结束日期")
    target_percent = models.PositiveSmallIntegerField(
        "参训率目标（%）", default=95, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    trained_rule = models.CharField("怎样算参训", max_length=10, choices=TrainedRule, default=TrainedRule.ANY)
    hours_member = models.PositiveSmallIntegerField(
        "党员年度学时", default=32, validators=[MaxValueValidator(500)]
    )
    hours_secretary = models.PositiveSmallIntegerField(
        "书记和班子成员年度学时", default=56, validators=[MaxValueValidator(500)]
    )
    # Not on the roster: printed where somebody asks what is wanted of them.
    hours_candidate = models.PositiveSmallIntegerField(
        "发展对象集中培训学时", default=24, validators=[MaxValueValidator(500)]
    )
    minutes_per_hour = models.PositiveSmallIntegerField(
        "一学时折合分钟", default=45, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    makeup_days = models.PositiveSmallIntegerField(
        "补课期限（天）", default=30, validators=[MaxValueValidator(365)]
    )
    contact_days = models.PositiveSmallIntegerField(
        "流动党员联系间隔（天）", default=30, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    sources = models.JSONField("出处", default=dict, help_text="每个默认值的来源，按字段名。")
    roster_drawn_on = models.DateField("名册划定日期", null=True, blank=True)
    recount_due_at = models.DateTimeField(null=True, blank=True)
    # The highest topic bit ever taken back: masks on attendance keep their meaning, so it is never reused.
    last_topic_bit = models.SmallIntegerField(default=-1, editable=False)
    created_at = models.DateTimeField("新建时间", auto_now_add=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = "冬训"
        verbose_name_plural = "冬训"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "label"], name="campaigns_label_unique_per_owner"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_on__gt=models.F("starts_on")), name="campaigns_ends_after_start"
            ),
        ]

    def __str__(self):
        return self.label

    @property
    def is_open(self) -> bool:
        return self.stage == Stage.OPEN


class OfCampaignQuerySet(models.QuerySet):
    """Rows that belong to a campaign as a whole: who sees or runs the campaign, sees or changes them."""

    campaign_field = "campaign"

    def visible_to(self, user):
        return self.filter(**{f"{self.campaign_field}__in": Campaign.objects.visible_to(user)})

    def manageable_by(self, user):
        return self.filter(**{f"{self.campaign_field}__in": Campaign.objects.manageable_by(user)})


class ItemQuerySet(OfCampaignQuerySet):
    campaign_field = "group__campaign"


class ProgrammeGroup(models.Model):
    """One group of the programme: 四个到位, 五项任务, 六个结合. Rows from a preset, renamed freely."""

    class Code(models.TextChoices):
        IN_PLACE = "IN_PLACE", "到位"
        TASK = "TASK", "任务"
        COMBINATION = "COMBINATION", "结合"

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="groups", verbose_name="冬训"
    )
    code = models.CharField("代码", max_length=20, choices=Code)
    name = models.CharField("名称", max_length=50)
    position = models.PositiveSmallIntegerField("顺序")

    objects = OfCampaignQuerySet.as_manager()

    class Meta:
        verbose_name = "工作法分组"
        verbose_name_plural = "工作法分组"
        ordering = ["campaign", "position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "code"], name="campaigns_group_code_unique")
        ]

    def __str__(self):
        return self.name


class ProgrammeItem(models.Model):
    """One card of the programme. `evidence` names what proves it (board.py), "" = not computed yet."""

    group = models.ForeignKey(
        ProgrammeGroup, on_delete=models.CASCADE, related_name="items", verbose_name="分组"
    )
    code = models.CharField("代码", max_length=40)
    name = models.CharField("名称", max_length=100)
    meaning = models.TextField("含义", blank=True)
    evidence = models.CharField("凭什么算", max_length=40, blank=True)
    position = models.PositiveSmallIntegerField("顺序")

    objects = ItemQuerySet.as_manager()

    class Meta:
        verbose_name = "工作法项目"
        verbose_name_plural = "工作法项目"
        ordering = ["group", "position"]
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="campaigns_item_code_unique")]

    def __str__(self):
        return self.name


class TopicQuerySet(OfCampaignQuerySet):
    def compulsory(self):
        return self.filter(is_compulsory=True)


class Topic(models.Model):
    """One 专题, the unit of make-up. `bit` is its place in topic masks: unique per campaign, never reused."""

    MAX = 62

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="topics", verbose_name="冬训"
    )
    task = models.ForeignKey(
        ProgrammeItem,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="topics",
        verbose_name="所属任务",
    )
    unit_organization = models.ForeignKey(
        Organization,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="自选单位",
        help_text="空 = 全区专题；填了 = 该单位自选专题。",
    )
    name = models.CharField("专题", max_length=100)
    is_compulsory = models.BooleanField("必训", default=True)
    bit = models.PositiveSmallIntegerField(editable=False)
    position = models.PositiveSmallIntegerField("顺序", default=0)

    objects = TopicQuerySet.as_manager()

    class Meta:
        verbose_name = "专题"
        verbose_name_plural = "专题"
        ordering = ["campaign", "position", "bit"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "bit"], name="campaigns_topic_bit_unique"),
            models.UniqueConstraint(fields=["campaign", "name"], name="campaigns_topic_name_unique"),
            models.CheckConstraint(condition=models.Q(bit__lt=62), name="campaigns_topic_bit_fits"),
        ]

    def __str__(self):
        return self.name

    @property
    def mask(self) -> int:
        return 1 << self.bit


class Round(models.TextChoices):
    FIRST = "FIRST", "首训"
    MAKE_UP = "MAKE_UP", "补课"
    HOME = "HOME", "送学上门"


class TrainingForm(models.Model):
    """One form of training in the campaign's registry: 集中授课, 送学上门… with what it counts for."""

    class HoursRule(models.TextChoices):
        CLOCK = "CLOCK", "按实际时长"
        NONE = "NONE", "不计学时"

    class Side(models.TextChoices):
        """Which side of which of the six combinations the form proves; CLASSROOM is a side of several."""

        NONE = "", "—"
        CENTRAL = "CENTRAL", "集中授课"
        SCATTERED = "SCATTERED", "分散学习"
        FIELD = "FIELD", "走学观摩"
        HOME = "HOME", "送学"
        SKILL = "SKILL", "技能培训"
        PRACTICE = "PRACTICE", "为民实践"
        BRANCH_LIFE = "BRANCH_LIFE", "组织生活"

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="forms", verbose_name="冬训"
    )
    code = models.CharField("代码", max_length=20)
    name = models.CharField("形式", max_length=50)
    counts = models.BooleanField("计入参训率", default=True)
    hours_rule = models.CharField("学时", max_length=10, choices=HoursRule, default=HoursRule.CLOCK)
    is_practice = models.BooleanField("属社会实践", default=False)
    side = models.CharField("结合的一面", max_length=15, choices=Side, blank=True)
    default_round = models.CharField("默认轮次", max_length=8, choices=Round, default=Round.FIRST)
    position = models.PositiveSmallIntegerField("顺序")

    objects = OfCampaignQuerySet.as_manager()

    class Meta:
        verbose_name = "培训形式"
        verbose_name_plural = "培训形式"
        ordering = ["campaign", "position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "code"], name="campaigns_form_code_unique")
        ]

    def __str__(self):
        return self.name


class UnitQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Inside a campaign, scope is the `Unit.path` range of the account's organization.

        The campaign's tree may differ from today's: the organization's own unit
        in each campaign says where its range begins. Campaigns owned inside the
        account's subtree are seen whole.
        """
        if not user.is_active or not user.sees_records:
            return self.none()
        # Asked beforehand: joined to the campaigns, no index would find the units.
        owned = Campaign.objects.filter(within("organization__path", user.organization.path))
        roots = Unit.objects.filter(organization_id=user.organization_id).values_list("campaign_id", "path")
        begins = owned.order_by().values_list("pk", models.Value("")).union(roots.order_by())
        whole = [campaign_id for campaign_id, path in begins if not path]
        seen = models.Q(campaign_id__in=whole)
        for campaign_id, path in begins:
            if campaign_id not in whole:
                seen |= models.Q(campaign_id=campaign_id) & within("path", path)
        return self.filter(seen)

    def manageable_by(self, user):
        return self.visible_to(user) if user.keeps_records else self.none()

    def below(self, unit):
        """The unit and every unit under it, in the same campaign."""
        return self.filter(within("path", unit.path), campaign_id=unit.campaign_id)

    def with_people(self):
        return self.filter(kind__in=BRANCH_KINDS)

    def children(self, unit):
        """Units directly below. Where the adopted tree skips a step, the next one that exists."""
        return self.below(unit).filter(depth=unit.depth + 1)


class Unit(models.Model):
    """An organization's part in one campaign.

    Name, kind and path are as adopted, and stay for ever once the campaign closes.

    Only kinds that hold people have roster entries. `frozen_at` set = figures
    were accepted; nothing that changes them may be written.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="units", verbose_name="冬训"
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="units", verbose_name="党组织"
    )
    name = models.CharField("单位", max_length=100)
    kind = models.CharField("类别", max_length=20, choices=OrganizationKind)
    path = models.CharField(max_length=255)
    depth = models.PositiveSmallIntegerField()
    closed_on = models.DateField("撤销日期", null=True, blank=True)
    frozen_at = models.DateTimeField("确认上报时间", null=True, blank=True)
    frozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="确认人",
    )

    objects = UnitQuerySet.as_manager()

    class Meta:
        verbose_name = "参训单位"
        verbose_name_plural = "参训单位"
        ordering = ["campaign", "path"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "organization"], name="campaigns_unit_once_per_campaign"
            ),
            models.UniqueConstraint(fields=["campaign", "path"], name="campaigns_unit_path_unique"),
        ]
        # The units directly below one, of forty thousand.
        indexes = [models.Index(fields=["campaign", "depth", "path"], name="unit_by_depth")]

    def __str__(self):
        return self.name

    @property
    def holds_people(self) -> bool:
        return self.kind in BRANCH_KINDS

    @property
    def is_top(self) -> bool:
        """Every other unit of the campaign lies below it."""
        return self.organization_id == self.campaign.organization_id

    @property
    def ancestor_paths(self) -> list[str]:
        return ancestors(self.path)[:-1]

    @staticmethod
    def depth_of(path: str) -> int:
        return len(path) // STEP
