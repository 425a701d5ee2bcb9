"""People from outside the scope: written down at the class, claimed by the unit they belong to."""

import uuid

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from attendance.models import Mark
from attendance.queries import parts_for
from attendance.queries.guests import IN_TURN, claimable, guest_lines, guests_of, own_people
from attendance.services.guests import claim_guest, drop_guest, note_guest
from attendance.views.getters import get_campaign, get_session, needs
from organizations.numbers import asked_pk
from organizations.paging import MOST_FOUND, key_page
from organizations.service import Refused


@require_http_methods(["GET", "POST"])
def session_guests(request, pk):
    """Who came from outside the scope. htmx asks for the list alone, beside the open register."""
    session = get_session(request, pk)
    refused = _note(request, session) if request.method == "POST" else ""
    if request.method == "POST" and not request.htmx:
        if refused:
            messages.warning(request, refused)
        return redirect("attendance:session_guests", session.pk)
    template = "attendance/_guests.html" if request.htmx else "attendance/session_guests.html"
    context = guest_box(request, session) | {"refused": refused}
    return render(request, template, context, status=422 if refused else 200)


def guest_box(request, session):
    """The list, and the fields for one more."""
    may_note = request.user.marks_registers and session.day_has_come and session.is_valid
    keeps = may_note and session.campaign.is_open and parts_for(session, request.user, to_write=True)
    return {
        "session": session,
        "campaign": session.campaign,
        "guests": list(guests_of(session, request.user)),
        "may_note": bool(keeps),
        "guest_uuid": uuid.uuid4(),
    }


def _note(request, session):
    """Store one; "" or why not."""
    needs(request.user.marks_registers)
    try:
        sent = uuid.UUID(request.POST.get("request_uuid", ""))
        names = {name: request.POST.get(f"guest_{name}", "")[:200] for name in ("name", "says_from")}
        note_guest(actor=request.user, session=session, request_uuid=sent, **names)
    except ValueError:
        return "请刷新页面再登记。"
    except Refused as refusal:
        return refusal.message
    return ""


@require_POST
def session_guest_drop(request, pk):
    """Written down by mistake."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    guest = get_object_or_404(guests_of(session, request.user), pk=asked_pk(request.POST.get("guest") or "0"))
    try:
        drop_guest(actor=request.user, guest=guest)
        messages.success(request, f"删去了{guest.name}。")
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return redirect("attendance:session_guests", session.pk)


@require_GET
def guest_list(request, campaign_pk):
    """等认领: people others wrote down who have the name of somebody on the own roster."""
    campaign = get_campaign(request, campaign_pk)
    needs(request.user.keeps_records)
    text = request.GET.get("q", "").strip()[:50]
    found = claimable(request.user, campaign)
    if text:
        found = found.filter(name__startswith=text)
    page = key_page(request, found, *IN_TURN, most=MOST_FOUND)
    context = {
        "campaign": campaign,
        "q": text,
        "page": page,
        "lines": guest_lines(page.rows, request.user, campaign),
    }
    return render(request, "attendance/guest_list.html", context)


@require_POST
def guest_claim(request, campaign_pk):
    """This guest is that person of ours."""
    campaign = get_campaign(request, campaign_pk)
    needs(request.user.keeps_records)
    guest = get_object_or_404(
        claimable(request.user, campaign).select_related("part__session__campaign"),
        pk=asked_pk(request.POST.get("guest") or "0"),
    )
    people = own_people(request.user, campaign).select_related("member", "unit")
    entry = people.filter(pk=asked_pk(request.POST.get("entry") or "0")).first()
    if entry is None:
        messages.warning(request, "请选是名册里的哪一个人。")
        return redirect("attendance:guest_list", campaign.pk)
    try:
        answer = claim_guest(actor=request.user, guest=guest, entry=entry)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        waits = (
            "主办单位已经完成登记，等重新打开后算数。" if answer.of(Mark.Outcome.HELD) else "已算到本人名下。"
        )
        messages.success(request, f"认领了{entry.member.name}，{waits}")
    return redirect("attendance:guest_list", campaign.pk)
