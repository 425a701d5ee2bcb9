"""Shapes of what people type about transfers and places in the tree."""

from uuid import uuid4

from django import forms

from organizations.forms.accounts import with_place
from organizations.forms.choices import PickField, PicksField
from organizations.forms.members import date_field
from organizations.models import BRANCH_KINDS, Member, Organization, User
from organizations.tree import within


def branch_choices(user: User, besides: Organization | None = None) -> list[tuple[int | str, str]]:
    """Open branches of the scope, each with its superior: first branches of two villages are told apart."""
    mine = Organization.objects.manageable_by(user).open()
    branches = set(mine.branches().values_list("pk", flat=True)) - {besides.pk if besides else 0}
    return [("", "请选择"), *((pk, name) for pk, name in with_place(mine) if pk in branches)]


class AskForm(forms.Form):
    """Where somebody is to go, outside the scope, in the asker's own words."""

    wanted = forms.CharField(
        label="转往哪里",
        max_length=100,
        help_text="写党支部的名称，前面最好带上它的上级，例如“某某镇党委 某某村党支部”；也可以写代码。",
    )
    day = date_field("从哪天起")
    note = forms.CharField(
        label="说明", max_length=200, required=False, help_text="对方看得到，例如“随子女迁居”。"
    )


class AcceptForm(forms.Form):
    """Which of the receiving side's branches takes the member."""

    to_branch = PickField(label="接收到哪个党支部", queryset=None, empty_label="请选择")

    def __init__(self, *args, user: User, meant: Organization, **kwargs):
        super().__init__(*args, **kwargs)
        picker = self.fields["to_branch"]
        picker.queryset = Organization.objects.manageable_by(user).branches().open()
        picker.choices = branch_choices(user)
        picker.initial = meant.pk if meant.holds_people else None


class PlaceForm(forms.Form):
    """Another superior for an organization of the scope; never a branch, never below itself."""

    parent = PickField(label="新的上级党组织", queryset=None, empty_label="请选择")

    def __init__(self, *args, user: User, organization: Organization, **kwargs):
        super().__init__(*args, **kwargs)
        parents = Organization.objects.manageable_by(user).open().exclude(kind__in=BRANCH_KINDS)
        parents = parents.exclude(within("path", organization.path))
        parents = parents.exclude(path=organization.path[: -Organization.steplen])
        picker = self.fields["parent"]
        picker.queryset = parents
        picker.choices = [("", "请选择"), *with_place(parents)]


class SeveralForm(forms.Form):
    """Who of a branch goes to another one."""

    request_uuid = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)
    members = PicksField(label="转谁", queryset=None, error_messages={"required": "请先勾选要转的党员。"})
    to_branch = PickField(label="转到哪个党支部", queryset=None, empty_label="请选择")
    day = date_field("从哪天起")

    def __init__(self, *args, user: User, branch: Organization, **kwargs):
        super().__init__(*args, **kwargs)
        branches = Organization.objects.manageable_by(user).branches().open()
        self.fields["members"].queryset = Member.objects.manageable_by(user).present().filter(branch=branch)
        self.fields["to_branch"].queryset = branches.exclude(pk=branch.pk)
        self.fields["to_branch"].choices = branch_choices(user, branch)

    def clean_request_uuid(self):
        return self.cleaned_data["request_uuid"] or uuid4()
