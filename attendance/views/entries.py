"""One person in one campaign, and 不作硬性要求."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from attendance import queries
from attendance.forms.people import WaiverEndForm, WaiverForm
from attendance.models import ATTENDED, RosterEntry
from attendance.queries.hours import sum_of
from attendance.queries.makeup import surplus
from attendance.services.roster import end_waiver, set_waiver
from attendance.views.getters import get_entry, needs, unit_crumbs
from attendance.views.leaves import leave_card
from attendance.views.sheet import LOOKS, words_of
from campaigns.models import Topic
from organizations.models import Member
from organizations.service import Refused


@require_GET
def entry_detail(request, pk):
    """Where this person stands: in words, every class, what is owed."""
    entry = get_entry(request, pk)
    rows = list(queries.entry_history(entry).select_related("session__form", "session_unit__unit"))
    topics = list(Topic.objects.filter(campaign=entry.campaign_id))
    compulsory = [topic for topic in topics if topic.is_compulsory]
    mask, owed = entry.standing.topic_mask, entry.standing.makeup_mask
    waivers = list(entry.waivers.select_related("set_by").order_by("-since"))
    can_edit = _can_edit(request.user, entry)
    context = leave_card(entry, can_edit) | {
        "entry": entry,
        "standing": entry.standing,
        "hours": sum_of(entry.standing),
        "campaign": entry.campaign,
        "crumbs": unit_crumbs(entry.unit, request.user),
        "words": _words(entry),
        "lines": [(row, words_of(row.status, row.reason), LOOKS[row.status]) for row in rows],
        "story": _story(rows, topics),
        "surplus": surplus(rows),
        "topics": [(topic, bool(mask & topic.mask), bool(owed & topic.mask)) for topic in compulsory],
        "owed": queries.topics_in(owed, compulsory),
        "waivers": waivers,
        "running": next((waiver for waiver in waivers if waiver.until is None), None),
        "can_edit": can_edit,
        "events": queries.entry_steps(entry, request.user),
        "waiver_form": WaiverForm(initial={"since": timezone.localdate()}),
        "end_form": WaiverEndForm(initial={"until": timezone.localdate()}),
    }
    return render(request, "attendance/entry_detail.html", context)


@require_GET
def member_training(request, pk):
    """Every campaign of one member, as the member's page shows it; of what the account sees."""
    member = get_object_or_404(Member.objects.visible_to(request.user), pk=pk)
    entries = queries.entries_of(member, request.user)
    lines = [(entry, _words(entry)) for entry in entries]
    context = {"member": member, "lines": lines}
    template = "attendance/_member_training.html" if request.htmx else "attendance/member_training.html"
    return render(request, template, context)


def _can_edit(user, entry):
    manageable = RosterEntry.objects.manageable_by(user).filter(pk=entry.pk).exists()
    return manageable and entry.campaign.is_open and entry.left_on is None


def _words(entry):
    """Where the person stands, in one sentence."""
    standing = entry.standing
    if entry.merged_into_id:
        return "重复登记，已并入本人的另一条，不再计入。"
    if standing.left:
        return "已离开名册，不再计入。"
    if not standing.required:
        came = f"，仍参加了{standing.attended}次" if standing.attended else ""
        return f"不作硬性要求，不算应训{came}。"
    if standing.done_on:
        return f"应训，必训专题已全部学完（{_day(standing.done_on)}）。"
    if standing.trained_on:
        return f"应训，已参训（{_day(standing.trained_on)}起），还有{standing.debts}个必训专题没学。"
    return f"应训，未参训：{standing.get_why_display()}。"


def _day(day):
    return f"{day.month}月{day.day}日"


def _story(rows, topics):
    """“1月9日缺席，1月20日在××补课”: each absence beside the later class that covered its topics."""
    told = []
    for row in rows:
        if row.part != "EXPECTED" or row.status not in ("leave", "absent"):
            continue
        later = next((r for r in rows if _makes_up(r, row)), None)
        line = f"{_day(row.held_on)}{words_of(row.status, row.reason)}（{row.session.title}）"
        names = "、".join(topic.name for topic in queries.topics_in(row.topic_mask, topics))
        if later:
            line += f"，{_day(later.held_on)}在“{later.session.title}”补上"
        elif names:
            line += f"，还要补：{names}"
        told.append(line + "。")
    return told


def _makes_up(later, missed):
    covers = later.topic_mask & missed.topic_mask == missed.topic_mask and missed.topic_mask
    return covers and later.counts and later.status in ATTENDED and later.held_on >= missed.held_on


def _managed(request, pk):
    needs(request.user.keeps_records)
    return get_object_or_404(RosterEntry.objects.manageable_by(request.user), pk=pk)


@require_POST
def waiver_set(request, pk):
    """不作硬性要求 from a day."""
    entry = _managed(request, pk)
    form = WaiverForm(request.POST)
    if form.is_valid():
        _act(request, "已设为不作硬性要求。", set_waiver, entry=entry, **form.cleaned_data)
    else:
        messages.warning(request, "请选择原因类别，并填写开始日期。")
    return redirect("attendance:entry_detail", entry.pk)


@require_POST
def waiver_end(request, pk):
    """Required again from a day."""
    entry = _managed(request, pk)
    form = WaiverEndForm(request.POST)
    if form.is_valid():
        _act(request, "已恢复应训。", end_waiver, entry=entry, **form.cleaned_data)
    else:
        messages.warning(request, "请填写从哪天起恢复应训。")
    return redirect("attendance:entry_detail", entry.pk)


def _act(request, done, act, **values):
    try:
        act(actor=request.user, **values)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        messages.success(request, done)
