"""One class as its organizer writes it down."""

import re
import uuid
from datetime import date, datetime, timedelta

from django import forms
from django.utils import timezone

from campaigns.forms.campaigns import day_field
from campaigns.models import (
    Campaign,
    Round,
    SessionUnit,
    Topic,
    TrainingForm,
    TrainingSession,
    Unit,
    clock_minutes,
)
from campaigns.services.sessions import LONGEST_MINUTES, Plan
from organizations.forms.choices import PickField, PicksField
from organizations.forms.numbers import WholeField
from organizations.forms.versions import Versioned
from organizations.models import Category

LENGTHS = [
    ("60", "1小时"),
    ("90", "1个半小时"),
    ("120", "2小时"),
    ("180", "3小时"),
    ("240", "半天4小时"),
    ("", "其他"),
]
AUDIENCES = [("WHOLE", "全体党员"), *((value, f"只有{label}") for value, label in Category.choices)]
LONGEST_ABOUT = 40
NAME_BREAKS = re.compile(r"[,，、;；\s]+")
# Whether the ticked branches sit together or each holds it for itself.
WAYS = [("", "一起上一堂课"), ("apart", "各支部分别上")]


def start_field() -> forms.TimeField:
    return forms.TimeField(
        label="开始时间",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": "请写成 09:00 这样的时间。"},
    )


def day_inside(campaign: Campaign, day: date) -> date:
    if not campaign.starts_on <= day <= campaign.ends_on:
        raise forms.ValidationError(f"日期要在冬训期间（{campaign.starts_on} 至 {campaign.ends_on}）内。")
    return day


class SessionForm(Versioned, forms.Form):
    """A new class, or a planned one to be changed."""

    request_uuid = forms.UUIDField(widget=forms.HiddenInput, required=False)
    form = PickField(label="形式", queryset=None, empty_label=None)
    title = forms.CharField(label="名称", max_length=100, required=False, help_text="不写就用“形式：专题”。")
    topics = PicksField(
        label="讲哪些专题",
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "有一个专题不在这期冬训里，请重新选择。"},
    )
    day = day_field("日期")
    start = start_field()
    length = forms.ChoiceField(label="时长", choices=LENGTHS, required=False, widget=forms.RadioSelect)
    other_minutes = WholeField(
        label="其他时长（分钟）",
        required=False,
        min_value=1,
        max_value=LONGEST_MINUTES,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "input-count"}),
        error_messages={
            "min_value": "结束时间要晚于开始时间。",
            "max_value": "一场不超过12小时（720分钟）。",
        },
    )
    venue = forms.CharField(label="地点", max_length=100, required=False)
    lecturers = forms.CharField(
        label="主讲人", max_length=300, required=False, help_text="几个人用顿号隔开。没有登记过的会自动记下。"
    )
    units = PicksField(
        label="参加的党支部",
        queryset=None,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "请选择参加的党支部。",
            "invalid_choice": "有一个单位不在您的管理范围内，请重新选择。",
            "invalid_pk_value": "有一个单位不在您的管理范围内，请重新选择。",
        },
    )
    way = forms.ChoiceField(label="怎么上", choices=WAYS, required=False, widget=forms.RadioSelect)
    audience = forms.ChoiceField(label="参加范围", choices=AUDIENCES, required=False)
    round = forms.ChoiceField(label="轮次", required=False, choices=[("", "按形式自动定"), *Round.choices])
    method = forms.ChoiceField(label="方法", required=False, choices=TrainingSession.Method.choices)
    is_theme_day = forms.BooleanField(label="同时是主题党日", required=False)
    is_party_lecture = forms.BooleanField(label="同时是党课", required=False)

    def __init__(self, *args, campaign: Campaign, units, session: TrainingSession | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.campaign, self.session = campaign, session
        self.fields["form"].queryset = TrainingForm.objects.filter(campaign=campaign).order_by("position")
        self.fields["topics"].queryset = Topic.objects.filter(campaign=campaign).select_related("task")
        self.fields["units"].queryset = units
        self.fields["venue"].widget.attrs |= {"list": "venues", "autocomplete": "off"}
        self.fields["lecturers"].widget.attrs |= {"list": "lecturer-names", "autocomplete": "off"}
        if session:
            self.stamp()
        self.fields["day"].widget.attrs |= {"min": str(campaign.starts_on), "max": str(campaign.ends_on)}

    def clean_day(self):
        return day_inside(self.campaign, self.cleaned_data["day"])

    def clean(self):
        cleaned = super().clean()
        if (
            not cleaned.get("length")
            and not cleaned.get("other_minutes")
            and "other_minutes" not in self.errors
        ):
            self.add_error("other_minutes", "请选一个时长，或写多少分钟。")
        if not cleaned.get("title", "").strip() and cleaned.get("form"):
            cleaned["title"] = suggested_title(cleaned["form"], cleaned.get("topics"))
        return cleaned

    @property
    def ticked(self) -> set[str]:
        """Units ticked on the page, as text, whether first shown or sent back."""
        return {str(getattr(value, "pk", value)) for value in self["units"].value() or []}

    @property
    def ticked_topics(self) -> set[str]:
        return {str(getattr(value, "pk", value)) for value in self["topics"].value() or []}

    def plan(self) -> Plan:
        """What the planner decided, for `plan_session` and `change_session`."""
        values = self.cleaned_data
        starts_at = timezone.make_aware(datetime.combine(values["day"], values["start"]))
        minutes = int(values["length"]) if values["length"] else values["other_minutes"]
        return Plan(
            title=values["title"],
            form=values["form"],
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=minutes),
            units=list(values["units"]),
            topics=list(values["topics"]),
            minutes=self.entered_minutes(minutes),
            round=values["round"] or None,
            method=values["method"] or TrainingSession.Method.LECTURE,
            venue=values["venue"],
            lecturer_names=[name for name in NAME_BREAKS.split(values["lecturers"]) if name],
            is_theme_day=values["is_theme_day"],
            is_party_lecture=values["is_party_lecture"],
            **self.audience_of_plan(),
        )

    def entered_minutes(self, length: int) -> int | None:
        """What somebody entered for a class of this length stays; else the rule of its day says it."""
        before = self.session
        if before is None or before.hours_rule_id:
            return None
        return before.minutes if length == clock_minutes(before.starts_at, before.ends_at) else None

    def audience_of_plan(self) -> dict:
        """A class for named people keeps its people: they were chosen elsewhere."""
        parts = list(self.session.parts.prefetch_related("named_members")) if self.session else []
        if any(part.audience == SessionUnit.Audience.NAMED for part in parts):
            named = {part.unit_id: list(part.named_members.all()) for part in parts}
            return {"audience": SessionUnit.Audience.NAMED, "named_members": named}
        chosen = self.cleaned_data["audience"] or "WHOLE"
        if chosen == SessionUnit.Audience.WHOLE:
            return {}
        return {"audience": SessionUnit.Audience.CATEGORY, "category": chosen}

    def host(self, otherwise: Unit) -> Unit:
        """The chosen unit that holds all the others; several side by side are hosted by `otherwise`."""
        units = sorted(self.cleaned_data["units"], key=lambda unit: unit.depth)
        top = units[0]
        return top if all(unit.path.startswith(top.path) for unit in units) else otherwise


