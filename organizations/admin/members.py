from django import forms
from django.contrib import admin, messages
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from organizations.admin_base import ServiceAdmin
from organizations.admin_filters import span_filter, tree_filter
from organizations.admin_many import Many, editing
from organizations.forms.many import CategoryForm, FloatingForm, HomeBoundForm, PartyGroupForm
from organizations.forms.members import KnownDays
from organizations.models import Member, TransferRequest, named
from organizations.queries import MEMBER_FILTERS, member_history
from organizations.queries.search import by_name
from organizations.service import Refused
from organizations.services import members
from organizations.tree import holds


class AnotherForm(KnownDays):
    """A new member, with the answer to “is this not the one you have?”."""

    is_another = forms.BooleanField(
        label="确实是另一个人", required=False, help_text="支部里有同名、同出生日期的党员时才要勾。"
    )


class SituationFilter(admin.SimpleListFilter):
    """Who is here; the others when asked for."""

    title = "情况"
    parameter_name = "show"

    def lookups(self, request, model_admin):
        return [(word, label) for word, (label, _) in MEMBER_FILTERS.items() if word]

    def choices(self, changelist):
        for word, (label, _) in MEMBER_FILTERS.items():
            address = changelist.get_query_string({self.parameter_name: word or None})
            yield {"selected": (self.value() or "") == word, "query_string": address, "display": label}

    def queryset(self, request, queryset):
        word = self.value() or ""
        return queryset.filter(MEMBER_FILTERS[word][1]) if word in MEMBER_FILTERS else queryset


def group_of(member) -> str:
    return member.party_group or "没有填"


def floating_of(member) -> str:
    return f"流动，{member.floating_to or '没写去哪里'}" if member.is_floating else "不是流动党员"


MEMBER_ACTS = [
    Many("set_group", "改党小组", PartyGroupForm, editing("member.change"), now=group_of),
    Many("set_floating", "改流动情况", FloatingForm, editing("member.change"), now=floating_of),
    Many(
        "set_home_bound",
        "改居家情况",
        HomeBoundForm,
        editing("member.change"),
        now=lambda member: "居家" if member.is_home_bound else "不是居家",
    ),
    Many(
        "set_category",
        "改人员类别",
        CategoryForm,
        editing("member.change"),
        now=lambda member: member.get_category_display(),
    ),
]


