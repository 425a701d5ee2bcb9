"""一页登记多个支部: a row each: how many came, who did not.

Two ways to it: one class of several branches, and one class that each of them holds for itself.
"""

import uuid
from dataclasses import dataclass, field

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Value
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from attendance import queries
from attendance.forms.many import AWAY_RESTS, RowText, asked_rows, row_sending, texts_of
from attendance.forms.marks import BadBatch
from attendance.models import Mark, MarkBatch, SessionTally
from attendance.queries.pasted import read_row
from attendance.queries.register import sheets_of
from attendance.services.marks import BatchReused, record_marks
from attendance.views.getters import get_session, needs
from attendance.views.paste import can_send
from attendance.views.pasted import ask
from campaigns.models import SessionUnit, TrainingSession, Unit
from campaigns.queries.same_class import day_has_come, same_class
from organizations.service import Refused

ROWS = 40
CONFLICTS = Count("marks", filter=Q(marks__outcome=Mark.Outcome.CONFLICT))


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
    rests: list = field(default_factory=list)

    @property
    def part(self):
        return self.sheet.part

    @property
    def session(self):
        return self.part.session

    @property
    def key(self):
        """Of which sendings this is the row: those of its branch, or of the whole class where it is alone."""
        return self.session.pk, self.part.pk if self.part.is_shared else None

    @property
    def is_open(self):
        """Whether there is something to type: nobody is marked yet."""
        return self.sheet.can_mark and not self.part.recorded_at


@dataclass(frozen=True)
class Way:
    """From where the rows come. `parts`: all that may stand on the page, in their order, each saying
    whether its class `is_shared`; `later`: those whose day has not come."""

    name: str
    session: TrainingSession
    parts: QuerySet[SessionUnit]
    may_send: bool
    later: QuerySet[SessionUnit]


@require_http_methods(["GET", "POST"])
def many(request, pk):
    """One class of several branches."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    if session.parts.count() < 2:
        raise Http404
    seen = Unit.objects.visible_to(request.user)
    parts = queries.parts_kept(session, request.user, seen, to_write=True).annotate(is_shared=Value(True))
    return _answer(request, Way("many", session, parts, can_send(session), SessionUnit.objects.none()))


@require_http_methods(["GET", "POST"])
def together(request, pk):
    """The sessions in which the branches hold the same class, each for itself."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    parts = same_class(session, request.user).select_related("unit", "session__campaign")
    come = day_has_come(timezone.now())
    later = parts.exclude(come)
    return _answer(request, Way("together", session, parts.filter(come), session.campaign.is_open, later))


def _answer(request, way):
    """Every row is a sending of its own: one that cannot be read never holds up the others."""
    if request.method == "GET":
        page = _page(request, way)
        return _show(request, way, page, _rows(request, page.object_list))
    if not way.may_send:
        raise Http404
    # The rows that were sent, wherever the list has moved since.
    sent = asked_rows(request.POST, ROWS * 2)
    rows = _rows(request, way.parts.filter(pk__in=sent))
    for row in rows:
        _receive(request, row)
    _tell_lost(request, set(sent) - {row.part.pk for row in rows})
    page = _page(request, way)
    if any(row.error for row in rows):
        kept = {row.part.pk: row for row in rows}
        fresh = _rows(request, way.parts.filter(pk__in=sent))
        return _show(request, way, page, [_with(row, kept[row.part.pk]) for row in fresh], status=422)
    numbers = [f"batch={row.batch.uuid}" for row in rows if row.batch]
    query = "&".join([f"page={page.number}", f"q={page.query}", *numbers])
    return redirect(f"{reverse(f'attendance:{way.name}', args=[way.session.pk])}?{query}")


def _page(request, way):
    """The branches of this page in their fixed order."""
    text = (request.POST.get("q") or request.GET.get("q", "")).strip()[:50]
    found = way.parts.filter(unit__name__contains=text) if text else way.parts
    page = Paginator(found, ROWS).get_page(request.POST.get("page") or request.GET.get("page"))
    page.query = text
    return page


