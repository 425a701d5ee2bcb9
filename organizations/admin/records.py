"""What only the system writes: read here, never changed."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from organizations.admin_base import ServiceAdmin
from organizations.admin_filters import span_filter, tree_filter
from organizations.models import AuditEvent, ImportBatch, Job, Role


@admin.register(Job)
class JobAdmin(ServiceAdmin):
    list_display = ["title", "organization", "requested_by", "state", "created_at", "file_link"]
    list_filter = ["state", tree_filter("organization__path"), span_filter("created_at", "申请时间")]
    list_select_related = ["organization", "requested_by"]
    search_fields = ["title"]
    search_help_text = "名称"
    ordering = ["-id"]
    fields = [
        "title",
        "organization",
        "requester",
        "state",
        "progress_text",
        "attempts",
        "reason",
        "created_at",
        "finished_at",
        "file_link",
    ]
    readonly_fields = ["requester", "file_link"]

    @admin.display(description="申请人")
    def requester(self, job):
        return job.requested_by.name if job.requested_by else "系统"

    @admin.display(description="文件")
    def file_link(self, job):
        words, page = ("下载", "job_file") if job.file_id else ("看进度", "job_detail")
        url = reverse(f"organizations:{page}", args=[job.uuid])
        return format_html('<a class="button" href="{}">{}</a>', url, words)


@admin.register(ImportBatch)
class ImportBatchAdmin(ServiceAdmin):
    list_display = [
        "file_name",
        "organization",
        "uploader",
        "uploaded_at",
        "state",
        "row_count",
        "workbench_link",
    ]
    list_filter = ["state", tree_filter("organization__path"), span_filter("uploaded_at", "上传时间")]
    list_select_related = ["organization", "uploaded_by"]
    search_fields = ["file_name"]
    search_help_text = "文件名"
    ordering = ["-id"]
    readonly_fields = ["uploader", "workbench_link"]
    fields = [
        "file_name",
        "organization",
        "uploader",
        "uploaded_at",
        "state",
        "row_count",
        "stored_at",
        "undone_at",
        "workbench_link",
    ]

    def get_queryset(self, request):
        # Verdicts of a large roster are megabytes; no column here shows them.
        return super().get_queryset(request).defer("verdict", "choices", "result", "settled")

    @admin.display(description="上传人")
    def uploader(self, batch):
        return batch.uploaded_by.name if batch.uploaded_by else "系统"

    @admin.display(description="办理")
    def workbench_link(self, batch):
        page = reverse("organizations:import_detail", args=[batch.pk])
        return format_html('<a class="button" href="{}">看结果，接着办</a>', page)


@admin.register(AuditEvent)
class AuditEventAdmin(ServiceAdmin):
    """Only officers find it here; the auditor's own page is in the workbench."""

    list_display = ["summary", "actor_name", "at", "organization", "address"]
    list_filter = [tree_filter("path"), span_filter("at", "时间")]
    list_select_related = ["organization"]
    search_fields = ["summary", "actor_name"]
    search_help_text = "做了什么、谁做的"
    ordering = ["-id"]
    fields = ["at", "actor_name", "organization", "summary", "changed", "address"]
    readonly_fields = ["changed"]

    def has_module_permission(self, request):
        return super().has_module_permission(request) and request.user.role == Role.OFFICER

    @admin.display(description="改动")
    def changed(self, event):
        lines = [
            f"{change['label']}：{change.get('before') or '空'} → {change.get('after') or '空'}"
            if "after" in change
            else f"{change['label']}：已更换（不留号码）"
            for change in event.details.get("changes", [])
        ]
        return "；".join(lines) or "—"
