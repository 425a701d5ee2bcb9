"""Filters beside the ledger's lists: short, in scope, and cheap however long the list is."""

from datetime import timedelta

from django.contrib import admin
from django.http import Http404
from django.utils import timezone

from organizations.models import Organization
from organizations.numbers import pk_of
from organizations.queries import organization_trail
from organizations.tree import within

MOST_CHOICES = 200


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """The choices of a filter beside the list: only what the account may see."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.empty_value_display = "没有填"

    def field_choices(self, field, request, model_admin):
        seen = field.remote_field.model._default_manager.visible_to(request.user)
        return [(row.pk, str(row)) for row in seen[:MOST_CHOICES]]


class TreeFilter(admin.ListFilter):
    """按单位: a drop-down of the level below the account's; once one is chosen, of the level below that.

    `paths`: the columns that say where a row lies. With a million people and 1,400
    branches it still offers one level only.
    """

    title = "按单位"
    template = "admin/tree_filter.html"
    parameter_name = "under"
    paths: tuple[str, ...] = ("path",)

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        self.own = request.user.organization
        asked = params.pop(self.parameter_name, [""])[-1]
        self.chosen = self.find(asked) if asked else None
        self.used_parameters = {self.parameter_name: asked} if asked else {}

    def find(self, asked: str) -> Organization:
        found = Organization.objects.visible_to(self.request.user).filter(pk=pk_of(asked)).first()
        if found is None:
            raise Http404
        return found

    def expected_parameters(self):
        return [self.parameter_name]

    def has_output(self):
        return not self.own.holds_people

    def queryset(self, request, queryset):
        return queryset.filter(self.condition(self.chosen)) if self.chosen else queryset

    def condition(self, chosen: Organization):
        found = within(self.paths[0], chosen.path)
        for path in self.paths[1:]:
            found |= within(path, chosen.path)
        return found

    def choices(self, changelist):
        """The way down to what is chosen, then the level below it."""
        at = self.chosen or self.own
        user = self.request.user
        trail = organization_trail(at, user)[1:] if self.chosen else []
        below = Organization.objects.below(at).filter(depth=at.depth + 1)
        others = list(below[: MOST_CHOICES + 1])
        self.has_more = len(others) > MOST_CHOICES
        self.kept = [
            (name, value)
            for name, values in changelist.filter_params.items()
            if name != self.parameter_name
            for value in values
        ]
        yield {
            "value": "",
            "display": f"{self.own.name}（全部）",
            "selected": self.chosen in (None, self.own),
        }
        for organization in trail:
            yield self.choice(organization, len(organization.path) - len(self.own.path))
        for organization in others[:MOST_CHOICES]:
            yield self.choice(organization, len(organization.path) - len(self.own.path))

    def choice(self, organization: Organization, deeper: int) -> dict:
        # One full-width space for each level: what lies below stands further in.
        indent = "　" * (deeper // 4)
        return {
            "value": organization.pk,
            "display": f"{indent}{organization.name}",
            "selected": self.chosen == organization,
        }


def tree_filter(*paths: str, title: str = "按单位") -> type[TreeFilter]:
    return type("TreeFilter", (TreeFilter,), {"paths": paths, "title": title})


class SpanFilter(admin.SimpleListFilter):
    """A span of days until now, by the column `moment`."""

    moment = "at"
    is_day = False
    SPANS = (("1", "今天"), ("7", "近7天"), ("31", "近31天"), ("366", "近一年"))

    def lookups(self, request, model_admin):
        return self.SPANS

    def queryset(self, request, queryset):
        if self.value() not in dict(self.SPANS):
            return queryset
        today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        since = today - timedelta(days=int(self.value()) - 1)
        return queryset.filter(**{f"{self.moment}__gte": since.date() if self.is_day else since})


def span_filter(moment: str, title: str, *, is_day: bool = False) -> type[SpanFilter]:
    members = {"moment": moment, "title": title, "parameter_name": f"{moment}_span", "is_day": is_day}
    return type("SpanFilter", (SpanFilter,), members)
