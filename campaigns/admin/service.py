from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from campaigns.models import ServiceTask
from campaigns.services import service_tasks
from organizations.admin_base import ServiceAdmin


@admin.register(ServiceTask)
class ServiceTaskAdmin(ServiceAdmin):
    """What was written down. 办结, 确认 and 退回 are steps of the workbench."""

    list_display = ["title", "unit", "kind", "owner", "deadline", "state", "workbench"]
    list_filter = ["state", "kind"]
    list_select_related = ["unit", "owner"]
    search_fields = ["title", "beneficiary"]
    ordering = ["-id"]
    autocomplete_fields = ["unit", "owner"]
    create_service = staticmethod(service_tasks.open_task)
    change_service = staticmethod(service_tasks.change_task)
    instance_argument = "task"
    readonly_on_change = ["unit"]
    readonly_fields = ["state", "result", "resolved_on", "confirmed_by", "workbench"]
    typed = ["unit", "title", "kind", "detail", "beneficiary", "owner", "deadline"]

    def get_fields(self, request, obj=None):
        return [*self.typed, *self.readonly_fields] if obj else self.typed

    @admin.display(description="办理")
    def workbench(self, task):
        return format_html('<a href="{}">办理</a>', reverse("campaigns:service_detail", args=[task.pk]))
