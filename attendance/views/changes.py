"""名册变动: what waits to be adopted, and what has happened.

What waits: what today's tree and member list say that the campaign does not.
"""

import re

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from attendance.models import RosterChange
from attendance.queries import confirming
from attendance.queries.differences import COPIED, roster_differences
from attendance.queries.todos import roster_todos
from attendance.services.adopting import adopt_differences
from attendance.services.tree import adopt_tree
from attendance.views.getters import get_campaign, get_unit, needs, unit_crumbs
from campaigns.models import Unit
from campaigns.queries.tree import tree_differences
from organizations.paging import MOST_FOUND, key_page
from organizations.queries import with_counts
from organizations.service import Refused
from organizations.services import changes

SHOWN = 200
ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)


@require_http_methods(["GET", "POST"])
def roster_changes(request, campaign_pk):
    """Short lists: units, then people, that are new, gone or changed.

    POST adopts all of them; with `only` the units, or the people ticked.
    """
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    if request.method == "POST":
        return _adopt(request, campaign, unit)
    units, lists = _units(unit), _people(unit)
    context = {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "units": units,
        "lists": lists,
        "units_total": _total(units),
        "people_total": _total(lists),
        "total": _total(units) + _total(lists),
        "can_adopt": request.user.keeps_records and campaign.is_open,
    }
    return render(request, "attendance/roster_changes.html", context)


@require_GET
def roster_waiting(request, campaign_pk):
    """The line of 待办 about the roster, for a unit so large that its home page did not wait for it."""
    needs(request.user.keeps_records)
    unit = get_unit(request, get_campaign(request, campaign_pk))
    return render(request, "attendance/_roster_waiting.html", {"todos": roster_todos(unit)})


def _total(lists):
    return sum(count for _, _, count, _ in lists)


def _units(unit):
    found = tree_differences(unit)
    return [
        ("新设的党组织", "organization", found.new.count(), with_counts(found.new)[:SHOWN]),
        ("改了名称或类别", "unit", found.renamed.count(), found.renamed[:SHOWN]),
        ("换了上级", "unit", found.moved.count(), found.moved[:SHOWN]),
        ("划到这次冬训以外", "gone", found.gone.count(), found.gone[:SHOWN]),
        ("已经撤销", "unit", found.closed.count(), found.closed[:SHOWN]),
    ]


def _people(unit):
    found = roster_differences(unit)
    return [
        ("名册里还没有", "member", found.new.count(), found.new[:SHOWN]),
        ("已经离开", "entry", found.gone.count(), found.gone[:SHOWN]),
        ("离开又回来", "entry", found.returned.count(), found.returned[:SHOWN]),
        ("换了支部", "entry", found.moved.count(), found.moved[:SHOWN]),
        ("情况有变（类别、职务、流动、居家）", "entry", found.changed.count(), _told(found.changed[:SHOWN])),
    ]


def _told(entries):
    """Each says in words what on the member's record is no longer as on the roster."""
    entries = list(entries)
    for entry in entries:
        ours = changes.facts(entry, COPIED)
        # The record may call a fact otherwise than the roster: that alone is no change.
        theirs = {
            name: (ours[name][0], said) for name, (_, said) in changes.facts(entry.member, COPIED).items()
        }
        entry.differs_in = changes.told(changes.between(ours, theirs)) or "年度学时目标有变"
    return entries


def _adopt(request, campaign, unit):
    needs(request.user.keeps_records)
    get_object_or_404(Unit.objects.manageable_by(request.user), pk=unit.pk)
    only = request.POST.get("only", "")
    chosen = [int(text) for text in request.POST.getlist("member")[: 5 * SHOWN] if ID.fullmatch(text)]
    if only == "people" and not chosen:
        messages.warning(request, "还没有勾选人。请先勾选，再按“把勾选的人加入名册”。")
    else:
        _adopt_said(request, unit, only, chosen)
    return redirect(f"{reverse('attendance:roster_changes', args=[campaign.pk])}?unit={unit.pk}")


def _adopt_said(request, unit, only, chosen):
    done = []
    try:
        # A new branch first: its people need a unit to count in.
        if only != "people":
            done.append(adopt_tree(actor=request.user, unit=unit))
        if only != "units":
            members = chosen if only == "people" else None
            done.append(adopt_differences(actor=request.user, unit=unit, members=members))
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        words = [found.words for found in done if found.total]
        nothing = "名册和党员名单已经一致，没有要加入的。"
        messages.success(request, f"名册已更新：{'；'.join(words)}。" if words else nothing)


@require_GET
def roster_history(request, campaign_pk):
    """What has happened to the roster: since it was confirmed, or since it was drawn."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    state = confirming.roster_state(unit)
    confirmed = state.confirmation
    since = confirmed.confirmed_at if confirmed and request.GET.get("since") != "drawn" else None
    kind = request.GET.get("kind", "")
    kind = kind if kind in RosterChange.Kind.values else ""
    text = request.GET.get("q", "").strip()[:50]
    found = confirming.roster_history(unit, since=since, kind=kind, text=text)
    context = {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "below": Unit.objects.children(unit)[:SHOWN],
        "confirmed": confirmed,
        "since": since,
        "kind": kind,
        "kinds": RosterChange.Kind.choices,
        "q": text,
        "page": key_page(request, found, "-id", most=MOST_FOUND),
    }
    return render(request, "attendance/roster_history.html", context)
