"""Asking leave in advance: a reason class, and days or classes."""

import uuid

from django import forms

from attendance.models import Leave
from campaigns.models import TrainingSession
from organizations.forms.choices import PicksField


def day_field(label: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(
        label=label, required=False, widget=widget, error_messages={"invalid": "请填一个有的日期。"}
    )


class LeaveForm(forms.Form):
    """From a day to a day, or some classes; both at once is not clear."""

    reason = forms.ChoiceField(
        label="原因",
        choices=Leave.Reason.choices,
        error_messages={"required": "请选择原因。", "invalid_choice": "请选择原因。"},
    )
    since = day_field("从哪天")
    until = day_field("到哪天（含当天）")
    sessions = PicksField(
        label="只请其中几场",
        queryset=TrainingSession.objects.none(),
        required=False,
        error_messages={"invalid_choice": "选的场次里有一场不能再请假，请重新选。"},
    )
    request_uuid = forms.UUIDField(
        widget=forms.HiddenInput, error_messages={"required": "请刷新页面再登记。"}
    )

    def __init__(self, *args, sessions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["sessions"].queryset = sessions
        self.fields["request_uuid"].initial = uuid.uuid4

    def clean(self):
        cleaned = super().clean()
        days = cleaned.get("since") or cleaned.get("until")
        if cleaned.get("sessions") and days:
            raise forms.ValidationError("日期和场次请只填一样：整段时间填日期，只缺几场就选场次。")
        # One day: the last may be left out.
        if cleaned.get("since") and not cleaned.get("until") and "until" not in self.errors:
            cleaned["until"] = cleaned["since"]
        return cleaned

    @property
    def first_error(self) -> str:
        return next(error for errors in self.errors.values() for error in errors)
