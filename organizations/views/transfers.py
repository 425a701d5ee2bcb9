"""转接申请: asking for somebody to go outside the scope, and what became of it."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from organizations.forms.transfers import AskForm
from organizations.models import Member, Organization, TransferRequest
from organizations.paging import key_page
from organizations.queries import organization_trail
from organizations.queries import transfers as queries
from organizations.service import Refused
from organizations.services import transfer_requests
from organizations.tree import holds


@require_GET
def transfer_list(request):
    """Requests to accept, or those of one's own, by state and name."""
    sent = request.GET.get("box") == "sent"
    state, text = request.GET.get("state", ""), request.GET.get("q", "")
    state = state if state in queries.STATES else ""
    rows = queries.transfer_requests(user=request.user, sent=sent, state=state, text=text)
    context = {
        "page": key_page(request, rows, "-id"),
        "sent": sent,
        "to_answer": not sent and request.user.keeps_records,
        "state": state,
        "query": text,
        "states": [(word, label) for word, (label, _) in queries.STATES.items()],
    }
    return render(request, "organizations/transfer_list.html", context)


def found_in(rows, pk):
    found = rows.select_related(
        "member__branch", "from_branch", "addressee", "asked_by", "transfer__to_branch"
    )
    return get_object_or_404(found, pk=pk)


def request_context(user, asked: TransferRequest) -> dict:
    """Either side sees its own part: the asking one not who answers, the receiving one where from."""
    keeps, top = user.keeps_records, user.organization.path
    receives = holds(top, asked.addressee.path)
    sent = holds(top, asked.from_branch.path)
    is_waiting = asked.state == TransferRequest.State.WAITING
    may_answer = is_waiting and receives and keeps
    return {
        "asked": asked,
        "receives": receives,
        "sent": sent,
        "above": Organization.objects.get_parent(asked.from_branch),
        "is_mine": queries.is_mine(asked, user),
        "into": asked.transfer.to_branch
        if asked.transfer and holds(top, asked.transfer.to_branch.path)
        else None,
        "changed": queries.why_not_acceptable(asked) if is_waiting else "",
        "may_answer": may_answer,
        # Whom nobody else was found for: the superior passes on to a branch of its own choosing.
        "passes_on": may_answer and not asked.addressee.holds_people,
        "may_withdraw": is_waiting and sent and keeps,
    }


@require_GET
def transfer_detail(request, pk):
    """One request, as far as it concerns the reader's side."""
    asked = found_in(TransferRequest.objects.visible_to(request.user), pk)
    return render(request, "organizations/transfer_detail.html", request_context(request.user, asked))


@require_http_methods(["GET", "POST"])
def member_ask(request, pk):
    """转组织关系: the member is to go to a place outside the scope."""
    members = Member.objects.manageable_by(request.user).present()
    member = get_object_or_404(members.select_related("branch"), pk=pk)
    form = AskForm(request.POST or None, initial={"day": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            asked = transfer_requests.ask_transfer(actor=request.user, member=member, **form.cleaned_data)
            messages.success(request, "申请已经提出，等对方接收。接收以前，人和数字都还在原支部。")
            return redirect("organizations:transfer_detail", asked.pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    context = {
        "form": form,
        "member": member,
        "waiting": queries.latest_request(member, request.user),
        "trail": organization_trail(member.branch, request.user),
    }
    status = 422 if form.errors else 200
    return render(request, "organizations/member_ask.html", context, status=status)


@require_POST
def transfer_withdraw(request, pk):
    """The asking side takes its request back."""
    rows = TransferRequest.objects.manageable_by(request.user).sent_by(request.user)
    asked = found_in(rows, pk)
    try:
        transfer_requests.withdraw_request(actor=request.user, request=asked)
        messages.success(request, "申请已经撤回。")
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return redirect("organizations:transfer_detail", pk)


@require_POST
def transfer_decline(request, pk):
    """The receiving side sends it back with a reason."""
    rows = TransferRequest.objects.manageable_by(request.user).received_by(request.user)
    asked = found_in(rows, pk)
    reason = request.POST.get("reason", "")
    try:
        transfer_requests.decline_request(actor=request.user, request=asked, reason=reason)
    except Refused as refusal:
        context = request_context(request.user, asked) | {"refusal": refusal.message, "reason": reason}
        return render(request, "organizations/transfer_detail.html", context, status=422)
    messages.success(request, "已经退回，对方看得到原因。")
    return redirect("organizations:transfer_detail", pk)
