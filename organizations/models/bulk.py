from django.conf import settings
from django.db import models


class BulkActQuerySet(models.QuerySet):
    def visible_to(self, user):
        """One's own acts: who did it may take it back."""
        return self.filter(actor=user) if user.is_active else self.none()

    manageable_by = visible_to


class BulkAct(models.Model):
    """One act on many records at once, and what each was before: so that it can be taken back.

    `changes`: [{"id", "name", "before": {field: value}, "after": {field: value}}]. Undoing puts
    `before` back where the record still is as the act left it, and names the others.
    """

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="办理人"
    )
    at = models.DateTimeField("办理时间", auto_now_add=True)
    # The name in the registry of undoable acts, such as "member.change".
    kind = models.CharField(max_length=50)
    summary = models.CharField("做了什么", max_length=300)
    changes = models.JSONField(default=list)
    undone_at = models.DateTimeField("撤销时间", null=True)

    objects = BulkActQuerySet.as_manager()

    class Meta:
        verbose_name = "批量办理"
        verbose_name_plural = "批量办理"
        ordering = ["-pk"]

    def __str__(self):
        return self.summary
