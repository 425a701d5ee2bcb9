"""Who sat in the class without being a member of the Party: in no figure of members, shown apart."""

from django.conf import settings
from django.db import models

from campaigns.models.sessions import SessionUnit


class TraineeCategory(models.TextChoices):
    APPLICANT = "APPLICANT", "入党申请人"
    ACTIVIST = "ACTIVIST", "入党积极分子"
    CANDIDATE = "CANDIDATE", "发展对象"
    YOUNG_FARMER = "YOUNG_FARMER", "青年农民"
    GROWER = "GROWER", "种养殖大户"
    ENTREPRENEUR = "ENTREPRENEUR", "致富能手"
    VILLAGE_DEPUTY = "VILLAGE_DEPUTY", "村民代表"
    VILLAGE_CADRE = "VILLAGE_CADRE", "村（居）干部"
    RESIDENT = "RESIDENT", "群众"


class Trainee(models.Model):
    """One person by name who is no member and came to a part of a class. No row: nobody took names."""

    part = models.ForeignKey(
        SessionUnit, on_delete=models.PROTECT, related_name="trainees", verbose_name="场次"
    )
    name = models.CharField("姓名", max_length=50)
    category = models.CharField("类别", max_length=16, choices=TraineeCategory)
    village = models.CharField("村（居）", max_length=50, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="登记人"
    )
    created_at = models.DateTimeField("登记时间", auto_now_add=True)
    dropped_at = models.DateTimeField("删去时间", null=True, blank=True)
    request_uuid = models.UUIDField(db_index=True, editable=False)

    class Meta:
        verbose_name = "非党员参训"
        verbose_name_plural = "非党员参训"
        ordering = ["pk"]

    def __str__(self):
        return f"{self.name}（{self.get_category_display()}）"


class HeadCount(models.Model):
    """So many of one category were counted in the room (现场清点), beside those known by name.

    No row, or 0, means that nobody was counted.
    """

    part = models.ForeignKey(
        SessionUnit, on_delete=models.PROTECT, related_name="head_counts", verbose_name="场次"
    )
    category = models.CharField("类别", max_length=16, choices=TraineeCategory)
    heads = models.PositiveIntegerField("现场清点人数")
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="登记人"
    )
    set_at = models.DateTimeField("登记时间", auto_now=True)

    class Meta:
        verbose_name = "非党员人数"
        verbose_name_plural = "非党员人数"
        constraints = [
            models.UniqueConstraint(fields=["part", "category"], name="campaigns_one_head_count_per_category")
        ]

    def __str__(self):
        return f"{self.get_category_display()}{self.heads}人"
