"""The code of the phone: set up once, asked for after the password."""

import time
from io import BytesIO

import segno
from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST

from organizations.devices import device_of, keep_device
from organizations.services import second_factor
from organizations.services.second_factor import CODE_GIVEN, Verdict

GO_ON = "code_next"  # in the login: where its user was going
REFUSALS = {
    Verdict.WRONG: "验证码不对。请看手机上现在显示的 6 位数字，再输一遍。",
    Verdict.HELD: "连错了 5 次，为了安全，请等 30 分钟再试，或者请上级党组织在账号页面解锁。"
    "最上级的主管，请管服务器的人运行 rescue_officer 命令。",
}


def require_code_role(user) -> None:
    if not user.needs_code:
        raise Http404


def security_of(user) -> dict:
    """What the page 登录与安全 says about the phone."""
    device = second_factor.phone_of(user) if user.needs_code else None
    return {"device": device, "recovery_left": second_factor.recovery_left(user) if device else 0}


def picture(address: str) -> str:
    """The QR code as SVG without colours and sizes of its own: the style sheet has them."""
    drawn = BytesIO()
    segno.make(address, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=2
    )
    return mark_safe(drawn.getvalue().decode())  # noqa: S308 - drawn here, no text of anybody in it


def go_on(request):
    """To the page that was asked for before the code."""
    page = request.session.pop(GO_ON, "")
    host, secure = {request.get_host()}, request.is_secure()
    return redirect(
        page if url_has_allowed_host_and_scheme(page, host, secure) else settings.LOGIN_REDIRECT_URL
    )


@require_http_methods(["GET", "POST"])
def code_enter(request):
    """Six digits of the phone, or one recovery code."""
    require_code_role(request.user)
    device = second_factor.phone_of(request.user)
    if device is None:
        return redirect("organizations:code_setup")
    if request.session.get(CODE_GIVEN):
        return go_on(request)
    context = {"remember_days": settings.OTP_REMEMBER_DAYS}
    if request.method == "GET":
        return render(request, "organizations/code_enter.html", context)
    verdict = second_factor.check_code(user=request.user, code=request.POST.get("code", "")[:40])
    if verdict in REFUSALS:
        context["refusal"] = REFUSALS[verdict]
        return render(request, "organizations/code_enter.html", context, status=422)
    request.session.cycle_key()
    request.session[CODE_GIVEN] = True
    if verdict == Verdict.RECOVERY:
        left = second_factor.recovery_left(request.user)
        messages.warning(request, f"用掉了一个备用码，还剩 {left} 个。手机丢了，请上级重设手机验证码。")
    response = go_on(request)
    if request.POST.get("remember"):
        known = device_of(request)
        known.trust(request.user, device.key, time.time())
        keep_device(response, known)
    return response


@require_http_methods(["GET", "POST"])
def code_setup(request):
    """Scan or type the key, prove it with one code, print the recovery codes."""
    require_code_role(request.user)
    device = second_factor.begin_setup(user=request.user)
    if device.confirmed:
        return redirect("organizations:code_enter")
    context = {
        "picture": picture(second_factor.address_of(device)),
        "typed": second_factor.typed_secret(device),
    }
    if request.method == "GET":
        return render(request, "organizations/code_setup.html", context)
    codes = second_factor.confirm_setup(user=request.user, code=request.POST.get("code", "").strip()[:40])
    if codes is None:
        context["refusal"] = REFUSALS[Verdict.WRONG]
        return render(request, "organizations/code_setup.html", context, status=422)
    request.session.cycle_key()
    request.session[CODE_GIVEN] = True
    return render(request, "organizations/code_recovery.html", {"codes": codes})


@require_POST
def code_recovery(request):
    """New recovery codes, shown this once; the old ones are worth nothing.

    For a code, as at the login: an open computer alone must not give eight of them away.
    """
    require_code_role(request.user)
    if second_factor.phone_of(request.user) is None:
        return redirect("organizations:code_setup")
    verdict = second_factor.check_code(user=request.user, code=request.POST.get("code", "")[:40])
    if verdict in REFUSALS:
        context = security_of(request.user) | {"refusal": REFUSALS[verdict]}
        return render(request, "organizations/login_security.html", context, status=422)
    codes = second_factor.renew_recovery_codes(user=request.user)
    return render(request, "organizations/code_recovery.html", {"codes": codes})
