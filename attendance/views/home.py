"""送学上门: everybody of whom nothing is asked or who cannot leave home, and the visit written down."""

import uuid
from datetime import time

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from attendance.forms.care import HomeLessonForm
from attendance.models import HomeLesson, RosterEntry
from attendance.queries.batches import IN_ORDER
from attendance.queries.home import HOME_STATES, home_lines, home_standings
from attendance.services.home_lessons import record_home_lesson, wish_to_task
from attendance.views.debts import DebtList, base, who, workbook
from attendance.views.getters import get_campaign, get_unit, needs
from attendance.views.makeup import chosen_entries
from organizations.admin_sheets import MOST_ROWS
from organizations.numbers import pk_of
from organizations.paging import MOST_FOUND, key_page
from organizations.service import Refused

PRINTED = 500
EMPTY = {
    "waiting": ("没有等着送学的人", "不作硬性要求和居家的党员，都送过学了；或名册上没有这样的人。"),
    "taught": ("还没有送过学", "登记送学、点了名，人就在这里。"),
    "wish": ("没有等着办的心愿", "送学时听到的心愿，都转成办实事了；或还没记下心愿。"),
    "all": ("没有要送学上门的人", "设为不作硬性要求的党员，和名册上标为居家的党员，会列在这里。"),
}
HOME = DebtList("home_waiting", "送学上门", "为什么", EMPTY["all"], "")


@require_GET
def home_list(request, campaign_pk):
    """Who is taught at home: why, who said so, what came of the visits, and how long there is."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    state = request.GET.get("state", "all")
    state = state if state in HOME_STATES else "all"
    text = request.GET.get("q", "").strip()[:50]
    if request.GET.get("file"):
        return _as_file(request, unit, home_standings(unit, state, text).order_by(*IN_ORDER)[:MOST_ROWS])
    is_print = bool(request.GET.get("print"))
    size = PRINTED if is_print else None
    page = key_page(request, home_standings(unit, state, text), *IN_ORDER, size=size, most=MOST_FOUND)
    left = (campaign.ends_on - timezone.localdate()).days
    context = base(request, unit, HOME) | {
        "state": state,
        "label": HOME_STATES[state][0],
        "states": [(code, label) for code, (label, _) in HOME_STATES.items()],
        "page": page,
        "lines": home_lines(page.rows),
        "days_left": left,
        "is_print": is_print,
        "empty": ("没有找到", "换个名字或换个筛选再看。") if text else EMPTY[state],
        "text": _text(unit, state, page, left),
    }
    return render(request, "attendance/home_list.html", context)


def _as_file(request, unit, found):
    heads = ["支部", "姓名", "手机", "为什么", "送过几次", "上次", "谁去送的", "还没办的心愿"]
    rows = [
        [
            *who(line.standing),
            f"不作硬性要求：{line.waiver.get_reason_display()}" if line.waiver else "居家",
            str(line.times),
            f"{line.last_on:%Y-%m-%d}" if line.last_on else "",
            line.lesson.teacher if line.lesson else "",
            line.wish.wish if line.wish else "",
        ]
        for line in home_lines(found)
    ]
    return workbook(request, unit, "送学上门", heads, rows)


def _text(unit, state, page, left):
    """Ready for WeChat: numbers, no names."""
    today = timezone.localdate()
    words = {
        "all": "要送学上门",
        "waiting": "还没送学上门",
        "taught": "已送学上门",
        "wish": "有心愿还没办的",
    }
    ask = (
        f"，离冬训结束还有{left}天，请各支部尽快安排。"
        if state == "waiting" and page.total and left > 0
        else "。"
    )
    return f"{unit.name}冬训：截至{today.month}月{today.day}日，{words[state]}{page.total_text}人{ask}"


@require_http_methods(["GET", "POST"])
def home_lesson(request, campaign_pk):
    """A visit that took place: who, when, what, and what they wish for."""
    campaign = get_campaign(request, campaign_pk)
    needs(request.user.keeps_records)
    data = request.POST if request.method == "POST" else request.GET
    entries = chosen_entries(request.user, campaign, data)
    if not entries:
        messages.warning(request, "请先在名单上勾选送学给谁。")
        return redirect(_back(campaign, data))
    form = HomeLessonForm(request.POST or None, campaign=campaign, initial=_initial(request.user))
    if request.method == "POST" and form.is_valid():
        try:
            record_home_lesson(
                actor=request.user, entries=entries, wishes=_wishes(request, entries), **form.as_service()
            )
        except Refused as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"已登记：送学上门{len(entries)}人，讲过的专题也补上了。")
            return redirect(_back(campaign, data))
    wishes = _wishes(request, entries)
    people = [(entry, wishes.get(entry.pk, "")) for entry in entries]
    context = {"campaign": campaign, "people": people, "form": form, "heard": any(wishes.values())}
    context |= {
        "from_unit": pk_of(data.get("unit", "")),
        "from_state": _state(data),
        "back": _back(campaign, data),
    }
    return render(request, "attendance/home_lesson.html", context, status=422 if form.errors else 200)


def _state(data):
    return data.get("from", "") if data.get("from", "") in HOME_STATES else ""


def _back(campaign, data):
    """To the list as it was when somebody was chosen from it; only words of our own go into the address."""
    asked = {"unit": pk_of(data.get("unit", "")), "state": _state(data)}
    query = {name: value for name, value in asked.items() if value}
    return reverse("attendance:home_list", args=[campaign.pk], query=query)


def _initial(user):
    """Most visits are by the same person, today."""
    last = HomeLesson.objects.filter(by=user).order_by("-pk").first()
    return {
        "teacher": last.teacher if last else "",
        "day": timezone.localdate(),
        "starts": time(9, 0),
        "minutes": 60,
        "request_uuid": uuid.uuid4(),
    }


def _wishes(request, entries):
    return {entry.pk: request.POST.get(f"wish-{entry.pk}", "").strip() for entry in entries}


@require_POST
def entry_wish(request, pk):
    """The wish heard on a visit becomes a service task."""
    needs(request.user.keeps_records)
    entry = get_object_or_404(RosterEntry.objects.manageable_by(request.user), pk=pk)
    lesson = get_object_or_404(HomeLesson, entry=entry, pk=pk_of(request.POST.get("lesson", "")) or 0)
    try:
        task = wish_to_task(actor=request.user, lesson=lesson)
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return redirect(_back(entry.campaign, request.POST))
    messages.success(request, "已转为办实事，可以指定承办人和期限。")
    return redirect("campaigns:service_detail", task.pk)
