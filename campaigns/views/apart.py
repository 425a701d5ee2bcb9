"""Second step of planning a class that the branches hold each for itself."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html

from campaigns.forms.apart import carried, held_forms
from campaigns.forms.sessions import SessionForm
from campaigns.models import Campaign, Unit
from campaigns.queries.clashes import apart_warnings
from campaigns.services import apart, sessions
from organizations.models import BulkAct
from organizations.service import Refused


def branches_apart(request, form: SessionForm, host: Unit) -> list[Unit]:
    """The branches that are to hold it each for itself; none where they sit together, or there is one."""
    if form.cleaned_data["way"] != "apart":
        return []
    try:
        branches = sessions.expand(request.user, host, form.cleaned_data["units"])
    except Refused as refusal:
        form.add_error("units", refusal.message)
        return []
    if len(branches) > apart.MOST_APART:
        words = f"分别上的，一次最多安排{apart.MOST_APART}个支部，现在选了{len(branches)}个。请分几次安排。"
        form.add_error("units", words)
    return branches if len(branches) > 1 else []


def plan_apart(request, campaign: Campaign, form: SessionForm, host: Unit, branches: list[Unit], venues):
    """The rows, and once they are sent the classes, in one act."""
    plan, refused = form.plan(), ""
    rows = held_forms(campaign, branches, plan, request.POST)
    if all(row.is_bound and row.is_valid() for row in rows):
        try:
            act = apart.plan_apart(
                actor=request.user,
                campaign=campaign,
                host=host,
                plan=plan,
                held=[row.held() for row in rows],
                request_uuid=form.cleaned_data["request_uuid"],
            )
            return _planned(request, act)
        except Refused as refusal:
            refused = refusal.message
    context = {
        "campaign": campaign,
        "form": form,
        "plan": plan,
        "rows": rows,
        "carried": carried(form),
        "refused": refused,
        "venues": venues,
    }
    is_wrong = refused or any(row.errors for row in rows)
    return render(request, "campaigns/session_apart.html", context, status=422 if is_wrong else 200)


def _planned(request, act: BulkAct):
    """To the page that fills them together, with the way back."""
    ids = list(act.changes.values_list("target_id", flat=True))
    way_back = reverse("admin:organizations_bulkact_change", args=[act.pk])
    words = '安排好了，{}个支部各一场。安排错了，<a class="undo-link" href="{}">可以一次撤销</a>。'
    messages.success(request, format_html(words, len(ids), way_back))
    for sentence in apart_warnings(ids, request.user):
        messages.info(request, sentence)
    return redirect("attendance:together", ids[0])
