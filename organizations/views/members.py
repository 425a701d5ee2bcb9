from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from organizations import queries
from organizations.forms.members import LeaveForm, MemberForm, NewMemberForm
from organizations.models import Member, Organization
from organizations.numbers import asked_pk
from organizations.paging import MOST_FOUND, key_page
from organizations.queries.duplicates import registered_elsewhere
from organizations.queries.transfers import latest_request, who_left
from organizations.service import Refused
from organizations.services import members

MOST_BRANCHES_TO_CHOOSE = 60


def chosen_unit(request) -> Organization | None:
    """The organization in `?unit=`, inside the scope; anything else is 404."""
    pk = asked_pk(request.GET.get("unit"))
    return pk and get_object_or_404(Organization.objects.visible_to(request.user), pk=pk)


@require_GET
def member_list(request):
    """Members of the scope by branch order; by name, initials, branch, floating, home-bound, left."""
    unit, text = chosen_unit(request), request.GET.get("q", "")
    show = request.GET.get("show", "")
    show = show if show in queries.MEMBER_FILTERS else ""
    rows = queries.members(user=request.user, unit=unit, show=show, text=text)
    branches = Organization.objects.visible_to(request.user).branches().open()[: MOST_BRANCHES_TO_CHOOSE + 1]
    context = {
        "page": key_page(
            request, rows, "branch__path", "place_in_list", "id", most=MOST_FOUND if text or show else None
        ),
        "unit": unit,
        "query": text,
        "show": show,
        "filters": [(word, label) for word, (label, _) in queries.MEMBER_FILTERS.items()],
        "branches": branches if len(branches) <= MOST_BRANCHES_TO_CHOOSE else [],
        "whole": request.user.organization,
    }
    return render(request, "organizations/member_list.html", context)


@require_POST
def member_find(request):
    """By ID number or phone: sent as a form, for an address would keep the number."""
    if not request.user.keeps_records:
        raise Http404
    try:
        member = members.look_up_member(actor=request.user, number=request.POST.get("number", ""))
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return redirect("organizations:member_list")
    if member:
        return redirect("organizations:member_detail", member.pk)
    messages.warning(request, "没有查到。只能查到您管理范围内登记了这个号码的党员。")
    return redirect("organizations:member_list")


def member_context(request, member: Member) -> dict:
    return {
        "member": member,
        "trail": queries.organization_trail(member.branch, request.user),
        "events": queries.member_history(member, request.user),
        "may_change": request.user.keeps_records and member.merged_into_id is None,
        "leave_form": LeaveForm(),
        "transfer_request": latest_request(member, request.user),
    }


@require_GET
def member_detail(request, pk):
    """One member: what is known, masked, and the history."""
    seen = Member.objects.visible_to(request.user).select_related("branch", "merged_into")
    member = get_object_or_404(seen, pk=pk)
    return render(request, "organizations/member_detail.html", member_context(request, member))


@require_POST
def member_reveal(request, pk):
    """The full numbers, once, for a reason that is kept."""
    member = get_object_or_404(Member.objects.manageable_by(request.user).select_related("branch"), pk=pk)
    context, status = {}, 200
    try:
        reason = request.POST.get("reason", "")
        numbers = members.reveal_member(actor=request.user, member=member, reason=reason)
        context["revealed"] = dict(zip(("id_number", "phone"), numbers, strict=True))
    except Refused as refusal:
        context["refusal"], status = refusal.message, 422
    template = "organizations/_member_numbers.html" if request.htmx else "organizations/member_detail.html"
    return render(request, template, member_context(request, member) | context, status=status)


@require_http_methods(["GET", "POST"])
def member_new(request):
    """Register a new member of a branch."""
    if not request.user.keeps_records:
        raise Http404
    form = NewMemberForm(
        request.POST or None, user=request.user, initial={"branch": request.GET.get("branch")}
    )
    context = {"form": form}
    if request.method == "POST" and form.is_valid():
        values = form.changes() | {"branch": form.cleaned_data["branch"]}
        try:
            member = members.create_member(actor=request.user, **values)
            messages.success(request, f"{member.name}已经登记。")
            _warn_of_twin(request, member)
            return redirect("organizations:member_detail", member.pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
            context["returning"] = who_left(form.cleaned_data["id_number"], request.user)
    status = 422 if form.errors else 200
    return render(request, "organizations/member_form.html", context, status=status)


def _warn_of_twin(request, member: Member) -> None:
    """Who only changed branches is transferred, and keeps what they attended; a new record does not."""
    if other := registered_elsewhere(request.user, member):
        twins = reverse("organizations:member_twins", query={"q": member.name})
        words = '{}可能已经登记在{}，<a href="{}">去核对</a>。'
        messages.warning(request, format_html(words, member.name, other.branch.name, twins))


@require_http_methods(["GET", "POST"])
def member_edit(request, pk):
    """Correct a member's data; the branch changes by transfer only."""
    member = get_object_or_404(Member.objects.manageable_by(request.user).select_related("branch"), pk=pk)
    form = MemberForm(request.POST or None, instance=member)
    if request.method == "POST" and form.is_valid():
        try:
            members.change_member(actor=request.user, member=member, **form.changes())
            messages.success(request, "改好了。")
            return redirect("organizations:member_detail", member.pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    context = {
        "form": form,
        "member": member,
        "trail": queries.organization_trail(member.branch, request.user),
    }
    return render(request, "organizations/member_form.html", context, status=form.answer_status)


@require_POST
def member_leave(request, pk):
    """End a membership here."""
    member = get_object_or_404(Member.objects.manageable_by(request.user).select_related("branch"), pk=pk)
    form = LeaveForm(request.POST)
    context = member_context(request, member) | {"leave_form": form}
    if form.is_valid():
        try:
            members.leave_member(actor=request.user, member=member, **form.cleaned_data)
            messages.success(request, f"{member.name}已经登记离开。名册要不要跟着改，请到冬训名册里确认。")
            return redirect("organizations:member_detail", pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    return render(request, "organizations/member_detail.html", context, status=422)
