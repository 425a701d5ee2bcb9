"""疑似重复: who may be registered twice. Merging starts in attendance, for the registers join too."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from organizations.models import Member, Organization
from organizations.numbers import asked_pk
from organizations.paging import key_page
from organizations.queries.duplicates import (
    MOST_COMPARED,
    MOST_COUNTED,
    are_more_than,
    people,
    stays_first,
    suspects,
    twins_of,
)
from organizations.service import Refused
from organizations.services.duplicates import tell_apart
from organizations.views.members import chosen_unit


@require_GET
def member_twins(request):
    """Pairs of records of the scope, each with the reasons: to be merged, or said to be two."""
    if not request.user.keeps_records:
        raise Http404
    user, unit, text = request.user, chosen_unit(request), request.GET.get("q", "").strip()[:50]
    context = {"query": text, "whole": unit or user.organization}
    if are_more_than(MOST_COMPARED, people(user, unit)):
        below = Organization.objects.visible_to(user).open().below(context["whole"])
        context["choose"] = below.filter(depth=context["whole"].depth + 1)
        return render(request, "organizations/member_twins.html", context)
    rows = suspects(user, text, unit).select_related("branch")
    page = key_page(request, rows, "branch__path", "place_in_list", "id", most=MOST_COUNTED)
    beside = twins_of(user, page.rows, unit)
    context["pairs"] = [(stays_first(one, other), why) for one in page.rows for other, why in beside[one.pk]]
    return render(request, "organizations/member_twins.html", context | {"page": page})


@require_POST
def member_apart(request):
    """These two are not one person; nobody is asked again."""
    mine = Member.objects.manageable_by(request.user)
    one, other = (
        get_object_or_404(mine, pk=asked_pk(request.POST.get(name)) or 0) for name in ("one", "other")
    )
    try:
        tell_apart(actor=request.user, one=one, other=other)
        messages.success(request, f"记下了：这两位{one.name}不是同一人，以后不再提示。")
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return redirect("organizations:member_twins")
