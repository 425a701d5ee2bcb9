"""补课: who still owes which topic, and the class that settles it."""

import re
import uuid
from datetime import time

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from attendance import queries
from attendance.forms.makeup import MakeupForm
from attendance.models import RosterEntry
from attendance.queries.batches import IN_ORDER
from attendance.services.makeup import plan_makeup
from attendance.views.getters import get_campaign, get_unit, needs, unit_crumbs
from campaigns.models import Round, Unit
from organizations.paging import MOST_FOUND, key_page
from organizations.service import Refused

PEOPLE = 100
ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)
LISTS = [
    ("owing", "待补课"),
    ("never", "一次都没参加的"),
    ("home_waiting", "还没送学上门"),
    ("floating", "流动在外"),
]
EMPTY = {
    "owing": ("没有人要补课", "开过的必训专题，没来的人都补齐了；还没点名的场次不在这里。"),
    "never": ("没有一次都没参加的人", "应训的党员都至少来过一次。"),
    "home_waiting": ("没有等着送学上门的人", "不作硬性要求和居家的党员都送过学了，或名册上没有这样的人。"),
    "floating": ("没有流动在外的人", "名册上没有标为流动的党员。"),
}


@require_GET
def makeup_list(request, campaign_pk):
    """People who still owe something, by topic and branch."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    return render(request, "attendance/makeup_list.html", _makeup_page(request, campaign, unit))


def _makeup_page(request, campaign, unit):
    which = request.GET.get("list", "owing")
    which = which if which in dict(LISTS) else "owing"
    by_topic = queries.makeup_by_topic(unit) if which == "owing" else []
    topic = next((t for t, _ in by_topic if str(t.pk) == request.GET.get("topic", "")), None)
    text = request.GET.get("q", "").strip()[:50]
    found = queries.standings(unit, which, text=text)
    found = queries.owing_topic(found, topic) if topic else found
    known = None if text else _total(unit, which, next((n for t, n in by_topic if t == topic), None))
    page = key_page(request, found, *IN_ORDER, size=PEOPLE, total=known, most=MOST_FOUND)
    topics = queries.compulsory_topics(campaign)
    return {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "which": which,
        "label": dict(LISTS)[which],
        "lists": LISTS,
        "owed_topics": [(owed, n) for owed, n in by_topic if n],
        "has_topics": bool(topics),
        "topic": topic,
        "page": page,
        "total": page.total,
        "branches": _by_branch(page.rows, topics),
        "q": text,
        "empty": ("没有找到", "换个名字再找。") if text else EMPTY[which],
        "text": _text(unit, dict(LISTS)[which], page, topic),
        "can_plan": request.user.keeps_records and campaign.is_open,
    }


def _total(unit, which, owing_topic):
    """A list without a name is as long as its figure."""
    return queries.count_standings(unit, which) if owing_topic is None else owing_topic


def _by_branch(rows, topics):
    found = {}
    for row in rows:
        owed = queries.topics_in(row.makeup_mask, topics)
        found.setdefault(row.unit, []).append((row, owed))
    return list(found.items())


def _text(unit, label, page, topic):
    """Ready for WeChat: numbers, no names."""
    today = timezone.localdate()
    about = f"（{topic.name}）" if topic else ""
    ask = "，请各支部尽快安排。" if page.total else "。"
    return f"{unit.name}冬训：截至{today.month}月{today.day}日，{label}{about}{page.total_text}人{ask}"


@require_http_methods(["GET", "POST"])
def makeup_new(request, campaign_pk):
    """The class for the people ticked on the list."""
    campaign = get_campaign(request, campaign_pk)
    needs(request.user.keeps_records)
    data = request.POST if request.method == "POST" else request.GET
    entries = _chosen(request.user, campaign, data)
    if not entries:
        messages.warning(request, "请先在名单上勾选要补课的人。")
        return redirect("attendance:makeup_list", campaign.pk)
    if request.method == "GET":
        form = MakeupForm(campaign=campaign, initial=_initial(entries, data))
        return _show_form(request, campaign, entries, form)
    form = MakeupForm(request.POST, campaign=campaign)
    if form.is_valid():
        try:
            session = _plan(request.user, campaign, entries, form)
        except Refused as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"已安排：{session.title}，{len(entries)}人。上完课在这里点名。")
            return redirect("attendance:register", session.pk)
    return _show_form(request, campaign, entries, form, status=422)


def _chosen(user, campaign, data):
    """Ids the account may not manage are as if they had not been ticked."""
    ids = [int(text) for text in data.getlist("entry")[:500] if ID.fullmatch(text)]
    found = RosterEntry.objects.manageable_by(user).filter(campaign=campaign, pk__in=ids)
    return list(
        found.select_related("member", "unit", "standing").order_by(
            "unit__path", "member__place_in_list", "pk"
        )
    )


def _initial(entries, data):
    owed = 0
    for entry in entries:
        owed |= entry.standing.makeup_mask
    compulsory = queries.compulsory_topics(entries[0].campaign)
    if not owed:  # missed no class yet: then whatever they have not learnt
        for topic in compulsory:
            owed |= topic.mask if any(not e.standing.topic_mask & topic.mask for e in entries) else 0
    topics = queries.topics_in(owed, compulsory)
    asked = [topic for topic in topics if str(topic.pk) == data.get("topic", "")]
    home = data.get("list") == "home_waiting"
    return {
        "round": Round.HOME if home else Round.MAKE_UP,
        "topics": asked or topics,
        "day": timezone.localdate(),
        "starts": time(9, 0),
        "ends": time(11, 0),
        "request_uuid": uuid.uuid4(),
    }


def _plan(user, campaign, entries, form):
    return plan_makeup(actor=user, unit=_host(entries), entries=entries, **form.as_service())


def _host(entries):
    """The branch itself where everybody is of one, else the lowest unit above them all."""
    paths = [entry.unit.path for entry in entries]
    low, high = min(paths), max(paths)
    shared = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    above = Unit.objects.filter(
        campaign=entries[0].campaign_id, path__in=[low[:n] for n in range(4, shared + 1, 4)]
    )
    return above.order_by("-path").first()


def _show_form(request, campaign, entries, form, status=200):
    context = {
        "campaign": campaign,
        "entries": entries,
        "form": form,
        "back": reverse("attendance:makeup_list", args=[campaign.pk]),
    }
    return render(request, "attendance/makeup_new.html", context, status=status)
