from django.conf import settings
from django.db import models

from organizations.models.organizations import Organization
from organizations.tree import within


class AuditEventQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Auditors and officers read the audit of their own subtree; others read histories beside records."""
        if not user.is_active or user.role not in ("AUDITOR", "OFFICER"):
            return self.none()
        return self.filter(within("path", user.organization.path))

    def about(self, target, user, shared=()):
        """The history of one record, newest first: what happened in the account's scope, or was done from it.

        A campaign or a joint class is shared by neighbours; what they did there stays theirs. `shared`:
        actions by the level that keeps the record for everybody who sees it, as its settings are.
        """
        mine = user.organization.path
        seen = within("path", mine) | within("actor__organization__path", mine)
        seen |= models.Q(action__in=shared)
        of_target = self.filter(target_type=target._meta.label_lower, target_id=str(target.pk))
        return of_target.filter(seen).order_by("-pk")


class AuditEvent(models.Model):
    """One act of somebody, written in the same transaction as what it did.

    Append-only: a database trigger refuses UPDATE and DELETE. One event per
    act: a submit for 500 people is one event that points to its batch.
    `path` is the tree path of the organization concerned, as it was then.
    """

    at = models.DateTimeField("时间", auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        verbose_name="操作人",
    )
    actor_name = models.CharField("操作人", max_length=50, help_text="空 = 系统")
    organization = models.ForeignKey(
        Organization,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        verbose_name="党组织",
    )
    path = models.CharField(max_length=255, blank=True)
    action = models.CharField("操作", max_length=50)
    summary = models.CharField("说明", max_length=300)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=40)
    details = models.JSONField("内容", default=dict)
    address = models.CharField("来源地址", max_length=45, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = "操作记录"
        verbose_name_plural = "操作记录"
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["target_type", "target_id"], name="audit_by_target"),
            models.Index(fields=["path"], name="audit_by_path"),
        ]

    def __str__(self):
        return self.summary
