"""Middleware: health checks, login, account state. No domain rule lives here."""

import time
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import escape_leading_slashes

from haizhou_training import errors, health
from organizations.id_number import is_number
from organizations.services.audit import client_address

RENEW_AFTER_SECONDS = 60


class HealthMiddleware:
    """Answers /healthz and /readyz before sessions, hosts and logins are looked at."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path == "/healthz":
            return health.healthz(request)
        if request.path == "/readyz":
            return health.readyz(request)
        return self.get_response(request)


class NullCharacterMiddleware:
    """No text of ours holds a NUL. PostgreSQL would refuse it deep inside a query; say so at the door."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if "\0" in request.path or self.has_null(request.GET):
            return errors.bad_request(request)
        return self.get_response(request)

    def process_view(self, request, view_func, view_args, view_kwargs):
        # The CSRF check before us has read the form already; other bodies are parsed by their views.
        form = request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")
        if request.method == "POST" and form and self.has_null(request.POST):
            return errors.bad_request(request)
        return None

    @staticmethod
    def has_null(values):
        return any("\0" in text for key, texts in values.lists() for text in (key, *texts))


class NumbersOutOfAddressesMiddleware:
    """Somebody looks for an ID number or a phone: the address forgets it at once, and the page says why.

    Addresses stay in histories, in logs of proxies, and in every link of the page they lead to.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method != "GET" or not any(is_number(text) for _, text in pairs(request.GET)):
            return self.get_response(request)
        kept = request.GET.copy()
        for name, texts in request.GET.lists():
            kept.setlist(name, [text for text in texts if not is_number(text)])
        messages.info(request, "身份证号、手机号不能用来查找：会留在浏览记录里。请按姓名或姓名首字母查。")
        # "//host/" would be an address of another site.
        path = escape_leading_slashes(request.path)
        return redirect(f"{path}?{kept.urlencode()}" if kept.urlencode() else path)


def pairs(query):
    return ((name, text) for name, texts in query.lists() for text in texts)


class AddressMiddleware:
    """Tells the audit and the login lock where a request comes from.

    Behind our TLS proxy that is the last address of X-Forwarded-For, the one the
    proxy itself saw; without a proxy anybody could write that header, so it is ignored.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        forwarded = request.headers.get("X-Forwarded-For", "") if settings.HTTPS else ""
        if forwarded:
            request.META["REMOTE_ADDR"] = forwarded.split(",")[-1].strip()[:45]
        token = client_address.set(request.META.get("REMOTE_ADDR", "")[:45])
        try:
            return self.get_response(request)
        finally:
            client_address.reset(token)


class HtmxLoginRequiredMiddleware(LoginRequiredMiddleware):
    """Send a logged-out htmx request to the login page as a whole page.

    htmx follows a plain redirect and would paste the login form into a table
    cell. `next` is the page the user was on, because the fragment URL itself
    often accepts POST only.
    """

    def handle_no_permission(self, request, view_func):
        if request.headers.get("HX-Request") != "true":
            return super().handle_no_permission(request, view_func)
        page = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
        login_url = redirect_to_login(page, self.get_login_url(view_func)).url
        return HttpResponse(headers={"HX-Redirect": login_url})


class AccountMiddleware:
    """Forces the first password change, renews the login at most once a minute, forbids caching.

    Role and scope are read from the database on every request, so a change or
    a closed account takes effect on the next one.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        user = request.user
        if user.is_authenticated:
            now = int(time.time())
            if now - request.session.get("renewed", 0) >= RENEW_AFTER_SECONDS:
                request.session["renewed"] = now
            allowed = (reverse("organizations:password_change"), reverse("organizations:logout"))
            if user.must_change_password and request.path not in allowed:
                return redirect("organizations:password_change")
        response = self.get_response(request)
        if user.is_authenticated and "Cache-Control" not in response:
            response["Cache-Control"] = "no-store"
        return response
