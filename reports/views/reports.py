"""Reports: ask for one, and fetch those that are ready."""

from uuid import uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from campaigns.models import Campaign, Unit
from campaigns.queries import current_campaign, home_unit
from campaigns.views.getters import chosen_unit
from organizations.models import BRANCH_KINDS, Job
from organizations.service import Refused
from reports.forms import ReportRequestForm
from reports.services import reports

PAGE = 20
MOST_UNITS = 100


def offered_units(user, top: Unit | None, text: str) -> list[Unit]:
    """`top` and its next level; or what a search finds in the whole scope. Never a province in one list."""
    if top is None:
        return []
    upper = Unit.objects.visible_to(user).filter(campaign=top.campaign_id).exclude(kind__in=BRANCH_KINDS)
    if text:
        return list(upper.filter(name__contains=text).order_by("path")[:MOST_UNITS])
    return [top, *upper.children(top).order_by("path")[:MOST_UNITS]]


@require_GET
def report_list(request):
    """Choose a campaign and a unit; below, the workbooks made so far."""
    user, text = request.user, request.GET.get("q", "").strip()
    campaign = current_campaign(user, request.GET.get("campaign")) or current_campaign(user)
    own = home_unit(user, campaign) if campaign else None
    top = chosen_unit(request, campaign) if campaign else None
    jobs = Job.objects.visible_to(user).filter(kind=reports.KIND).select_related("requested_by", "file")
    context = {
        "campaigns": Campaign.objects.visible_to(user).current(),
        "campaign": campaign,
        "units": offered_units(user, top or own, text),
        "own": own,
        "query": text,
        "form_uuid": uuid4(),
        "page": Paginator(jobs.order_by("-pk"), PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "reports/report_list.html", context)


@require_POST
def report_request(request):
    form = ReportRequestForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "请选好单位再生成报表。")
        return redirect("reports:report_list")
    units = Unit.objects.visible_to(request.user).select_related("campaign", "organization")
    unit = get_object_or_404(units, pk=form.cleaned_data["unit"])
    try:
        job = reports.request_report(actor=request.user, unit=unit, form=form.cleaned_data["form"])
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return redirect("reports:report_list")
    return redirect("organizations:job_detail", job.uuid)
