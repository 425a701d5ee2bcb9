import json
from itertools import groupby
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from organizations import lockout
from organizations.fields import decrypt, encrypt
from organizations.forms.accounts import (
    AccountForm,
    BulkAccountForm,
    HandOverForm,
    TickedForm,
    reaches_above,
    roles_for,
)
from organizations.models import Role, User
from organizations.paging import key_page
from organizations.queries import accounts as queries
from organizations.queries import organizations_without
from organizations.queries.accounts import ACCOUNT_FILTERS
from organizations.service import Refused
from organizations.services import account_care, accounts, bulk_accounts, second_factor
from organizations.services.accounts import MOST_AT_ONCE, Slip

WAITING_SLIPS = "activation_slips"


def require_keeper(user) -> None:
    """Accounts are the business of officers and organizers; to others the pages do not exist."""
    if not user.keeps_records:
        raise Http404


def keep_slips(request, slips: list[Slip]) -> None:
    """Carry the passwords to the slip page in the login's own storage, encrypted; the page takes them out.

    Slips of an earlier round that was not printed yet stay in front: several rounds, one print.
    """
    token = request.session.get(WAITING_SLIPS, "")
    rows = json.loads(decrypt(token)) if token else []
    fresh = {slip.user.username for slip in slips}
    above = queries.superiors(slip.user.organization.path for slip in slips)
    rows = [row for row in rows if row["username"] not in fresh]
    rows += [
        {
            "organization": slip.user.organization.name,
            "above": above.get(slip.user.organization.path, ""),
            "name": slip.user.name,
            "role": slip.user.get_role_display(),
            "username": slip.user.username,
            "password": slip.password,
        }
        for slip in slips
    ]
    request.session[WAITING_SLIPS] = encrypt(json.dumps(rows))


def slips_wait(request, refusal: Refused) -> bool:
    """The page was sent twice: what the first sending opened waits to be printed.

    The first may have stored its slips after this request read its login, so they are read again.
    """
    stored = type(request.session)(request.session.session_key)
    twice = refusal.code in ("served", "username_taken", "handed_over", "sent_twice")
    return twice and WAITING_SLIPS in stored


@require_GET
def account_list(request):
    """Accounts of the scope, with what the level above may do."""
    require_keeper(request.user)
    text, show = request.GET.get("q", "").strip(), request.GET.get("show", "")
    show = show if show in ACCOUNT_FILTERS else ""
    page = key_page(
        request, queries.accounts(user=request.user, show=show, text=text), "organization__path", "id"
    )
    shown = [user.pk for user in page.rows]
    mine = User.objects.manageable_by(request.user).filter(pk__in=shown).values_list("pk", flat=True)
    context = {"page": page, "query": text, "manageable": set(mine), "show": show, "filters": ACCOUNT_FILTERS}
    context["held"] = held_of(page.rows)
    context["ticks"] = show in ("stale", "unused")
    context |= {"request_uuid": uuid4(), "days": settings.STALE_ACCOUNT_DAYS}
    context["unused_days"] = settings.UNUSED_ACCOUNT_DAYS
    return render(request, "organizations/account_list.html", context)


def held_of(users) -> set[int]:
    """Those of a page whom wrong passwords or codes keep out just now."""
    names = lockout.held_among(user.username for user in users)
    return {user.pk for user in users if user.username in names} | second_factor.held_among(
        user.pk for user in users
    )


@require_GET
def account_detail(request, pk):
    """One account: whose it is, whose it was, and its history."""
    require_keeper(request.user)
    seen = User.objects.visible_to(request.user).select_related("organization", "succeeded_by")
    account = get_object_or_404(seen, pk=pk)
    may_manage = User.objects.manageable_by(request.user).filter(pk=pk).exists()
    context = {
        "account": account,
        "events": queries.account_history(account, request.user),
        "predecessors": account.predecessors.all(),
        "may_manage": may_manage,
        "is_held": may_manage and (lockout.is_held(account.username) or second_factor.is_held(account)),
        "phone": second_factor.phone_of(account) if account.needs_code else None,
    }
    return render(request, "organizations/account_detail.html", context)


@require_http_methods(["GET", "POST"])
def account_new(request):
    """Open one account for the level below."""
    require_keeper(request.user)
    initial = {"organization": request.GET.get("organization"), "role": request.GET.get("role")}
    form = AccountForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            keep_slips(request, [accounts.open_account(actor=request.user, **form.cleaned_data)])
            return redirect("organizations:account_slip")
        except Refused as refusal:
            if slips_wait(request, refusal):
                return redirect("organizations:account_slip")
            note_refused(request, refusal, form.cleaned_data["username"])
            form.add_error(None, refusal.message)
    note_forged(request, form)
    status = 422 if form.errors else 200
    return render(request, "organizations/account_new.html", {"form": form}, status=status)


def note_refused(request, refusal: Refused, username: str) -> None:
    """An attempt to reach above one's own level goes into the audit."""
    if refusal.code == "above":
        summary = f"想开通超出权限的账号 {username}，已拒绝"
        accounts.record_refused(actor=request.user, summary=summary)


def note_forged(request, form) -> None:
    """So does a role or a place the page never offered."""
    if request.method == "POST" and reaches_above(form):
        summary = "想开通超出权限的账号（角色或党组织不在可选范围内），已拒绝"
        accounts.record_refused(actor=request.user, summary=summary)


