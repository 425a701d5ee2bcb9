"""A make-up class for people already chosen."""

import re
from datetime import datetime

from django import forms
from django.utils import timezone

from campaigns.forms.sessions import title_of
from campaigns.models import Round, Topic
from organizations.forms.choices import PicksField


class MakeupForm(forms.Form):
    """A make-up class for people already chosen."""

    round = forms.ChoiceField(
        label="方式",
        choices=[(Round.MAKE_UP, "补课"), (Round.HOME, "送学上门")],
        widget=forms.RadioSelect,
    )
    topics = PicksField(
        label="补哪些专题", queryset=Topic.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    title = forms.CharField(label="名称", max_length=100, required=False)
    day = forms.DateField(label="日期", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    starts = forms.TimeField(label="开始", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    ends = forms.TimeField(label="结束", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    venue = forms.CharField(label="地点", max_length=100, required=False)
    lecturer = forms.CharField(label="主讲人", max_length=50, required=False)
    request_uuid = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, campaign, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["topics"].queryset = Topic.objects.filter(campaign=campaign)
        for name in ("title", "day", "starts", "ends", "venue", "lecturer"):
            self.fields[name].widget.attrs["class"] = "form-control"
        self.fields["title"].widget.attrs["placeholder"] = "不写就用“补课：专题名称”"

    def clean(self):
        cleaned = super().clean()
        if not cleaned.get("title", "").strip() and "round" in cleaned:
            word = dict(self.fields["round"].choices)[cleaned["round"]]
            cleaned["title"] = title_of(word, cleaned.get("topics") or [])
        if cleaned.get("starts") and cleaned.get("ends") and cleaned["ends"] <= cleaned["starts"]:
            self.add_error("ends", "结束时间要晚于开始时间。")
        return cleaned

    def as_service(self) -> dict:
        cleaned = self.cleaned_data
        return {
            "round": cleaned["round"],
            "topics": list(cleaned["topics"]),
            "title": cleaned["title"],
            "starts_at": at(cleaned["day"], cleaned["starts"]),
            "ends_at": at(cleaned["day"], cleaned["ends"]),
            "venue": cleaned["venue"],
            "lecturer_names": re.split(r"[、，,\s]+", cleaned["lecturer"]) if cleaned["lecturer"] else [],
            "request_uuid": cleaned["request_uuid"],
        }


def at(day, time) -> datetime:
    return timezone.make_aware(datetime.combine(day, time))
