"""点名: the register of one session, its marks, undoing, closing and opening again."""

import uuid
from collections import Counter

from django.contrib import messages
from django.http import Http404
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from attendance import queries
from attendance.forms.closing import CloseForm
from attendance.forms.marks import BadBatch, parse_form
from attendance.queries import batches, packs
from attendance.queries.leaves import came_on_leave
from attendance.queries.minutes import missed_minutes, whole_minutes
from attendance.services.closing import close_parts, reopen_part
from attendance.services.marks import record_marks
from attendance.views import sheet
from attendance.views.getters import get_session, needs
from attendance.views.guests import guest_box
from campaigns.queries.same_class import branches_together
from campaigns.queries.trainees import others
from organizations.service import Refused

MANY_PEOPLE = 500
VISITORS_SHOWN = 20
REFUSALS = {
    "unknown": "不在您可以登记的名册里",
    "other_part": "在另一个单位的登记表上",
    "not_expected": "不在这场的名单里，没来就不用登记",
    "closed": "登记已经完成，等组织员重新打开",
    "frozen": "数据已经上报锁定，等上级解锁",
    "campaign_closed": "冬训已经结束",
    "late": "离线超过3天才上传，等组织员看过再登记",
    "account_closed": "点名的账号已经停用，等组织员看过再登记",
    "key_reuse": "提交编号重复，等组织员看过再登记",
}


@require_http_methods(["GET", "POST"])
def register(request, pk):
    """The register; with ?batch= what became of a sending. POST is the form of a page without JavaScript."""
    session = get_session(request, pk)
    if request.method == "POST":
        return _submit(request, session)
    if request.GET.getlist("batch"):
        return _show_outcome(request, session)
    return render(request, "attendance/register.html", _page(request, session))


def _page(request, session, **more):
    view = queries.register(session, request.user)
    shown = shown_parts(view, request.GET.get("part", ""))
    text = request.GET.get("visitor", "").strip()[:50]
    page = {
        "session": session,
        "campaign": session.campaign,
        "view": view,
        "parts": [(part, sheet.blocks(part)) for part in shown],
        "is_partial": len(shown) < len(view.parts),
        "can_send": _can_send(session) and any(part.can_mark for part in shown),
        "is_future": queries.held_on(session) > timezone.localdate(),
        "batch": uuid.uuid4(),
        "csrf_token": get_token(request),
        "late": _late(session, request.user, shown),
        "visitor_text": text,
        "visitors": _visitors(session, request.user, text),
        "whole_minutes": whole_minutes(session),
        "others": others([part.part for part in view.parts]),
        "is_today": queries.held_on(session) == timezone.localdate(),
        "together": branches_together(session, request.user, timezone.now()) if _can_send(session) else 0,
    }
    return page | guest_box(request, session) | more


def _can_send(session):
    today = timezone.localdate()
    return session.is_valid and session.campaign.is_open and queries.held_on(session) <= today


def shown_parts(view, asked):
    """All branches on one page, or one where the hall is very large."""
    chosen = [part for part in view.parts if str(part.part.pk) == asked]
    if chosen or view.expected_count <= MANY_PEOPLE:
        return chosen or view.parts
    waiting = [part for part in view.parts if part.can_mark and not part.part.recorded_at]
    return (waiting or view.parts)[:1]


def _late(session, user, sheets):
    """Marks of phones that wait for a look, beside the open sheet they would go into."""
    if not (user.keeps_records and session.campaign.is_open):
        return []
    open_now = [one.part for one in sheets if one.part.closed_at is None]
    found = packs.waiting_for_a_look(session, open_now)
    return [
        (part, [(mark, sheet.words_of(mark.status, mark.reason)) for mark in found[part.pk]])
        for part in open_now
        if part.pk in found
    ]


def _visitors(session, user, text):
    if not text or not user.marks_registers:
        return []
    found = list(queries.possible_visitors(session, user, text)[:VISITORS_SHOWN])
    often = Counter((entry.member.name, entry.unit_id) for entry in found)
    for entry in found:
        entry.has_twin = often[entry.member.name, entry.unit_id] > 1
    return found


