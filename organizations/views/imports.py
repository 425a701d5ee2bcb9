from functools import partial

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import IntegerField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from organizations.forms.import_answers import FIELD_CHOICES, answers_in
from organizations.forms.imports import FileForm, RosterForm
from organizations.imports.template import XLSX, template
from organizations.models import ImportBatch, ImportState, Organization
from organizations.numbers import asked_pk, pk_of
from organizations.paging import key_page
from organizations.service import Refused
from organizations.services import import_checks, import_columns, imports
from organizations.services.import_undo import is_undoable
from organizations.views import import_show

PER_PAGE = 50
ERROR_ROWS = Cast(KT("verdict__counts__error_rows"), IntegerField())
MAY_GO_ON = (ImportState.CHECKED, ImportState.PARTIAL, ImportState.REFUSED)


def own_batch(user, pk: int) -> ImportBatch:
    batches = ImportBatch.objects.manageable_by(user).select_related("organization", "uploaded_by")
    return get_object_or_404(batches, pk=pk)


def back_to(batch: ImportBatch):
    return redirect("organizations:import_detail", batch.pk)


@require_http_methods(["GET", "POST"])
def import_upload(request):
    """Which file? Below it, what was uploaded before."""
    user = request.user
    if not user.keeps_records:
        raise Http404
    form = RosterForm(
        request.POST or None,
        request.FILES or None,
        user=user,
        initial={"organization": request.GET.get("organization", user.organization_id)},
    )
    if request.method == "POST" and (batch := uploaded(user, form)):
        return back_to(batch)
    text = request.GET.get("q", "").strip()
    batches = ImportBatch.objects.manageable_by(user).select_related("organization", "uploaded_by")
    batches = batches.defer("verdict", "settled").annotate(error_rows=ERROR_ROWS)
    page = key_page(request, batches.filter(file_name__contains=text), "-id")
    for batch in page.rows:
        batch.look = import_show.look_of(batch, batch.error_rows)
    context = {"form": form, "page": page, "query": text}
    return render(request, "organizations/import_upload.html", context, status=status_of(form))


def status_of(form: FileForm) -> int:
    return 413 if form.is_bound and form.is_too_large else 422 if form.errors else 200


def uploaded(user, form: RosterForm) -> ImportBatch | None:
    """The batch, checked or about to be; None with the reason on the form."""
    scope = Organization.objects.manageable_by(user)
    if chosen := form.data.get("organization"):
        get_object_or_404(scope, pk=asked_pk(chosen))
    if not form.is_valid():
        return None
    upload = form.cleaned_data["file"]
    check = import_checks.receive_roster if import_checks.is_long(upload.size) else imports.check_roster
    try:
        batch = check(
            actor=user,
            organization=form.cleaned_data["organization"],
            file_name=upload.name,
            content=upload.read(),
        )
    except Refused as refusal:
        form.add_error("file", refusal.message)
        return None
    return batch


@require_GET
def import_detail(request, pk):
    """Can this be stored? First what needs a hand, then everything it would do."""
    return shown(request, own_batch(request.user, pk))


