"""People in the class who are no members: names of one category, or numbers by category."""

import re

from django import forms

from campaigns.models import TraineeCategory
from campaigns.services.trainees import MOST_HEADS
from organizations.forms.numbers import WholeField

BREAKS = re.compile(r"[,，、;；\s]+")


class TraineesForm(forms.Form):
    category = forms.ChoiceField(
        label="类别",
        choices=[("", "请选择"), *TraineeCategory.choices],
        error_messages={"required": "请选择类别。", "invalid_choice": "请选择类别。"},
    )
    names = forms.CharField(
        label="姓名",
        max_length=4000,
        error_messages={"required": "请写姓名。", "max_length": "一次写得太多了，请分几次记。"},
    )
    village = forms.CharField(
        label="村（居）", max_length=50, required=False, error_messages={"max_length": "村（居）最多50个字。"}
    )
    request_uuid = forms.UUIDField(error_messages={"required": "请刷新页面再登记。"})

    def clean_names(self):
        return [name for name in BREAKS.split(self.cleaned_data["names"]) if name]


class HeadsForm(forms.Form):
    """A number for each category; left empty it is 0."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for value, label in TraineeCategory.choices:
            wrong = f"{label}的人数请填0到{MOST_HEADS}之间的数字。"
            self.fields[f"heads_{value}"] = WholeField(
                label=label,
                required=False,
                min_value=0,
                max_value=MOST_HEADS,
                error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), wrong),
            )

    def heads(self) -> dict[str, int]:
        return {value: self.cleaned_data[f"heads_{value}"] or 0 for value in TraineeCategory.values}
