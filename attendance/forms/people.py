"""What is changed about people on the roster: waivers, moves."""

from django import forms

from attendance.models import Waiver
from organizations.forms.choices import PickField
from organizations.forms.transfers import branch_choices
from organizations.models import Organization


class WaiverForm(forms.Form):
    """不作硬性要求: a reason class and a day, never a diagnosis."""

    reason = forms.ChoiceField(label="原因类别", choices=[("", "请选择"), *Waiver.Reason.choices])
    since = forms.DateField(
        label="从哪天起", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class WaiverEndForm(forms.Form):
    until = forms.DateField(
        label="从哪天起恢复应训", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class MoveForm(forms.Form):
    """To which branch, from which day on."""

    to_branch = PickField(label="转到哪个党支部", queryset=None, empty_label="请选择")
    day = forms.DateField(label="从哪天起", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, *args, user, besides, **kwargs):
        super().__init__(*args, **kwargs)
        branches = Organization.objects.manageable_by(user).branches().open()
        self.fields["to_branch"].queryset = branches.exclude(pk=besides.pk)
        self.fields["to_branch"].choices = branch_choices(user, besides)


class MergeForm(MoveForm):
    """The same for everybody of a branch, which may be closed at once."""

    close = forms.BooleanField(label="转完就撤销这个支部", required=False)
