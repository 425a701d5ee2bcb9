"""确认名册: what is confirmed, by whom, and what changed since."""

import re

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from attendance.queries import confirming
from attendance.queries.differences import roster_differences
from attendance.queries.people import tally_sums_by_child
from attendance.services.confirming import confirm_roster
from attendance.views.getters import get_campaign, get_unit, needs, unit_crumbs
from campaigns.models import Unit
from organizations.paging import key_page
from organizations.service import Refused

SEEN = re.compile(r"(\d{1,9})-(\d{1,9})-(\d{1,9})", re.ASCII)
EARLIER = 10


@require_http_methods(["GET", "POST"])
def roster_confirm(request, campaign_pk):
    """What would be confirmed, line by line, and who has confirmed before. POST confirms it."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    if request.method == "POST":
        return _confirm(request, campaign, unit)
    earlier = list(confirming.confirmations(unit)[:EARLIER])
    found = confirming.numbers(unit)
    can_confirm = _can_confirm(request.user, unit) and found.members > 0
    context = {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "numbers": found,
        "seen": f"{found.members}-{found.floating}-{found.waived}",
        "state": confirming.roster_state(unit),
        "earlier": earlier,
        "last": earlier[0] if earlier else None,
        # Reads the roster and the member list whole: only for whoever has to answer it.
        "differing": roster_differences(unit).total if can_confirm else 0,
        "can_confirm": can_confirm,
        **_lines(request, unit),
    }
    return render(request, "attendance/roster_confirm.html", context)


def _can_confirm(user, unit):
    allowed = user.keeps_records and not unit.holds_people and not unit.frozen_at and not unit.closed_on
    return allowed and unit.campaign.is_open


def _lines(request, unit):
    """One page of the units directly below, each with its three numbers and its own confirmation."""
    sums = tally_sums_by_child(unit)
    filled = [path for path, of_child in sums.items() if of_child["members"]]
    below = confirming.with_confirmations(confirming.with_people_now(unit, filled))
    page = key_page(request, below, "path")
    nobody = {"members": 0, "floating": 0, "waived": 0}
    return {
        "page": page,
        "lines": [(child, sums.get(child.path, nobody)) for child in page.rows],
    }


def _confirm(request, campaign, unit):
    needs(request.user.keeps_records)
    unit = get_object_or_404(Unit.objects.manageable_by(request.user), pk=unit.pk)
    try:
        confirmation = confirm_roster(actor=request.user, unit=unit, **_shown(request.POST))
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        words = confirming.Numbers(confirmation.members, confirmation.floating, confirmation.waived).words
        messages.success(request, f"名册已确认：{words}。之后的变动都会记在“名册变动”里。")
    return redirect(f"{reverse('attendance:roster_confirm', args=[campaign.pk])}?unit={unit.pk}")


def _shown(data):
    """What the page showed when the button was pressed; what cannot be read was shown by no page of ours."""
    seen = SEEN.fullmatch(data.get("seen", ""))
    if seen is None:
        raise Refused("这个页面不完整，请刷新后再确认。", code="page")
    return {
        "seen": confirming.Numbers(*map(int, seen.groups())),
        "after": _number(data.get("after", "")),
        "knowing": _number(data.get("knowing", "")),
    }


def _number(text):
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@require_GET
def roster_unconfirmed(request, campaign_pk):
    """A gentle line on the page of a class, loaded beside it: the roster has not been confirmed yet."""
    campaign = get_campaign(request, campaign_pk)
    confirmer = confirming.confirmer_of(get_unit(request, campaign))
    confirmer.campaign = campaign
    mine = Unit.objects.manageable_by(request.user).filter(pk=confirmer.pk)
    waits = _can_confirm(request.user, confirmer)
    state = confirming.roster_state(confirmer) if waits and mine.exists() else None
    return render(
        request,
        "attendance/_roster_unconfirmed.html",
        {"campaign": campaign, "confirmer": confirmer, "state": state},
    )
