"""送学上门 and 流动联系: what one visit or one call is written down with."""

from datetime import timedelta

from django import forms
from django.utils import timezone

from attendance.forms.makeup import at
from attendance.models import ContactLog
from campaigns.models import Topic
from organizations.forms.choices import PicksField

MINUTES = [(30, "半小时"), (60, "1小时"), (90, "1个半小时"), (120, "2小时")]


class HomeLessonForm(forms.Form):
    """One visit; the wish of each person is a field of its own on the page."""

    teacher = forms.CharField(
        label="谁去送的", max_length=50, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    topics = PicksField(
        label="讲了哪些专题", queryset=Topic.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    taught = forms.CharField(
        label="讲了什么",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 2}),
    )
    day = forms.DateField(
        label="哪天",
        widget=forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d"),
    )
    starts = forms.TimeField(
        label="几点去的",
        widget=forms.TimeInput(attrs={"type": "time", "class": "form-control"}, format="%H:%M"),
    )
    minutes = forms.TypedChoiceField(label="多久", choices=MINUTES, coerce=int, widget=forms.RadioSelect)
    request_uuid = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, campaign, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["topics"].queryset = Topic.objects.filter(campaign=campaign)

    def clean_day(self):
        day = self.cleaned_data["day"]
        if day > timezone.localdate():
            raise forms.ValidationError("送学登记的是已经去过的，日期不能晚于今天。")
        return day

    def as_service(self) -> dict:
        cleaned = self.cleaned_data
        starts_at = at(cleaned["day"], cleaned["starts"])
        return {
            "teacher": cleaned["teacher"],
            "topics": list(cleaned["topics"]),
            "taught": cleaned["taught"],
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(minutes=cleaned["minutes"]),
            "request_uuid": cleaned["request_uuid"],
        }


class ContactForm(forms.Form):
    """One time somebody was in touch."""

    how = forms.ChoiceField(choices=ContactLog.How)
    day = forms.DateField()
    content = forms.CharField(max_length=500, required=False)
    request_uuid = forms.UUIDField()