def suggested_title(form: TrainingForm, topics) -> str:
    return title_of(form.name, topics or [])


def title_of(word: str, topics) -> str:
    """补课：党的创新理论、乡村振兴; of more than two topics the first and how many."""
    names = [topic.name for topic in topics]
    about = "、".join(names)
    if len(names) > 2 or len(about) > LONGEST_ABOUT:
        about = names[0] if len(names) == 1 else f"{names[0]}等{len(names)}个专题"
    return f"{word}：{about}"[:100] if about else word


def first_values(campaign: Campaign, unit: Unit | None) -> dict:
    """A class written down today: probably today's, at nine, of two hours."""
    today = min(max(timezone.localdate(), campaign.starts_on), campaign.ends_on)
    chosen = [unit.pk] if unit and unit.holds_people else []
    return {
        "request_uuid": uuid.uuid4(),
        "day": today,
        "start": "09:00",
        "length": "120",
        "units": chosen,
        "audience": "WHOLE",
    }


def values_of(session: TrainingSession) -> dict:
    """The planned class as the form shows it."""
    starts_at = timezone.localtime(session.starts_at)
    minutes = str(clock_minutes(session.starts_at, session.ends_at))
    known = minutes in dict(LENGTHS)
    category = session.parts.values_list("category", flat=True).first()
    copied = ("title", "form", "venue", "method", "is_theme_day", "is_party_lecture")
    return {
        **{name: getattr(session, name) for name in copied},
        "topics": [topic.pk for topic in session.topics.all()],
        "day": starts_at.date(),
        "start": starts_at.time(),
        "length": minutes if known else "",
        "other_minutes": None if known else int(minutes),
        "lecturers": "、".join(lecturer.name for lecturer in session.lecturers.all()),
        "units": [part.unit_id for part in session.parts.all()],
        "audience": category or "WHOLE",
        "round": "" if session.round == session.form.default_round else session.round,
    }
