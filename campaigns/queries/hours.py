"""学时: which rule holds for a class, what follows another one, and how hours are said."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple

from django.utils import timezone

from campaigns.models import (
    Campaign,
    HoursKind,
    HoursRule,
    TrainingForm,
    TrainingSession,
    clock_minutes,
    hours_kind,
)

TENTH = Decimal("0.1")


class Worth(NamedTuple):
    """What attending a whole class gives, and by which rule; no rule: as long as it took."""

    minutes: int
    rule: HoursRule | None


class Rules:
    """The rules of one campaign, as they are at this moment."""

    def __init__(self, campaign: int):
        self.of_kind: dict[str, list[HoursRule]] = {}
        rules = HoursRule.objects.filter(campaign=campaign).select_related("set_by")
        for rule in rules.order_by("since", "pk"):
            self.of_kind.setdefault(rule.kind, []).append(rule)

    def on(self, kind: str, day: date) -> HoursRule | None:
        """The version that holds on this day: the last one that had begun, else the first there is."""
        every = self.of_kind.get(kind, [])
        begun = [rule for rule in every if rule.since <= day]
        return next(iter(begun[-1:] or every[:1]), None)

    def worth(self, form_code: str, starts_at: datetime, ends_at: datetime) -> Worth:
        rule = self.on(hours_kind(form_code, starts_at, ends_at), timezone.localdate(starts_at))
        return Worth(rule.worth(starts_at, ends_at) if rule else clock_minutes(starts_at, ends_at), rule)


@dataclass(frozen=True)
class KindRules:
    """One kind as the page shows it: what holds today, what begins later, what held before."""

    kind: HoursKind
    now: HoursRule | None
    coming: list[HoursRule]
    before: list[HoursRule]


def rules_by_kind(campaign: Campaign, today: date) -> list[KindRules]:
    rules = Rules(campaign.pk)
    day = min(max(today, campaign.starts_on), campaign.ends_on)
    found = []
    for kind in HoursKind:
        now = rules.on(kind, day)
        every = rules.of_kind.get(kind, [])
        before = [rule for rule in every if rule.since <= day and rule != now]
        found.append(KindRules(kind, now, [rule for rule in every if rule.since > day], before[::-1]))
    return found


class Behind(NamedTuple):
    """A class whose minutes are not what the rules say now; `taught`: of a form that gives hours at all."""

    session: int
    worth: Worth
    taught: bool


def behind(campaign: int, sessions: Iterable[int] | None = None) -> list[Behind]:
    """Classes that follow the rules and do not say what the rules in force on their day say.

    Minutes somebody entered follow no rule. Cancelled and voided classes stay as they were.
    """
    rules = Rules(campaign)
    rows = TrainingSession.objects.valid().filter(campaign=campaign, hours_rule__isnull=False)
    if sessions is not None:
        rows = rows.filter(pk__in=sessions)
    facts = ("pk", "form__code", "form__hours_rule", "starts_at", "ends_at", "minutes", "hours_rule")
    found = []
    for pk, code, counted, starts_at, ends_at, minutes, rule in rows.order_by("pk").values_list(*facts):
        worth = rules.worth(code, starts_at, ends_at)
        if worth.rule and (worth.minutes, worth.rule.pk) != (minutes, rule):
            found.append(Behind(pk, worth, counted != TrainingForm.HoursRule.NONE))
    return found


def hours_text(minutes: int | Fraction, minutes_per_hour: int, target: int | None = None) -> str:
    """学时 to one decimal, half up, but never up to a target that is not reached."""
    return exact_text(Fraction(minutes) / minutes_per_hour, target)


def exact_text(hours: Fraction, target: int | None = None) -> str:
    shown = (Decimal(hours.numerator) / Decimal(hours.denominator)).quantize(TENTH, rounding=ROUND_HALF_UP)
    if target is not None and hours < target <= shown:
        shown = Decimal(target) - TENTH
    return f"{shown:f}"
