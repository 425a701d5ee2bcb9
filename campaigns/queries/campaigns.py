"""Which campaign and which unit a page is about."""

from django.db.models import BooleanField, ExpressionWrapper, Q

from campaigns.models import Campaign, Unit
from organizations.models import User
from organizations.numbers import pk_of
from organizations.tree import holds, within


def current_campaign(user: User, requested_pk: int | str | None = None) -> Campaign | None:
    """The requested campaign if the account may see it, else the one running now.

    A campaign owned by the own organization or above goes before one that a
    unit further down runs for itself.
    """
    campaigns = Campaign.objects.visible_to(user).select_related("organization")
    if requested_pk:
        return campaigns.filter(pk=pk_of(requested_pk)).first()
    if not user.sees_records:
        return None
    further_down = Q(organization__path__gt=user.organization.path)
    campaigns = campaigns.annotate(further_down=ExpressionWrapper(further_down, BooleanField()))
    return campaigns.current().order_by("further_down", "rank", "-kind", "-starts_on", "-pk").first()


def home_unit(user: User, campaign: Campaign) -> Unit | None:
    """Where the account stands in the campaign: its own unit; for an account above the owner, the owner's."""
    units = Unit.objects.visible_to(user).filter(campaign=campaign)
    own = units.filter(organization_id=user.organization_id).first()
    unit = own or units.filter(organization_id=campaign.organization_id).first()
    if unit:
        unit.campaign = campaign
    return unit


def scope_unit(user: User, campaign: Campaign) -> Unit | None:
    """The unit that holds all the account sees in the campaign; see `UnitQuerySet.visible_to`."""
    sees_all = holds(user.organization.path, campaign.organization.path)
    top = campaign.organization_id if sees_all else user.organization_id
    unit = Unit.objects.visible_to(user).filter(campaign=campaign, organization_id=top).first()
    if unit:
        unit.campaign = campaign
    return unit


def inside(unit: Unit, field: str = "unit") -> Q:
    """Rows whose `field` is the unit or one below it. The campaign is named on the unit's own side,
    because (campaign, path) is the index a subtree is read from."""
    return within(f"{field}__path", unit.path) & Q(**{f"{field}__campaign_id": unit.campaign_id})
