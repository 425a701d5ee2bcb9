"""The register without a signal: what a phone may keep, and how it finds out where it stands."""

import hashlib
import json

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from attendance import queries
from attendance.forms.marks import CHOICES
from attendance.queries import packs
from attendance.queries.minutes import whole_minutes
from attendance.views.getters import get_session, needs
from attendance.views.register import shown_parts
from organizations.templatetags.house import SPRITE

# Everything a register without a signal needs. Not one name is in it.
STYLES = ("vendor/bootstrap/5.3.9/bootstrap.min.css", "css/frame.css", "css/app.css", "css/register.css")
REGISTER = ("register-row", "register-find", "register")
OURS = ("app", "outbox-core", "outbox", "offline", *REGISTER, "offline-page")
SCRIPTS = tuple(f"js/{name}.js" for name in OURS)
PICTURES = ("img/icon.svg", "img/icon-192.png", SPRITE)
MOST_PACKS = 50


@require_GET
def offline_hello(request):
    """Whose login this is, a fresh CSRF token, and which of the packs on this phone are over."""
    needs(request.user.marks_registers)
    texts = request.GET.get("sessions", "").split(",")[:MOST_PACKS]
    asked = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]
    answer = {
        "account": request.user.pk,
        "csrf": get_token(request),
        "now": timezone.now().isoformat(),
        "over": packs.over(asked, request.user),
    }
    return _unkept(JsonResponse(answer))


@require_GET
def session_pack(request, pk):
    """The register of one session for a phone: names and what is marked, for 72 hours."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    if packs.is_over(session, request.user):
        answer = {"error": "这一场不能离线点名：已经完成登记、取消，或者冬训不在进行中。", "code": "over"}
        return _unkept(JsonResponse(answer, status=422))
    view = queries.register(session, request.user)
    shown = shown_parts(view, request.GET.get("part", ""))
    return _unkept(JsonResponse(packs.pack(view, request.user, shown, whole_minutes(session))))


def _unkept(response):
    response["Cache-Control"] = "no-store"
    return response


@login_not_required
@require_GET
def offline_home(request):
    """The empty frame the phone fills from its own storage: the same bytes for everybody, login or not."""
    return HttpResponse(_frame())


def _frame() -> str:
    return render_to_string("attendance/offline.html", {"choices": CHOICES})


@login_not_required
@require_GET
def offline_worker(request):
    """The service worker: our script behind a line that names the files of this version."""
    shell = [reverse("attendance:offline_home"), *map(static, (*STYLES, *SCRIPTS, *PICTURES))]
    facts = {"shell": json.dumps(shell), "version": _version(shell)}
    code = render_to_string("attendance/offline_worker.js", facts)
    response = HttpResponse(code, content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = "/"
    response["Cache-Control"] = "no-cache"
    return response


def _version(shell: list[str]) -> str:
    return hashlib.sha256("\n".join([*shell, _frame()]).encode()).hexdigest()[:12]


@login_not_required
@require_GET
def offline_manifest(request):
    """What the phone shows when the pages are put on its first screen."""
    pictures = [
        ("img/icon-192.png", "192x192", "image/png", "any"),
        ("img/icon-512.png", "512x512", "image/png", "any maskable"),
        ("img/icon.svg", "any", "image/svg+xml", "any"),
    ]
    icons = [
        {"src": static(name), "sizes": sizes, "type": kind, "purpose": purpose}
        for name, sizes, kind, purpose in pictures
    ]
    manifest = {
        "id": "/",
        "name": "海州冬训",
        "short_name": "海州冬训",
        "lang": "zh-CN",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#FBFAF7",
        "theme_color": "#B3261E",
        "icons": icons,
    }
    response = JsonResponse(manifest, content_type="application/manifest+json")
    response["Cache-Control"] = "max-age=3600"
    return response
