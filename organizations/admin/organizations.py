from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from organizations.admin_base import ServiceAdmin
from organizations.forms.members import NewOrganizationForm, OrganizationForm
from organizations.models import Member, Organization
from organizations.queries import member_history
from organizations.services import members, organizations


@admin.register(Organization)
class OrganizationAdmin(ServiceAdmin):
    list_display = ["name", "kind", "code", "contact_name", "contact_phone", "closed_on"]
    list_filter = ["kind"]
    search_fields = ["name", "code"]
    ordering = ["path"]
    readonly_fields = ["closed_on"]
    readonly_on_change = ["code"]
    create_service = staticmethod(organizations.create_organization)
    change_service = staticmethod(organizations.change_organization)
    instance_argument = "organization"

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


class AnotherForm(forms.ModelForm):
    """A new member, with the answer to “is this not the one you have?”."""

    is_another = forms.BooleanField(
        label="确实是另一个人", required=False, help_text="支部里有同名、同出生日期的党员时才要勾。"
    )


@admin.register(Member)
class MemberAdmin(ServiceAdmin):
    """ID number and phone are masked; they are entered and looked at in the workbench."""

    list_display = ["name", "branch", "party_group", "category", "post", "situation"]
    list_filter = ["category", "is_floating", "is_home_bound"]
    list_select_related = ["branch"]
    search_fields = ["name__startswith", "initials__startswith"]
    ordering = ["branch__path", "place_in_list", "id"]
    autocomplete_fields = ["branch"]
    readonly_fields = ["shown_id_number", "shown_phone", "left_on", "left_reason", "workbench"]
    readonly_on_change = ["branch"]
    create_service = staticmethod(members.create_member)
    change_service = staticmethod(members.change_member)
    instance_argument = "member"
    typed = [
        "branch",
        "name",
        "sex",
        "birth_date",
        "category",
        "post",
        "party_group",
        "joined_party_on",
        "is_floating",
        "floating_to",
        "contact_person",
        "is_home_bound",
        "is_in_difficulty",
    ]

    def get_fields(self, request, obj=None):
        return [*self.typed, *self.readonly_fields] if obj else [*self.typed, "is_another"]

    def get_form(self, request, obj=None, change=False, **kwargs):
        if obj is None:
            kwargs["form"] = AnotherForm
        return super().get_form(request, obj, change, **kwargs)

    def events_of(self, member, user):
        return member_history(member, user, most=200)

    @admin.display(description="情况")
    def situation(self, member):
        flags = [(member.left_on, "已离开"), (member.is_floating, "流动"), (member.is_home_bound, "居家")]
        return "、".join(word for flag, word in flags if flag) or "—"

    @admin.display(description="身份证号")
    def shown_id_number(self, member):
        return member.masked_id_number or "没有登记"

    @admin.display(description="手机")
    def shown_phone(self, member):
        return member.masked_phone or "没有登记"

    @admin.display(description="工作台")
    def workbench(self, member):
        url = reverse("organizations:member_detail", args=[member.pk])
        return format_html('<a href="{}">登记号码、离开，看办理经过</a>', url)
