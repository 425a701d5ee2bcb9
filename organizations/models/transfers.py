from django.conf import settings
from django.db import models

from organizations.models.members import Member
from organizations.models.organizations import Organization
from organizations.tree import within


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


class RequestState(models.TextChoices):
    WAITING = "WAITING", "等对方接收"
    ACCEPTED = "ACCEPTED", "已接收"
    DECLINED = "DECLINED", "没有接收"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class TransferRequestQuerySet(models.QuerySet):
    def sent_by(self, user):
        """Requests for members who belong, or belonged, to the account's subtree when asked."""
        if not user.is_active or not user.sees_records:
            return self.none()
        return self.filter(within("from_branch__path", user.organization.path))

    def received_by(self, user):
        """Requests addressed to an organization at or below the account's own."""
        if not user.is_active or not user.sees_records:
            return self.none()
        return self.filter(within("addressee__path", user.organization.path))

    def visible_to(self, user):
        return self.sent_by(user) | self.received_by(user)

    def manageable_by(self, user):
        return self.visible_to(user) if user.keeps_records else self.none()


class TransferRequest(models.Model):
    """Somebody asks that a member go to a branch outside their scope; the receiving side decides.

    Until then the member stays, and counts, where they are. `wanted` is what the asker wrote
    (a name or a code); `addressee` the organization that answers: the one meant if exactly one
    fits, else the lowest common superior that can tell.
    """

    member = models.ForeignKey(
        Member, on_delete=models.PROTECT, related_name="transfer_requests", verbose_name="党员"
    )
    from_branch = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", verbose_name="转出支部"
    )
    wanted = models.CharField("转往哪里", max_length=100)
    addressee = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", verbose_name="由谁接收"
    )
    day = models.DateField("转接日期")
    note = models.CharField("说明", max_length=200, blank=True)
    state = models.CharField("状态", max_length=10, choices=RequestState, default=RequestState.WAITING)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="申请人"
    )
    asked_at = models.DateTimeField("申请时间", auto_now_add=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="办理人"
    )
    answered_at = models.DateTimeField("办理时间", null=True)
    answer = models.CharField("不接收的原因", max_length=200, blank=True)
    transfer = models.OneToOneField(Transfer, null=True, on_delete=models.PROTECT, related_name="request")

    objects = TransferRequestQuerySet.as_manager()
    State = RequestState

    class Meta:
        verbose_name = "转接申请"
        verbose_name_plural = "转接申请"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["member"],
                condition=models.Q(state=RequestState.WAITING),
                name="organizations_one_waiting_transfer_per_member",
            )
        ]

    def __str__(self):
        return f"{self.member}：{self.from_branch}→{self.wanted}"
