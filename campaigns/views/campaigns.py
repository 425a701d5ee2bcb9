from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from campaigns.forms.campaigns import NewCampaignForm, ProgrammeForms, SettingsForm
from campaigns.models import Campaign
from campaigns.presets import load_preset
from campaigns.queries import board as board_of
from campaigns.queries import branches_with, home_unit
from campaigns.queries.history import campaign_history
from campaigns.services import campaigns, topics
from campaigns.views.getters import chosen_unit, trail
from organizations.forms.versions import STALE
from organizations.paging import key_page
from organizations.service import Refused

SETTING_UNITS = {
    "target_percent": "%",
    "hours_member": "学时",
    "hours_secretary": "学时",
    "hours_candidate": "学时",
    "minutes_per_hour": "分钟",
    "makeup_days": "天",
    "contact_days": "天",
}


@require_GET
def campaign_list(request):
    """Campaigns the account takes part in or runs, the running one first."""
    rows = Campaign.objects.visible_to(request.user).select_related("organization").current()
    return render(request, "campaigns/campaign_list.html", {"campaigns": rows[:200]})


def settings_of(campaign: Campaign) -> list[dict]:
    """Each setting in words, with where it comes from."""
    rows = []
    for name in SettingsForm.SETTINGS:
        shown = getattr(campaign, f"get_{name}_display", lambda name=name: getattr(campaign, name))()
        rows.append(
            {
                "label": campaign._meta.get_field(name)
                .verbose_name.removesuffix("（%）")
                .removesuffix("（天）"),
                "value": f"{shown}{SETTING_UNITS.get(name, '')}",
                "source": campaign.sources.get(name, ""),
            }
        )
    return rows


@require_GET
def campaign_detail(request, campaign_pk):
    """One campaign: stage, dates, settings with their sources, where to go on."""
    seen = Campaign.objects.visible_to(request.user).select_related("organization")
    campaign = get_object_or_404(seen, pk=campaign_pk)
    context = {
        "campaign": campaign,
        "settings": settings_of(campaign),
        "preset_name": load_preset(campaign.preset)["name"],
        "groups": campaign.groups.prefetch_related("items"),
        "topics": campaign.topics.select_related("task"),
        "unit_count": campaign.units.filter(closed_on__isnull=True).count(),
        "may_run": Campaign.objects.manageable_by(request.user).filter(pk=campaign.pk).exists(),
        "events": campaign_history(campaign, request.user)[:20],
    }
    return render(request, "campaigns/campaign_detail.html", context)


@require_http_methods(["GET", "POST"])
def campaign_new(request):
    """Step 1 of three: the facts, with defaults and their sources."""
    if not request.user.runs_campaigns:
        raise Http404
    form = NewCampaignForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            campaign = campaigns.create_campaign(actor=request.user, **form.cleaned_data)
            return redirect("campaigns:campaign_programme", campaign.pk)
        except Refused as refusal:
            form.add_error("label" if refusal.code == "label_taken" else None, refusal.message)
    context = {"form": form, "step": 1}
    return render(request, "campaigns/campaign_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def campaign_edit(request, campaign_pk):
    """Step 1 again: change facts and settings."""
    campaign = get_object_or_404(Campaign.objects.manageable_by(request.user), pk=campaign_pk)
    form = SettingsForm.of(campaign, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            campaigns.change_campaign(actor=request.user, campaign=campaign, **form.cleaned_data)
            messages.success(request, "设置保存好了。")
            return redirect("campaigns:campaign_detail", campaign.pk)
        except Refused as refusal:
            form.add_error("label" if refusal.code == "label_taken" else None, refusal.message)
    context = {"form": form, "campaign": campaign, "step": 1}
    return render(request, "campaigns/campaign_form.html", context, status=form.answer_status)


@require_http_methods(["GET", "POST"])
def campaign_programme(request, campaign_pk):
    """Step 2 of three: this year's words and topics."""
    campaign = get_object_or_404(Campaign.objects.manageable_by(request.user), pk=campaign_pk)
    forms = ProgrammeForms(campaign, request.POST or None)
    refused = STALE if forms.is_stale else ""
    if request.method == "POST" and not refused and forms.is_valid():
        try:
            topics.save_programme(actor=request.user, campaign=campaign, **forms.values())
            messages.success(request, "工作法和专题保存好了。")
            ready = "attendance:roster_draw" if campaign.stage == "PREPARING" else "campaigns:campaign_detail"
            return redirect(ready, campaign.pk)
        except Refused as refusal:
            refused = refusal.message
    context = {"campaign": campaign, "forms": forms, "refused": refused, "step": 2}
    wrong = request.method == "POST"
    return render(request, "campaigns/campaign_programme.html", context, status=422 if wrong else 200)


@require_GET
def board(request, campaign_pk):
    """The fifteen cards of one unit: what the records prove."""
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=campaign_pk)
    unit = chosen_unit(request, campaign) or home_unit(request.user, campaign)
    context = {
        "campaign": campaign,
        "unit": unit,
        "trail": trail(request.user, unit),
        "groups": board_of(campaign, unit) if unit else [],
    }
    return render(request, "campaigns/board.html", context)


@require_GET
def board_branches(request, campaign_pk):
    """The branches behind a figure of the board: those that had a class of a form, and those that had not."""
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=campaign_pk)
    unit = chosen_unit(request, campaign) or home_unit(request.user, campaign)
    form = get_object_or_404(campaign.forms, code=request.GET.get("form", ""))
    if unit is None:
        raise Http404
    branches = branches_with(unit, form.code)
    have = request.GET.get("have") != "no"
    context = {
        "campaign": campaign,
        "unit": unit,
        "trail": trail(request.user, unit),
        "form": form,
        "have": have,
        "yes": branches.filter(has=True).count(),
        "no": branches.filter(has=False).count(),
        "page": key_page(request, branches.filter(has=have), "path", "id"),
    }
    return render(request, "campaigns/board_branches.html", context)
