from django.conf import settings
from django.db import models

from organizations.tree import within


class BulkActQuerySet(models.QuerySet):
    def visible_to(self, user):
        """One's own acts: who did it may take it back."""
        return self.filter(actor=user) if user.is_active and user.sees_records else self.none()

    def manageable_by(self, user):
        return self.visible_to(user) if user.keeps_records else self.none()


class BulkAct(models.Model):
    """One act on many records at once; a `BulkChange` keeps what each was, so that it can be taken back."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="办理人"
    )
    at = models.DateTimeField("办理时间", auto_now_add=True)
    # The name in the registry of undoable acts, such as "member.change"; others cannot be taken back.
    kind = models.CharField("种类", max_length=50)
    summary = models.CharField("做了什么", max_length=300)
    # One page sends once: the same key again is the same act.
    request_uuid = models.UUIDField(unique=True, editable=False)
    # Digest of what that page asked for: another selection under the same key is not the same act.
    sent = models.CharField(max_length=64, blank=True, default="", editable=False)
    undone_at = models.DateTimeField("撤销时间", null=True)

    objects = BulkActQuerySet.as_manager()

    class Meta:
        verbose_name = "批量办理"
        verbose_name_plural = "批量办理"
        ordering = ["-pk"]

    def __str__(self):
        return self.summary


class BulkChangeQuerySet(models.QuerySet):
    def about(self, target, user):
        """What acts on many did to one record: what happened in the account's scope, or was done from it."""
        mine = user.organization.path
        seen = within("path", mine) | within("act__actor__organization__path", mine)
        of_target = self.filter(target_type=target._meta.label_lower, target_id=target.pk)
        return of_target.filter(seen).order_by("-pk")


class BulkChange(models.Model):
    """What one act did to one record: the history beside the record and the undo read it.

    `before` and `after`: {column: value}; an office's telephone is encrypted in them. `told` says the same
    in words. `path` is the tree path of the record's organization, as it was then.
    """

    act = models.ForeignKey(
        BulkAct, on_delete=models.PROTECT, related_name="changes", verbose_name="批量办理"
    )
    target_type = models.CharField(max_length=60)
    target_id = models.BigIntegerField()
    path = models.CharField(max_length=255)
    name = models.CharField("名称", max_length=100)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    told = models.JSONField(default=list)
    # The act was taken back, and this record with it.
    was_undone = models.BooleanField(default=False)

    objects = BulkChangeQuerySet.as_manager()

    class Meta:
        ordering = ["act", "id"]
        indexes = [models.Index(fields=["target_type", "target_id"], name="bulk_change_by_target")]

    def __str__(self):
        return self.name
