"""A list of the ledger as an Excel file: the shown columns of the rows the filters leave."""

from urllib.parse import quote

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from organizations import sheets
from organizations.fields import mask_phone
from organizations.services import changes
from organizations.services.sheets import record_export

MOST_ROWS = 5_000


def export(model_admin, request) -> HttpResponse:
    """The whole list, as the filters and the search in the address leave it."""
    if not (request.user.exports_reports and model_admin.has_view_permission(request)):
        raise Http404
    page = reverse(f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist")
    try:
        shown = model_admin.get_changelist_instance(request)
    except IncorrectLookupParameters:
        return redirect(page)
    asked = "、".join(filter(None, [shown.query, "已筛选" if shown.has_active_filters else ""]))
    answer = export_rows(model_admin, request, shown.queryset, asked)
    return answer or redirect(f"{page}?{request.GET.urlencode()}")


def export_chosen(model_admin, request, queryset) -> HttpResponse | None:
    """The ticked rows; Django's list of actions calls it."""
    return export_rows(model_admin, request, queryset, "勾选的")


export_chosen.short_description = "导出选中的（Excel）"


def export_rows(model_admin, request, queryset, asked: str) -> HttpResponse | None:
    rows = list(queryset[: MOST_ROWS + 1])
    if len(rows) > MOST_ROWS:
        words = f"超过{MOST_ROWS}行，一次导不完。请先按单位筛选，再分几次导出。"
        model_admin.message_user(request, words, messages.WARNING)
        return None
    columns = columns_of(model_admin, request)
    heads = [str(label_for_field(name, model_admin.model, model_admin)) for name in columns]
    noun = str(model_admin.opts.verbose_name_plural)
    lines = [[cell_text(model_admin, row, name) for name in columns] for row in rows]
    content = sheets.table(noun, heads, lines)
    record_export(actor=request.user, noun=noun, count=len(rows), asked=asked)
    return as_file(f"{noun}{timezone.localdate():%Y%m%d}.xlsx", content)


def columns_of(model_admin, request) -> list[str]:
    """What the list shows, without the buttons, and what an admin adds for paper."""
    shown = [name for name in model_admin.get_list_display(request) if not name.endswith("_link")]
    return [*shown, *model_admin.sheet_columns]


def cell_text(model_admin, row, name: str) -> str:
    try:
        field, _, value = lookup_field(name, row, model_admin)
    except ObjectDoesNotExist:
        return ""
    if name in model_admin.sheet_masked:
        return mask_phone(value)
    if field is not None:
        return changes.fact(row, name)[1]
    text = changes.words(value) if not isinstance(value, str) else strip_tags(value)
    return "" if text == "—" else text


def as_file(name: str, content: bytes) -> HttpResponse:
    answer = HttpResponse(content, content_type=sheets.XLSX)
    answer["Content-Disposition"] = f"attachment; filename=\"list.xlsx\"; filename*=UTF-8''{quote(name)}"
    return answer
