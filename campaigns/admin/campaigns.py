from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from campaigns.models import Campaign, ProgrammeItem, Topic, Unit
from campaigns.queries.history import campaign_history
from campaigns.services import campaigns, topics
from organizations.admin_base import ServiceAdmin


@admin.register(Campaign)
class CampaignAdmin(ServiceAdmin):
    """New campaigns are made in the workbench, in three steps."""

    list_display = ["label", "organization", "stage", "kind", "starts_on", "ends_on", "board_link"]
    list_filter = ["stage", "kind"]
    list_select_related = ["organization"]
    search_fields = ["label"]
    ordering = ["-starts_on", "-id"]
    change_service = staticmethod(campaigns.change_campaign)
    instance_argument = "campaign"
    fields = [
        "label",
        "organization",
        "stage",
        "kind",
        "starts_on",
        "ends_on",
        "target_percent",
        "trained_rule",
        "hours_member",
        "hours_secretary",
        "minutes_per_hour",
        "makeup_days",
        "roster_drawn_on",
        "workbench",
    ]
    readonly_fields = ["organization", "stage", "kind", "roster_drawn_on", "workbench"]

    def events_of(self, campaign, user):
        return campaign_history(campaign, user)[:200]

    @admin.display(description="看板")
    def board_link(self, campaign):
        return format_html('<a href="{}">看板</a>', reverse("campaigns:board", args=[campaign.pk]))

    @admin.display(description="工作台")
    def workbench(self, campaign):
        url = reverse("campaigns:campaign_detail", args=[campaign.pk])
        return format_html('<a href="{}">看出处、改工作法和专题</a>', url)


@admin.register(ProgrammeItem)
class ProgrammeItemAdmin(ServiceAdmin):
    list_display = ["name", "group", "campaign"]
    list_select_related = ["group__campaign"]
    search_fields = ["name"]
    ordering = ["-group__campaign_id", "group__position", "position"]
    change_service = staticmethod(campaigns.change_item)
    instance_argument = "item"
    fields = ["group", "name", "meaning"]
    readonly_fields = ["group"]

    @admin.display(description="冬训")
    def campaign(self, item):
        return item.group.campaign


@admin.register(Topic)
class TopicAdmin(ServiceAdmin):
    list_display = ["name", "campaign", "task", "is_compulsory"]
    list_filter = ["is_compulsory"]
    list_select_related = ["campaign", "task"]
    search_fields = ["name"]
    ordering = ["-campaign_id", "position", "bit"]
    change_service = staticmethod(topics.change_topic)
    instance_argument = "topic"
    fields = ["campaign", "name", "task", "is_compulsory"]
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
    list_filter = ["kind"]
    list_select_related = ["campaign"]
    search_fields = ["name"]
    ordering = ["-campaign_id", "path"]
    fields = ["campaign", "name", "kind", "closed_on", "frozen_at"]
