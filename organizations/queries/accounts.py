"""What is asked about accounts: which ones nobody uses, and what happened to one."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse

from organizations.models import AuditEvent, Organization, User
from organizations.queries import Todo
from organizations.queries.history import Step, bulk_steps, newest

# The filters of the account list: word in the address, label.
ACCOUNT_FILTERS = {
    "": "全部",
    "stale": "好久没登录",
    "unused": f"开通 {settings.UNUSED_ACCOUNT_DAYS} 天还没登录",
    "waiting": "还没启用",
    "closed": "已停用",
}


def accounts(*, user: User, show: str, text: str) -> QuerySet[User]:
    rows = User.objects.visible_to(user).select_related("organization")
    if show == "stale":
        rows = rows.stale()
    elif show == "unused":
        rows = rows.unused()
    elif show:
        condition = Q(is_active=False) if show == "closed" else Q(is_active=True, must_change_password=True)
        rows = rows.filter(condition)
    return rows.search(text)


def superiors(paths: Iterable[str]) -> dict[str, str]:
    """By path, the name of the organization right above: two townships have a branch of one name.

    The one at the top stands above everything and tells nothing apart.
    """
    step = Organization.steplen
    above = {path: path[:-step] for path in paths if len(path) > 2 * step}
    names = dict(Organization.objects.filter(path__in=set(above.values())).values_list("path", "name"))
    return {path: names.get(one, "") for path, one in above.items()}


def account_todos(user: User) -> list[Todo]:
    """Accounts nobody uses, for those who may close them."""
    if not user.keeps_records:
        return []
    mine, url = User.objects.manageable_by(user), reverse("organizations:account_list")
    stale, unused = mine.stale().count(), mine.unused().count()
    lines = [
        Todo(
            f"{stale}个账号 {settings.STALE_ACCOUNT_DAYS} 天没登录，看看要不要停用",
            stale,
            f"{url}?show=stale",
        ),
        Todo(f"{unused}个账号开通 {settings.UNUSED_ACCOUNT_DAYS} 天还没登录过", unused, f"{url}?show=unused"),
    ]
    return [line for line in lines if line.count]


def account_history(account: User, user: User, most: int = 50) -> list[Step | AuditEvent]:
    """One account's own lines; of the next person's, the one that says who took it over."""
    steps = [*AuditEvent.objects.about(account, user)[:most], *bulk_steps(account, user, most)]
    if account.succeeded_by:
        steps += AuditEvent.objects.about(account.succeeded_by, user).filter(action="account.handed_over")
    return newest(steps, most)
