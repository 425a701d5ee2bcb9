"""The ledger's way to a report: choose units, or a report made before, and ask for it.

Both pages are declared to the left, where reports are not known; here they get
one more action.
"""

from uuid import uuid4

from django.contrib import admin, messages
from django.shortcuts import redirect
from django.urls import reverse

from campaigns.admin.campaigns import UnitAdmin
from campaigns.models import Unit
from organizations.admin.records import JobAdmin
from organizations.admin.week import counted
from organizations.admin_site import WeekTile
from organizations.models import Job, User
from organizations.service import Refused
from reports.services import reports

MOST_AT_ONCE = 20


def request_reports(model_admin, request, units):
    """One job per unit; the ledger shows how far they are."""
    units = list(units.select_related("campaign", "organization")[: MOST_AT_ONCE + 1])
    if not units or len(units) > MOST_AT_ONCE:
        words = f"一次最多{MOST_AT_ONCE}个单位。" if units else "选中的不是冬训统计表，没有可以生成的单位。"
        model_admin.message_user(request, words, messages.WARNING)
        return None
    try:
        jobs = [reports.request_report(actor=request.user, unit=unit, form=uuid4()) for unit in units]
    except Refused as refusal:
        model_admin.message_user(request, refusal.message, messages.WARNING)
        return None
    if len(jobs) == 1:
        return redirect("organizations:job_detail", jobs[0].uuid)
    return redirect("reports:report_list")


@admin.action(description="生成参训率报表")
def report_units(model_admin, request, queryset):
    return request_reports(model_admin, request, queryset.order_by("path"))


@admin.action(description="生成参训率报表（同一单位，最新数据）")
def report_again(model_admin, request, queryset):
    made = queryset.filter(kind=reports.KIND).values_list("params__unit", flat=True)
    units = Unit.objects.visible_to(request.user).filter(pk__in=list(made))
    return request_reports(model_admin, request, units.order_by("path"))


class ReportedUnitAdmin(UnitAdmin):
    actions = [report_units]


class ReportedJobAdmin(JobAdmin):
    actions = [report_again]


for model, model_admin in ((Unit, ReportedUnitAdmin), (Job, ReportedJobAdmin)):
    admin.site.unregister(model)
    admin.site.register(model, model_admin)


def tiles(user: User) -> list[WeekTile]:
    """生成报表, and the ones asked for."""
    if not user.exports_reports:
        return []
    listed = reverse("reports:report_list")
    asked = Job.objects.visible_to(user).filter(kind=reports.KIND)
    return [
        WeekTile(
            5, "生成报表", "file-earmark-spreadsheet", listed, [(f"要过的报表{counted(asked)}份", listed)]
        )
    ]


admin.site.week.append(tiles)
