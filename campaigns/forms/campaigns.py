"""The three steps of a campaign: facts, programme. The third, the roster, is attendance's."""

from datetime import date

from django import forms
from django.utils import timezone

from campaigns.models import Campaign, CampaignKind, ProgrammeGroup, ProgrammeItem, Topic, TrainedRule
from campaigns.presets import load_preset, preset_codes
from campaigns.services.campaigns import SETTINGS
from organizations.forms.choices import PickField
from organizations.forms.numbers import WholeField
from organizations.forms.versions import Versioned, version_of
from organizations.models import BRANCH_KINDS, Organization, User
from organizations.numbers import MOST_DIGITS

RULE_HELP = "一期冬训只用一种算法，定了再开始；改了以后全部数字要重算。"


def day_field(label: str, **more) -> forms.DateField:
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "请写成 2026-12-01 这样的日期。"},
        **more,
    )


def number_field(label: str, low: int, high: int) -> WholeField:
    return WholeField(
        label=label,
        min_value=low,
        max_value=high,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "input-count"}),
        error_messages={"invalid": "请填整数。"},
    )


def coming_winter(today: date) -> tuple[str, date, date]:
    """Label and dates of the winter that is being prepared or running."""
    year = today.year if today.month >= 4 else today.year - 1
    return f"{year}—{year + 1}年度党员冬训", date(year, 12, 1), date(year + 1, 3, 15)


class SettingsForm(Versioned, forms.Form):
    """Facts and settings; each setting shows where its default comes from."""

    label = forms.CharField(label="名称", max_length=100)
    starts_on = day_field("开始日期")
    ends_on = day_field("结束日期")
    target_percent = number_field("参训率目标（%）", 1, 100)
    trained_rule = forms.ChoiceField(label="怎样算参训", choices=TrainedRule.choices)
    hours_member = number_field("党员年度学时", 0, 500)
    hours_secretary = number_field("书记和班子成员年度学时", 0, 500)
    hours_candidate = number_field("发展对象集中培训学时", 0, 500)
    minutes_per_hour = number_field("一学时折合分钟", 1, 120)
    makeup_days = number_field("补课期限（天）", 0, 365)
    contact_days = number_field("流动党员联系间隔（天）", 1, 365)

    SETTINGS = SETTINGS

    def __init__(self, *args, sources: dict[str, str], **kwargs):
        super().__init__(*args, **kwargs)
        for name in self.SETTINGS:
            self.fields[name].help_text = sources.get(name, "")

    def clean(self):
        cleaned = super().clean()
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and ends_on and ends_on <= starts_on:
            self.add_error("ends_on", "结束日期要晚于开始日期。")
        return cleaned

    @classmethod
    def of(cls, campaign: Campaign, data=None) -> "SettingsForm":
        names = ("label", "starts_on", "ends_on", *cls.SETTINGS)
        initial = {name: getattr(campaign, name) for name in names}
        form = cls(data, initial=initial, sources=campaign.sources)
        form.stamp()
        return form


class NewCampaignForm(SettingsForm):
    """Step 1 of a new campaign."""

    organization = PickField(label="主办党组织", queryset=None, empty_label=None)
    preset = forms.ChoiceField(label="工作法")
    kind = forms.ChoiceField(
        label="性质",
        choices=CampaignKind.choices,
        initial=CampaignKind.REGULAR,
        widget=forms.RadioSelect,
        help_text="“练习”给大家试用，不计入任何数字。",
    )
    field_order = ["organization", "label", "starts_on", "ends_on", "kind", "preset"]

    def __init__(self, *args, user: User, **kwargs):
        defaults = load_preset("siwuliu")["defaults"]
        label, starts_on, ends_on = coming_winter(timezone.localdate())
        initial = {"organization": user.organization_id, "label": label, "preset": "siwuliu"}
        initial |= {"starts_on": starts_on, "ends_on": ends_on}
        initial |= {name: defaults[name]["value"] for name in self.SETTINGS}
        sources = {name: defaults[name]["source"] for name in self.SETTINGS}
        super().__init__(*args, initial=initial, sources=sources, **kwargs)
        self.fields["preset"].choices = [(code, load_preset(code)["name"]) for code in preset_codes()]
        owners = Organization.objects.manageable_by(user).open().exclude(kind__in=BRANCH_KINDS)
        self.fields["organization"].queryset = owners.filter(depth__lte=user.organization.depth + 1)


