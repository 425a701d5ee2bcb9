from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from campaigns.admin.filters import CampaignFilter, SessionStateFilter, unit_filter
from campaigns.models import (
    Department,
    Lecturer,
    Stage,
    Topic,
    TrainingForm,
    TrainingSession,
)
from campaigns.services import lecturers, sessions
from campaigns.services.bulk import CANCEL, cancel_sessions
from campaigns.services.sessions import REASON_LENGTH
from organizations.admin_base import ServiceAdmin
from organizations.admin_filters import span_filter, tree_filter
from organizations.admin_many import Many
from organizations.forms.many import ManyForm
from organizations.services.bulk import FINAL


class CancelForm(ManyForm):
    reason = forms.CharField(
        label="取消的原因", max_length=REASON_LENGTH, help_text="例如：大雪，路不通。参加的支部看得到。"
    )


def cancel(request, ids, values, key):
    return cancel_sessions(actor=request.user, ids=ids, request_uuid=key, **values)


def when_of(session) -> str:
    return f"{timezone.localtime(session.starts_at):%m月%d日 %H:%M}"


@admin.register(TrainingSession)
class TrainingSessionAdmin(ServiceAdmin):
    list_display = ["title", "host", "form", "starts_at", "round", "state", "register_link", "makeup_link"]
    list_filter = [
        SessionStateFilter,
        unit_filter("host__"),
        CampaignFilter,
        span_filter("starts_at", "开始时间"),
        "round",
    ]
    list_select_related = ["host", "form", "campaign"]
    search_fields = ["title", "venue"]
    search_help_text = "名称或地点"
    ordering = ["-starts_at", "-id"]
    autocomplete_fields = ["host"]
    create_service = staticmethod(sessions.plan_for_host)
    change_service = staticmethod(sessions.adjust_session)
    instance_argument = "session"
    readonly_on_change = ["host"]
    constraint_words = {"campaigns_session_ends_after_start": ("ends_at", "结束时间要晚于开始时间。")}
    help_texts = {
        "host": "谁办这堂课。选镇街，就是下面的支部都参加。打几个字再选。",
        "form": "形式决定计不计入参训率、算不算学时。",
        "method": "讲授、案例、体验等，照实选。",
        "topics": "这堂课讲了哪些专题；没来的人待补的就是这些。",
        "ends_at": "同一天内，要晚于开始时间；不超过12小时。",
        "round": "第一次上选首训；补课和送学上门不算首训率。",
        "is_theme_day": "和主题党日一起开的，勾上。",
        "is_party_lecture": "书记讲党课一起开的，勾上。",
    }
    many = [Many("cancel", "取消场次", CancelForm, cancel, now=when_of, note=FINAL[CANCEL])]
    typed = [
        "host",
        "title",
        "form",
        "method",
        "topics",
        "starts_at",
        "ends_at",
        "venue",
        "round",
        "is_theme_day",
        "is_party_lecture",
    ]
    readonly_fields = ["named_lecturers", "state", "register_link", "makeup_link", "parts_link"]

    def get_fields(self, request, obj=None):
        return [*self.typed, *self.readonly_fields] if obj else self.typed

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("parts")

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "form":
            running = TrainingForm.objects.visible_to(request.user).filter(campaign__stage=Stage.OPEN)
            kwargs["queryset"] = running
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name == "topics":
            kwargs["queryset"] = Topic.objects.visible_to(request.user).filter(campaign__stage=Stage.OPEN)
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="主讲人")
    def named_lecturers(self, session):
        return "、".join(str(lecturer) for lecturer in session.lecturers.all()) or "没有写"

    @admin.display(description="登记")
    def state(self, session):
        if not session.is_valid:
            return "已取消" if session.cancelled_at else "已作废"
        parts = session.parts.all()
        return f"{sum(part.recorded_at is not None for part in parts)}/{len(parts)}个支部已点名"

    @admin.display(description="点名")
    def register_link(self, session):
        if not session.is_valid:
            return "—"
        words, page = ("点名", "register") if session.day_has_come else ("签到表", "sheet_print")
        address = reverse(f"attendance:{page}", args=[session.pk])
        return format_html('<a class="button" href="{}">{}</a>', address, words)

    @admin.display(description="补课")
    def makeup_link(self, session):
        address = reverse("attendance:makeup_list", args=[session.campaign_id])
        return format_html('<a class="button" href="{}?unit={}">补课</a>', address, session.host_id)

    @admin.display(description="参加的党支部")
    def parts_link(self, session):
        # The workbench page names the parts of the account's own scope only.
        url = reverse("campaigns:session_detail", args=[session.pk])
        return format_html('<a href="{}">看参加的党支部和点名情况</a>', url)


@admin.register(Lecturer)
class LecturerAdmin(ServiceAdmin):
    list_display = ["name", "title", "department", "kind", "organization"]
    list_filter = [tree_filter("organization__path"), "kind", "department"]
    list_select_related = ["department", "organization"]
    search_fields = ["name"]
    search_help_text = "姓名"
    ordering = ["name", "id"]
    help_texts = {
        "organization": "由哪一级管。上级的主讲人下级也能请。",
        "title": "例如：区委党校副校长。",
        "department": "从哪个部门来。没有就不选。",
        "kind": "领导干部、骨干、专家学者还是先进典型。",
    }
    autocomplete_fields = ["organization"]
    fields = ["organization", "name", "title", "department", "kind"]
    readonly_on_change = ["organization"]
    create_service = staticmethod(lecturers.create_lecturer)
    change_service = staticmethod(lecturers.change_lecturer)
    instance_argument = "lecturer"


@admin.register(Department)
class DepartmentAdmin(ServiceAdmin):
    """Shared by everybody; the top level adds to it."""

    list_display = ["name", "position"]
    search_fields = ["name"]
    search_help_text = "部门名称"
    ordering = ["position", "id"]
    fields = ["name", "position"]
    help_texts = {"position": "数字小的排前面。"}
    create_service = staticmethod(lecturers.create_department)

    def has_add_permission(self, request):
        return request.user.runs_campaigns and request.user.organization.is_root()
