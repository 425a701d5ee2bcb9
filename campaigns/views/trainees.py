"""还有不是党员的人: by name and by head count, apart from every figure of members."""

import uuid

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from campaigns.forms.trainees import HeadsForm, TraineesForm
from campaigns.models import Trainee, TrainingSession
from campaigns.queries.parts import parts_for
from campaigns.queries.trainees import others
from campaigns.services.trainees import count_heads, drop_trainee, note_trainees
from organizations.numbers import asked_pk
from organizations.paging import key_page
from organizations.service import Refused


def _session(request, pk):
    seen = TrainingSession.objects.visible_to(request.user).select_related("campaign", "host")
    return get_object_or_404(seen, pk=pk)


def _part(parts, asked):
    """The part asked for, else the first; outside of them there is none."""
    if not asked:
        return parts[0] if parts else None
    pk = asked_pk(asked)
    found = next((part for part in parts if part.pk == pk), None)
    if found is None:
        raise Http404
    return found


@require_GET
def session_trainees(request, pk):
    """Who came and is no member, of one branch's sheet."""
    session = _session(request, pk)
    parts = parts_for(session, request.user)
    part = _part(parts, request.GET.get("part"))
    kept = {one.pk for one in parts_for(session, request.user, to_write=True)}
    is_open = session.is_valid and session.day_has_come and session.campaign.is_open
    may_write = bool(part and part.pk in kept and is_open and not part.closed_at and not part.unit.frozen_at)
    counted = {line.category: line.heads for line in others([part])} if part else {}
    people = Trainee.objects.filter(part=part, dropped_at__isnull=True)
    context = {
        "session": session,
        "campaign": session.campaign,
        "parts": parts,
        "part": part,
        "others": others(parts),
        "page": key_page(request, people, "id"),
        "may_write": may_write,
        "form": TraineesForm(),
        "heads_form": HeadsForm(initial={f"heads_{category}": n for category, n in counted.items() if n}),
        "request_uuid": uuid.uuid4(),
    }
    return render(request, "campaigns/session_trainees.html", context)


def _act(request, session, part_shown, done, service, **values):
    try:
        service(actor=request.user, **values)
        messages.success(request, done)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return _back(session, part_shown)


def _back(session, part):
    return redirect(f"{reverse('campaigns:session_trainees', args=[session.pk])}?part={part.pk}")


def _kept_part(request, session):
    parts = parts_for(session, request.user, to_write=True)
    part = _part(parts, request.POST.get("part", "0"))
    if part is None:
        raise Http404
    return part


@require_POST
def session_trainees_add(request, pk):
    """Names of one category."""
    session = _session(request, pk)
    part = _kept_part(request, session)
    form = TraineesForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _first_error(form))
        return _back(session, part)
    return _act(request, session, part, "记下了。", note_trainees, part=part, **form.cleaned_data)


@require_POST
def session_heads(request, pk):
    """现场清点 by category."""
    session = _session(request, pk)
    part = _kept_part(request, session)
    form = HeadsForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _first_error(form))
        return _back(session, part)
    return _act(request, session, part, "人数记下了。", count_heads, part=part, heads=form.heads())


@require_POST
def session_trainee_drop(request, pk):
    """Written down by mistake."""
    session = _session(request, pk)
    parts = parts_for(session, request.user, to_write=True)
    people = Trainee.objects.filter(part__in=parts).select_related("part__session")
    trainee = get_object_or_404(people, pk=asked_pk(request.POST.get("trainee") or "0"))
    return _act(request, session, trainee.part, f"删去了{trainee.name}。", drop_trainee, trainee=trainee)


def _first_error(form):
    return next(error for errors in form.errors.values() for error in errors)
