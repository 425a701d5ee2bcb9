"""待补名单: classes of which only a number is known."""

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from attendance.queries.heads import HEADS_ORDER, waiting_for_names, with_sums
from attendance.views.getters import get_campaign, get_unit, unit_crumbs
from organizations.paging import MOST_FOUND, key_page


@require_GET
def heads_list(request, campaign_pk):
    """Heads were counted, names are missing: each line leads to the two ways of adding them."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    text = request.GET.get("q", "").strip()[:50]
    parts = with_sums(waiting_for_names(unit, text))
    page = key_page(request, parts, *HEADS_ORDER, most=MOST_FOUND)
    today = timezone.localdate()
    context = {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "q": text,
        "page": page,
        "can_mark": request.user.marks_registers and campaign.is_open,
        "text": f"{unit.name}冬训：截至{today.month}月{today.day}日，还有{page.total_text}个支部次的课"
        "只报了人数，没有名单，请把没来的人的名字补上。",
    }
    return render(request, "attendance/heads_list.html", context)
