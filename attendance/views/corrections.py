"""更正: a class already recorded was written down wrongly, or should not count at all."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from attendance.forms.corrections import CorrectionForm
from attendance.services.corrections import correct_session, void_session
from campaigns.models import TrainingSession
from organizations.service import Refused


def _hosted(request, pk):
    hosted = TrainingSession.objects.hosted_by(request.user).select_related("campaign", "host", "form")
    return get_object_or_404(hosted, pk=pk)


@require_http_methods(["GET", "POST"])
def session_correct(request, pk):
    """Title, topics, time and length of a recorded class; who was expected stays."""
    session = _hosted(request, pk)
    if not session.is_valid or not session.parts.filter(recorded_at__isnull=False).exists():
        messages.warning(request, "只有点过名、没有作废的场次才在这里更正。")
        return redirect("campaigns:session_detail", pk)
    form = CorrectionForm(request.POST or None, session=session)
    if request.method == "POST" and form.is_valid():
        try:
            correct_session(actor=request.user, session=session, **form.as_service())
            messages.success(request, "更正好了，有关的数字都跟着变了。")
            return redirect("campaigns:session_detail", pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    context = {"form": form, "session": session, "campaign": session.campaign}
    return render(request, "attendance/session_correct.html", context, status=form.answer_status)


@require_POST
def session_void(request, pk):
    """A wrong class counts no more, with a reason; nothing is deleted."""
    session = _hosted(request, pk)
    try:
        void_session(actor=request.user, session=session, reason=request.POST.get("reason", ""))
        messages.success(request, "已作废，这场不再计入任何数字。")
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return redirect("campaigns:session_detail", pk)
