"""Branches merge and split: everybody of one to another, or several people who are chosen."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from attendance.forms.people import MergeForm
from attendance.queries.moving import contents_of
from attendance.services import moving_several
from attendance.services.moving import merge_branch
from attendance.views.moves import acted
from organizations.forms.transfers import SeveralForm
from organizations.models import BulkAct, Member, Organization, Transfer
from organizations.queries import organization_trail
from organizations.service import Refused
from organizations.services.bulk import UNDO_WITHIN


def get_branch(request, pk) -> Organization:
    return get_object_or_404(Organization.objects.manageable_by(request.user).branches().open(), pk=pk)


@require_http_methods(["GET", "POST"])
def branch_merge(request, pk):
    """Everybody of one branch to another, with what is in it before it is done."""
    branch = get_branch(request, pk)
    initial = {"day": timezone.localdate()}
    form = MergeForm(request.POST or None, user=request.user, besides=branch, initial=initial)
    if acted(request, form, merge_branch, branch=branch):
        into, closed = form.cleaned_data["to_branch"], form.cleaned_data["close"]
        after = "这个支部已经撤销。" if closed else "支部不再用的，可以在这里撤销。"
        messages.success(request, f"{branch.name}的党员都转到{into.name}了。{after}")
        return redirect("organizations:organization_detail", pk)
    contents = contents_of(branch)
    context = {
        "form": form,
        "branch": branch,
        "contents": contents,
        "may_close": branch.pk != request.user.organization_id and not contents.accounts,
        "trail": organization_trail(branch, request.user),
    }
    return render(request, "attendance/branch_merge.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def branch_move(request, pk):
    """Several chosen people of a branch to another one: a branch is split."""
    branch = get_branch(request, pk)
    initial = {"day": timezone.localdate()}
    form = SeveralForm(request.POST or None, user=request.user, branch=branch, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            act = moving_several.move_several(actor=request.user, **form.cleaned_data)
            return (
                redirect("attendance:moved_detail", act.pk) if act else redirect("attendance:branch_move", pk)
            )
        except Refused as refusal:
            form.add_error(None, refusal.message)
    context = {
        "form": form,
        "branch": branch,
        "people": form.fields["members"].queryset.order_by("place_in_list", "id")[: moving_several.MOST],
        "ticked": set(request.POST.getlist("members")),
        "trail": organization_trail(branch, request.user),
    }
    return render(request, "attendance/branch_move.html", context, status=422 if form.errors else 200)


def get_act(rows, pk):
    return get_object_or_404(rows.filter(kind=moving_several.KIND), pk=pk)


@require_GET
def moved_detail(request, pk):
    """Who was moved together, and the way back."""
    act = get_act(BulkAct.objects.visible_to(request.user), pk)
    rows = Transfer.objects.filter(pk__in=act.changes.values("target_id")).order_by("pk")
    transfers = list(rows.select_related("member", "from_branch", "to_branch"))
    mine = Member.objects.visible_to(request.user).filter(pk__in=[one.member_id for one in transfers])
    is_fresh = not act.undone_at and timezone.now() - act.at < UNDO_WITHIN
    context = {
        "act": act,
        "transfers": transfers,
        "mine": set(mine.values_list("pk", flat=True)),
        "first": transfers[0],
        "may_undo": is_fresh and request.user.keeps_records,
    }
    return render(request, "attendance/moved_detail.html", context)


@require_POST
def moved_undo(request, pk):
    """Back to where they came from, all who are still as the move left them."""
    act = get_act(BulkAct.objects.manageable_by(request.user), pk)
    try:
        undone = moving_several.undo_move(actor=request.user, act=act)
        if undone.left:
            messages.warning(request, f"转回{undone.done}人；没有动的：{'、'.join(undone.left)}。")
        else:
            messages.success(request, f"已经撤销，转回{undone.done}人。")
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return redirect("attendance:moved_detail", pk)
