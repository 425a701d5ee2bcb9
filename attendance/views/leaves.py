"""请假: asked for in advance, taken back, listed."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from attendance.forms.leaves import LeaveForm
from attendance.models import Leave, RosterEntry
from attendance.queries.leaves import (
    LEAVE_ORDER,
    LEAVE_STATES,
    MOST_PERCENT,
    called_to,
    days_of,
    leave_history,
    leaves_of,
    people_on_leave,
    share_on_leave,
)
from attendance.services.leaves import end_leave, set_leave
from attendance.views.getters import get_campaign, get_unit, needs, unit_crumbs
from organizations.numbers import asked_pk
from organizations.paging import MOST_FOUND, key_page
from organizations.service import Refused

SHOWN_SESSIONS = 40
EMPTY = {
    "open": ("现在和以后都没有人请假", "在党员个人页登记请假，点名时就自动标好。"),
    "now": ("今天没有人请假", "在党员个人页登记请假，点名时就自动标好。"),
    "coming": ("没有人请以后的假", "在党员个人页登记请假，点名时就自动标好。"),
    "past": ("没有过去的请假", "过了日期的、取消了的请假会在这里。"),
    "all": ("还没有人请假", "在党员个人页登记请假，点名时就自动标好。"),
}


def leave_card(entry, can_edit):
    """What the page of one person shows: history and, for whoever may, the form."""
    today = timezone.localdate()
    card = {
        "leaves": [
            (leave, days_of(leave), came, can_edit and not leave.ended_at and leave.until >= today)
            for leave, came in leave_history(entry)
        ]
    }
    if can_edit:
        card["leave_form"] = LeaveForm(sessions=called_to(entry))
        card["leave_sessions"] = called_to(entry).filter(ends_at__gt=timezone.now())[:SHOWN_SESSIONS]
    return card


def _managed(request, pk):
    needs(request.user.keeps_records)
    entries = RosterEntry.objects.manageable_by(request.user).select_related("campaign", "unit", "member")
    return get_object_or_404(entries, pk=pk)


@require_POST
def entry_leave_set(request, pk):
    """Leave for a period or for some classes."""
    entry = _managed(request, pk)
    form = LeaveForm(request.POST, sessions=called_to(entry))
    if not form.is_valid():
        messages.warning(request, form.first_error)
        return _back(entry)
    try:
        set_leave(actor=request.user, entry=entry, **form.cleaned_data)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        messages.success(request, "请假登记好了，点名时自动标成请假；人来了，照样点出席。")
        _hint(request, entry)
    return _back(entry)


def _hint(request, entry):
    """Much leave is allowed; somebody should know."""
    away, planned = share_on_leave(entry)
    if away * 100 > planned * MOST_PERCENT:
        percent = away * 100 // planned
        messages.info(
            request,
            f"提醒：{entry.member.name}请假的课已占现在安排的{percent}%"
            f"（{planned}分钟里的{away}分钟），超过{MOST_PERCENT}%，请安排好补课。",
        )


@require_POST
def entry_leave_end(request, pk):
    """Take a leave back."""
    entry = _managed(request, pk)
    leave = get_object_or_404(Leave, pk=asked_pk(request.POST.get("leave") or "0"), entry=entry)
    try:
        end_leave(actor=request.user, leave=leave)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        messages.success(request, "请假取消了。")
    return _back(entry)


def _back(entry):
    return redirect(reverse("attendance:entry_detail", args=[entry.pk]) + "#leave")


@require_GET
def leave_list(request, campaign_pk):
    """Who of a unit is on leave or will be; by itself who is now, will be, was."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    state = request.GET.get("state", "open")
    state = state if state in LEAVE_STATES else "open"
    text, today = request.GET.get("q", "").strip()[:50], timezone.localdate()
    found, people = leaves_of(unit, state, text, today), people_on_leave(unit, text, today)
    page = key_page(request, found, *LEAVE_ORDER, most=MOST_FOUND)
    context = {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "state": state,
        "label": LEAVE_STATES[state],
        "people": people[state],
        "states": [(code, label, people[code]) for code, label in LEAVE_STATES.items()],
        "q": text,
        "page": page,
        "lines": [(leave, days_of(leave)) for leave in page.rows],
        "empty": ("没有找到", "换个名字或换个筛选再看。") if text else EMPTY[state],
    }
    return render(request, "attendance/leave_list.html", context)
