from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_GET

from organizations.models import Role
from organizations.paging import key_page
from organizations.queries import audit_events
from organizations.services import downloads


@require_GET
def audit_list(request):
    """Who did what, newest first; for officers and auditors."""
    if request.user.role not in (Role.OFFICER, Role.AUDITOR):
        raise Http404
    text = request.GET.get("q", "").strip()
    rows = audit_events(user=request.user, text=text).select_related("organization")
    page = key_page(request, rows, "-id")
    if page.is_first:
        downloads.record_audit_reading(actor=request.user, text=text)
    return render(request, "organizations/audit_list.html", {"page": page, "query": text})
