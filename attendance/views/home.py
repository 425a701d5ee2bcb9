"""送学上门: everybody of whom nothing is asked or who cannot leave home."""

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from attendance.queries.batches import IN_ORDER
from attendance.queries.home import HOME_STATES, home_lines, home_standings
from attendance.views.getters import get_campaign, get_unit, unit_crumbs
from organizations.paging import MOST_FOUND, key_page

EMPTY = {
    "waiting": ("没有等着送学的人", "不作硬性要求和居家的党员，都送过学了；或名册上没有这样的人。"),
    "taught": ("还没有送过学", "登记送学、点了名，人就在这里。"),
    "all": ("没有要送学上门的人", "设为不作硬性要求的党员，和名册上标为居家的党员，会列在这里。"),
}


@require_GET
def home_list(request, campaign_pk):
    """Who is taught at home: why, who said so, whether it was done, and how long there is."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    state = request.GET.get("state", "all")
    state = state if state in HOME_STATES else "all"
    text = request.GET.get("q", "").strip()[:50]
    page = key_page(request, home_standings(unit, state, text), *IN_ORDER, most=MOST_FOUND)
    left = (campaign.ends_on - timezone.localdate()).days
    context = {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "state": state,
        "label": HOME_STATES[state][0],
        "states": [(code, label) for code, (label, _) in HOME_STATES.items()],
        "q": text,
        "page": page,
        "lines": home_lines(page.rows),
        "days_left": left,
        "empty": ("没有找到", "换个名字或换个筛选再看。") if text else EMPTY[state],
        "text": _text(unit, state, page, left),
        "can_plan": request.user.keeps_records and campaign.is_open,
    }
    return render(request, "attendance/home_list.html", context)


def _text(unit, state, page, left):
    """Ready for WeChat: numbers, no names."""
    today = timezone.localdate()
    words = {"all": "要送学上门", "waiting": "还没送学上门", "taught": "已送学上门"}[state]
    ask = (
        f"，离冬训结束还有{left}天，请各支部尽快安排。"
        if state == "waiting" and page.total and left > 0
        else "。"
    )
    return f"{unit.name}冬训：截至{today.month}月{today.day}日，{words}{page.total_text}人{ask}"
