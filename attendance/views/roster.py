"""Step 3 of a new campaign: what the roster will hold, and drawing it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from attendance.queries.drawing import preview
from attendance.services.roster import open_campaign
from attendance.views.getters import get_campaign, needs
from campaigns.models import Campaign, Stage
from organizations.service import Refused


@require_http_methods(["GET", "POST"])
def roster_draw(request, campaign_pk):
    """Shows what will be drawn from the tree as it is now; POST draws it and opens the campaign."""
    campaign = get_campaign(request, campaign_pk)
    needs(request.user.runs_campaigns)
    campaign = get_object_or_404(Campaign.objects.manageable_by(request.user), pk=campaign.pk)
    if request.method == "POST":
        try:
            drawn = open_campaign(actor=request.user, campaign=campaign)
        except Refused as refusal:
            messages.warning(request, refusal.message)
            return redirect("attendance:roster_draw", campaign.pk)
        messages.success(request, f"名册已划定，共{drawn}人。冬训开始了，可以安排第一场。")
        return redirect("attendance:roster_list", campaign.pk)
    context = {"campaign": campaign, "plan": preview(campaign), "is_drawn": campaign.stage != Stage.PREPARING}
    return render(request, "attendance/roster_draw.html", context)
