"""Which campaign and unit a command means: LABEL or OWNERCODE/LABEL, and an organization's code."""

from django.core.management.base import CommandError

from campaigns.models import Campaign, Unit


def find_campaign(text: str) -> Campaign:
    """The campaign of this label. An ambiguous label exits with 2 and lists the candidates."""
    owner, _, label = text.rpartition("/")
    named = Campaign.objects.select_related("organization").order_by("organization__path")
    # A label may itself hold a slash: the whole text is tried first.
    found = list(named.filter(label=text)) or list(named.filter(organization__code=owner, label=label))
    if len(found) == 1:
        return found[0]
    if found:
        names = "、".join(f"{one.organization.code}/{one.label}" for one in found)
        raise CommandError(f"有{len(found)}个同名的冬训，请写明是哪一个：{names}", returncode=2)
    names = "、".join(f"{one.organization.code}/{one.label}" for one in named) or "（还没有冬训）"
    raise CommandError(f"没有叫“{text}”的冬训。现有：{names}", returncode=2)


def find_unit(campaign: Campaign, code: str | None) -> Unit:
    """The organization's unit in the campaign; without a code, the owner's."""
    units = Unit.objects.select_related("campaign", "organization").filter(campaign=campaign)
    wanted = {"organization__code": code} if code else {"organization_id": campaign.organization_id}
    unit = units.filter(**wanted).first()
    if unit is None:
        raise CommandError(f"“{campaign.label}”里没有代码为“{code or '主办单位'}”的参训单位。", returncode=2)
    return unit
