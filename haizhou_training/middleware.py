"""Middleware: health checks, login, account state. No domain rule lives here."""

import logging
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.db import DatabaseError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import escape_leading_slashes

from haizhou_training import errors, health
from organizations import login_age
from organizations.id_number import is_number
from organizations.login_age import Age
from organizations.services.audit import client_address
from organizations.services.refusals import record_refused_write
from organizations.services.second_factor import CODE_GIVEN

logger = logging.getLogger(__name__)
READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
LOGIN, LOGOUT = "organizations:login", "organizations:logout"
# The pages of one register: opening it, tapping, looking up a visitor, handing in, the sheet on paper.
MARKING = frozenset(
    {
        "attendance:many",
        "attendance:marks",
        "attendance:offline_hello",
        "attendance:part_close",
        "attendance:paste",
        "attendance:register",
        "attendance:register_undo",
        "attendance:session_guests",
        "attendance:session_pack",
        "attendance:sheet_print",
        "attendance:sheet_reading",
        "attendance:sheet_tick",
        "attendance:sheet_upload",
        "attendance:together",
        "attendance:visitors",
    }
)
# Asked by the page itself, again and again: nobody need be sitting there.
POLLED = frozenset({"attendance:offline_hello", "organizations:import_status", "organizations:job_status"})
# Open while a login has something to pass first.
ALWAYS = frozenset({LOGIN, LOGOUT, "admin:logout"})
GATES = {
    "organizations:code_enter": frozenset({"organizations:code_enter", "organizations:code_setup"}),
    "organizations:password_change": frozenset({"organizations:password_change"}),
}


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
        is_here = request.path == reverse("organizations:member_list")
        where = "请点开这一页的" if is_here else "请到“党员”页，点开"
        messages.info(
            request,
            "整个身份证号、手机号不能填在查找框里：会留在浏览记录里。请按姓名、首字母或手机后四位查；"
            f"要按号码查，{where}“按身份证号或手机号查”。",
        )
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


class RefusedWritesMiddleware:
    """A form sent where the account may not write leaves a line in the audit, wherever it was refused."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        is_refused = request.method not in READING and response.status_code in (403, 404)
        if is_refused and request.user.is_authenticated:
            self.record(request, response.status_code)
        return response

    @staticmethod
    def record(request, status):
        try:
            record_refused_write(actor=request.user, path=request.path, status=status)
        except DatabaseError:  # The refusal stands, also while the database is too busy for the line.
            logger.exception("a refused write was not recorded: %s", request.resolver_match)


class LoginAgeMiddleware:
    """Ends a login nobody used for too long, and renews one that is used: organizations/login_age.py.

    A login that only lasts for marking is not there for other pages, and left alone for its own.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view_func, view_args, view_kwargs):
        if not request.user.is_authenticated:
            return
        name = request.resolver_match.view_name
        age = login_age.age_of(request.session)
        if age == Age.FRESH or (age == Age.MARKING_ONLY and name in MARKING | {LOGOUT}):
            if name not in POLLED:
                login_age.renew(request.session, is_marking=name in MARKING)
            return
        if age == Age.MARKING_ONLY:
            request.user = AnonymousUser()
        else:
            logout(request)
        if request.method == "GET" and request.headers.get("HX-Request") != "true" and name != LOGIN:
            messages.info(request, "好久没有操作，为了安全请再登录一次，登录后回到刚才的页面。")


class HtmxLoginRequiredMiddleware(LoginRequiredMiddleware):
    """Send a logged-out request to the login page, and back afterwards to the page somebody was on.

    htmx follows a plain redirect and would paste the login form into a table
    cell, so it is told to go there as a whole page. An address that was only posted to
    cannot be opened afterwards: `next` is then the page the form stood on.
    """

    def handle_no_permission(self, request, view_func):
        is_htmx = request.headers.get("HX-Request") == "true"
        if request.method in ("GET", "HEAD") and not is_htmx:
            return super().handle_no_permission(request, view_func)
        page = path_of(request.headers.get("HX-Current-URL" if is_htmx else "Referer", ""))
        login = redirect_to_login(page, self.get_login_url(view_func))
        return HttpResponse(headers={"HX-Redirect": login.url}) if is_htmx else login


def path_of(address: str) -> str:
    """Path and query of a page of ours; the login page takes no other host as `next` either."""
    parts = urlsplit(address)
    path = escape_leading_slashes(parts.path) or "/"
    return f"{path}?{parts.query}" if parts.query else path


class AccountMiddleware:
    """What stands between the password and the first page: the code of the phone, a new password.

    Role and scope are read from the database on every request, so a change or
    a closed account takes effect on the next one. Nothing may keep a copy of a page.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.user.is_authenticated and "Cache-Control" not in response:
            response["Cache-Control"] = "no-store"
        return response

    def process_view(self, request, view_func, view_args, view_kwargs):
        if not request.user.is_authenticated:
            return None
        gate = self.gate(request)
        if gate is None or request.resolver_match.view_name in ALWAYS | GATES[gate]:
            return None
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(headers={"HX-Redirect": reverse(gate)})
        return redirect(gate)

    @staticmethod
    def gate(request) -> str | None:
        """The page this login has to pass first."""
        user = request.user
        if user.needs_code and not request.session.get(CODE_GIVEN):
            return "organizations:code_enter"
        if user.must_change_password or user.password_is_old:
            return "organizations:password_change"
        return None
