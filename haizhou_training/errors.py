"""Error pages in plain Chinese. They need no database, so that they show when it is away."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.shortcuts import render

from haizhou_training.sqlite.base import is_busy

# PostgreSQL's classes: connection lost, transaction rolled back by others, operator intervention;
# lock not available. Not 57014: a query that is too slow is no better in a moment.
PASSING = ("08", "40", "57P0", "55P03")
# What has no code: the connection broke or was never made.
BROKEN = (
    "closed",
    "Connection refused",
    "Connection reset",
    "could not receive data",
    "could not send data",
    "timeout expired",
    "timed out",
    "starting up",
    "shutting down",
    "in recovery mode",
    "too many clients",
    "connection slots",
)


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
    if not passes(sys.exception()):
        return render(request, "500.html", status=500)
    busy = render(request, "503.html", status=503)
    busy["Retry-After"] = "10"
    return busy


@login_not_required
def csrf_failure(request, reason=""):
    return render(request, "csrf.html", status=403)


def passes(error: BaseException | None) -> bool:
    """Whether the database was only busy or away. A full disk or a missing column stays a fault."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    cause = error.__cause__
    if not hasattr(cause, "pgcode"):
        return is_busy(error)
    if cause.pgcode:
        return cause.pgcode.startswith(PASSING)
    return any(words in str(cause) for words in BROKEN)
