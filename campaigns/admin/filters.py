"""Filters beside the ledger's lists of one campaign."""

from django.contrib import admin
from django.db.models import Q
from django.utils import timezone

from campaigns.models import Campaign, SessionUnit, TrainingSession, Unit
from campaigns.queries import session_states, task_states
from organizations.admin_filters import MOST_CHOICES, TreeFilter
from organizations.tree import within


class UnitTreeFilter(TreeFilter):
    """按单位, by the place the organization had in each campaign's own tree. `unit`: leads to the unit."""

    unit = "unit__"

    def condition(self, chosen):
        found = Q(pk__in=[])
        for campaign, path in Unit.objects.filter(organization=chosen).values_list("campaign_id", "path"):
            found |= within(f"{self.unit}path", path) & Q(**{f"{self.unit}campaign_id": campaign})
        return found


def unit_filter(unit: str) -> type[UnitTreeFilter]:
    return type("UnitTreeFilter", (UnitTreeFilter,), {"unit": unit})


class CampaignFilter(admin.SimpleListFilter):
    """哪一年冬训. `lookup`: the column that holds the campaign's number."""

    title = "冬训"
    parameter_name = "campaign"
    lookup = "campaign_id"

    def lookups(self, request, model_admin):
        seen = Campaign.objects.visible_to(request.user).order_by("-starts_on", "-pk")
        return [(campaign.pk, campaign.label) for campaign in seen[:MOST_CHOICES]]

    def queryset(self, request, queryset):
        known = {str(pk) for pk, _ in self.lookup_choices}
        return queryset.filter(**{self.lookup: self.value()}) if self.value() in known else queryset


def campaign_filter(lookup: str) -> type[CampaignFilter]:
    return type("CampaignFilter", (CampaignFilter,), {"lookup": lookup})


class SessionStateFilter(admin.SimpleListFilter):
    """The same words and the same rows as the workbench's tabs."""

    title = "进行到哪"
    parameter_name = "state"
    WORDS = ("week", "coming", "missing", "recorded")

    def lookups(self, request, model_admin):
        states = session_states(timezone.now())
        return [*((word, states[word].label) for word in self.WORDS), ("off", "取消或作废")]

    def queryset(self, request, queryset):
        if self.value() == "off":
            return queryset.exclude(cancelled_at__isnull=True, voided_at__isnull=True)
        return (
            queryset.filter(in_state(request.user, self.value())) if self.value() in self.WORDS else queryset
        )


def in_state(user, word: str) -> Q:
    """Sessions of a state, by parts in the account's scope."""
    wanted = session_states(timezone.now())[word]
    if not wanted.part:
        return wanted.session
    parts = SessionUnit.objects.filter(wanted.part, unit__in=Unit.objects.visible_to(user))
    return wanted.session & Q(pk__in=parts.order_by().values("session"))


def sessions_in(user, word: str):
    return TrainingSession.objects.visible_to(user).filter(in_state(user, word))


class TaskStateFilter(admin.SimpleListFilter):
    title = "办得怎样"
    parameter_name = "progress"

    def lookups(self, request, model_admin):
        return [(word, label) for word, (label, _) in task_states().items() if word != "all"]

    def queryset(self, request, queryset):
        states = task_states()
        return queryset.filter(states[self.value()][1]) if self.value() in states else queryset
