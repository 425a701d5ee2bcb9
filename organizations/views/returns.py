from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from organizations import queries
from organizations.forms.members import ReturnForm
from organizations.models import Member
from organizations.service import Refused
from organizations.services.transfers import return_member


@require_http_methods(["GET", "POST"])
def member_return(request, pk):
    """Somebody who had left is a member here again."""
    members = Member.objects.manageable_by(request.user).filter(left_on__isnull=False)
    member = get_object_or_404(members.select_related("branch"), pk=pk)
    initial = {"branch": member.branch_id, "day": timezone.localdate()}
    form = ReturnForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return_member(actor=request.user, member=member, **form.cleaned_data)
            messages.success(
                request,
                f"{member.name}已经登记回来。进行中的冬训，请到“名册变动”里按“全部加入名册”，数字才会跟着变。",
            )
            return redirect("organizations:member_detail", pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    trail = queries.organization_trail(member.branch, request.user)
    context = {"form": form, "member": member, "trail": trail}
    return render(request, "organizations/member_return.html", context, status=422 if form.errors else 200)
