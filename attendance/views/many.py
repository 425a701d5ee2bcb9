"""一页登记多个支部: a class each branch held for itself, a row each: how many came, who did not."""

import uuid
from dataclasses import dataclass, field

from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from attendance import queries
from attendance.forms.many import RowText, row_sending, texts_of
from attendance.forms.marks import BadBatch
from attendance.models import MarkBatch, SessionTally
from attendance.queries.pasted import read_row
from attendance.services.marks import record_marks
from attendance.views.getters import get_session, needs
from attendance.views.paste import can_send
from attendance.views.pasted import ask
from organizations.service import Refused

ROWS = 40


@dataclass
class Row:
    """One branch on the page. `tally`: what is stored; `text`: what was typed; `error`: why it was not."""

    sheet: object
    tally: object = None
    text: RowText | None = None
    error: str = ""
    asks: list = field(default_factory=list)
    batch: object = None
    conflicts: int = 0
    can_leave_open: bool = False

    @property
    def part(self):
        return self.sheet.part

    @property
    def is_open(self):
        """Whether there is something to type: nobody is marked yet."""
        return self.sheet.can_mark and not self.part.recorded_at


@require_http_methods(["GET", "POST"])
def many(request, pk):
    """Every row is a sending of its own: one that cannot be read never holds up the others."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    if session.parts.count() < 2:
        raise Http404
    page, rows = _rows(request, session)
    if request.method == "GET":
        return _show(request, session, page, rows)
    if not can_send(session):
        raise Http404
    for row in rows:
        _receive(request, session, row)
    if any(row.error for row in rows):
        page, fresh = _rows(request, session)
        kept = {row.part.pk: row for row in rows}
        return _show(request, session, page, [_with(row, kept[row.part.pk]) for row in fresh], status=422)
    sent = [row.batch.uuid for row in rows if row.batch]
    query = "&".join([f"page={page.number}", f"q={page.query}", *(f"batch={number}" for number in sent)])
    return redirect(f"{reverse('attendance:many', args=[session.pk])}?{query}")


def _rows(request, session):
    """The branches of this page in their fixed order, with what is stored of each."""
    text = (request.POST.get("q") or request.GET.get("q", "")).strip()[:50]
    kept = queries.parts_for(session, request.user, to_write=True)
    found = [part for part in kept if text in part.unit.name]
    asked = request.POST.get("page") or request.GET.get("page")
    page = Paginator(found, ROWS).get_page(asked)
    page.query = text
    view = queries.register(session, request.user, only={part.pk for part in page})
    tallies = SessionTally.objects.in_bulk([part.pk for part in page], field_name="session_unit_id")
    return page, [Row(sheet, tallies.get(sheet.part.pk)) for sheet in view.parts]


def _with(row, before):
    """What was typed and refused, on the sheet as it is now."""
    row.text, row.error, row.asks = before.text, before.error, before.asks
    row.batch, row.conflicts, row.can_leave_open = before.batch, before.conflicts, before.can_leave_open
    return row


def _show(request, session, page, rows, status=200):
    own = {row.batch.pk: row for row in rows if row.batch}
    wanted = [number for text in request.GET.getlist("batch")[: ROWS * 2] if (number := _uuid(text))]
    stored = MarkBatch.objects.filter(session=session, account=request.user, uuid__in=wanted)
    by_part = {row.part.pk: row for row in rows}
    for batch in stored.select_related("undone_by"):
        if (row := by_part.get(batch.part_id)) and batch.pk not in own:
            row.batch, row.conflicts = batch, batch.marks.filter(outcome="conflict").count()
    for row in rows:
        row.text = row.text or RowText(number=uuid.uuid4())
    context = {
        "session": session,
        "campaign": session.campaign,
        "page": page,
        "query": page.query,
        "rows": rows,
        "is_sent": bool(wanted) or status != 200,
        "done": sum(1 for row in rows if row.batch),
        "wrong": sum(1 for row in rows if row.error),
        "can_send": can_send(session) and any(row.is_open for row in rows),
        "next_batch": uuid.uuid4(),
    }
    return render(request, "attendance/many.html", context, status=status)


# --- One row --------------------------------------------------------------------------------------
def _receive(request, session, row):
    row.text = text = texts_of(request.POST, row.part.pk)
    if text.is_empty:
        return
    _store(request, session, row, text)


def _store(request, session, row, text):
    """Read the row and store it, or say in words why not."""
    known = MarkBatch.objects.filter(uuid=text.batch_of(row.part.pk), session=session, account=request.user)
    if batch := known.first():  # this page came before
        row.batch = batch
        return
    try:
        if not row.is_open:
            raise BadBatch(422, "刚才已经有人登记过这个支部，请点开核对。您写的还留在这里。")
        proposal = read_row(row.sheet, text.came_number, text.missing)
        row.asks = [
            ask(row.part.pk, number, doubt, text.sent) for number, doubt in enumerate(proposal.doubts)
        ]
        sending = row_sending(row.part.pk, text, proposal, session.minutes)
        row.batch = _record(request, session, row, sending)
    except (BadBatch, Refused) as refusal:
        row.error = refusal.message
        row.can_leave_open = getattr(refusal, "can_leave_open", False)


def _record(request, session, row, sending):
    answer = record_marks(
        actor=request.user,
        session=session,
        batch=sending.batch,
        marks=sending.marks,
        body_sha256=sending.body_sha256,
        kind=MarkBatch.Kind.PASTE,
        counted_heads=sending.heads,
        part=row.part,
        unread=sending.unread,
    )
    row.conflicts = len(answer.of("conflict"))
    return answer.batch


def _uuid(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
