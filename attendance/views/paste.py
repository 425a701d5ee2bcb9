"""粘贴: a message from WeChat is read, looked at, decided about, and only then stored."""

import uuid

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from attendance import queries
from attendance.forms.marks import BadBatch
from attendance.forms.paste import sendings_of, sent_parts
from attendance.models import MarkBatch
from attendance.paste import MAX_TEXT
from attendance.queries.pasted import MOST_PEOPLE, SKIP, open_sheets, read_pasted
from attendance.services.marks import BatchReused, record_marks
from attendance.views.getters import get_session, needs
from attendance.views.pasted import block
from organizations.service import Refused

MOST_PIECES = 200


@require_http_methods(["GET", "POST"])
def paste(request, pk):
    """The text; what was read out of it; POST with step=store keeps what was decided."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    text = request.POST.get("text", "").strip()
    if request.method == "GET" or not text:
        context = _start(request, session) | {"is_empty": request.method == "POST"}
        return render(request, "attendance/paste.html", context, status=422 if context["is_empty"] else 200)
    if request.POST.get("step") != "store":
        return _preview(request, session, text)
    try:
        refused = _store(request, session)
    except (BadBatch, Refused) as refusal:
        messages.warning(request, refusal.message)
        return _preview(request, session, text, sent=_sent_before(request), status=422)
    stored = _stored(request, session)
    if refused:
        if names := "、".join(batch.name for batch in stored.values()):
            messages.info(request, f"已经存好的不用再存：{names}。")
        sent = _sent_before(request)
        return _preview(request, session, text, sent=sent, done=set(stored) - refused, status=422)
    query = "&".join(f"batch={batch.uuid}" for batch in stored.values())
    return redirect(f"{reverse('attendance:register', args=[session.pk])}?{query}")


def _stored(request, session):
    """{part: its first sending} of this page, of now or of an earlier try."""
    page = _uuid(request.POST.get("batch", ""))
    parts = queries.parts_for(session, request.user, to_write=True)
    names = {uuid.uuid5(page, str(part.pk)): part for part in parts}
    mine = MarkBatch.objects.filter(uuid__in=names, session=session, account=request.user)
    found = {}
    for batch in mine.order_by("pk"):
        batch.name = names[batch.uuid].unit.name
        found[names[batch.uuid].pk] = batch
    return found


def _sent_before(request):
    """What was chosen on the page that is shown again; of a page nobody can read, nothing."""
    try:
        return sent_parts(request.POST)
    except BadBatch:
        return {}


def _start(request, session):
    only = request.POST.get("part") or request.GET.get("part", "")
    sheets = open_sheets(session, request.user)
    return {
        "session": session,
        "campaign": session.campaign,
        "sheets": sheets,
        "only": only if any(str(sheet.part.pk) == only for sheet in sheets) else "",
        "text": request.POST.get("text", "")[: MAX_TEXT * 2],
        "max_text": MAX_TEXT,
        "can_send": can_send(session) and bool(sheets),
    }


def can_send(session):
    is_time = queries.held_on(session) <= timezone.localdate()
    return session.is_valid and session.campaign.is_open and is_time


def _preview(request, session, text, *, sent=None, done=(), status=200):
    """What would be stored; nothing is. Of branches that are `done` nothing is asked again."""
    start = _start(request, session)
    answers = {
        number: request.POST[f"s{number}"] for number in range(MOST_PIECES) if request.POST.get(f"s{number}")
    }
    pasted = read_pasted(session, request.user, text, only=start["only"], answers=answers)
    sent = sent or {}
    context = start | {
        "pasted": pasted,
        "is_cut": len(text) > MAX_TEXT,
        "is_too_many": pasted.people > MOST_PEOPLE,
        "blocks": [block(part, sent.get(part.pk)) for part in pasted.parts if part.pk not in done],
        "answers": answers,
        "skip": SKIP,
        "batch": _uuid(request.POST.get("batch", "")) or uuid.uuid4(),
        "may_store": bool(pasted.parts) and not pasted.unplaced and pasted.people <= MOST_PEOPLE,
    }
    return render(request, "attendance/paste.html", context, status=status)


def _store(request, session):
    """Every branch is a sending of its own, all of them read before one is stored; the parts refused."""
    batch = _uuid(request.POST.get("batch", ""))
    if batch is None:
        raise BadBatch(422, "请把文字再认一遍。")
    sent = sent_parts(request.POST)
    parts = {part.pk: part for part in queries.parts_for(session, request.user, to_write=True)}
    if foreign := set(sent) - set(parts):
        raise BadBatch(422, f"有{len(foreign)}个支部不归您登记，请把文字再认一遍。")
    sendings = [sending for one in sent.values() for sending in sendings_of(one, batch, session.minutes)]
    if not sendings:
        raise BadBatch(422, "没有要存的：没有写到人，也没有人数。")
    several, refused = session.parts.count() > 1, set()
    for sending in sendings:
        part = parts[sending.part]
        try:
            _record(request, session, sending, part if several else None)
        except BatchReused:
            messages.warning(request, f"{part.unit.name}刚才已经存过，后来改的没有存。要改，请点“改点名”。")
        except Refused as refusal:
            refused.add(part.pk)
            messages.warning(request, f"{part.unit.name}没有存：{refusal.message}")
    return refused


def _record(request, session, sending, part):
    record_marks(
        actor=request.user,
        session=session,
        batch=sending.batch,
        marks=sending.marks,
        body_sha256=sending.body_sha256,
        kind=MarkBatch.Kind.PASTE,
        counted_heads=sending.heads,
        part=part,
        unread=sending.unread,
    )


def _uuid(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
