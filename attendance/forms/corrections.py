"""Correcting a session whose register was already taken."""

from django import forms
from django.utils import timezone

from attendance.forms.makeup import at
from attendance.forms.marks import MAX_MINUTES
from campaigns.models import Topic
from organizations.forms.choices import PicksField
from organizations.forms.numbers import WholeField
from organizations.forms.versions import Versioned


class CorrectionForm(Versioned, forms.Form):
    """What may be put right of a class already recorded."""

    title = forms.CharField(label="名称", max_length=100)
    topics = PicksField(
        label="讲了哪些专题",
        queryset=Topic.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    day = forms.DateField(label="日期", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    starts = forms.TimeField(label="开始", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    ends = forms.TimeField(label="结束", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    minutes = WholeField(
        label="全程参加计多少分钟",
        min_value=1,
        max_value=MAX_MINUTES,
        required=False,
        help_text="空着＝按学时折算规则。填了就按填的算，以后改规则也不变。",
    )

    def __init__(self, *args, session, **kwargs):
        starts, ends = timezone.localtime(session.starts_at), timezone.localtime(session.ends_at)
        kwargs["initial"] = {
            "title": session.title,
            "topics": [topic.pk for topic in session.topics.all()],
            "day": starts.date(),
            "starts": starts.time(),
            "ends": ends.time(),
            "minutes": None if session.hours_rule_id else session.minutes,
        }
        super().__init__(*args, **kwargs)
        self.fields["topics"].queryset = Topic.objects.filter(campaign=session.campaign_id)
        self.stamp()

    def as_service(self) -> dict:
        cleaned = self.cleaned_data
        return {
            "title": cleaned["title"],
            "topics": list(cleaned["topics"]),
            "starts_at": at(cleaned["day"], cleaned["starts"]),
            "ends_at": at(cleaned["day"], cleaned["ends"]),
            "minutes": cleaned["minutes"],
        }
