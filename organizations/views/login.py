import json
import time

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout as end_login
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.core.exceptions import BadRequest
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from organizations import login_age
from organizations.devices import device_of, keep_device
from organizations.forms.accounts import LoginForm, NewPasswordForm
from organizations.models import Role
from organizations.service import Refused
from organizations.services import account_care, accounts, second_factor
from organizations.services.second_factor import CODE_GIVEN
from organizations.validators import rules_for
from organizations.views.second_factor import GO_ON, security_of

# Nobody types this much; hashing it would be work for nothing.
MOST_TYPED = 4096


def refuse_floods(request) -> None:
    if any(len(text) > MOST_TYPED for _, texts in request.POST.lists() for text in texts):
        raise BadRequest("a field of a login form is absurdly long")


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    """Django's own view; every attempt goes into the audit."""

    form_class = LoginForm
    template_name = "organizations/login.html"
    redirect_authenticated_user = True

    def get(self, request, *args, **kwargs):
        """Whoever may try a password has a device, so that mistakes stay with whoever makes them."""
        response = super().get(request, *args, **kwargs)
        keep_device(response, device_of(request))
        return response

    def post(self, request, *args, **kwargs):
        refuse_floods(request)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form):
        """In one transaction: writes outside of one do not stand in SQLite's queue."""
        user = form.get_user()
        with transaction.atomic():
            accounts.record_login(user=user)
            response = super().form_valid(form)
        device = device_of(self.request)
        device.remember(user.pk)
        self.begin(user, device, form.cleaned_data["remember"])
        keep_device(response, device)
        return response

    def begin(self, user, device, remember: bool) -> None:
        """The clocks of this login, and whether the phone's code is still to come."""
        session = self.request.session
        login_age.begin(session, remembered=remember and user.marks_registers)
        session.pop(CODE_GIVEN, None)
        if user.needs_code:
            phone = second_factor.phone_of(user)
            if phone and device.is_trusted(user, phone.key, time.time()):
                session[CODE_GIVEN] = True
            else:
                session[GO_ON] = self.get_success_url()

    def get_default_redirect_url(self):
        """Auditors have one page; everybody else begins at the workbench."""
        if self.request.user.is_authenticated and self.request.user.role == Role.AUDITOR:
            return reverse("organizations:audit_list")
        return super().get_default_redirect_url()

    def form_invalid(self, form):
        locked = bool(getattr(self.request, "axes_locked_out", False))
        accounts.record_failed_login(username=form.data.get("username", "").strip(), locked=locked)
        return super().form_invalid(form)

    def get_context_data(self, **kwargs):
        return super().get_context_data(**kwargs) | {"demo_accounts": demo_accounts(), **limits()}


def limits() -> dict[str, int]:
    """What the pages around the login say about time."""
    return {
        "marking_hours": settings.SESSION_MARKING_IDLE_HOURS,
        "idle_minutes": settings.SESSION_IDLE_MINUTES,
        "most_wrong": settings.AXES_FAILURE_LIMIT,
        "lock_minutes": round(settings.AXES_COOLOFF_TIME * 60),
    }


def locked_out(request, original_response=None, credentials=None):
    """What django-axes shows instead of the login page."""
    return render(request, "organizations/locked_out.html", limits(), status=429)


def demo_accounts() -> list[dict]:
    """What `load_demo` wrote beside the database; only the demo shows it."""
    path = settings.DATA_DIR / "demo_accounts.json"
    if not settings.DEMO or not path.exists():
        return []
    roles = dict(Role.choices)
    accounts = json.loads(path.read_text("utf-8"))
    return [account | {"role": roles.get(account["role"], account["role"])} for account in accounts]


@require_POST
def logout(request):
    """Leave, and take the pages the browser kept with you: offices share computers."""
    end_login(request)
    response = redirect(settings.LOGOUT_REDIRECT_URL)
    response["Clear-Site-Data"] = '"cache"'
    return response


@require_http_methods(["GET", "POST"])
def password_change(request):
    """Choose a new password; forced at the first login and when it is old."""
    refuse_floods(request)
    form = NewPasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.change_own_password(user=request.user, password=form.cleaned_data["new_password1"])
            update_session_auth_hash(request, request.user)
            messages.success(request, "密码改好了，下次用新密码登录。")
            return redirect(settings.LOGIN_REDIRECT_URL)
        except Refused as refusal:
            form.add_error("old_password", refusal.message)
    context = {"form": form, "rules": rules_for(request.user)}
    context["days"] = settings.PASSWORD_MAX_AGE_DAYS[request.user.role]
    return render(request, "organizations/password_change.html", context)


@require_GET
def login_security(request):
    """One's own password, phone and logins."""
    return render(request, "organizations/login_security.html", security_of(request.user))


@require_POST
def logins_end(request):
    """End all other logins of one's account, and the trust in other devices; this one stays."""
    known, phone = device_of(request), second_factor.phone_of(request.user)
    since = known.trusted_since(request.user, phone.key, time.time()) if phone else None
    update_session_auth_hash(request, account_care.end_other_logins(user=request.user))
    messages.success(request, "别的电脑和手机上的登录都结束了，只留下这一个。")
    response = redirect("organizations:login_security")
    if since is not None:
        known.trust(request.user, phone.key, since)
        keep_device(response, known)
    return response
