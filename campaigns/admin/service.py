from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from campaigns.admin.filters import CampaignFilter, TaskStateFilter, unit_filter
from campaigns.models import ServiceTask
from campaigns.services import service_tasks
from campaigns.services.bulk import TASKS
from organizations.admin_base import ServiceAdmin
from organizations.admin_many import Many, editing
from organizations.forms.choices import PickByTyping, PickField
from organizations.forms.many import DayInput, ManyForm
from organizations.models import Member


class OwnerForm(ManyForm):
    owner_id = PickField(
        label="承办党员",
        queryset=Member.objects.none(),
        required=False,
        widget=PickByTyping(ServiceTask._meta.get_field("owner"), admin.site),
        help_text="打姓名或首字母再选。空着就是还没定谁办。",
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, user=user, **kwargs)
        self.fields["owner_id"].queryset = Member.objects.manageable_by(user).present()

    def values(self) -> dict:
        owner = self.cleaned_data["owner_id"]
        return {"owner_id": owner.pk if owner else None}


class DeadlineForm(ManyForm):
    deadline = forms.DateField(
        label="办理期限", required=False, widget=DayInput, help_text="空着就是不定期限。"
    )


def owner_of(task) -> str:
    return task.owner.name if task.owner else "还没定谁办"


def deadline_of(task) -> str:
    return f"{task.deadline:%Y-%m-%d}" if task.deadline else "没定期限"


@admin.register(ServiceTask)
class ServiceTaskAdmin(ServiceAdmin):
    """What was written down. 办结, 确认 and 退回 are steps of the workbench."""

    list_display = ["title", "unit", "kind", "owner", "deadline", "state", "workbench_link"]
    list_filter = [unit_filter("unit__"), CampaignFilter, TaskStateFilter, "kind"]
    list_select_related = ["unit", "owner"]
    search_fields = ["title"]
    search_help_text = "事项、服务对象或承办党员"
    ordering = ["-id"]
    autocomplete_fields = ["unit", "owner"]
    create_service = staticmethod(service_tasks.open_task)
    change_service = staticmethod(service_tasks.change_task)
    instance_argument = "task"
    readonly_on_change = ["unit"]
    readonly_fields = ["state", "result", "resolved_on", "confirmed_by", "workbench_link"]
    typed = ["unit", "title", "kind", "detail", "beneficiary", "owner", "deadline"]
    help_texts = {
        "unit": "哪个支部或镇街承办。打几个字再选。",
        "title": "一句话写清是什么事，例如：3组路灯不亮。",
        "kind": "群众提的难题、惠民实事，还是帮扶困难户。",
        "detail": "怎么知道的、难在哪里。可不填。",
        "owner": "由哪位党员办。打姓名或首字母再选；可以先不定。",
        "deadline": "过了这天还没办结，首页会提醒。",
    }
    many = [
        Many("set_owner", "改承办党员", OwnerForm, editing(TASKS), now=owner_of),
        Many("set_deadline", "改办理期限", DeadlineForm, editing(TASKS), now=deadline_of),
    ]

    def get_fields(self, request, obj=None):
        return [*self.typed, *self.readonly_fields] if obj else self.typed

    @admin.display(description="办理")
    def workbench_link(self, task):
        page = reverse("campaigns:service_detail", args=[task.pk])
        return format_html('<a class="button" href="{}">办理</a>', page)
