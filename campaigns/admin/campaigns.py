from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from campaigns.admin.filters import CampaignFilter, campaign_filter, unit_filter
from campaigns.models import Campaign, ProgrammeItem, Topic, Unit
from campaigns.queries.history import campaign_history
from campaigns.services import campaigns, topics
from organizations.admin_base import ServiceAdmin
from organizations.admin_filters import span_filter, tree_filter


class RunByOfficers(ServiceAdmin):
    """What the officer decides: to others every page says 查看, the front page too."""

    def has_change_permission(self, request, obj=None):
        return request.user.runs_campaigns and super().has_change_permission(request, obj)


@admin.register(Campaign)
class CampaignAdmin(RunByOfficers):
    """New campaigns are made in the workbench, in three steps."""

    list_display = ["label", "organization", "stage", "kind", "starts_on", "ends_on", "board_link"]
    list_filter = [
        "stage",
        "kind",
        tree_filter("organization__path"),
        span_filter("starts_on", "开始日期", is_day=True),
    ]
    list_select_related = ["organization"]
    search_fields = ["label"]
    search_help_text = "名称"
    ordering = ["-starts_on", "-id"]
    change_service = staticmethod(campaigns.change_campaign)
    instance_argument = "campaign"
    constraint_words = {"campaigns_ends_after_start": ("ends_on", "结束日期要晚于开始日期。")}
    fields = [
        "label",
        "organization",
        "stage",
        "kind",
        "starts_on",
        "ends_on",
        *campaigns.SETTINGS,
        "roster_drawn_on",
        "workbench_link",
    ]
    readonly_fields = ["organization", "stage", "kind", "roster_drawn_on", "workbench_link"]
    help_texts = {
        "starts_on": "场次都要在这段日子里。",
        "ends_on": "一般到次年3月。",
        "target_percent": "上级文件定的目标，例如95。",
        "trained_rule": "改了以后，参训率会重新计算。",
        "hours_member": "一般党员一年要学满多少学时，现行规定32。",
        "hours_secretary": "书记和班子成员一年要学满多少学时，现行规定56。",
        "hours_candidate": "对发展对象短期集中培训的要求，一般24。",
        "minutes_per_hour": "多少分钟算一学时，一般45。",
        "makeup_days": "课后多少天以内补上，超过了列在待补里。",
        "contact_days": "多少天没联系，就在流动联系里提醒。",
    }

    def events_of(self, campaign, user):
        return campaign_history(campaign, user)[:200]

    @admin.display(description="看板")
    def board_link(self, campaign):
        return format_html(
            '<a class="button" href="{}">看板</a>', reverse("campaigns:board", args=[campaign.pk])
        )

    @admin.display(description="工作台")
    def workbench_link(self, campaign):
        url = reverse("campaigns:campaign_detail", args=[campaign.pk])
        return format_html('<a class="button" href="{}">看出处、改工作法和专题</a>', url)


@admin.register(ProgrammeItem)
class ProgrammeItemAdmin(RunByOfficers):
    list_display = ["name", "group", "campaign"]
    list_filter = [campaign_filter("group__campaign_id")]
    list_select_related = ["group__campaign"]
    search_fields = ["name"]
    search_help_text = "项目名称"
    ordering = ["-group__campaign_id", "group__position", "position"]
    change_service = staticmethod(campaigns.change_item)
    instance_argument = "item"
    fields = ["group", "name", "meaning"]
    help_texts = {"name": "按本地的提法写，看板上就这样显示。", "meaning": "这一项指什么。可不填。"}
    readonly_fields = ["group"]

    @admin.display(description="冬训")
    def campaign(self, item):
        return item.group.campaign


@admin.register(Topic)
class TopicAdmin(RunByOfficers):
    list_display = ["name", "campaign", "task", "is_compulsory"]
    list_filter = [CampaignFilter, "is_compulsory"]
    list_select_related = ["campaign", "task"]
    search_fields = ["name"]
    search_help_text = "专题名称"
    ordering = ["-campaign_id", "position", "bit"]
    change_service = staticmethod(topics.change_topic)
    instance_argument = "topic"
    fields = ["campaign", "name", "task", "is_compulsory"]
    help_texts = {
        "name": "没来的人按专题补课。",
        "task": "属于五项任务里的哪一项。",
        "is_compulsory": "必训的没学，就列入待补课。",
    }
    readonly_fields = ["campaign"]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "task":
            seen = ProgrammeItem.objects.manageable_by(request.user).filter(group__code="TASK")
            kwargs["queryset"] = seen.select_related("group__campaign")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Unit)
class UnitAdmin(ServiceAdmin):
    """Units follow the tree; here they are read and searched."""

    list_display = ["name", "campaign", "kind", "closed_on", "frozen_at"]
    list_filter = [unit_filter(""), CampaignFilter, "kind"]
    list_select_related = ["campaign"]
    search_fields = ["name"]
    search_help_text = "单位名称"
    ordering = ["-campaign_id", "path"]
    fields = ["campaign", "name", "kind", "closed_on", "frozen_at"]
