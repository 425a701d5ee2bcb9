"""名册 and 考勤 in the ledger: to be read. They are written on the register and by the roster's own acts."""

from django.contrib import admin
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from attendance.models import Attendance, RosterEntry
from attendance.queries import entry_steps, row_steps
from campaigns.admin.filters import campaign_filter, unit_filter
from campaigns.models import Unit
from organizations.admin_base import CappedPaginator, ServiceAdmin
from organizations.admin_filters import span_filter
from organizations.models import Member, named

# Units of an account whose roster is still shown unit by unit.
MOST_SORTED = 20_000


@admin.register(RosterEntry)
class RosterEntryAdmin(ServiceAdmin):
    """Who counts where. Read only: joining, leaving and 不作硬性要求 are acts of the workbench."""

    list_display = [
        "member",
        "unit",
        "campaign",
        "category",
        "required",
        "joined_on",
        "left_on",
        "standing_link",
    ]
    list_filter = [
        unit_filter("unit__"),
        campaign_filter("campaign_id"),
        "required",
        "is_floating",
        "is_home_bound",
    ]
    list_select_related = ["member", "unit", "campaign"]
    search_fields = ["member__name__startswith"]
    search_help_text = "姓名、首字母或手机后四位"
    ordering = ["-campaign_id", "unit__path", "id"]
    fields = readonly_fields = [
        "member",
        "campaign",
        "unit",
        "category",
        "post",
        "required",
        "is_floating",
        "is_home_bound",
        "hours_target",
        "joined_on",
        "left_on",
        "standing_link",
    ]

    def get_ordering(self, request):
        """By unit; of a province the newest first, or two million rows would be sorted for one page."""
        many = Unit.objects.visible_to(request.user).order_by()[:MOST_SORTED].count() == MOST_SORTED
        return ["-id"] if many else self.ordering

    def get_search_results(self, request, queryset, search_term):
        return (queryset.filter(named(search_term, "member__")) if search_term.strip() else queryset), False

    def events_of(self, entry, user):
        return entry_steps(entry, user, most=200)

    @admin.display(description="参训情况")
    def standing_link(self, entry):
        return format_html(
            '<a class="button" href="{}">看情况</a>', reverse("attendance:entry_detail", args=[entry.pk])
        )


class RowsPaginator(CappedPaginator):
    """Rows of a unit lie scattered over ten million: counted by the unit's index, in no order."""

    @cached_property
    def count(self):
        return self.object_list.order_by().values("pk")[: self.most].count()


@admin.register(Attendance)
class AttendanceAdmin(ServiceAdmin):
    """One person at one class. Read only: corrections go through 点名, which keeps both values."""

    list_display = ["entry", "unit", "session", "held_on", "status", "reason", "minutes", "register_link"]
    list_filter = [
        unit_filter("unit__"),
        campaign_filter("unit__campaign_id"),
        "status",
        span_filter("held_on", "日期", is_day=True),
        "round",
    ]
    list_select_related = ["entry__member", "unit", "session"]
    search_fields = ["entry__member__name__startswith"]
    search_help_text = "姓名、首字母或手机后四位"
    ordering = ["-id"]
    paginator = RowsPaginator
    fields = readonly_fields = [
        "entry",
        "unit",
        "session",
        "held_on",
        "part",
        "status",
        "reason",
        "minutes",
        "round",
        "counts",
        "register_link",
    ]

    def get_queryset(self, request):
        # A row belongs to the unit the person was of on that day.
        mine = Unit.objects.visible_to(request.user)
        return admin.ModelAdmin.get_queryset(self, request).filter(unit__in=mine)

    def get_search_results(self, request, queryset, search_term):
        if not search_term.strip():
            return queryset, False
        # People first: there are a hundred rows for each of them.
        people = Member.objects.search(search_term).order_by().values("pk")
        return queryset.filter(entry__member__in=people), False

    def events_of(self, row, user):
        return row_steps(row)

    @admin.display(description="点名")
    def register_link(self, row):
        return format_html(
            '<a class="button" href="{}">点名</a>', reverse("attendance:register", args=[row.session_id])
        )
