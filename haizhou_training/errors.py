"""Error pages in plain Chinese. They need no database, so that they show when it is away."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError
from django.shortcuts import render


@login_not_required
def bad_request(request, exception=None):
    return render(request, "400.html", status=400)


@login_not_required
def not_found(request, exception=None):
    return render(request, "404.html", status=404)


@login_not_required
def forbidden(request, exception=None):
    return render(request, "403.html", status=403)


@login_not_required
def server_error(request):
    """A database that is locked or away for longer than its timeout comes back: 503, try again."""
    if not isinstance(sys.exception(), OperationalError):
        return render(request, "500.html", status=500)
    busy = render(request, "503.html", status=503)
    busy["Retry-After"] = "10"
    return busy


@login_not_required
def csrf_failure(request, reason=""):
    return render(request, "csrf.html", status=403)
