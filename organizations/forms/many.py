"""What an act on many records asks before it is done."""

from uuid import uuid4

from django import forms

from organizations.models import Category, Member, Organization

YES_NO = [("1", "是"), ("0", "否")]


class ManyForm(forms.Form):
    """Asked on the page that says who is concerned. `key`: one page is done once, however often sent."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, user, **kwargs):
        kwargs.setdefault("initial", {"key": uuid4()})
        super().__init__(*args, **kwargs)
        self.user = user

    def values(self) -> dict:
        """What is to be written."""
        return {name: value for name, value in self.cleaned_data.items() if name != "key"}


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%d")


class PartyGroupForm(ManyForm):
    party_group = forms.CharField(
        label="党小组",
        required=False,
        max_length=Member._meta.get_field("party_group").max_length,
        help_text="例如：二组。空着就是去掉党小组。",
    )


class CategoryForm(ManyForm):
    category = forms.ChoiceField(
        label="人员类别", choices=Category, widget=forms.RadioSelect, help_text="预备党员转正，选正式党员。"
    )


def yes_no(label: str, help_text: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        choices=YES_NO,
        coerce=lambda value: value == "1",
        widget=forms.RadioSelect,
        help_text=help_text,
    )


class FloatingForm(ManyForm):
    is_floating = yes_no("流动党员", "选“否”，外出流向和联系人一起清掉。")
    floating_to = forms.CharField(
        label="外出流向", required=False, max_length=100, help_text="例如：苏州昆山。空着就不改原来写的。"
    )
    contact_person = forms.CharField(
        label="联系人", required=False, max_length=50, help_text="负责联系的人。空着就不改原来写的。"
    )

    def values(self) -> dict:
        values = super().values()
        if not values["is_floating"]:
            return {"is_floating": False, "floating_to": "", "contact_person": ""}
        return {name: value for name, value in values.items() if value}


class HomeBoundForm(ManyForm):
    is_home_bound = yes_no("居家（需送学上门）", "选“是”，补课时会提醒送学上门。")


class ContactForm(ManyForm):
    contact_name = forms.CharField(
        label="联系人", required=False, max_length=Organization._meta.get_field("contact_name").max_length
    )
    contact_phone = forms.CharField(
        label="联系电话",
        required=False,
        max_length=Organization._meta.get_field("contact_phone").max_length,
        help_text="办公电话或手机。空着的一项不改。",
    )

    def clean(self):
        cleaned = super().clean()
        if not cleaned.get("contact_name") and not cleaned.get("contact_phone"):
            raise forms.ValidationError("联系人和联系电话至少填一项。")
        return cleaned

    def values(self) -> dict:
        return {name: value for name, value in super().values().items() if value}
