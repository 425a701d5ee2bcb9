"""导出名册: the member list as a workbook, with its scope and filters."""

from uuid import uuid4

from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from organizations import queries
from organizations.forms.rosters import ExportForm
from organizations.service import Refused
from organizations.services import rosters
from organizations.views.imports import workbook_response
from organizations.views.members import chosen_unit


def asked_filter(request) -> dict:
    """The organization, filter and search of the member list this export is of."""
    show = request.GET.get("show", "")
    return {
        "unit": chosen_unit(request),
        "show": show if show in queries.MEMBER_FILTERS else "",
        "text": request.GET.get("q", ""),
    }


@require_http_methods(["GET", "POST"])
def member_export(request):
    """How shall the numbers be shown? Then the file, or for a long roster the job that writes it."""
    user = request.user
    if not user.exports_reports:
        raise Http404
    asked = asked_filter(request)
    rows = queries.members(user=user, unit=asked["unit"] or user.organization, **words(asked))
    count = rosters.count_up_to_most(rows)
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return given(request, form, asked, is_long=count > rosters.MOST_AT_ONCE)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    context = asked | {
        "form": form,
        "count": count,
        "most": rosters.MOST_AT_ONCE,
        "is_long": count > rosters.MOST_AT_ONCE,
        "label": queries.MEMBER_FILTERS[asked["show"]][0],
        "whole": user.organization,
        "may_whole": user.keeps_records,
    }
    return render(request, "organizations/member_export.html", context, status=422 if form.errors else 200)


def words(asked: dict) -> dict:
    return {"show": asked["show"], "text": asked["text"]}


def given(request, form: ExportForm, asked: dict, *, is_long: bool):
    if is_long and not form.is_whole:
        job = rosters.request_roster(
            actor=request.user, form=form.cleaned_data["form_uuid"] or uuid4(), **asked
        )
        return redirect("organizations:job_detail", job.uuid)
    reason = form.cleaned_data["reason"]
    name, content = rosters.export_roster(actor=request.user, whole=form.is_whole, reason=reason, **asked)
    return workbook_response(content, name)
