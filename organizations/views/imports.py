from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import IntegerField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from organizations.forms.imports import RosterForm
from organizations.imports.lines import lines_of
from organizations.imports.template import XLSX, template
from organizations.models import ImportBatch, Member, Organization
from organizations.numbers import asked_pk
from organizations.paging import key_page
from organizations.service import Refused
from organizations.services import imports

PER_PAGE = 50
ERROR_ROWS = Cast(KT("verdict__counts__error_rows"), IntegerField())
SHOWS = ("errors", "warnings", "created", "updated")


def own_batch(user, pk: int) -> ImportBatch:
    batches = ImportBatch.objects.manageable_by(user).select_related("organization", "uploaded_by")
    return get_object_or_404(batches, pk=pk)


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
    if request.method == "POST" and (batch := checked(user, form)):
        return redirect("organizations:import_detail", batch.pk)
    batches = ImportBatch.objects.manageable_by(user).select_related("organization", "uploaded_by")
    batches = batches.defer("verdict", "settled").annotate(error_rows=ERROR_ROWS)
    batches = batches.filter(file_name__contains=request.GET.get("q", "").strip())
    context = {"form": form, "page": key_page(request, batches, "-id"), "query": request.GET.get("q", "")}
    status = 413 if form.is_bound and form.is_too_large else 422 if form.errors else 200
    return render(request, "organizations/import_upload.html", context, status=status)


def checked(user, form: RosterForm) -> ImportBatch | None:
    """The checked batch, or None with the reason on the form."""
    scope = Organization.objects.manageable_by(user)
    if chosen := form.data.get("organization"):
        get_object_or_404(scope, pk=asked_pk(chosen))
    if not form.is_valid():
        return None
    upload = form.cleaned_data["file"]
    try:
        return imports.check_roster(
            actor=user,
            organization=form.cleaned_data["organization"],
            file_name=upload.name,
            content=upload.read(),
        )
    except Refused as refusal:
        form.add_error("file", refusal.message)
        return None


@require_GET
def import_detail(request, pk):
    """The verdict: how many are new, changed, wrong; every error by row and column."""
    batch = own_batch(request.user, pk)
    counts = batch.verdict["counts"]
    default = next((show for show in SHOWS if counts[show]), "errors")
    show = request.GET.get("show", default)
    if show not in SHOWS:
        raise Http404
    page = Paginator(lines(batch, show), PER_PAGE).get_page(request.GET.get("page"))
    if show in ("created", "updated"):
        page.object_list = people(page.object_list)
    context = {
        "batch": batch,
        "counts": counts,
        "figures": figures(counts),
        "show": show,
        "page": page,
        "good": counts["created"] + counts["updated"],
        "findings": show in ("errors", "warnings"),
    }
    return render(request, "organizations/import_detail.html", context)


def figures(counts: dict) -> list[dict]:
    """What needs a hand comes first."""
    wrong = {"label": "要改", "value": counts["error_rows"], "unit": "行", "show": "errors"}
    if counts["errors"] != counts["error_rows"]:
        wrong["note"] = f"共 {counts['errors']} 处"
    people = [
        {"label": "新增", "value": counts["created"], "unit": "人", "show": "created"},
        {"label": "更新", "value": counts["updated"], "unit": "人", "show": "updated"},
        {"label": "不变", "value": counts["unchanged"], "unit": "人"},
    ]
    doubtful = {"label": "提醒", "value": counts["warnings"], "unit": "处", "show": "warnings"}
    if counts["skipped"]:
        doubtful["note"] = f"有 {counts['skipped']} 行不导入"
    return [wrong, *people, doubtful] if counts["error_rows"] else [*people, wrong, doubtful]


def lines(batch: ImportBatch, show: str) -> list[dict]:
    """Errors or warnings as stored, or the rows of people who are new or changed."""
    if show in ("errors", "warnings"):
        return batch.verdict[show]
    return lines_of(batch, show, 0, batch.row_count)[0]


def people(rows: list[dict]) -> list[dict]:
    branches = Organization.objects.in_bulk({row["branch"] for row in rows})
    known = Member.objects.defer("id_number", "phone")
    members = known.in_bulk([row["member"] for row in rows if row["member"]])
    return [
        {
            "row": row["row"],
            "name": row["name"],
            "member": members.get(row["member"]),
            "branch": branches[row["branch"]],
            "what": "、".join(change["label"] for change in row["changes"]),
        }
        for row in rows
    ]


@require_POST
def import_store(request, pk):
    """Store what was checked; again gives the same result."""
    batch = own_batch(request.user, pk)
    try:
        imports.store_batch(actor=request.user, batch=batch, partial="partial" in request.POST)
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return redirect("organizations:import_detail", batch.pk)


@require_GET
def import_annotated(request, pk):
    """The user's sheet with the wrong cells coloured; kept for a day."""
    batch = own_batch(request.user, pk)
    try:
        content = imports.fetch_annotated(actor=request.user, batch=batch)
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return redirect("organizations:import_detail", batch.pk)
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
