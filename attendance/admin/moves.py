"""党员 in the ledger get one more act: 转到别的支部, which is the roster's business, too."""

from django import forms
from django.contrib import admin
from django.utils import timezone

from attendance.services.moving_several import KIND, move_several, undo_move
from organizations.admin.members import MEMBER_ACTS, MemberAdmin
from organizations.admin_many import Many
from organizations.forms.choices import PickByTyping, PickField
from organizations.forms.many import DayInput, ManyForm
from organizations.models import Member, Organization
from organizations.services import bulk


class TransferForm(ManyForm):
    to_branch = PickField(
        label="转到哪个党支部",
        queryset=Organization.objects.none(),
        widget=PickByTyping(Member._meta.get_field("branch"), admin.site),
        help_text="打几个字再选。一次转同一个支部的人；要转到管理范围以外，请到党员页面申请。",
    )
    day = forms.DateField(label="从哪天起", widget=DayInput, help_text="那天起在新支部参训、计数。")

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, user=user, **kwargs)
        branches = Organization.objects.manageable_by(user).open().branches()
        self.fields["to_branch"].queryset = branches
        self.fields["day"].initial = timezone.localdate()


def transfer(request, ids, values, key):
    members = list(Member.objects.manageable_by(request.user).filter(pk__in=ids))
    return move_several(actor=request.user, members=members, request_uuid=key, **values)


class TransferringMemberAdmin(MemberAdmin):
    many = [
        *MEMBER_ACTS,
        Many(
            "transfer",
            "转到别的支部",
            TransferForm,
            transfer,
            now=lambda member: member.branch.name,
        ),
    ]


bulk.UNDO[KIND] = undo_move
admin.site.unregister(Member)
admin.site.register(Member, TransferringMemberAdmin)
