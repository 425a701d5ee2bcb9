import json

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout as end_login
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_POST

from organizations.forms.accounts import LoginForm, NewPasswordForm
from organizations.models import Role
from organizations.services import accounts


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    """Django's own view; every attempt goes into the audit."""

    form_class = LoginForm
    template_name = "organizations/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form):
        """In one transaction: writes outside of one do not stand in SQLite's queue."""
        with transaction.atomic():
            accounts.record_login(user=form.get_user())
            return super().form_valid(form)

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
        return super().get_context_data(**kwargs) | {"demo_accounts": demo_accounts()}


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
    """Choose a new password; forced at the first login."""
    form = NewPasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        accounts.change_own_password(user=request.user, password=form.cleaned_data["new_password1"])
        update_session_auth_hash(request, request.user)
        messages.success(request, "密码改好了，下次用新密码登录。")
        return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "organizations/password_change.html", {"form": form})
