"""When and where each branch holds the class: a row each, beginning with what the page before said."""

from datetime import datetime

from django import forms
from django.utils import timezone

from campaigns.forms.campaigns import day_field
from campaigns.forms.sessions import SessionForm, day_inside, start_field
from campaigns.models import Campaign, Unit
from campaigns.services.apart import Held
from campaigns.services.sessions import Plan

# Says that the rows were sent, too.
ROWS = "rows"


class HeldForm(forms.Form):
    """One branch."""

    day = day_field("日期")
    start = start_field()
    venue = forms.CharField(label="地点", max_length=100, required=False)

    def __init__(self, *args, campaign: Campaign, unit: Unit, **kwargs):
        super().__init__(*args, prefix=f"b{unit.pk}", **kwargs)
        self.campaign, self.unit = campaign, unit
        self.fields["day"].widget.attrs |= {"min": str(campaign.starts_on), "max": str(campaign.ends_on)}
        self.fields["venue"].widget.attrs |= {"list": "venues", "autocomplete": "off"}
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"

    def clean_day(self):
        return day_inside(self.campaign, self.cleaned_data["day"])

    def held(self) -> Held:
        values = self.cleaned_data
        starts_at = timezone.make_aware(datetime.combine(values["day"], values["start"]))
        return Held(self.unit, starts_at, values["venue"])


def held_forms(campaign: Campaign, branches: list[Unit], plan: Plan, sent) -> list[HeldForm]:
    """Every branch like the plan until somebody has changed its row."""
    starts_at = timezone.localtime(plan.starts_at)
    first = {"day": starts_at.date(), "start": starts_at.time(), "venue": plan.venue}
    data = sent if ROWS in sent else None
    return [HeldForm(data, campaign=campaign, unit=unit, initial=first) for unit in branches]


def carried(form: SessionForm) -> list[tuple[str, str]]:
    """What the page before said, to be sent along unseen."""
    return [(name, value) for name in form.fields for value in form.data.getlist(name)]
