"""One hours rule as the officer writes it down: in 学时, by halves."""

from decimal import ROUND_HALF_UP, Decimal

from django import forms

from campaigns.forms.campaigns import day_field
from campaigns.models import Campaign, HoursKind, HoursRule
from organizations.forms.numbers import decimal_of

MOST_HOURS = 12
HALF = Decimal("0.5")


class HoursField(forms.CharField):
    """学时 in steps of a half, more than 0 and at most 12; full-width figures are figures, too."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "input-count", "autocomplete": "off"})

    def clean(self, value) -> Decimal | None:
        text = super().clean(value)
        if not text:
            return None
        if (hours := decimal_of(text)) is None:
            raise forms.ValidationError("请写数字，例如 4 或 1.5。")
        if not 0 < hours <= MOST_HOURS:
            raise forms.ValidationError(f"要大于0，一场不超过{MOST_HOURS}学时。")
        if hours % HALF:
            raise forms.ValidationError("按半个学时填，例如 3、3.5。")
        return hours


class HoursRuleForm(forms.Form):
    """From a day on, a kind of class is worth so much, or as long as it took."""

    kind = forms.ChoiceField(label="哪种课", choices=HoursKind.choices)
    since = day_field("从哪天的课起")
    way = forms.ChoiceField(
        label="怎么算",
        choices=[("FIXED", "每场计固定学时"), ("CLOCK", "按实际时长")],
        widget=forms.RadioSelect,
        initial="FIXED",
    )
    hours = HoursField(label="每场计几学时", required=False)
    most = HoursField(label="一场最多计几学时", required=False, help_text="按实际时长时才填；空着＝不限。")
    source = forms.CharField(
        label="依据",
        max_length=HoursRule._meta.get_field("source").max_length,
        help_text="哪个文件或哪次会议定的，会印在学时明细旁边。",
    )

    def __init__(self, *args, campaign: Campaign, **kwargs):
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        self.fields["since"].widget.attrs |= {"min": str(campaign.starts_on), "max": str(campaign.ends_on)}

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("way") == "FIXED" and "hours" not in self.errors and cleaned.get("hours") is None:
            self.add_error("hours", "请写每场计几学时。")
        return cleaned

    def as_service(self) -> dict:
        cleaned = self.cleaned_data
        fixed = cleaned["way"] == "FIXED"
        return {
            "kind": cleaned["kind"],
            "since": cleaned["since"],
            "minutes": self.minutes(cleaned["hours"]) if fixed else None,
            "most_minutes": None if fixed else self.minutes(cleaned["most"]),
            "source": cleaned["source"],
        }

    def minutes(self, hours: Decimal | None) -> int | None:
        """Whole minutes; half a minute is given, not taken."""
        if hours is None:
            return None
        return int((hours * self.campaign.minutes_per_hour).quantize(Decimal(1), rounding=ROUND_HALF_UP))
