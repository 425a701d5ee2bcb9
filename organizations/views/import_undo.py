"""撤销这次导入: what would happen, who stands in the way; then it happens, or nothing does."""

from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from organizations.models import ImportState
from organizations.numbers import pk_of
from organizations.service import Refused
from organizations.services import import_undo as undoing
from organizations.views import import_show
from organizations.views.imports import PER_PAGE, own_batch


@require_http_methods(["GET", "POST"])
def import_undo(request, pk):
    """What would be taken back? On POST it is; refused by name where something later depends on it."""
    batch = own_batch(request.user, pk)
    if not undoing.is_undoable(batch) and batch.state != ImportState.UNDONE:
        raise Http404
    refused = ""
    if request.method == "POST":
        try:
            version = pk_of(request.POST.get("version", "")) or 0
            undoing.undo_batch(actor=request.user, batch=batch, version=version)
        except Refused as refusal:
            refused = refusal.message
    if not refused and (request.method == "POST" or batch.state == ImportState.UNDONE):
        return redirect("organizations:import_detail", pk)
    return render(
        request,
        "organizations/import_undo.html",
        context(request, batch, refused),
        status=422 if refused else 200,
    )


def context(request, batch, refused: str) -> dict:
    plan = undoing.undo_plan(batch)
    show = "updated" if request.GET.get("show") == "updated" or not plan.taken_back else "created"
    lines = plan.obstacles or import_show.lines_done(batch, show, "", request.user)
    return {
        "batch": batch,
        "plan": plan,
        "show": show,
        "refused": refused,
        "is_done": True,
        "page": Paginator(lines, PER_PAGE).get_page(request.GET.get("page")),
    }
