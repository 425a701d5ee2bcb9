"""The one address marks are sent to: design.md 6. Every answer is JSON with a Chinese sentence."""

from contextlib import suppress
from dataclasses import replace
from uuid import uuid5

from django.core.exceptions import RequestDataTooBig
from django.http import JsonResponse, UnreadablePostError
from django.views.decorators.http import require_POST

from attendance.forms.marks import MAX_BYTES, BadBatch, parse_marks
from attendance.models import Mark, MarkBatch
from attendance.queries import packs
from attendance.services.marks import DUPLICATE, BatchReused, record_marks
from attendance.views.getters import get_session, needs
from campaigns.models import Stage
from organizations.service import Refused

# What no resending and no other number makes right: the class does not take place.
GONE = {"cancelled": 409}


@require_POST
def marks(request, pk):
    """Store one sending; sent again, even at the same moment, it changes nothing and is answered alike."""
    if _is_for_another(request):
        return refusal(403, "这些登记是另一个账号点的，请用那个账号登录后上传。", "other_account")
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    if request.content_type != "application/json":
        return refusal(415, "内容类型应当是 application/json。", "content_type")
    try:
        body = read_body(request)
    except BadBatch as bad:
        return refusal(bad.status, bad.message, "bad_batch")
    return answer_to(request.user, session, body)


def answer_to(user, session, body: bytes, hold: str = ""):
    """What became of one sending. `hold`: every mark of it waits."""
    try:
        parsed = parse_marks(body)
        answer = _store(user, session, parsed, hold)
    except BadBatch as bad:
        return refusal(bad.status, bad.message, "bad_batch")
    except BatchReused as reused:
        _keep_to_look_at(user, session, parsed, hold)
        return refusal(422, reused.message, reused.code)
    except Refused as refused:
        return refusal(GONE.get(refused.code, 422), refused.message, refused.code)
    facts = {"batch": str(answer.batch.uuid), "marks": [mark.as_json() for mark in answer.marks]}
    if session.campaign.stage == Stage.CLOSED and any(map(_waits, answer.marks)):
        locked = {"error": "这次冬训已经结束，登记先留着，重新打开后才算。", "code": "locked"}
        return JsonResponse(facts | locked, status=409)
    return JsonResponse(facts)


def _waits(mark) -> bool:
    return Mark.Outcome.HELD in (mark.outcome, mark.code if mark.outcome == DUPLICATE else "")


def _keep_to_look_at(user, session, parsed, hold):
    """Another body under a number that was used: it changes nothing, and waits for who keeps the sheet."""
    number = uuid5(parsed.batch, f"{user.pk}.{session.pk}.{parsed.body_sha256}")
    heads = "" if parsed.counted_heads is None else f"现场人数{parsed.counted_heads}"
    kept = replace(parsed, batch=number, counted_heads=None)
    with suppress(Refused):
        _store(user, session, kept, hold or "key_reuse", unread=heads)


def _store(user, session, parsed, hold, **more):
    # Only a phone that kept its marks names its pack; how old that is, the server's clock says.
    if parsed.kind == MarkBatch.Kind.SYNC and not hold:
        hold = packs.hold_code(parsed.pack, session, user)
    return record_marks(
        actor=user,
        session=session,
        batch=parsed.batch,
        marks=parsed.marks,
        body_sha256=parsed.body_sha256,
        kind=parsed.kind,
        counted_heads=parsed.counted_heads,
        hold=hold,
        **more,
    )


def _is_for_another(request) -> bool:
    """The phone says whose marks it sends: between two tabs the login may have changed hands."""
    named = request.headers.get("X-Account", "")
    return bool(named) and named != str(request.user.pk)


def read_body(request) -> bytes:
    try:
        if int(request.headers.get("Content-Length") or 0) > MAX_BYTES:
            raise BadBatch(413, "内容超过 1 MB，没有登记。请分几次提交。")
        return request.body
    except (RequestDataTooBig, ValueError):
        raise BadBatch(413, "内容超过 1 MB，没有登记。请分几次提交。") from None
    except UnreadablePostError:
        raise BadBatch(400, "内容没有收全，请再发一次。") from None


def refusal(status, message, code):
    return JsonResponse({"error": message, "code": code}, status=status)
