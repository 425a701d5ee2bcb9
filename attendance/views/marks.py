"""The one address marks are sent to: design.md 6. Every answer is JSON with a Chinese sentence."""

from django.core.exceptions import RequestDataTooBig
from django.http import JsonResponse, UnreadablePostError
from django.views.decorators.http import require_POST

from attendance.forms.marks import MAX_BYTES, BadBatch, parse_marks
from attendance.models import MarkBatch
from attendance.queries import packs
from attendance.services.marks import record_marks
from attendance.views.getters import get_session, needs
from organizations.service import Refused


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
        answer = _store(user, session, parse_marks(body), hold)
    except BadBatch as bad:
        return refusal(bad.status, bad.message, "bad_batch")
    except Refused as refused:  # BatchReused among them
        return refusal(422, refused.message, refused.code)
    lines = [mark.as_json() for mark in answer.marks]
    return JsonResponse({"batch": str(answer.batch.uuid), "marks": lines})


def _store(user, session, parsed, hold):
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
