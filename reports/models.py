from django.db import models

from campaigns.models import Unit


class DailyFigure(models.Model):
    """All indicator values of one unit at the end of one day, integers (a rate as its n and d).

    Written once each night for every unit above the branches, never rewritten.
    No row = that night was missed, not zero.
    """

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="daily_figures")
    day = models.DateField("日期")
    values = models.JSONField()

    class Meta:
        verbose_name = "每日数据"
        verbose_name_plural = "每日数据"
        constraints = [
            models.UniqueConstraint(fields=["unit", "day"], name="reports_one_figure_per_unit_and_day")
        ]

    def __str__(self):
        return f"{self.unit} {self.day}"
