"""名册变动: what today's member list says that the roster does not, and adopting it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from attendance.queries.differences import roster_differences
from attendance.services.adopting import adopt_differences
from attendance.views.getters import get_campaign, get_unit, needs, unit_crumbs
from campaigns.models import Unit
from organizations.service import Refused

SHOWN = 200


@require_http_methods(["GET", "POST"])
def roster_changes(request, campaign_pk):
    """Three short lists: new, gone, changed. POST adopts all of them."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    if request.method == "POST":
        return _adopt(request, campaign, unit)
    found = roster_differences(unit)
    lists = [
        ("名册里还没有", "member", found.new.count(), found.new[:SHOWN]),
        ("已经离开", "entry", found.gone.count(), found.gone[:SHOWN]),
        ("情况有变（类别、职务、流动、居家）", "entry", found.changed.count(), found.changed[:SHOWN]),
    ]
    context = {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "lists": lists,
        "total": sum(count for _, _, count, _ in lists),
        "can_adopt": request.user.keeps_records and campaign.is_open,
    }
    return render(request, "attendance/roster_changes.html", context)


def _adopt(request, campaign, unit):
    needs(request.user.keeps_records)
    get_object_or_404(Unit.objects.manageable_by(request.user), pk=unit.pk)
    try:
        adopted = adopt_differences(actor=request.user, unit=unit)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        messages.success(
            request,
            f"已采纳：加入{adopted.joined}人，离册{adopted.left}人，更新{adopted.changed}人。"
            if adopted.total
            else "名册和党员名单已经一致，没有要采纳的。",
        )
    return redirect(f"{reverse('attendance:roster_changes', args=[campaign.pk])}?unit={unit.pk}")
