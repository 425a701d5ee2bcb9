"""Reports: ask for one, and fetch those that are ready."""

from uuid import uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from campaigns.models import Campaign, Unit
from campaigns.queries import current_campaign, home_unit
from organizations.models import BRANCH_KINDS, Job
from organizations.service import Refused
from reports.forms import ReportRequestForm
from reports.services import reports

PAGE = 20


@require_GET
def report_list(request):
    """Choose a campaign and a unit; below, the workbooks made so far."""
    user = request.user
    campaign = current_campaign(user, request.GET.get("campaign")) or current_campaign(user)
    own = home_unit(user, campaign) if campaign else None
    units = Unit.objects.visible_to(user).filter(campaign=campaign).exclude(kind__in=BRANCH_KINDS)
    jobs = Job.objects.visible_to(user).filter(kind=reports.KIND).select_related("requested_by", "file")
    context = {
        "campaigns": Campaign.objects.visible_to(user).current(),
        "campaign": campaign,
        "units": units.order_by("path") if campaign else [],
        "own": own,
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
