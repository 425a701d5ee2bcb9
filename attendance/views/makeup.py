"""The class for people chosen on a list: whom it would clear is shown before it is planned."""

import re
import uuid
from datetime import time

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from attendance import queries
from attendance.forms.makeup import MakeupForm, at
from attendance.models import RosterEntry
from attendance.queries.makeup import common_unit, verdicts
from attendance.services.makeup import plan_makeup
from attendance.views.getters import get_campaign, needs
from campaigns.models import Round
from organizations.service import Refused

ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)
MOST = 500


@require_http_methods(["GET", "POST"])
def makeup_new(request, campaign_pk):
    """The class for the people ticked on the list."""
    campaign = get_campaign(request, campaign_pk)
    needs(request.user.keeps_records)
    data = request.POST if request.method == "POST" else request.GET
    entries = chosen_entries(request.user, campaign, data)
    if not entries:
        messages.warning(request, "请先在名单上勾选要补课的人。")
        return redirect("attendance:makeup_list", campaign.pk)
    if request.method == "GET":
        form = MakeupForm(campaign=campaign, initial=_initial(entries, data))
        return _show_form(request, campaign, entries, form)
    form = MakeupForm(request.POST, campaign=campaign)
    if form.is_valid():
        try:
            session = _plan(request.user, entries, form)
        except Refused as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"已安排：{session.title}，{len(entries)}人。上完课在这里点名。")
            return redirect("attendance:register", session.pk)
    asked = chosen_entries(request.user, campaign, data, "asked") or entries
    return _show_form(request, campaign, asked, form, status=422)


@require_POST
def makeup_preview(request, campaign_pk):
    """Whom the class as filled in so far would clear of what, and whom not, and why. Nothing is stored."""
    campaign = get_campaign(request, campaign_pk)
    needs(request.user.keeps_records)
    asked = chosen_entries(request.user, campaign, request.POST, "asked")
    form = MakeupForm(request.POST, campaign=campaign)
    context = {"campaign": campaign, "asked": asked, **_preview(asked, form)}
    return render(request, "attendance/_makeup_preview.html", context)


def chosen_entries(user, campaign, data, name="entry"):
    """Ids the account may not manage are as if they had not been ticked."""
    ids = [int(text) for text in data.getlist(name)[:MOST] if ID.fullmatch(text)]
    found = RosterEntry.objects.manageable_by(user).filter(campaign=campaign, pk__in=ids)
    return list(
        found.select_related("member", "unit", "standing").order_by(
            "unit__path", "member__place_in_list", "pk"
        )
    )


def _preview(entries, form):
    """From what the form says by now, or begins with; nothing while topics or times are missing."""
    if form.is_bound:
        form.is_valid()
    facts = form.cleaned_data if form.is_bound else form.initial
    if not entries or not all(facts.get(name) for name in ("topics", "day", "starts", "ends", "round")):
        return {"verdicts": None}
    starts_at, ends_at = at(facts["day"], facts["starts"]), at(facts["day"], facts["ends"])
    found = verdicts(entries, list(facts["topics"]), starts_at, ends_at, facts["round"])
    return {
        "verdicts": found,
        "clearing": [one for one in found if one.clears],
        "in_vain": [one for one in found if not one.clears],
    }


def _initial(entries, data):
    owed = 0
    for entry in entries:
        owed |= entry.standing.makeup_mask
    compulsory = queries.compulsory_topics(entries[0].campaign)
    if not owed:  # missed no class yet: then whatever they have not learnt
        for topic in compulsory:
            owed |= topic.mask if any(not e.standing.topic_mask & topic.mask for e in entries) else 0
    topics = queries.topics_in(owed, compulsory)
    asked = [topic for topic in compulsory if str(topic.pk) == data.get("topic", "")]
    home = data.get("list") == "home_waiting"
    return {
        "round": Round.HOME if home else Round.MAKE_UP,
        "topics": asked or topics,
        "day": timezone.localdate(),
        "starts": time(9, 0),
        "ends": time(11, 0),
        "request_uuid": uuid.uuid4(),
    }


def _plan(user, entries, form):
    return plan_makeup(actor=user, unit=common_unit(entries), entries=entries, **form.as_service())


def _show_form(request, campaign, asked, form, status=200):
    context = {
        "campaign": campaign,
        "asked": asked,
        "form": form,
        "back": reverse("attendance:makeup_list", args=[campaign.pk]),
        **_preview(asked, form),
    }
    return render(request, "attendance/makeup_new.html", context, status=status)
