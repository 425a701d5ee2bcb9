"""The sheet as a file: out, back filled in, looked at, stored. Lists of sign-in tools likewise."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from attendance import queries
from attendance.forms.sheets import REST, SheetForm, answer_to, chosen_marks
from attendance.imports.tokens import Token
from attendance.imports.workbook import SheetLine, SheetPage, sheet_workbook
from attendance.models import MarkBatch, SheetReading
from attendance.queries.sheet_preview import stored_of
from attendance.services.sheet_readings import keep_reading, reading_of, send_reading
from attendance.views import sheet_preview
from attendance.views.getters import get_session, needs
from organizations.service import Refused
from organizations.services.sheets import record_export
from organizations.views.imports import workbook_response

MOST_PEOPLE = 2000
NOTE = (
    "“情况”从下拉里选，也可以写 √、×、病假、迟到10分钟；空着的不动。可以排序、可以只填一部分，"
    "最右边有一列隐藏的识别码，请不要删。填好在系统里这一场的“签到表”里传回。"
)


@require_GET
def sheet_xlsx(request, pk):
    """The twin of the paper as a workbook; of all branches, or of one (?part=)."""
    session = get_session(request, pk)
    parts = _asked_parts(request, queries.register(session, request.user).parts)
    count = sum(len(part.expected) for part in parts)
    if count > MOST_PEOPLE:
        messages.warning(request, f"一份表最多 {MOST_PEOPLE:,} 人，这一场有 {count:,} 人。请按支部分别下载。")
        return redirect("attendance:sheet_upload", session.pk)
    content = sheet_workbook([_page(session, part) for part in parts])
    record_export(actor=request.user, noun="签到表", count=count, asked=session.title)
    day = timezone.localtime(session.starts_at)
    whose = parts[0].part.unit.name if len(parts) == 1 else f"{len(parts)}个支部"
    return workbook_response(content, f"{day.month}月{day.day}日签到表_{whose}.xlsx")


def _asked_parts(request, parts):
    asked = request.GET.get("part", "")
    found = [part for part in parts if asked in ("", str(part.part.pk))]
    if not found:
        raise Http404
    return found


def _page(session, part):
    unit = part.part.unit
    day = timezone.localtime(session.starts_at)
    about = f"{session.title}　{day.year}年{day.month}月{day.day}日 {day:%H:%M}　应到{len(part.expected)}人。"
    lines = [
        SheetLine(
            person.name,
            person.group,
            unit.name,
            Token(
                session.pk,
                part.part.pk,
                person.entry,
                person.version,
                person.status,
                person.reason,
                person.minutes,
            ),
        )
        for person in part.in_order
    ]
    return SheetPage(unit.name, f"{unit.name}签到表", about + NOTE, lines)


@require_http_methods(["GET", "POST"])
def sheet_upload(request, pk):
    """Which file? Above it the sheets to take along."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    form = SheetForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and (reading := _received(request, session, form)):
        return redirect("attendance:sheet_reading", session.pk, reading.uuid)
    parts = queries.parts_for(session, request.user, to_write=True)
    status = 413 if form.is_bound and form.is_too_large else 422 if form.errors else 200
    is_future = queries.held_on(session) > timezone.localdate()
    context = {"session": session, "form": form, "parts": parts, "is_future": is_future}
    return render(request, "attendance/sheet_upload.html", context, status=status)


def _received(request, session, form):
    """The reading, or None with the reason on the form."""
    if not form.is_valid():
        return None
    upload = form.cleaned_data["file"]
    try:
        return keep_reading(actor=request.user, session=session, content=upload.read(), file_name=upload.name)
    except Refused as refusal:
        form.add_error("file", refusal.message)
        return None


@require_http_methods(["GET", "POST"])
def sheet_reading(request, pk, uuid):
    """What the file would change, old beside new; POST stores it with what was chosen."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    stored = get_object_or_404(SheetReading.objects.of(request.user), uuid=uuid, session=session)
    stored.session = session
    if _is_sent(stored):
        return redirect(_outcome(session, stored.uuid))
    reading = reading_of(stored)
    known = stored_of(session, sheet_preview.entries_in(reading))
    if request.method == "POST":
        try:
            marks = chosen_marks(request.POST, reading, differs=lambda m: sheet_preview.differs(m, known))
            answer = send_reading(actor=request.user, reading=stored, marks=marks)
            return redirect(_outcome(session, answer.batch.uuid))
        except Refused as refusal:
            if _is_sent(stored):  # by another tap, meanwhile
                return redirect(_outcome(session, stored.uuid))
            messages.warning(request, refusal.message)
    status = 422 if request.method == "POST" else 200
    context = _shown(request, stored, reading, known)
    return render(request, "attendance/sheet_reading.html", context, status=status)


def _is_sent(stored):
    """Whether this reading was sent: a second tap shows what became of the first."""
    return MarkBatch.objects.filter(uuid=stored.uuid).exists()


def _outcome(session, uuid):
    return f"{reverse('attendance:register', args=[session.pk])}?batch={uuid}"


def _shown(request, stored, reading, known):
    view = sheet_preview.preview_of(reading, known, stored.session)
    asked = [
        (number, line, answer_to(request.POST, number, line))
        for number, line in enumerate(reading.lines)
        if line.options
    ]
    return {
        "session": stored.session,
        "stored": stored,
        "notes": reading.notes,
        "asked": asked,
        "view": view,
        "rest_count": len(reading.rest) - view.rest_named,
        "rest_choices": REST,
        "rest": request.POST.get("rest", ""),
        "can_send": bool(asked or view.changes or len(reading.rest) > view.rest_named),
    }