class NamedForm(forms.Form):
    """One row of the programme with its words of this year."""

    pk = forms.IntegerField(widget=forms.HiddenInput, max_value=10**MOST_DIGITS - 1)
    name = forms.CharField(label="名称", max_length=50)


class ItemForm(NamedForm):
    name = forms.CharField(label="名称", max_length=100)
    meaning = forms.CharField(
        label="含义", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class TopicForm(forms.Form):
    """One 专题. A spare line with an empty name is no topic."""

    pk = forms.IntegerField(required=False, widget=forms.HiddenInput, max_value=10**MOST_DIGITS - 1)
    name = forms.CharField(label="专题", max_length=100, required=False)
    task = forms.ChoiceField(label="所属任务", required=False)
    is_compulsory = forms.BooleanField(label="必训", required=False)
    remove = forms.BooleanField(label="删去", required=False)

    def __init__(self, *args, tasks: list[tuple[str, str]], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["task"].choices = [("", "不属于哪一项"), *tasks]

    def row(self) -> dict | None:
        values = self.cleaned_data
        if not values.get("pk") and not values.get("name", "").strip():
            return None
        task = int(values["task"]) if values["task"] else None
        return {**values, "task": task}


class ProgrammeForms:
    """Step 2: the words of groups and items, and the topics, on one page."""

    SPARE_TOPICS = 3

    def __init__(self, campaign: Campaign, data=None):
        groups = list(ProgrammeGroup.objects.filter(campaign=campaign))
        items = list(
            ProgrammeItem.objects.filter(group__campaign=campaign).order_by("group__position", "position")
        )
        topics = list(Topic.objects.filter(campaign=campaign))
        task_groups = {group.pk for group in groups if group.code == ProgrammeGroup.Code.TASK}
        tasks = [(str(item.pk), item.name) for item in items if item.group_id in task_groups]
        self.groups = formset(NamedForm, "groups", data, [{"pk": g.pk, "name": g.name} for g in groups])
        self.items = formset(
            ItemForm, "items", data, [{"pk": i.pk, "name": i.name, "meaning": i.meaning} for i in items]
        )
        self.topics = formset(
            TopicForm,
            "topics",
            data,
            [
                {"pk": t.pk, "name": t.name, "task": t.task_id or "", "is_compulsory": t.is_compulsory}
                for t in topics
            ],
            extra=self.SPARE_TOPICS,
            form_kwargs={"tasks": tasks},
        )
        current = version_of([one.initial for one in (self.groups, self.items, self.topics)])
        # A stale page shown again stays stale.
        self.version = data.get("version", current) if data else current
        self.is_stale = self.version != current
        of_group = {item.pk: item.group_id for item in items}
        self.sections = [
            (group_form, [form for form in self.items if of_group.get(form.initial.get("pk")) == group.pk])
            for group_form, group in zip(self.groups, groups, strict=False)
        ]

    def is_valid(self) -> bool:
        return all([self.groups.is_valid(), self.items.is_valid(), self.topics.is_valid()])

    def values(self) -> dict:
        """What `save_programme` takes. A row that a forged count adds or leaves out is empty: no change."""
        return {
            "groups": {row["pk"]: row["name"] for row in self.groups.cleaned_data if row},
            "items": {row["pk"]: (row["name"], row["meaning"]) for row in self.items.cleaned_data if row},
            "topics": [row for form in self.topics if (row := form.row())],
        }


def formset(form, prefix: str, data, initial: list[dict], extra: int = 0, form_kwargs: dict | None = None):
    made = forms.formset_factory(form, extra=extra, max_num=70, absolute_max=100)
    return made(data, prefix=prefix, initial=initial, form_kwargs=form_kwargs or {})