def shown(request, batch: ImportBatch, form: FileForm | None = None, status: int = 200):
    counts = import_show.counts_of(batch)
    show = request.GET.get("show", import_show.first_list(batch, counts))
    if show not in import_show.SHOWS:
        raise Http404
    text = request.GET.get("q", "").strip()
    lines = import_show.lines_to_show(batch, show, text, request.user)
    good = counts["created"] + counts["updated"]
    asks, mapping = import_show.questions(batch), import_show.mapping(batch)
    may_go_on = batch.state in MAY_GO_ON
    settled = import_show.settled_lines(batch)
    unread = import_show.why_unread(batch)
    can_store = batch.state == ImportState.CHECKED and not (asks or unread) and bool(good or settled)
    context = {
        "batch": batch,
        "counts": counts,
        "checks": import_show.checks_of(batch),
        "figures": import_show.figures(batch, counts),
        "tabs": import_show.tabs(batch, counts),
        "show": show,
        "query": text,
        "page": Paginator(lines, PER_PAGE).get_page(request.GET.get("page")),
        "good": good,
        "doubts": import_show.doubts(batch),
        "asks": asks,
        "unread": unread,
        "mapping": mapping,
        "asked_columns": [line for line in mapping if line["column"].is_asked],
        "unknown": [line for line in mapping if line["is_unknown"] and not line["column"].is_asked],
        "can_store": can_store and not counts["error_rows"],
        "can_store_part": can_store and good and counts["error_rows"],
        "can_undo": is_undoable(batch),
        "is_done": batch.state in import_show.DONE,
        "fields": FIELD_CHOICES,
        "settled": settled,
        "form": form or FileForm(),
        "may_go_on": may_go_on,
        "job": import_checks.job_of(batch) if batch.state == ImportState.CHECKING else None,
    }
    return render(request, "organizations/import_detail.html", context, status=status)


@require_GET
def import_status(request, pk):
    """How far a long check is; once it is over the page is loaded anew."""
    batch = own_batch(request.user, pk)
    job = import_checks.job_of(batch)
    response = render(request, "organizations/_import_progress.html", {"batch": batch, "job": job})
    if batch.state != ImportState.CHECKING or job is None or job.is_over:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def import_answer(request, pk):
    """The questions about the file answered: the kept file is checked again, nothing is uploaded twice."""
    batch = own_batch(request.user, pk)
    long = import_checks.is_source_long(batch)
    check = import_checks.receive_answers if long else imports.check_again
    try:
        require_version(request, batch)
        answers = answers_in(request.POST, batch)
        check(actor=request.user, batch=batch, choices=answers.choices)
        if answers.said:
            import_columns.remember_columns(actor=request.user, answers=answers.said)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return back_to(batch)


@require_POST
def import_again(request, pk):
    """A corrected workbook for the same import: only what was not stored yet is looked at."""
    batch = own_batch(request.user, pk)
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return shown(request, batch, form, status_of(form))
    upload = form.cleaned_data["file"]
    long = import_checks.is_long(upload.size)
    check = import_checks.receive_corrected if long else imports.check_again
    try:
        check(actor=request.user, batch=batch, file_name=upload.name, content=upload.read())
    except Refused as refusal:
        form.add_error("file", refusal.message)
        return shown(request, own_batch(request.user, pk), form, 422)
    return back_to(batch)


def require_version(request, batch: ImportBatch) -> None:
    """The page showed one verdict; what it sends is meant for that one."""
    if pk_of(request.POST.get("version", "")) != batch.version:
        raise Refused("您打开这一页以后，这份名册又检查过。请看过新的结果再办。", "stale")


@require_POST
def import_store(request, pk):
    """Store what was checked; again gives the same result."""
    batch = own_batch(request.user, pk)
    store = partial(imports.store_batch, actor=request.user, batch=batch, partial="partial" in request.POST)
    try:
        if (version := pk_of(request.POST.get("version", ""))) is None:
            raise Refused("请刷新页面，看过检查结果再存。", "stale")
        if batch.state == ImportState.CHECKED and "seen" not in request.POST and import_show.doubts(batch):
            raise Refused("还没有存。请先看过提醒和不导入的各行，打上勾再存。", "unseen")
        store(version=version)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return back_to(batch)


@require_GET
def import_annotated(request, pk):
    """The sheet with its errors marked, for a day."""
    batch = own_batch(request.user, pk)
    try:
        content = imports.fetch_annotated(actor=request.user, batch=batch)
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return back_to(batch)
    return workbook_response(content, batch.annotated.name)


@require_GET
def import_template(request):
    """The sample workbook with the recommended columns."""
    return workbook_response(template(), "党员名册样表.xlsx")


def workbook_response(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["Cache-Control"] = "no-store"
    return response
