"""Scoped look-ups: what lies outside the account's scope does not exist."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404

from attendance.models import RosterEntry
from campaigns.models import Campaign, TrainingSession, Unit
from campaigns.queries import home_unit
from organizations.tree import ancestors


def get_session(request, pk):
    sessions = TrainingSession.objects.visible_to(request.user).select_related("campaign", "host", "form")
    return get_object_or_404(sessions, pk=pk)


def get_campaign(request, pk):
    campaigns = Campaign.objects.visible_to(request.user).select_related("organization")
    return get_object_or_404(campaigns, pk=pk)


def get_entry(request, pk):
    entries = RosterEntry.objects.visible_to(request.user)
    return get_object_or_404(entries.select_related("campaign", "member", "unit", "standing"), pk=pk)


def get_unit(request, campaign):
    """The unit the page is about: ?unit=, else where the account stands."""
    asked = request.GET.get("unit") or request.POST.get("unit")
    if not asked:
        unit = home_unit(request.user, campaign)
        if unit is None:
            raise Http404
        return unit
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        raise Http404
    unit = get_object_or_404(Unit.objects.visible_to(request.user), pk=asked, campaign=campaign)
    unit.campaign = campaign
    return unit


def needs(allowed):
    """Reading is allowed here, this act is not: said as 403, because the record itself is no secret."""
    if not allowed:
        raise PermissionDenied


def unit_crumbs(unit, user):
    """The organization path down to `unit`, as far as the account sees it."""
    return list(
        Unit.objects.visible_to(user)
        .filter(campaign=unit.campaign_id, path__in=ancestors(unit.path))
        .order_by("path")
    )
