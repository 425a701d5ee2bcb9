from django.contrib import admin
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html

from organizations.admin_base import ServiceAdmin
from organizations.admin_filters import tree_filter
from organizations.admin_many import Many
from organizations.forms.many import ManyForm
from organizations.models import User
from organizations.service import Refused
from organizations.services import bulk_accounts
from organizations.services.bulk import FINAL
from organizations.views.accounts import keep_slips, slips_wait

FLAGS = {"stale": "很久没用", "unused": "一直没用过"}


class UseFilter(admin.SimpleListFilter):
    title = "用得怎样"
    parameter_name = "use"

    def lookups(self, request, model_admin):
        return list(FLAGS.items())

    def queryset(self, request, queryset):
        if self.value() == "stale":
            return queryset.stale()
        return queryset.unused() if self.value() == "unused" else queryset


def close(request, ids, values, key):
    return bulk_accounts.close_accounts(actor=request.user, ids=ids, request_uuid=key)


def reset(request, ids, values, key):
    """On to the slips: they are printed once and gone. Sent again, on to those of the first sending."""
    try:
        keep_slips(request, bulk_accounts.reset_accounts(actor=request.user, ids=ids, request_uuid=key))
    except Refused as refusal:
        if not slips_wait(request, refusal):
            raise
    return redirect("organizations:account_slip")


def state_of(user) -> str:
    return "在用" if user.is_active else "已停用"


@admin.register(User)
class UserAdmin(ServiceAdmin):
    """Who has an account. Opening and handing over are pages of the workbench; no password is shown here."""

    list_display = ["name", "username", "role", "organization", "is_active", "last_came", "workbench_link"]
    list_filter = [tree_filter("organization__path"), "role", "is_active", UseFilter]
    list_select_related = ["organization"]
    search_fields = ["name__startswith"]
    search_help_text = "姓名、账号或单位名称"
    ordering = ["organization__path", "id"]
    fields = readonly_fields = [
        "name",
        "username",
        "role",
        "organization",
        "is_active",
        "last_came",
        "opener",
        "created_at",
        "workbench_link",
    ]
    many = [
        Many("close", "停用账号", ManyForm, close, now=state_of, note=FINAL["account.close"]),
        Many(
            "reset",
            "重置密码，打印开通条",
            ManyForm,
            reset,
            now=state_of,
            note=f"{FINAL['account.reset']}一次最多{bulk_accounts.MOST_AT_ONCE}个。",
        ),
    ]

    def has_module_permission(self, request):
        return super().has_module_permission(request) and request.user.keeps_records

    @admin.display(description="最近登录")
    def last_came(self, user):
        flag = FLAGS.get(user.flag, "")
        when = f"{user.last_login:%Y-%m-%d}" if user.last_login else "还没登录过"
        return f"{when}（{flag}）" if flag else when

    @admin.display(description="开通人")
    def opener(self, user):
        return user.created_by.name if user.created_by else "—"

    @admin.display(description="办理")
    def workbench_link(self, user):
        page = reverse("organizations:account_detail", args=[user.pk])
        return format_html('<a class="button" href="{}">重置、停用、交接</a>', page)