@require_GET
def visitors(request, pk):
    """People of the scope who may have come without being expected, by name or initials (fragment)."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    text = request.GET.get("visitor", "").strip()[:50]
    context = {"visitors": _visitors(session, request.user, text), "visitor_text": text}
    return render(request, "attendance/_visitors.html", context)


def _submit(request, session):
    needs(request.user.marks_registers)
    try:
        sent = parse_form(request.POST, whole_minutes(session))
        for part in sent:
            record_marks(
                actor=request.user,
                session=session,
                batch=part.batch,
                marks=part.marks,
                body_sha256=part.body_sha256,
                counted_heads=part.counted_heads,
            )
    except (BadBatch, Refused) as refusal:
        messages.warning(request, refusal.message)
        return render(request, "attendance/register.html", _page(request, session), status=422)
    query = "&".join(f"batch={part.batch}" for part in sent)
    return redirect(f"{reverse('attendance:register', args=[session.pk])}?{query}")


def _show_outcome(request, session):
    """What became of the sending, who is missing now, and what comes next."""
    uuids = [found for text in request.GET.getlist("batch")[:20] if (found := _uuid(text))]
    result = batches.outcome(session, request.user, uuids)
    seen = queries.parts_for(session, request.user)
    parts = [part for part in seen if part.recorded_at]
    mine = {part.pk for part in queries.parts_for(session, request.user, to_write=True)}
    unfinished = [part for part in parts if part.pk in mine and part.closed_at is None]
    sums = batches.session_sums(parts)
    missing = batches.session_rows(parts, "missing")
    context = {
        "session": session,
        "campaign": session.campaign,
        "result": result,
        "conflicts": [_conflict(conflict) for conflict in result.conflicts],
        "waiting": [(mark, REFUSALS.get(mark.code, "")) for mark in result.held],
        "rejected": [(mark, REFUSALS.get(mark.code, "")) for mark in result.rejected],
        "sums": sums,
        "missing": [(row, sheet.words_of(row.status, row.reason)) for row in missing[:200]],
        "missing_count": sums["expected"] - sums["attended"],
        "parts": parts,
        "open_parts": unfinished,
        "waiting_parts": [part for part in seen if part.pk in mine and not part.recorded_at],
        "close_form": CloseForm(rest_needed=batches.has_unknown(unfinished)),
        "heads_here": sums["attended"] + sums["optional"] + sums["visitors"],
        "text": batches.report_text(session, parts, sums) if parts else "",
        "came_on_leave": came_on_leave(session, parts),
        "is_today": queries.held_on(session) == timezone.localdate(),
        "next_batch": uuid.uuid4(),
    }
    return render(request, "attendance/register_done.html", context)


def _conflict(conflict):
    mine, row, theirs = conflict["mine"], conflict["row"], conflict["theirs"]
    missed = missed_minutes(mine.status, mine.minutes, row.session)
    stored = missed_minutes(row.status, row.minutes if row.minutes_set else None, row.session)
    return {
        "name": mine.entry.member.name,
        "field": f"m{row.entry_id}.{row.version}",
        "code": sheet.code_of(mine.status, mine.reason, missed),
        "mine": sheet.words_of(mine.status, mine.reason, missed),
        "theirs": sheet.words_of(row.status, row.reason, stored),
        "by": theirs.batch.account.name if theirs else "",
        "at": theirs.batch.at if theirs else None,
    }


def _uuid(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@require_POST
def part_close(request, pk):
    """Finish the sheets: nothing is preselected for those nobody marked."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    parts = queries.parts_for(session, request.user, to_write=True)
    form = CloseForm(request.POST, rest_needed=batches.has_unknown(parts))
    if not form.is_valid():
        messages.warning(request, "请选择没有登记的人怎么算，再完成登记。")
        return redirect("attendance:register", session.pk)
    try:
        only = {int(text) for text in request.POST.getlist("part") if text.isascii() and text.isdigit()}
        closed = close_parts(actor=request.user, session=session, only=only or None, **form.as_service())
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return redirect("attendance:register", session.pk)
    messages.success(request, f"登记已完成（{len(closed)}个支部）。要改，可以重新打开。")
    return redirect("attendance:session_rows", session.pk)


@require_POST
def part_reopen(request, pk):
    """Open a finished sheet again, with a reason."""
    session = get_session(request, pk)
    needs(request.user.keeps_records)
    part = get_object_or_404(session.parts.select_related("session__host", "unit"), pk=_digits(request))
    if part.pk not in {own.pk for own in queries.parts_for(session, request.user, to_write=True)}:
        raise Http404
    try:
        released = reopen_part(actor=request.user, part=part, reason=request.POST.get("reason", "")[:200])
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        more = f"，等着的{len(released.marks)}条登记已经处理" if released else ""
        messages.success(request, f"{part.unit.name}的登记已重新打开{more}。")
    return redirect("attendance:register", session.pk)


def _digits(request):
    text = request.POST.get("part", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Http404
    return int(text)
