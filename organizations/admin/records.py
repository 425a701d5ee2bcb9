"""What only the system writes: read here, never changed."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from organizations.admin_base import ServiceAdmin
from organizations.models import AuditEvent, ImportBatch, Job, Role


@admin.register(Job)
class JobAdmin(ServiceAdmin):
    list_display = ["title", "organization", "requested_by", "state", "created_at", "file_link"]
    list_filter = ["state"]
    list_select_related = ["organization", "requested_by", "file"]
    search_fields = ["title"]
    ordering = ["-id"]
    fields = [
        "title",
        "organization",
        "requested_by",
        "state",
        "progress_text",
        "attempts",
        "reason",
        "created_at",
        "finished_at",
        "file_link",
    ]
    readonly_fields = ["file_link"]

    @admin.display(description="文件")
    def file_link(self, job):
        if not job.file_id:
            url = reverse("organizations:job_detail", args=[job.uuid])
            return format_html('<a href="{}">看进度</a>', url)
        url = reverse("organizations:job_file", args=[job.uuid])
        return format_html('<a href="{}">下载 {}</a>', url, job.file.name)


@admin.register(ImportBatch)
class ImportBatchAdmin(ServiceAdmin):
    list_display = ["file_name", "organization", "uploaded_by", "uploaded_at", "state", "row_count"]
    list_filter = ["state"]
    list_select_related = ["organization", "uploaded_by"]
    search_fields = ["file_name"]
    ordering = ["-id"]
    fields = [
        "file_name",
        "organization",
        "uploaded_by",
        "uploaded_at",
        "state",
        "row_count",
        "stored_at",
        "file_sha256",
    ]


@admin.register(AuditEvent)
class AuditEventAdmin(ServiceAdmin):
    """Only officers find it here; the auditor's own page is in the workbench."""

    list_display = ["summary", "actor_name", "at", "organization", "address"]
    list_select_related = ["organization"]
    search_fields = ["summary", "actor_name"]
    ordering = ["-id"]
    fields = ["at", "actor_name", "organization", "action", "summary", "changed", "address"]
    readonly_fields = ["changed"]

    def has_module_permission(self, request):
        return super().has_module_permission(request) and request.user.role == Role.OFFICER

    @admin.display(description="改动")
    def changed(self, event):
        lines = [
            f"{change['label']}：{change.get('before', '…')} → {change.get('after', '…')}"
            for change in event.details.get("changes", [])
        ]
        return "；".join(lines) or "—"
