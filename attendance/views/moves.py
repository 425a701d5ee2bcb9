"""转支部: one member, in the scope or taken over from outside it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from attendance.forms.people import MoveForm
from attendance.models import RosterEntry
from attendance.services.moving import accept_transfer, move_member
from organizations.forms.transfers import AcceptForm
from organizations.models import Member, TransferRequest
from organizations.queries import organization_trail
from organizations.queries.transfers import latest_request
from organizations.service import Refused


@require_http_methods(["GET", "POST"])
def member_move(request, pk):
    """One member to another branch of the scope, from a day on."""
    members = Member.objects.manageable_by(request.user).present()
    member = get_object_or_404(members.select_related("branch"), pk=pk)
    initial = {"day": timezone.localdate()}
    form = MoveForm(request.POST or None, user=request.user, besides=member.branch, initial=initial)
    if acted(request, form, move_member, member=member):
        messages.success(request, f"{member.name}已经转到{form.cleaned_data['to_branch'].name}。")
        return redirect("organizations:member_detail", pk)
    trail = organization_trail(member.branch, request.user)
    waiting = latest_request(member, request.user)
    context = {"form": form, "member": member, "trail": trail, "waiting": waiting}
    return render(request, "attendance/member_move.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def transfer_accept(request, pk):
    """Somebody from outside the scope, whose side asked for it, into one of our branches."""
    rows = TransferRequest.objects.manageable_by(request.user).received_by(request.user)
    asked = get_object_or_404(rows.select_related("member", "from_branch", "addressee"), pk=pk)
    form = AcceptForm(request.POST or None, user=request.user, meant=asked.addressee)
    if acted(request, form, accept_transfer, request=asked):
        into = form.cleaned_data["to_branch"]
        counts = RosterEntry.objects.present().filter(
            is_open=True, member=asked.member_id, unit__organization=into
        )
        more = "，冬训名册一起改好了" if counts.exists() else ""
        messages.success(request, f"{asked.member.name}已经接收到{into.name}{more}。")
        return redirect("organizations:member_detail", asked.member_id)
    context = {"form": form, "asked": asked}
    return render(request, "attendance/transfer_accept.html", context, status=422 if form.errors else 200)


def acted(http, form, act, **who) -> bool:
    """Whether the form was sent, is right, and the act was not refused; a refusal stands in the form."""
    if http.method != "POST" or not form.is_valid():
        return False
    try:
        act(actor=http.user, **who, **form.cleaned_data)
    except Refused as refusal:
        form.add_error(None, refusal.message)
    return not form.errors
