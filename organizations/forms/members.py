"""Shapes of what people type about members and organizations."""

from django import forms
from django.utils.functional import cached_property

from organizations.forms.choices import PickField
from organizations.forms.versions import Versioned
from organizations.imports.ordinary import day_as_text
from organizations.imports.values import CellProblem, parse_date
from organizations.models import (
    BRANCH_KINDS,
    PRECISION_OF,
    Member,
    Organization,
    OrganizationKind,
    Precision,
    User,
)
from organizations.services.members import LEFT_REASONS


def date_field(label: str, **options) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options
    )


class KnownDayField(forms.CharField):
    """A day, or as much of it as is known, as rosters write it. Cleans to the day and how exact it is."""

    def __init__(self, label: str, help_text: str = ""):
        help_text += "只知道年月写 1965-07，只知道年写 1965。"
        super().__init__(label=label, required=False, max_length=40, help_text=help_text)

    def clean(self, value):
        try:
            return parse_date(super().clean(value))
        except CellProblem as problem:
            raise forms.ValidationError(problem.message, code=problem.code) from problem


class KnownDays(forms.ModelForm):
    """The days of a member: each goes to the service with its precision, and only where either changed."""

    birth_date = KnownDayField("出生日期", "例如 1965-07-12；")
    joined_party_on = KnownDayField("入党日期", "支部大会通过预备党员的日期；")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, precision in PRECISION_OF.items():
            if day := getattr(self.instance, name):
                self.initial[name] = day_as_text((day, getattr(self.instance, precision)))

    def clean(self):
        cleaned = super().clean()
        for name, precision in PRECISION_OF.items():
            if name in cleaned:
                cleaned[name], cleaned[precision] = cleaned[name] or (None, Precision.DAY)
        return cleaned

    @cached_property
    def changed_data(self):
        changed = super().changed_data
        return [*changed, *(PRECISION_OF[name] for name in changed if name in PRECISION_OF)]


class MemberForm(Versioned, KnownDays):
    """A member's data. ID number and phone are never sent to the browser: empty means unchanged."""

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
