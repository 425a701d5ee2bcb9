"""流动联系: floating members, the longest not contacted first; a contact is two taps."""

import uuid

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from attendance.forms.care import ContactForm
from attendance.models import ContactLog, RosterEntry
from attendance.queries import contacts
from attendance.services.contacts import log_contact
from attendance.views.debts import DebtList, base, sentence, tabs, who, workbook
from attendance.views.getters import get_campaign, get_unit, needs
from attendance.views.levels import levels
from organizations.admin_sheets import MOST_ROWS
from organizations.paging import MOST_FOUND, key_page
from organizations.service import Refused
from organizations.services.members import change_member

PRINTED = 500
EMPTY = {
    "all": ("没有流动在外的人", "名册上没有标为流动的党员。"),
    "due": ("没有该联系的人", "每个流动党员都在期限里联系过。"),
    "never": ("没有从来没联系过的人", "每个流动党员都登记过联系。"),
    "late": ("没有太久没联系的人", "登记过联系的，都在期限里。"),
    "nobody": ("每个人都有联系人", "流动党员都定了联系人。"),
}
FLOATING = DebtList("floating", "流动联系", "", EMPTY["all"], "")
WORDS = {
    "all": "流动在外的",
    "due": "流动党员里该联系的",
    "never": "流动党员里从来没联系过的",
    "late": "流动党员里太久没联系的",
    "nobody": "流动党员里没定联系人的",
}


@require_GET
def contact_list(request, campaign_pk):
    """Who keeps in touch with whom, and when they last did."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    today = timezone.localdate()
    states = contacts.contact_states(campaign, today)
    state = request.GET.get("state", "all")
    state = state if state in states else "all"
    text = request.GET.get("q", "").strip()[:50]
    if not text and (people := contacts.too_many(unit)):
        return levels(request, unit, FLOATING.title, people, tabs=tabs(unit), which=FLOATING.code)
    found = contacts.floating(unit, states[state][1], text)
    if request.GET.get("file"):
        return _as_file(request, unit, found.order_by(*contacts.IN_TURN)[:MOST_ROWS], today)
    is_print = bool(request.GET.get("print"))
    size = PRINTED if is_print else None
    page = key_page(request, found, *contacts.IN_TURN, size=size, most=MOST_FOUND if text else None)
    context = base(request, unit, FLOATING) | {
        "state": state,
        "label": states[state][0],
        "states": [(code, label) for code, (label, _) in states.items()],
        "page": page,
        "lines": [(line, uuid.uuid4()) for line in contacts.contact_lines(page.rows, campaign, today)],
        "ways": ContactLog.How.choices,
        "today": today,
        "is_print": is_print,
        "empty": ("没有找到", "换个名字或换个筛选再看。") if text else EMPTY[state],
        "text": sentence(unit, WORDS[state], page),
    }
    return render(request, "attendance/contact_list.html", context)


def _as_file(request, unit, found, today):
    heads = ["支部", "姓名", "手机", "在哪里", "联系人", "上次联系", "怎么联系的", "说了什么"]
    rows = []
    for line in contacts.contact_lines(found, unit.campaign, today):
        member, last = line.standing.entry.member, line.last
        said = (
            [f"{last.day:%Y-%m-%d}", last.get_how_display(), last.content]
            if last
            else ["从来没联系过", "", ""]
        )
        rows.append([*who(line.standing), member.floating_to, member.contact_person, *said])
    return workbook(request, unit, "流动联系", heads, rows)


@require_POST
def entry_contact(request, pk):
    """Somebody was in touch with this person."""
    entry = _mine(request, pk)
    form = ContactForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "没有登记：请选怎么联系的，日期写成 2026-12-01 这样。")
        return _back(request, entry)
    try:
        log_contact(actor=request.user, entry=entry, **form.cleaned_data)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        messages.success(request, f"已登记：联系了{entry.member.name}。")
    return _back(request, entry)


@require_POST
def entry_contact_person(request, pk):
    """The one person who keeps in touch with this member."""
    entry = _mine(request, pk)
    name = request.POST.get("contact_person", "").strip()[:50]
    try:
        change_member(actor=request.user, member=entry.member, contact_person=name)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        messages.success(request, f"{entry.member.name}的联系人：{name or '没定'}。")
    return _back(request, entry)


def _mine(request, pk):
    needs(request.user.keeps_records)
    found = RosterEntry.objects.manageable_by(request.user).select_related("member", "campaign")
    return get_object_or_404(found, pk=pk)


def _back(request, entry):
    """To the list as it was asked for; only words of our own go back into the address."""
    state = request.POST.get("state", "")
    unit = request.POST.get("unit", "")
    query = f"?unit={unit}" if unit.isascii() and unit.isdigit() and len(unit) < 19 else "?"
    query += f"&state={state}" if state in WORDS else ""
    return redirect(reverse("attendance:contact_list", args=[entry.campaign_id]) + query)
