"""The dashboard: one unit's three rates, who is missing and why, and the units below it."""

from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from attendance.queries import standings
from attendance.queries.confirming import roster_state
from campaigns.models import CampaignKind, Unit
from campaigns.queries import current_campaign, home_unit
from organizations.paging import MOST_FOUND, key_page
from organizations.tree import ancestors
from reports import links
from reports.indicators import BY_CODE, CATALOGUE
from reports.queries import figures, lists, panels, trend

PAGE = 50


def scoped_unit(user, campaign_pk, unit_pk):
    units = Unit.objects.visible_to(user).select_related("campaign__organization", "organization")
    return get_object_or_404(units, pk=unit_pk, campaign_id=campaign_pk)


def page_context(request, unit):
    """What every page about one unit shows: its campaign, its place in the tree, when it was read."""
    scope = len(request.user.organization.path)
    trail = Unit.objects.visible_to(request.user).filter(
        campaign_id=unit.campaign_id, path__in=ancestors(unit.path)[:-1]
    )
    return {
        "unit": unit,
        "campaign": unit.campaign,
        "is_practice": unit.campaign.kind == CampaignKind.PRACTICE,
        "trail": [(one, links.dashboard(one)) for one in trail.order_by("path") if len(one.path) >= scope],
        "now": timezone.now(),
    }


@require_GET
def dashboard(request):
    """The current campaign, the account's own unit."""
    campaign = current_campaign(request.user, request.GET.get("campaign"))
    unit = home_unit(request.user, campaign) if campaign else None
    if unit is None:
        return render(request, "reports/no_campaign.html", {"campaign": campaign})
    return redirect(links.dashboard(unit))


@require_GET
def unit_dashboard(request, campaign_pk, unit_pk):
    unit = scoped_unit(request.user, campaign_pk, unit_pk)
    context = page_context(request, unit)
    table = figures.table(unit, panels.OWN_CODES, panels.CHILD_CODES, now=context["now"])
    earlier = trend.week_ago(unit, timezone.localdate(context["now"]))
    context |= {
        "headlines": panels.headlines(table, earlier),
        "roster": roster_state(unit),
        "reasons": panels.reasons(table),
        "gaps": panels.lines(table, panels.GAP_CODES),
        "more": panels.lines(table, panels.MORE_CODES),
        "missing": table.values["NOT_YET"],
        "missing_url": links.figure(unit, "NOT_YET"),
        "due": table.values["MEM_DUE"],
        "due_url": links.figure(unit, "MEM_DUE"),
        "children": panels.rows(table),
        "total": panels.row(unit, table.values),
        "heads": panels.HEADS,
        "definitions": [BY_CODE[code] for code in panels.DEFINED_CODES],
    }
    if unit.holds_people:
        context["page"] = Paginator(standings(unit), PAGE).get_page(request.GET.get("page"))
    return render(request, "reports/unit_dashboard.html", context)


LISTS = {"sessions": "reports/session_figures.html", "topics": "reports/topic_figures.html"}
LISTS["units"] = "reports/unit_figures.html"


@require_GET
def indicator_list(request, campaign_pk, unit_pk, code):
    """The list behind one figure; persons and service tasks have their own lists."""
    unit = scoped_unit(request.user, campaign_pk, unit_pk)
    indicator = BY_CODE.get(code)
    if indicator is None:
        raise Http404
    if indicator.listed not in LISTS:
        return redirect(links.figure(unit, code))
    context = page_context(request, unit)
    context |= {
        "indicator": indicator,
        "value": figures.values(unit, [code], now=context["now"])[code],
        "back": links.dashboard(unit),
    }
    context |= listed(request, unit, indicator)
    return render(request, LISTS[indicator.listed], context)


def listed(request, unit, indicator):
    """One page of the list: sessions by key, there may be a hundred thousand of them."""
    if indicator.listed == "sessions":
        found = lists.sessions_behind(unit, indicator.code)
        page = key_page(request, found, "-starts_at", "-id", most=MOST_FOUND)
        return {"page": page, "rows": lists.sheets_summed(page.rows, unit, indicator.code)}
    found = lists.topics_behind(unit) if indicator.listed == "topics" else lists.branches_behind(unit)
    return {"page": Paginator(found, PAGE).get_page(request.GET.get("page"))}


@require_GET
def definition_list(request):
    """指标说明: every figure, in words."""
    return render(request, "reports/definition_list.html", {"catalogue": CATALOGUE})
