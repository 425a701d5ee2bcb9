from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from organizations import queries
from organizations.forms.members import NewOrganizationForm, OrganizationForm
from organizations.forms.transfers import PlaceForm
from organizations.models import Organization, User
from organizations.paging import key_page
from organizations.queries.history import record_history
from organizations.service import Refused
from organizations.services import organizations
from organizations.tree import within


@require_GET
def organization_list(request):
    """The scope: its next level with counts, or what a search finds anywhere in it."""
    text = request.GET.get("q", "").strip()
    rows = Organization.objects.visible_to(request.user)
    next_level = request.user.organization.depth + 1
    rows = rows.search(text) if text else rows.open().filter(depth__lte=next_level)
    context = {"page": key_page(request, queries.with_counts(rows), "path"), "query": text}
    return render(request, "organizations/organization_list.html", context)


def organization_context(request, organization: Organization) -> dict:
    children = Organization.objects.below(organization).filter(depth=organization.depth + 1)
    counted = queries.with_counts(Organization.objects.filter(pk=organization.pk)).get()
    accounts = User.objects.visible_to(request.user).filter(organization=organization)
    return {
        "organization": counted,
        "trail": queries.organization_trail(organization, request.user),
        "page": key_page(request, queries.with_counts(children), "path"),
        "accounts": accounts if request.user.keeps_records else [],
        "events": record_history(organization, request.user, most=20),
        "may_change": request.user.keeps_records,
    }


@require_GET
def organization_detail(request, pk):
    """One organization: what lies below it, how many members, who works in it."""
    organization = get_object_or_404(Organization.objects.visible_to(request.user), pk=pk)
    context = organization_context(request, organization)
    return render(request, "organizations/organization_detail.html", context)


@require_http_methods(["GET", "POST"])
def organization_new(request):
    """A new organization below one of the scope."""
    if not request.user.keeps_records:
        raise Http404
    initial = {"parent": request.GET.get("parent")}
    form = NewOrganizationForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            created = organizations.create_organization(actor=request.user, **form.cleaned_data)
            messages.success(request, f"{created.name}已经建好。")
            return redirect("organizations:organization_detail", created.pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    status = 422 if form.errors else 200
    return render(request, "organizations/organization_form.html", {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
def organization_edit(request, pk):
    """Rename, correct kind and contact."""
    organization = get_object_or_404(Organization.objects.manageable_by(request.user), pk=pk)
    form = OrganizationForm(request.POST or None, instance=organization)
    if request.method == "POST" and form.is_valid():
        try:
            organizations.change_organization(actor=request.user, organization=organization, **form.changes())
            messages.success(request, "改好了。")
            return redirect("organizations:organization_detail", pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    trail = queries.organization_trail(organization, request.user)
    context = {"form": form, "organization": organization, "trail": trail}
    return render(request, "organizations/organization_form.html", context, status=form.answer_status)


@require_http_methods(["GET", "POST"])
def organization_move(request, pk):
    """Under another superior, with what that means before it is done."""
    mine = Organization.objects.manageable_by(request.user).open().exclude(pk=request.user.organization_id)
    organization = get_object_or_404(mine, pk=pk)
    form = PlaceForm(request.POST or None, user=request.user, organization=organization)
    if request.method == "POST" and form.is_valid():
        parent = form.cleaned_data["parent"]
        try:
            organizations.move_organization(actor=request.user, organization=organization, parent=parent)
            messages.success(request, f"{organization.name}已经划到{parent.name}下面。")
            return redirect("organizations:organization_detail", pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    context = {
        "form": form,
        "organization": queries.with_counts(Organization.objects.filter(pk=pk)).get(),
        "above": Organization.objects.get_parent(organization),
        "accounts": User.objects.visible_to(request.user).filter(
            within("organization__path", organization.path), is_active=True
        ),
        "trail": queries.organization_trail(organization, request.user),
    }
    status = 422 if form.errors else 200
    return render(request, "organizations/organization_move.html", context, status=status)


@require_POST
def organization_close(request, pk):
    """Close an organization nothing is left in."""
    organization = get_object_or_404(Organization.objects.manageable_by(request.user), pk=pk)
    try:
        organizations.close_organization(actor=request.user, organization=organization)
        messages.success(request, f"{organization.name}已经撤销。")
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return redirect("organizations:organization_detail", pk)
