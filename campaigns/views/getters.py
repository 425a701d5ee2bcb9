"""Scoped getters the pages share: the campaign and the unit a page is about. Outside the scope is 404."""

from django.http import Http404

from campaigns.models import Campaign, Unit
from campaigns.queries import current_campaign, home_unit
from organizations.numbers import asked_pk

MOST_UNITS_TO_CHOOSE = 400


def chosen_campaign(request) -> Campaign | None:
    """`?campaign=` inside the scope, else the running one; None = there is none yet."""
    pk = asked_pk(request.GET.get("campaign"))
    campaign = current_campaign(request.user, pk)
    if pk and campaign is None:
        raise Http404
    return campaign


def chosen_unit(request, campaign: Campaign) -> Unit | None:
    """`?unit=` inside the scope; None = no unit was asked for."""
    pk = asked_pk(request.GET.get("unit"))
    if pk is None:
        return None
    unit = Unit.objects.visible_to(request.user).filter(campaign=campaign, pk=pk).first()
    if unit is None:
        raise Http404
    unit.campaign = campaign
    return unit


def own_units(user, campaign: Campaign):
    """Units the account may plan for: open ones of its scope, in tree order."""
    units = Unit.objects.manageable_by(user).filter(campaign=campaign, closed_on__isnull=True)
    return units.order_by("path")


def unit_tree(user, campaign: Campaign, top: Unit | None) -> tuple[Unit | None, list[Unit], bool]:
    """Units below `top` (default: where the account stands), and whether they are too many for one page."""
    top = top or home_unit(user, campaign)
    if top is None:
        return None, [], False
    units = list(own_units(user, campaign).below(top)[: MOST_UNITS_TO_CHOOSE + 1])
    if len(units) > MOST_UNITS_TO_CHOOSE:
        return top, list(own_units(user, campaign).children(top)), True
    return top, units, False


def trail(user, unit: Unit | None) -> list[Unit]:
    """The breadcrumb: from where the account stands down to this unit."""
    if unit is None:
        return []
    seen = Unit.objects.visible_to(user).filter(campaign_id=unit.campaign_id)
    return list(seen.filter(path__in=[*unit.ancestor_paths, unit.path]).order_by("path"))
