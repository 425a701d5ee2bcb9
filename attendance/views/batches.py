"""登记记录: who sent what and when, whom it changed and how, and taking it back."""

import uuid

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from attendance.models import Mark
from attendance.queries import sendings
from attendance.queries.batches import UNDOABLE
from attendance.services.undoing import names_kept, take_back
from attendance.views.getters import get_session, needs
from attendance.views.sheet import stored_words
from organizations.models import named
from organizations.paging import key_page
from organizations.service import Refused

PEOPLE_ORDER = ("entry__unit__path", "entry__member__place_in_list", "entry_id")
APPLIED, CONFLICT = Mark.Outcome.APPLIED, Mark.Outcome.CONFLICT
LOOKS = {
    Mark.Outcome.APPLIED: ("good", "已登记"),
    Mark.Outcome.SAME: ("muted", "没有变化"),
    Mark.Outcome.CONFLICT: ("warn", "别人先改过"),
    Mark.Outcome.HELD: ("info", "等重新打开"),
    Mark.Outcome.REJECTED: ("warn", "没有登记"),
}


@require_GET
def batch_list(request, pk):
    """Every sending of the session, newest first."""
    session = get_session(request, pk)
    text = request.GET.get("q", "").strip()[:50]
    found = sendings.sendings(session, request.user)
    if text:
        found = found.filter(account__name__contains=text)
    page = key_page(request, found, "-id")
    counts = sendings.counts_of(session, request.user, page.rows)
    lines = [
        {
            "batch": batch,
            "words": _words(counts.get(batch.pk, {}), batch),
            "may_undo": _may(request.user, batch),
        }
        for batch in page.rows
    ]
    context = {"session": session, "page": page, "lines": lines, "query": text, "next_batch": uuid.uuid4()}
    return render(request, "attendance/batch_list.html", context)


def _words(counts, batch):
    """登记39人，没有变化5人: only of people the account sees."""
    if batch.undoes:
        return _undone_words(counts, batch.undoes)
    told = [f"{label}{counts[key]}人" for key, (_, label) in LOOKS.items() if counts.get(key)]
    return "，".join(told) or ("完成登记" if batch.kind == batch.Kind.CLOSE else "没有改动")


def _undone_words(counts, undone):
    """撤销了点名（32人），后来又改过、没有动2人."""
    people = f"（{counts[APPLIED]}人）" if counts.get(APPLIED) else ""
    kept = f"，后来又改过、没有动{counts[CONFLICT]}人" if counts.get(CONFLICT) else ""
    return f"撤销了{_act_of(undone)}{people}{kept}"


def _act_of(batch):
    return "完成登记" if batch.kind == batch.Kind.CLOSE else batch.get_kind_display()


def _may(user, batch):
    own = batch.account_id == user.pk and batch.kind != batch.Kind.CLOSE
    return (
        user.marks_registers
        and batch.kind in UNDOABLE
        and not hasattr(batch, "undone_by")
        and (own or user.keeps_records)
    )


def _get_batch(request, session, **which):
    return get_object_or_404(sendings.sendings(session, request.user), **which)


@require_GET
def batch_detail(request, pk, batch_pk):
    """The people of one sending: what was stored before, what it said, what became of it."""
    session = get_session(request, pk)
    batch = _get_batch(request, session, pk=batch_pk)
    text = request.GET.get("q", "").strip()[:50]
    found = sendings.people_of(session, request.user, batch)
    if text:
        found = found.filter(named(text, "entry__member__"))
    page = key_page(request, found, *PEOPLE_ORDER)
    since = set() if hasattr(batch, "undone_by") else sendings.changed_since(batch, page.rows)
    context = {
        "session": session,
        "batch": batch,
        "page": page,
        "lines": [
            (mark, _old(mark, session), _new(mark, session), LOOKS[mark.outcome], mark.entry_id in since)
            for mark in page.rows
        ],
        "query": text,
        "may_undo": _may(request.user, batch),
        "next_batch": uuid.uuid4(),
        "closings": batch.closings.select_related("part__unit").order_by("part__unit__path")[:50],
    }
    return render(request, "attendance/batch_detail.html", context)


def _old(mark, session):
    minutes = mark.before_minutes if mark.before_minutes_set else None
    return stored_words(mark.before_status, mark.before_reason, minutes, session)


def _new(mark, session):
    return stored_words(mark.status, mark.reason, mark.minutes, session)


@require_POST
def register_undo(request, pk):
    """Take a sending or a closing back. Asking twice gives the same answer."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    batch = _get_batch(request, session, uuid=_uuid(request.POST.get("batch", "")))
    number = _uuid(request.POST.get("uuid", "")) or uuid.uuid4()
    is_listed = request.POST.get("back") == "list"
    back = reverse("attendance:batch_list", args=[pk]) if is_listed else _page_of(session, batch)
    try:
        answer = take_back(actor=request.user, batch=batch, uuid=number)
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return redirect(back)
    messages.success(request, _told(request.user, batch))
    if answer.of("conflict"):
        messages.warning(request, f"{names_kept(answer)}后来又被改过，没有动，请在名单上核对。")
    return redirect(back)


def _told(user, batch):
    if batch.kind == batch.Kind.CLOSE:
        return "已撤销完成登记，登记重新打开了，名单恢复到完成以前。"
    whose = "您" if batch.account_id == user.pk else batch.account.name
    return f"已撤销{whose}的这次{_act_of(batch)}，名单恢复到提交以前。"


def _uuid(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _page_of(session, batch):
    """The register of the one branch the sending was for, or of all."""
    rows = session.rows.filter(entry__in=batch.marks.values("entry"))
    parts = list(rows.order_by().values_list("session_unit", flat=True).distinct()[:2])
    page = reverse("attendance:register", args=[session.pk])
    return f"{page}?part={parts[0]}" if len(parts) == 1 and session.parts.count() > 1 else page
