"""名册变动: what today's tree and member list say that the campaign does not, and adopting it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from attendance.queries.differences import roster_differences
from attendance.queries.todos import roster_todos
from attendance.services.adopting import adopt_differences
from attendance.services.tree import adopt_tree
from attendance.views.getters import get_campaign, get_unit, needs, unit_crumbs
from campaigns.models import Unit
from campaigns.queries.tree import tree_differences
from organizations.queries import with_counts
from organizations.service import Refused

SHOWN = 200


@require_http_methods(["GET", "POST"])
def roster_changes(request, campaign_pk):
    """Short lists: units, then people, that are new, gone or changed. POST adopts all of them."""
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
        "total": sum(count for _, _, count, _ in (*units, *lists)),
        "can_adopt": request.user.keeps_records and campaign.is_open,
    }
    return render(request, "attendance/roster_changes.html", context)


@require_GET
def roster_waiting(request, campaign_pk):
    """The line of 待办 about the roster, for a unit so large that its home page did not wait for it."""
    needs(request.user.keeps_records)
    unit = get_unit(request, get_campaign(request, campaign_pk))
    return render(request, "attendance/_roster_waiting.html", {"todos": roster_todos(unit)})


def _units(unit):
    found = tree_differences(unit)
    return [
        ("新设的党组织", "organization", found.new.count(), with_counts(found.new)[:SHOWN]),
        ("改了名称或类别", "unit", found.renamed.count(), found.renamed[:SHOWN]),
        ("换了上级", "unit", found.moved.count(), found.moved[:SHOWN]),
        ("已经撤销", "unit", found.closed.count(), found.closed[:SHOWN]),
    ]


def _people(unit):
    found = roster_differences(unit)
    return [
        ("名册里还没有", "member", found.new.count(), found.new[:SHOWN]),
        ("已经离开", "entry", found.gone.count(), found.gone[:SHOWN]),
        ("离开又回来", "entry", found.returned.count(), found.returned[:SHOWN]),
        ("换了支部", "entry", found.moved.count(), found.moved[:SHOWN]),
        ("情况有变（类别、职务、流动、居家）", "entry", found.changed.count(), found.changed[:SHOWN]),
    ]


def _adopt(request, campaign, unit):
    needs(request.user.keeps_records)
    get_object_or_404(Unit.objects.manageable_by(request.user), pk=unit.pk)
    try:
        # A new branch first: its people need a unit to count in.
        tree = adopt_tree(actor=request.user, unit=unit)
        adopted = adopt_differences(actor=request.user, unit=unit)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    else:
        done = [found.words for found in (tree, adopted) if found.total]
        nothing = "名册和党员名单已经一致，没有要加入的。"
        messages.success(request, f"名册已更新：{'；'.join(done)}。" if done else nothing)
    return redirect(f"{reverse('attendance:roster_changes', args=[campaign.pk])}?unit={unit.pk}")
