"""What a class is worth: rules per campaign, kind of class and day."""

from datetime import datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from campaigns.models.campaigns import Campaign, OfCampaignQuerySet

MOST_MINUTES = 720
DAY_FROM, HALF_DAY_FROM, EVENING_FROM = 300, 150, 18


class HoursKind(models.TextChoices):
    """Kinds of class that places convert differently."""

    FULL_DAY = "FULL_DAY", "全天"
    HALF_DAY = "HALF_DAY", "半天"
    EVENING = "EVENING", "晚上"
    HOME = "HOME", "送学上门"
    SELF_STUDY = "SELF_STUDY", "自学"
    ONLINE = "ONLINE", "线上"
    OTHER = "OTHER", "其他"


# Taught without a classroom: worth by what it is, however long it took.
KIND_OF_FORM = {
    "HOME_TEACH": HoursKind.HOME,
    "SELF_STUDY": HoursKind.SELF_STUDY,
    "ONLINE": HoursKind.ONLINE,
}


def clock_minutes(starts_at: datetime, ends_at: datetime) -> int:
    return int((ends_at - starts_at).total_seconds() // 60)


def hours_kind(form_code: str, starts_at: datetime, ends_at: datetime) -> HoursKind:
    """The kind of a class, by its form and else by its clock; the only place that says so."""
    if kind := KIND_OF_FORM.get(form_code):
        return kind
    if timezone.localtime(starts_at).hour >= EVENING_FROM:
        return HoursKind.EVENING
    length = clock_minutes(starts_at, ends_at)
    if length >= DAY_FROM:
        return HoursKind.FULL_DAY
    return HoursKind.HALF_DAY if length >= HALF_DAY_FROM else HoursKind.OTHER


class HoursRule(models.Model):
    """From `since` on, attending a whole class of this kind is worth so many minutes. Never edited.

    `minutes` null = as long as it took, `most_minutes` at most. A later row is a new
    version; of two of one day the one written last holds. No row: as long as it took.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="hours_rules", verbose_name="冬训"
    )
    kind = models.CharField("哪种课", max_length=12, choices=HoursKind)
    since = models.DateField("从哪天的课起")
    minutes = models.PositiveSmallIntegerField(
        "全程参加计多少分钟",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_MINUTES)],
    )
    most_minutes = models.PositiveSmallIntegerField(
        "一场最多计多少分钟",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_MINUTES)],
    )
    source = models.CharField("依据", max_length=200)
    # Null = the preset's.
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="谁定的"
    )
    set_at = models.DateTimeField("定于", auto_now_add=True)

    objects = OfCampaignQuerySet.as_manager()

    class Meta:
        verbose_name = "学时折算规则"
        verbose_name_plural = "学时折算规则"
        ordering = ["campaign", "since", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(minutes__isnull=True) | models.Q(most_minutes__isnull=True),
                name="campaigns_rule_fixed_or_capped",
            ),
            models.CheckConstraint(
                condition=(models.Q(minutes__isnull=True) | models.Q(minutes__range=(1, MOST_MINUTES)))
                & (models.Q(most_minutes__isnull=True) | models.Q(most_minutes__range=(1, MOST_MINUTES))),
                name="campaigns_rule_within_a_day",
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()}：{self.words}"

    @property
    def words(self) -> str:
        if self.minutes is not None:
            return f"每场计{self.minutes}分钟"
        return f"按实际时长，每场最多计{self.most_minutes}分钟" if self.most_minutes else "按实际时长"

    def worth(self, starts_at: datetime, ends_at: datetime) -> int:
        """Minutes of attending the whole class."""
        if self.minutes is not None:
            return self.minutes
        clock = clock_minutes(starts_at, ends_at)
        return min(clock, self.most_minutes) if self.most_minutes else clock