@admin.register(Member)
class MemberAdmin(ServiceAdmin):
    """ID number and phone are masked; they are entered in the workbench, and looked at for a reason."""

    list_display = ["name", "branch", "party_group", "category", "post", "situation"]
    list_filter = [tree_filter("branch__path"), SituationFilter, "category"]
    list_select_related = ["branch"]
    search_fields = ["name__startswith"]
    search_help_text = "姓名、首字母或手机后四位"
    ordering = ["branch__path", "place_in_list", "id"]
    autocomplete_fields = ["branch"]
    readonly_fields = ["shown_id_number", "shown_phone", "left_on", "left_reason", "workbench_link"]
    readonly_on_change = ["branch"]
    sheet_columns = ["sex", "birth_date", "joined_party_on", "shown_id_number", "shown_phone"]
    create_service = staticmethod(members.create_member)
    change_service = staticmethod(members.change_member)
    instance_argument = "member"
    many = MEMBER_ACTS
    help_texts = {
        "branch": "打几个字再选。换支部请用“转接”，这里不能改。",
        "category": "预备党员转正后改成正式党员。",
        "post": "书记、副书记、委员的年度学时按班子成员算。",
        "party_group": "例如：一组。没有就空着。",
        "is_floating": "外出半年以上、组织关系没转走的。",
        "floating_to": "例如：苏州昆山。先勾“流动党员”。",
        "is_home_bound": "年老体弱、来不了会场的；补课时提醒送学上门。",
        "is_in_difficulty": "列入帮扶的。",
    }
    typed = [
        "branch",
        "name",
        "sex",
        "birth_date",
        "category",
        "post",
        "party_group",
        "joined_party_on",
        "is_floating",
        "floating_to",
        "contact_person",
        "is_home_bound",
        "is_in_difficulty",
    ]

    def get_fields(self, request, obj=None):
        return [*self.typed, *self.readonly_fields] if obj else [*self.typed, "is_another"]

    def get_form(self, request, obj=None, change=False, **kwargs):
        kwargs["form"] = KnownDays if obj else AnotherForm
        return super().get_form(request, obj, change, **kwargs)

    def get_search_results(self, request, queryset, search_term):
        return (queryset.filter(by_name(search_term)) if search_term.strip() else queryset), False

    def response_add(self, request, obj, post_url_continue=None):
        page = reverse("organizations:member_edit", args=[obj.pk])
        words = format_html('身份证号和手机请<a href="{}">在工作台登记</a>。', page)
        self.message_user(request, words, messages.INFO)
        return super().response_add(request, obj, post_url_continue)

    def events_of(self, member, user):
        return member_history(member, user, most=200)

    def get_urls(self):
        view = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.reveal_view))
        name = "organizations_member_reveal"
        return [path("<path:object_id>/reveal/", view, name=name), *super().get_urls()]

    def reveal_view(self, request, object_id):
        return reveal(self, request, object_id)

    @admin.display(description="情况")
    def situation(self, member):
        flags = [
            (member.left_on, "已离开"),
            (member.is_floating, "流动"),
            (member.is_home_bound, "居家"),
            (member.is_in_difficulty, "困难"),
        ]
        return "、".join(word for flag, word in flags if flag) or "—"

    @admin.display(description="身份证号")
    def shown_id_number(self, member):
        return member.masked_id_number or "没有登记"

    @admin.display(description="手机")
    def shown_phone(self, member):
        return member.masked_phone or "没有登记"

    @admin.display(description="还能做什么")
    def workbench_link(self, member):
        return format_html(
            '<a class="button" href="{}">看完整号码</a> <a class="button" href="{}">登记号码、转接、离开</a> '
            '<a class="button" href="{}">冬训里的变动</a>',
            self.address("reveal", member.pk),
            reverse("organizations:member_detail", args=[member.pk]),
            reverse("attendance:member_training", args=[member.pk]),
        )


def reveal(model_admin, request, object_id):
    """The full numbers, once, for a reason that is kept."""
    member = model_admin.get_object(request, object_id)
    if not request.user.keeps_records:
        raise Http404
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"看完整号码：{member.name}",
        "opts": model_admin.opts,
        "original": member,
        "member": member,
    }
    status = 200
    if request.method == "POST":
        try:
            reason = request.POST.get("reason", "")
            shown = members.reveal_member(actor=request.user, member=member, reason=reason)
            context["revealed"] = dict(zip(("id_number", "phone"), shown, strict=True))
        except Refused as refusal:
            context["refusal"], status = refusal.message, 422
    answer = TemplateResponse(request, "admin/organizations/member/reveal.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


@admin.register(TransferRequest)
class TransferRequestAdmin(ServiceAdmin):
    """转接申请: read here; accepting and declining are steps of the workbench."""

    list_display = ["who", "left_side", "wanted", "day", "state", "asked_at"]
    list_filter = [
        "state",
        tree_filter("from_branch__path", "addressee__path"),
        span_filter("asked_at", "申请时间"),
    ]
    list_select_related = ["member", "from_branch", "asked_by"]
    search_fields = ["member__name__startswith"]
    search_help_text = "党员姓名"
    ordering = ["-id"]
    # As text: one of the two sides mostly lies outside the reader's scope. Who answers is told to nobody,
    # who asked to the asking side only, as in the workbench.
    fields = readonly_fields = [
        "who",
        "left_side",
        "wanted",
        "day",
        "note",
        "state",
        "asker",
        "asked_at",
        "answered_at",
        "answer",
    ]

    def get_fields(self, request, obj=None):
        sent = obj is not None and holds(request.user.organization.path, obj.from_branch.path)
        return [name for name in self.fields if sent or name != "asker"]

    def get_search_results(self, request, queryset, search_term):
        return (queryset.filter(named(search_term, "member__")) if search_term.strip() else queryset), False

    @admin.display(description="党员")
    def who(self, asked):
        return asked.member.name

    @admin.display(description="转出支部")
    def left_side(self, asked):
        return asked.from_branch.name

    @admin.display(description="申请人")
    def asker(self, asked):
        return asked.asked_by.name
