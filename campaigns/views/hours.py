"""学时折算: what a class is worth, by kind and from which day."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from campaigns.forms.hours import HoursRuleForm
from campaigns.models import Campaign, HoursKind, Stage
from campaigns.queries.hours import hours_text, rules_by_kind
from campaigns.services.hours import set_hours_rule
from organizations.service import Refused

FIELDS = {"kind", "since", "source", "minutes", "most_minutes"}
NAMES = {"minutes": "hours", "most_minutes": "most"}


@require_http_methods(["GET", "POST"])
def hours_rules(request, campaign_pk):
    """The rules with their sources, open to whoever sees the campaign; the owner's officer sets another."""
    seen = Campaign.objects.visible_to(request.user).select_related("organization")
    campaign = get_object_or_404(seen, pk=campaign_pk)
    runs = Campaign.objects.manageable_by(request.user).filter(pk=campaign.pk).exists()
    if request.method == "POST" and not runs:
        raise PermissionDenied
    form = HoursRuleForm(request.POST or None, campaign=campaign, initial=_first_values(request, campaign))
    if request.method == "POST" and form.is_valid() and _set(request, campaign, form):
        return redirect("campaigns:hours_rules", campaign.pk)
    kinds = [_shown(campaign, found) for found in rules_by_kind(campaign, timezone.localdate())]
    context = {
        "campaign": campaign,
        "kinds": kinds,
        # Said once: it is the same for every kind nobody has set.
        "preset": next((one.now.source for one in kinds if one.now and not one.now.set_by_id), ""),
        "form": form if runs and campaign.stage != Stage.CLOSED else None,
    }
    return render(request, "campaigns/hours_rules.html", context, status=422 if form.errors else 200)


def _first_values(request, campaign):
    today = min(max(timezone.localdate(), campaign.starts_on), campaign.ends_on)
    kind = request.GET.get("kind", "")
    return {"since": today, "way": "FIXED", "kind": kind if kind in HoursKind.values else "FULL_DAY"}


def _set(request, campaign, form):
    try:
        rule, waiting = set_hours_rule(actor=request.user, campaign=campaign, **form.as_service())
    except Refused as refusal:
        field = refusal.code if refusal.code in FIELDS else None
        form.add_error(NAMES.get(field, field), refusal.message)
        return False
    follow = (
        f"从那天起的{waiting}场课会重新折算，一两分钟以后数字就是新的。"
        if waiting
        else "已有的课不用重新折算。"
    )
    messages.success(request, f"记下了：{rule}。{follow}")
    return True


def _shown(campaign, found):
    """One kind with its versions in words, minutes beside 学时."""
    rules = [*found.coming, *([found.now] if found.now else []), *found.before]
    for rule in rules:
        minutes = rule.minutes or rule.most_minutes
        rule.hours = hours_text(minutes, campaign.minutes_per_hour) if minutes else ""
    return found
