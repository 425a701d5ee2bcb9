from django.conf import settings


def site(request):
    """What every page may show: whether this is the demo."""
    return {"DEMO": settings.DEMO, "HTTPS": settings.HTTPS}
