"""结束冬训: what is open, the end, and the reopening."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from attendance.queries import ending
from attendance.services.ending import close_campaign, reopen_campaign
from attendance.services.unlocking import let_in_waiting
from attendance.views.sheet import words_of
from campaigns.models import Campaign, Stage, Unit
from campaigns.queries import scope_unit
from organizations.numbers import asked_pk
from organizations.paging import key_page
from organizations.service import Refused


def _run(request, campaign_pk):
    """The campaign, for who runs it; to others this page does not exist."""
    runs = Campaign.objects.manageable_by(request.user).select_related("organization")
    return get_object_or_404(runs, pk=campaign_pk)


def _top(campaign):
    top = Unit.objects.filter(campaign=campaign, organization=campaign.organization_id).first()
    if top is None:
        raise Http404
    top.campaign = campaign
    return top


@require_http_methods(["GET", "POST"])
def campaign_end(request, campaign_pk):
    """What is open, each with its list; then the end, with a reason where something stops it."""
    campaign = _run(request, campaign_pk)
    refused, reason = "", request.POST.get("reason", "").strip()[:200]
    if request.method == "POST":
        try:
            knowing = asked_pk(request.POST.get("knowing")) or 0
            close_campaign(actor=request.user, campaign=campaign, reason=reason, knowing=knowing)
            messages.success(request, "冬训结束了。名册和数字不再变，随时可以看。")
            return redirect("campaigns:campaign_detail", campaign.pk)
        except Refused as refusal:
            refused = refusal.message
    top = _top(campaign)
    items = ending.open_items(campaign, top, timezone.now()) if campaign.stage == Stage.OPEN else []
    stops = ending.stopping(items)
    context = {
        "campaign": campaign,
        "top": top,
        "stops": stops,
        "others": [item for item in items if not item.stops],
        "knowing": sum(item.count for item in stops),
        "refused": refused,
        "reason": reason,
        "may_reopen": campaign.organization_id == request.user.organization_id,
    }
    return render(request, "attendance/campaign_end.html", context, status=422 if refused else 200)


@require_POST
def campaign_reopen(request, campaign_pk):
    """Open it again, and let in what waited for nothing else."""
    campaign = _run(request, campaign_pk)
    try:
        reopen_campaign(actor=request.user, campaign=campaign, reason=request.POST.get("reason", ""))
        came = let_in_waiting(actor=request.user, unit=_top(campaign))
        more = f"{came}场课的登记放进去了。" if came else ""
        messages.success(request, f"冬训重新打开了，数字正在重算。{more}")
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return redirect("attendance:campaign_end", campaign.pk)
    return redirect("campaigns:campaign_detail", campaign.pk)


@require_GET
def waiting_marks(request, campaign_pk):
    """Marks that wait, or lost against another: whose, at which class, by whom; for who lets them in."""
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=campaign_pk)
    unit = scope_unit(request.user, campaign) if request.user.keeps_records else None
    if unit is None:
        raise Http404
    what = request.GET.get("what", "held")
    what = what if what in ending.WAITING else "held"
    title, hint, _ = ending.WAITING[what]
    rows = ending.waiting_marks(what, unit)
    rows = rows.select_related("entry__member", "entry__unit", "batch__session", "batch__account")
    page = key_page(request, rows, "id")
    context = {
        "campaign": campaign,
        "may_end": Campaign.objects.manageable_by(request.user).filter(pk=campaign.pk).exists(),
        "what": what,
        "choices": [(code, words) for code, (words, _, _) in ending.WAITING.items()],
        "title": title,
        "hint": hint,
        "page": page,
        "lines": [(mark, words_of(mark.status, mark.reason)) for mark in page.rows],
    }
    return render(request, "attendance/waiting_marks.html", context)


@require_GET
def unfinished_parts(request, campaign_pk):
    """Sheets that were begun and not finished."""
    campaign = _run(request, campaign_pk)
    rows = ending.unfinished_parts(campaign).select_related("session", "unit")
    context = {"campaign": campaign, "page": key_page(request, rows, "id")}
    return render(request, "attendance/unfinished_parts.html", context)
