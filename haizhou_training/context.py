from django.conf import settings
from django.utils.functional import SimpleLazyObject

from campaigns.queries import current_campaign


def site(request):
    """What every page may show: whether this is the demo; the campaign the menu leads to, read if drawn."""
    nav_campaign = SimpleLazyObject(lambda: current_campaign(request.user))
    return {"DEMO": settings.DEMO, "HTTPS": settings.HTTPS, "nav_campaign": nav_campaign}