def _rows(request, parts):
    """These branches with what is stored of each."""
    parts = list(parts)
    tallies = SessionTally.objects.in_bulk([part.pk for part in parts], field_name="session_unit_id")
    return [Row(sheet, tallies.get(sheet.part.pk)) for sheet in sheets_of(parts, request.user)]


def _tell_lost(request, parts):
    """What was typed into rows that are none any more is said, so that nobody looks for it in vain."""
    for part in sorted(parts):
        text = texts_of(request.POST, part)
        if not text.is_empty:
            words = f"您写的：实到{text.came}　{text.missing}"
            messages.warning(request, f"有一行没有存：那一场已经取消、作废，或不归您登记。{words}")


def _with(row, before):
    """What was typed and refused, on the sheet as it is now. A row that was stored begins anew: under
    its old number more names would be taken for the same sending."""
    row.text = None if before.batch else before.text
    row.error, row.asks, row.rests = before.error, before.asks, before.rests
    row.batch, row.conflicts, row.can_leave_open = before.batch, before.conflicts, before.can_leave_open
    return row


def _show(request, way, page, rows, status=200):
    wanted = _sent_before(request, rows)
    for row in rows:
        row.text = row.text or RowText(number=uuid.uuid4())
    context = {
        "way": way,
        "session": way.session,
        "campaign": way.session.campaign,
        "page": page,
        "query": page.query,
        "rows": rows,
        "later": list(way.later[:ROWS]),
        "later_count": way.later.count(),
        "is_sent": bool(wanted) or status != 200,
        "done": sum(1 for row in rows if row.batch),
        "wrong": sum(1 for row in rows if row.error),
        "can_send": way.may_send and any(row.is_open for row in rows),
    }
    return render(request, "attendance/many.html", context, status=status)


def _sent_before(request, rows):
    """The sendings the address names, each put to its row."""
    wanted = [number for text in request.GET.getlist("batch")[: ROWS * 2] if (number := _uuid(text))]
    if not wanted:
        return []
    by_key = {row.key: row for row in rows if not row.batch}
    own = MarkBatch.objects.filter(session__in={row.session.pk for row in rows}, account=request.user)
    stored = own.filter(uuid__in=wanted).annotate(conflicts=CONFLICTS)
    for batch in stored.select_related("undone_by"):
        if row := by_key.get((batch.session_id, batch.part_id)):
            row.batch, row.conflicts = batch, batch.conflicts
    return wanted


# --- One row --------------------------------------------------------------------------------------
def _receive(request, row):
    row.text = text = texts_of(request.POST, row.part.pk)
    if text.is_empty:
        return
    _store(request, row, text)


def _store(request, row, text):
    """Read the row and store it, or say in words why not."""
    known = MarkBatch.objects.filter(
        uuid=text.batch_of(row.part.pk), session=row.session, account=request.user
    )
    if not row.is_open and (batch := known.first()):  # this page came before
        row.batch = batch
        return
    try:
        if not row.is_open:
            raise BadBatch(422, "刚才已经有人登记过这个支部，请点开核对。您写的还留在这里。")
        proposal = read_row(row.sheet, text.came_number, text.missing)
        row.asks = [
            ask(row.part.pk, number, doubt, text.sent) for number, doubt in enumerate(proposal.doubts)
        ]
        sending = row_sending(row.part.pk, text, proposal, row.session.minutes)
        row.batch = _record(request, row, sending)
    except BatchReused:
        text.number = uuid.uuid4()
        row.error = "这一行刚才存过，现在改了。对的话再按一次，就照现在写的存。"
    except (BadBatch, Refused) as refusal:
        row.error = refusal.message
        row.can_leave_open = getattr(refusal, "can_leave_open", False)
        if getattr(refusal, "asks_rest", False) or text.sent.rest:
            row.rests = list(AWAY_RESTS.items())


def _record(request, row, sending):
    answer = record_marks(
        actor=request.user,
        session=row.session,
        batch=sending.batch,
        marks=sending.marks,
        body_sha256=sending.body_sha256,
        kind=MarkBatch.Kind.PASTE,
        counted_heads=sending.heads,
        part=row.part if row.part.is_shared else None,
        unread=sending.unread,
    )
    row.conflicts = len(answer.of("conflict"))
    return answer.batch


def _uuid(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
