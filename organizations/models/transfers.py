from django.conf import settings
from django.db import models

from organizations.models.members import Member
from organizations.models.organizations import Organization


class Transfer(models.Model):
    """One member went from one branch to another on a day: who asked for it and who accepted it.

    No row means the member is still where the roster first put them.
    """

    member = models.ForeignKey(
        Member, on_delete=models.PROTECT, related_name="transfers", verbose_name="党员"
    )
    from_branch = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", verbose_name="转出支部"
    )
    to_branch = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", verbose_name="转入支部"
    )
    day = models.DateField("转接日期")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="申请人"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="接收人"
    )
    at = models.DateTimeField("办理时间", auto_now_add=True)

    class Meta:
        verbose_name = "组织关系转接"
        verbose_name_plural = "组织关系转接"
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.member}：{self.from_branch}→{self.to_branch}"
