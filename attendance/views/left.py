"""Marks of an account that was closed meanwhile: kept for its superior, who opens the sheet to let them in.

The login is gone, so the signed pack is the proof: that this account held the names of this session. Such
marks change nothing by themselves, each of them waits.
"""

from copy import copy

from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from attendance.forms.marks import BadBatch, parse_left
from attendance.queries import packs
from attendance.views.marks import answer_to, read_body, refusal

LOGIN = (403, "这个账号还能用，请登录后上传。", "login")
TOO_MANY = (429, "这个账号留下的登记已经很多，请上级先看。", "too_many")


# No login, no cookie: nothing here for a foreign page to ride on.
@csrf_exempt
@login_not_required
@require_POST
def offline_left(request):
    """{"pack"} asks whether its account was closed; with "body" it leaves a sending, once."""
    try:
        token, body = parse_left(read_body(request))
    except BadBatch as bad:
        return refusal(bad.status, bad.message, "bad_batch")
    account, session = packs.closed_account(token)
    if account is None:
        return refusal(*LOGIN)
    if not body:
        return JsonResponse({"closed": True})
    if packs.has_left_much(account):
        response = refusal(*TOO_MANY)
        response["Retry-After"] = "3600"
        return response
    # What the account could mark until it was closed; the row itself stays closed.
    account = copy(account)
    account.is_active = True
    return answer_to(account, session, body.encode(errors="surrogatepass"), hold="account_closed")
