"""The first page: what waits for this account, and how its own unit stands."""

from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from campaigns.models import CampaignKind
from campaigns.queries import current_campaign, home_unit
from organizations.models import Role
from reports import links
from reports.queries import figures, panels, trend
from reports.queries import home as home_queries


@require_GET
def home(request):
    user = request.user
    if user.role == Role.AUDITOR:
        return redirect("organizations:audit_list")
    campaign = current_campaign(user)
    unit = home_unit(user, campaign) if campaign else None
    if unit is None:
        return render(request, "reports/no_campaign.html", {"campaign": campaign})
    if user.role == Role.INSPECTOR:
        return redirect(links.dashboard(unit))
    context = {
        "campaign": campaign,
        "unit": unit,
        "now": timezone.now(),
        "is_practice": campaign.kind == CampaignKind.PRACTICE,
    }
    return recorder_home(request, context) if user.role == Role.RECORDER else work_home(request, context)


def recorder_home(request, context):
    """A recorder has one task: the registers of the own branch."""
    user, campaign, now = request.user, context["campaign"], context["now"]
    context |= {
        "to_mark": home_queries.to_mark(user, campaign, now),
        "week": home_queries.rest_of_week(user, campaign, now),
    }
    return render(request, "reports/home_recorder.html", context)


def work_home(request, context):
    unit, now = context["unit"], context["now"]
    values = figures.values(unit, (*panels.QUESTIONS, "NOT_YET", "TOPIC_COV"), now=now)
    table = figures.Table(unit, values, [], now)
    context |= {
        "headlines": panels.headlines(table, trend.week_ago(unit, timezone.localdate(now))),
        "todos": home_queries.todos(request.user),
        "week": home_queries.this_week(request.user, context["campaign"], now),
        "dashboard_url": links.dashboard(unit),
    }
    return render(request, "reports/home.html", context)
