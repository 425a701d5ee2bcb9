"""Shapes of what people type about members and organizations."""

from django import forms

from organizations.forms.choices import PickField
from organizations.forms.versions import Versioned
from organizations.models import BRANCH_KINDS, Member, Organization, OrganizationKind, User
from organizations.services.members import LEFT_REASONS


def date_field(label: str, **options) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options
    )


class MemberForm(Versioned, forms.ModelForm):
    """A member's data. ID number and phone are never sent to the browser: empty means unchanged."""

    birth_date = date_field("出生日期", required=False)
    joined_party_on = date_field("入党日期", required=False)
    id_number = forms.CharField(label="身份证号", max_length=30, required=False)
    phone = forms.CharField(label="手机", max_length=30, required=False)
    field_order = ["branch", "name", "sex", "category", "post", "party_group", "id_number", "phone"]

    class Meta:
        model = Member
        fields = [
            "name",
            "sex",
            "category",
            "post",
            "party_group",
            "birth_date",
            "joined_party_on",
            "is_floating",
            "floating_to",
            "contact_person",
            "is_home_bound",
            "is_in_difficulty",
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("id_number", "phone"):
            self.fields[name].widget.attrs |= {"autocomplete": "off", "inputmode": "text"}
            if known := self.instance.pk and getattr(self.instance, f"masked_{name}"):
                self.fields[name].help_text = f"已登记 {known}；不改就空着。"
        if self.instance.pk:
            self.stamp()

    def changes(self) -> dict:
        """Only what was changed; an empty number field is no change."""
        return {
            name: self.cleaned_data[name]
            for name in self.changed_data
            if name not in ("id_number", "phone") or self.cleaned_data[name]
        }


class NewMemberForm(MemberForm):
    """The same with the branch, which is chosen once."""

    branch = PickField(label="所在党支部", queryset=None, empty_label="请选择")
    is_another = forms.BooleanField(
        label="确实是另一个人", required=False, help_text="支部里有同名、同出生日期的党员时才要勾。"
    )

    def __init__(self, *args, user: User, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["branch"].queryset = Organization.objects.manageable_by(user).branches().open()


class LeaveForm(forms.Form):
    """The end of a membership here."""

    left_on = date_field("离开日期")
    reason = forms.ChoiceField(label="原因", choices=[("", "请选择"), *((r, r) for r in LEFT_REASONS)])


class ReturnForm(forms.Form):
    """A membership that goes on, here or in another branch of the scope."""

    branch = PickField(label="回到哪个党支部", queryset=None, empty_label="请选择")
    day = date_field("回来的日期")

    def __init__(self, *args, user: User, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["branch"].queryset = Organization.objects.manageable_by(user).branches().open()


class OrganizationForm(Versioned, forms.ModelForm):
    """An existing organization: name, kind, contact. Code and place in the tree stay."""

    class Meta:
        model = Organization
        fields = ["name", "kind", "contact_name", "contact_phone"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.stamp()

    def changes(self) -> dict:
        return {name: self.cleaned_data[name] for name in self.changed_data}


class NewOrganizationForm(forms.ModelForm):
    """A new organization below one that is not a branch."""

    parent = PickField(label="上级党组织", queryset=None)
    kind = forms.ChoiceField(label="类别", choices=OrganizationKind.choices, initial=OrganizationKind.BRANCH)
    field_order = ["parent", "name", "kind", "code"]

    class Meta:
        model = Organization
        fields = ["code", "name", "contact_name", "contact_phone"]

    def __init__(self, *args, user: User, **kwargs):
        super().__init__(*args, **kwargs)
        parents = Organization.objects.manageable_by(user).open().exclude(kind__in=BRANCH_KINDS)
        self.fields["parent"].queryset = parents
