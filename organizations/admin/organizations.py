from django.contrib import admin

from organizations.admin_base import ServiceAdmin
from organizations.admin_filters import tree_filter
from organizations.admin_many import Many, editing
from organizations.forms.many import ContactForm
from organizations.forms.members import NewOrganizationForm, OrganizationForm
from organizations.models import Organization
from organizations.services import organizations


class ClosedFilter(admin.SimpleListFilter):
    title = "在用"
    parameter_name = "closed"

    def lookups(self, request, model_admin):
        return [("no", "在用"), ("yes", "已撤销")]

    def queryset(self, request, queryset):
        wanted = {"no": True, "yes": False}.get(self.value())
        return queryset if wanted is None else queryset.filter(closed_on__isnull=wanted)


@admin.register(Organization)
class OrganizationAdmin(ServiceAdmin):
    list_display = ["name", "kind", "code", "contact_name", "contact_phone", "closed_on"]
    list_filter = [tree_filter("path"), "kind", ClosedFilter]
    search_fields = ["name", "code"]
    search_help_text = "名称或代码"
    ordering = ["path"]
    readonly_fields = ["closed_on"]
    sheet_masked = ["contact_phone"]
    readonly_on_change = ["code"]
    create_service = staticmethod(organizations.create_organization)
    change_service = staticmethod(organizations.change_organization)
    instance_argument = "organization"
    many = [
        Many(
            "set_contact",
            "改联系人和电话",
            ContactForm,
            editing("organization.change"),
            now=lambda row: f"{row.contact_name} {row.contact_phone}".strip() or "没有填",
        )
    ]

    def get_fields(self, request, obj=None):
        known = ["name", "kind", "code", "contact_name", "contact_phone"]
        return [*known, "closed_on"] if obj else ["parent", *known]

    def get_form(self, request, obj=None, change=False, **kwargs):
        if obj is None:
            kwargs["form"] = new_organization_form(request.user)
            kwargs["fields"] = ["code", "name", "contact_name", "contact_phone"]
        else:
            kwargs["form"] = OrganizationForm
        return super().get_form(request, obj, change, **kwargs)


def new_organization_form(account):
    """The admin builds forms itself and cannot hand over the account, so the class carries it."""

    class ScopedForm(NewOrganizationForm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, user=account, **kwargs)

    return ScopedForm
