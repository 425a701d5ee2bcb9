"""The lists behind the figures: rows of a session, people of a campaign."""

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from attendance import queries
from attendance.models import Part, Status, Why
from attendance.queries import batches
from attendance.queries.home import running_waivers
from attendance.views.getters import get_campaign, get_session, get_unit, unit_crumbs
from attendance.views.sheet import words_of
from organizations.models import named
from organizations.paging import MOST_FOUND, key_page

ROWS = [
    ("all", "全部"),
    ("expected", "应到"),
    ("attended", "实到"),
    ("missing", "没来"),
    ("late", "迟到"),
    ("leave", "请假"),
    ("absent", "缺席"),
    ("unmarked", "未登记"),
    ("optional", "不作要求来了"),
    ("visitors", "外单位来听"),
]
# What an empty list means, by state; elsewhere the search or the filter found nobody.
EMPTY = {
    "not": ("没有未训的人", "应训的党员都已参训。"),
    "never": ("没有一次都没参加的人", "应训的党员都来过。"),
    "owing": ("没有人要补课", "开过的必训专题都补齐了。"),
    "home_waiting": ("没有等着送学上门的人", "不作硬性要求和居家的党员都送过学了。"),
    "waived": ("没有不作硬性要求的人", "在党员个人页可以设置。"),
    "floating": ("没有流动在外的人", "名册上没有标为流动的党员。"),
    "trained": ("还没有人参训", "点名提交后，来过的人就在这里。"),
    "first": ("还没有人首训", "点名提交后，来过的人就在这里。"),
    "done": ("还没有人学完", "学完全部必训专题的人会在这里。"),
    "home": ("还没有送学上门", "安排送学上门并登记后，就在这里。"),
}


@require_GET
def session_rows(request, pk):
    """Everybody on the sheets of a session, or those of one figure."""
    session = get_session(request, pk)
    return render(request, "attendance/session_rows.html", _rows_page(request, session))


def _rows_page(request, session):
    which = request.GET.get("status", "all")
    which = which if which in dict(ROWS) else "all"
    parts = queries.parts_for(session, request.user)
    parts = [p for p in parts if request.GET.get("unit", str(p.unit_id)) == str(p.unit_id)] or parts
    found = batches.session_rows(parts, which)
    text = request.GET.get("q", "").strip()[:50]
    if text:
        found = found.filter(named(text, "entry__member__"))
    page = key_page(request, found, *batches.IN_ORDER)
    waivers = running_waivers(row.entry_id for row in page.rows if row.part == Part.OPTIONAL)
    return {
        "session": session,
        "campaign": session.campaign,
        "which": which,
        "label": dict(ROWS)[which],
        "choices": ROWS,
        "page": page,
        "total": found.count(),
        "lines": [(row, _words(row), waivers.get(row.entry_id)) for row in page.rows],
        "q": text,
        "is_recorded": any(part.recorded_at for part in parts),
        "many": len(parts) > 1,
    }


def _words(row):
    """Of whom nothing is asked is not 未登记 when nobody marked them."""
    is_open = row.part == Part.OPTIONAL and row.status == Status.UNMARKED
    return "不作硬性要求" if is_open else words_of(row.status, row.reason)


@require_GET
def roster_list(request, campaign_pk):
    """People of a unit in one campaign, by state: the list behind every figure of persons."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    return render(request, "attendance/roster_list.html", _roster_page(request, campaign, unit))


def _roster_page(request, campaign, unit):
    state = request.GET.get("state", "all")
    state = state if state in queries.STATES else "all"
    why = request.GET.get("why", "")
    why = why if why in Why.values else ""
    text = request.GET.get("q", "").strip()[:50]
    found = queries.standings(unit, state, why, text)
    # A list without a name is as long as its figure; with one it has to be counted.
    by_name = text or (why and state != "not")
    known = None if by_name else queries.count_standings(unit, state, why)
    page = key_page(request, found, *batches.IN_ORDER, total=known, most=MOST_FOUND)
    label = Why(why).label if why else queries.STATES[state][0]
    waivers = running_waivers(row.pk for row in page.rows if not row.required)
    return {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "state": state,
        "why": why,
        "q": text,
        "label": label,
        "page": page,
        "lines": [(row, waivers.get(row.pk)) for row in page.rows],
        "total": page.total,
        "states": [(code, label) for code, (label, _) in queries.STATES.items()],
        "reasons": [(value, name) for value, name in Why.choices if value],
        "empty": ("没有找到", "换个名字或换个筛选再看。")
        if text or why
        else EMPTY.get(state, ("名册上还没有人", "划定名册以后，人就在这里。")),
        "text": _text(unit, label, page, state),
    }


def _text(unit, label, page, state):
    """Ready for WeChat: numbers, no names."""
    today = timezone.localdate()
    ask = "，请尽快安排。" if state in ("not", "never", "owing", "home_waiting") and page.total else "。"
    return f"{unit.name}冬训：截至{today.month}月{today.day}日，{label}{page.total_text}人{ask}"
