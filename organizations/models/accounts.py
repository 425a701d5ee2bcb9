from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from organizations.models.organizations import Organization
from organizations.tree import within


class Role(models.TextChoices):
    OFFICER = "OFFICER", "主管"
    ORGANIZER = "ORGANIZER", "组织员"
    RECORDER = "RECORDER", "记录员"
    INSPECTOR = "INSPECTOR", "督查"
    AUDITOR = "AUDITOR", "审计"


class UserQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Accounts of the subtree; audit accounts see none."""
        if not user.is_active or not user.sees_records:
            return self.none()
        return self.filter(within("organization__path", user.organization.path))

    def manageable_by(self, user):
        """Accounts the level above may create, close and reset: an officer's of the own subtree,
        an organizer's strictly below or recorders of the own organization."""
        mine = self.visible_to(user).exclude(pk=user.pk)
        if user.role == Role.OFFICER:
            return mine
        if user.role == Role.ORGANIZER:
            return mine.exclude(role__in=[Role.OFFICER, Role.AUDITOR]).filter(
                ~models.Q(organization=user.organization) | models.Q(role=Role.RECORDER)
            )
        return self.none()

    def stale(self, now: datetime | None = None):
        """Open accounts nobody came in with for STALE_ACCOUNT_DAYS. A new password begins the time again."""
        since = (now or timezone.now()) - timedelta(days=settings.STALE_ACCOUNT_DAYS)
        renewed = models.Q(password_changed_at__gte=since)
        return self.filter(is_active=True, last_login__lt=since).exclude(renewed)

    def unused(self, now: datetime | None = None):
        """Open accounts nobody ever came in with, UNUSED_ACCOUNT_DAYS after the slip was printed."""
        since = (now or timezone.now()) - timedelta(days=settings.UNUSED_ACCOUNT_DAYS)
        slip_of = Coalesce("password_changed_at", "created_at")
        return self.filter(is_active=True, last_login=None).alias(slip_of=slip_of).filter(slip_of__lt=since)

    def search(self, text: str):
        """By name, account or the name of the organization."""
        text = text.strip()
        found = models.Q(name__startswith=text) | models.Q(username__startswith=text.lower())
        return self.filter(found | models.Q(organization__name__contains=text)) if text else self


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):
    def get_by_natural_key(self, username):
        return self.select_related("organization").get(username=username)


class User(AbstractBaseUser):
    """One account of one person: its scope is its organization's subtree, its role what it may do."""

    username = models.CharField("账号", max_length=50, unique=True)
    name = models.CharField("姓名", max_length=50)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="accounts", verbose_name="所属党组织"
    )
    role = models.CharField("角色", max_length=12, choices=Role)
    is_active = models.BooleanField("启用", default=True)
    must_change_password = models.BooleanField("首次登录须改密码", default=True)
    created_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name="开通人"
    )
    created_at = models.DateTimeField("开通时间", auto_now_add=True)
    # The last time the password was set, also by a reset.
    password_changed_at = models.DateTimeField("密码改于", null=True, blank=True)
    # Handed over: this account was closed and that one opened in its place.
    succeeded_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="predecessors", editable=False
    )
    # Counted up when all logins of the account are ended without a new password.
    logins_ended = models.PositiveIntegerField(default=0, editable=False)

    USERNAME_FIELD = "username"
    objects = UserManager()

    class Meta:
        verbose_name = "账号"
        verbose_name_plural = "账号"
        ordering = ["organization__path", "username"]

    def __str__(self):
        return self.name

    def get_session_auth_hash(self) -> str:
        """What a login carries: another password or 结束其他登录 makes it worthless."""
        return f"{super().get_session_auth_hash()}{self._ended()}"

    def get_session_auth_fallback_hash(self):
        for older in super().get_session_auth_fallback_hash():
            yield f"{older}{self._ended()}"

    def _ended(self) -> str:
        return f":{self.logins_ended}" if self.logins_ended else ""

    @property
    def needs_code(self) -> bool:
        """A code of the phone after the password."""
        return self.role in settings.OTP_ROLES

    @property
    def password_is_old(self) -> bool:
        days = settings.PASSWORD_MAX_AGE_DAYS[self.role]
        changed = self.password_changed_at or self.created_at
        return bool(days) and timezone.now() - changed >= timedelta(days=days)

    @property
    def flag(self) -> str:
        """`stale` and `unused`, of one account as it was loaded."""
        if not self.is_active:
            return ""
        now, set_at = timezone.now(), self.password_changed_at or self.created_at
        if self.last_login is None:
            return "unused" if now - set_at > timedelta(days=settings.UNUSED_ACCOUNT_DAYS) else ""
        latest = max(self.last_login, self.password_changed_at or self.last_login)
        return "stale" if now - latest > timedelta(days=settings.STALE_ACCOUNT_DAYS) else ""

    @property
    def sees_records(self) -> bool:
        """Everybody but the auditor, who sees the audit alone."""
        return self.role != Role.AUDITOR

    @property
    def keeps_records(self) -> bool:
        return self.role in (Role.OFFICER, Role.ORGANIZER)

    @property
    def marks_registers(self) -> bool:
        return self.role in (Role.OFFICER, Role.ORGANIZER, Role.RECORDER)

    @property
    def runs_campaigns(self) -> bool:
        return self.role == Role.OFFICER

    @property
    def exports_reports(self) -> bool:
        return self.role in (Role.OFFICER, Role.ORGANIZER, Role.INSPECTOR)

    # The admin's two questions. What each page shows and saves is decided by ServiceAdmin.
    @property
    def is_staff(self) -> bool:
        return self.role in (Role.OFFICER, Role.ORGANIZER, Role.INSPECTOR)

    def has_perm(self, perm, obj=None) -> bool:
        return False

    def has_module_perms(self, app_label) -> bool:
        return self.is_active and self.is_staff
