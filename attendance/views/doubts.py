"""存疑清单: findings for officers and inspectors. Nobody is scored, no unit is compared with another."""

from dataclasses import dataclass, field

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from attendance.models import DoubtNote
from attendance.queries import doubts
from attendance.services.doubts import note_doubt
from attendance.views.getters import get_campaign, get_unit, needs, unit_crumbs
from campaigns.models import TrainingSession, Unit
from organizations.paging import key_page
from organizations.service import Refused

Kind = DoubtNote.Kind


@dataclass
class Finding:
    """One line: what does not fit, and the pages behind it."""

    key: str
    words: str
    links: list[tuple[str, str]] = field(default_factory=list)
    note: DoubtNote | None = None


@require_GET
def doubt_list(request, campaign_pk):
    """One kind of finding at a time: not looked into yet, or looked into."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    needs(doubts.may_see_doubts(request.user))
    doubt = doubts.DOUBTS.get(request.GET.get("kind", ""), doubts.DOUBTS[Kind.TWO_PLACES])
    context = {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "doubt": doubt,
        "label": Kind(doubt.kind).label,
        "seen": request.GET.get("seen") == "1",
        "can_note": campaign.is_open,
    }
    context["kinds"] = _chips(unit, context["seen"])
    if doubts.is_too_large(doubt, unit):
        context["children"] = Unit.objects.children(unit).order_by("path")
        return render(request, "attendance/doubt_list.html", context)
    return render(
        request, "attendance/doubt_list.html", context | _page(request, unit, doubt, context["seen"])
    )


def _chips(unit, seen):
    counts = doubts.counts(unit, seen=seen)
    return [(code, label, counts.get(code)) for code, label in Kind.choices]


def _page(request, unit, doubt, seen):
    page = key_page(request, doubts.findings(doubt, unit, seen=seen), *doubt.order)
    if doubt.kind == Kind.TWO_PLACES:
        others = TrainingSession.objects.in_bulk({row.other for row in page.rows})
        for row in page.rows:
            row.other_session = others[row.other]
    shown = [SHOWN[doubt.kind](row, unit) for row in page.rows]
    if seen:
        notes = doubts.notes_of(doubt, unit.campaign, [one.key for one in shown])
        for one in shown:
            one.note = notes.get(one.key)
    usual = doubts.shares(unit.campaign) if doubt.kind == Kind.WAIVERS else None
    return {"page": page, "findings": shown, "usual": usual}


@require_POST
def doubt_note(request, campaign_pk):
    """看过了, with a word about it."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    needs(doubts.may_see_doubts(request.user))
    kind = request.POST.get("kind", "")
    try:
        facts = {"kind": kind, "key": request.POST.get("key", ""), "note": request.POST.get("note", "")}
        note_doubt(actor=request.user, unit=unit, **facts)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        messages.success(request, "记下了，这一条移到“看过的”。")
    query = {"unit": unit.pk} | ({"kind": kind} if kind in Kind.values else {})
    return redirect(reverse("attendance:doubt_list", args=[campaign.pk], query=query))


# --- A line for each kind -----------------------------------------------------------------------
def _session(session):
    return "看这一场", reverse("attendance:session_rows", args=[session.pk])


def _person(row):
    return f"看{row.entry.member.name}", reverse("attendance:entry_detail", args=[row.entry_id])


def _day(moment):
    day = timezone.localtime(moment) if hasattr(moment, "hour") else moment
    return f"{day.month}月{day.day}日"


def _two_places(row, unit):
    name, here = row.entry.member.name, row.session
    titles = f"“{here.title}”和“{row.other_session.title}”"
    words = f"{row.unit.name}{name}，{_day(row.held_on)}：{titles}时间重叠，两场都登记到了课。"
    other = ("看另一场", reverse("attendance:session_rows", args=[row.other]))
    return Finding(row.key, words, [_person(row), _session(here), other])


def _gone(row, unit):
    entry = row.entry
    left = min(filter(None, (entry.left_on, entry.member.left_on)))
    why = entry.member.left_reason or entry.left_reason or "离开"
    words = (
        f"{row.unit.name}{entry.member.name}，{_day(left)}{why}，"
        f"{_day(row.held_on)}“{row.session.title}”登记到了课。"
    )
    return Finding(row.key, words, [_person(row), _session(row.session)])


def _heads(row, unit):
    beside = f"，另有非党员和外来人员{row.most - row.came}人" if row.most > row.came else ""
    heads = f"清点{row.counted_heads}人，登记到课{row.came}人{beside}。"
    words = f"{row.host.name}{_day(row.starts_at)}“{row.title}”：{heads}"
    return Finding(row.key, words, [_session(row)])


def _late(row, unit):
    days = (row.recorded_at - row.session.ends_at).days
    words = (
        f"{row.unit.name}“{row.session.title}”：{_day(row.session.starts_at)}上课，"
        f"{_day(row.recorded_at)}才登记第一笔，晚了{days}天。"
    )
    return Finding(row.key, words, [_session(row.session)])


def _waivers(row, unit):
    roster = reverse("attendance:roster_list", args=[row.campaign_id])
    words = f"{row.unit.name}：{row.members}人里有{row.waived}人不作硬性要求。"
    return Finding(row.key, words, [("看是谁", f"{roster}?unit={row.unit_id}&state=waived")])


SHOWN = {
    Kind.TWO_PLACES: _two_places,
    Kind.GONE: _gone,
    Kind.HEADS: _heads,
    Kind.LATE: _late,
    Kind.WAIVERS: _waivers,
}
