from django import forms
from django.conf import settings

from organizations.forms.choices import PickField
from organizations.models import BRANCH_KINDS, Organization, User

# Beyond this many, a picker holds the upper organizations only; a branch's own page links here.
MOST_CHOICES = 600
MEGABYTE = 1024 * 1024
KINDS = ".xlsx,.xls,.csv"


def file_field(label: str, help_text: str) -> forms.FileField:
    return forms.FileField(
        label=label,
        help_text=help_text,
        error_messages={"required": "请先选择名册文件。", "empty": "这个文件是空的，请重新选择名册文件。"},
        widget=forms.FileInput(attrs={"accept": KINDS}),
    )


class FileForm(forms.Form):
    """A corrected workbook for the same import."""

    file = file_field("改好了，从这里传回来", "改好涂色的格子以后的那份表，或者重新整理的表。")

    @property
    def is_too_large(self) -> bool:
        upload = self.files.get("file")
        return bool(upload and upload.size > settings.ROSTER_MAX_BYTES)

    def clean_file(self):
        if self.is_too_large:
            limit = settings.ROSTER_MAX_BYTES // MEGABYTE
            raise forms.ValidationError(
                f"文件超过 {limit} MB。请删去图片和空白行，或按支部分成几个文件上传。"
            )
        return self.cleaned_data["file"]


class RosterForm(FileForm):
    """One workbook, and the organization whose branches it may fill."""

    organization = PickField(
        label="导入到",
        queryset=None,
        empty_label=None,
        help_text="表里的支部都要在这个党组织下面；选一个支部，表里可以不写支部。",
    )
    file = file_field("名册文件", "Excel 表格（.xlsx、.xls）或 .csv，不超过 10 MB。表头上面有标题行也可以。")
    field_order = ["organization", "file"]

    def __init__(self, *args, user: User, **kwargs):
        super().__init__(*args, **kwargs)
        mine = Organization.objects.manageable_by(user).open()
        few = mine.count() <= MOST_CHOICES
        picker = self.fields["organization"]
        picker.queryset = mine
        picker.initial = user.organization_id
        picker.choices = [
            (unit.pk, "\u3000" * (unit.depth - user.organization.depth) + unit.name)
            for unit in (mine if few else mine.exclude(kind__in=BRANCH_KINDS))
        ]