@require_http_methods(["GET", "POST"])
def account_bulk(request):
    """Open one account per chosen organization and print all slips at once."""
    require_keeper(request.user)
    form = BulkAccountForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        chosen = list(form.cleaned_data["organizations"])
        try:
            role = form.cleaned_data["role"]
            keep_slips(request, accounts.open_accounts(actor=request.user, organizations=chosen, role=role))
            return redirect("organizations:account_slip")
        except Refused as refusal:
            if slips_wait(request, refusal):
                return redirect("organizations:account_slip")
            note_refused(request, refusal, "（批量）")
            form.add_error(None, refusal.message)
    note_forged(request, form)
    roles = roles_for(request.user)
    role = request.POST.get("role") or request.GET.get("role", "")
    text = request.GET.get("q", "")
    role = role if role in dict(roles) else usual_role(request.user, text)
    waiting = list(organizations_without(user=request.user, role=role, text=text)[:MOST_AT_ONCE])
    above = queries.superiors(row.path for row in waiting)
    groups = [(name, list(rows)) for name, rows in groupby(waiting, key=lambda row: above.get(row.path, ""))]
    context = {"form": form, "roles": roles, "role": role, "query": text, "groups": groups}
    context["chosen"] = request.POST.getlist("organizations")
    return render(request, "organizations/account_bulk.html", context, status=422 if form.errors else 200)


def usual_role(user, text: str) -> str:
    """Who waits first: branches want somebody who takes the register, townships somebody who organizes."""
    first = organizations_without(user=user, role=Role.ORGANIZER, text=text)[:MOST_AT_ONCE]
    return Role.RECORDER if all(row.holds_people for row in first) else Role.ORGANIZER


@require_GET
def account_slip(request):
    """The slips of what was just opened or reset; they are gone afterwards."""
    require_keeper(request.user)
    token = request.session.pop(WAITING_SLIPS, "")
    slips = json.loads(decrypt(token)) if token else []
    context = {"slips": slips, "site_url": request.build_absolute_uri("/")}
    context["min_length"] = max(settings.PASSWORD_MIN_LENGTH.values())
    context["classes"] = max(settings.PASSWORD_CLASSES.values())
    return render(request, "organizations/activation_slip.html", context)


@require_POST
def account_reset(request, pk):
    """A new initial password for an account of the level below."""
    user = get_object_or_404(User.objects.manageable_by(request.user), pk=pk)
    try:
        keep_slips(request, [accounts.reset_account(actor=request.user, user=user)])
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return redirect("organizations:account_list")
    return redirect("organizations:account_slip")


@require_POST
def account_close(request, pk):
    """End an account of the level below."""
    user = get_object_or_404(User.objects.manageable_by(request.user), pk=pk)
    try:
        accounts.close_account(actor=request.user, user=user)
        messages.success(request, f"{user.name}的账号已经停用。")
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return redirect("organizations:account_list")


@require_POST
def accounts_close(request):
    """End the ticked accounts in one act."""
    require_keeper(request.user)
    form = TickedForm(request.POST)
    if form.is_valid():
        try:
            act = bulk_accounts.close_accounts(actor=request.user, **form.cleaned_data)
            messages.success(request, act.summary if act else "勾选的账号都已经停用了。")
        except Refused as refusal:
            messages.warning(request, refusal.message)
    else:
        messages.warning(request, "请先勾选要停用的账号。")
    show = "unused" if request.POST.get("show") == "unused" else "stale"
    return redirect(f"{reverse('organizations:account_list')}?{urlencode({'show': show})}")


@require_http_methods(["GET", "POST"])
def account_hand_over(request, pk):
    """Close the account of who leaves and open one for who comes, in one act."""
    account = get_object_or_404(
        User.objects.manageable_by(request.user).select_related("organization"), pk=pk
    )
    initial = {"username": accounts.free_username(account.organization)}
    form = HandOverForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            keep_slips(
                request, [account_care.hand_over(actor=request.user, user=account, **form.cleaned_data)]
            )
            return redirect("organizations:account_slip")
        except Refused as refusal:
            if slips_wait(request, refusal):
                return redirect("organizations:account_slip")
            form.add_error(None, refusal.message)
    context = {"form": form, "account": account}
    return render(
        request, "organizations/account_hand_over.html", context, status=422 if form.errors else 200
    )


@require_POST
def account_unlock(request, pk):
    """Wrong passwords and codes no longer count."""
    user = get_object_or_404(User.objects.manageable_by(request.user), pk=pk)
    if account_care.unlock_account(actor=request.user, user=user):
        messages.success(request, f"{user.name}的账号解锁了，现在就可以登录。")
    else:
        messages.info(request, f"{user.name}的账号没有锁住。")
    if request.POST.get("back") == "list":
        return redirect("organizations:account_list")
    return redirect("organizations:account_detail", pk=pk)


@require_POST
def account_phone(request, pk):
    """Somebody's phone is lost or new."""
    user = get_object_or_404(User.objects.manageable_by(request.user), pk=pk)
    if account_care.reset_phone(actor=request.user, user=user):
        messages.success(request, f"{user.name}下次登录时重新设手机验证码。")
    else:
        messages.info(request, f"{user.name}还没有设手机验证码。")
    return redirect("organizations:account_detail", pk=pk)
