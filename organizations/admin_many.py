"""办理 on many rows of a list: tick, see who exactly and what will change, do it, take it back.

Example::

    class MemberAdmin(ServiceAdmin):
        many = [Many("set_group", "改党小组", PartyGroupForm, editing("member.change"), now=group_of)]
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from organizations.forms.many import ManyForm
from organizations.models import BulkAct
from organizations.numbers import pk_of
from organizations.service import Refused
from organizations.services import bulk

CAN_BE_UNDONE = "办好以后24小时内可以一次撤销（“批量办理”里）。"


def nothing_to_say(record) -> str:
    return ""


@dataclass(frozen=True)
class Many:
    """One entry of the 办理 list. `run(request, ids, values, key)` calls one service and returns the
    act, None when nothing had to change, or an answer of its own. `now`: what a record is like now.
    """

    name: str
    label: str
    form: type[ManyForm]
    run: Callable[[Any, list[int], dict, Any], BulkAct | HttpResponse | None]
    now: Callable[[Any], str] = nothing_to_say
    note: str = CAN_BE_UNDONE


def editing(kind: str) -> Callable:
    """Runs `bulk.change_many` for this kind of records."""

    def run(request, ids, values, key):
        return bulk.change_many(actor=request.user, kind=kind, ids=ids, values=values, request_uuid=key)

    return run


def as_action(act: Many) -> Callable:
    """The act as Django's list of actions takes it: it leads to the page that asks."""

    def action(model_admin, request, queryset):
        ids = list(queryset.order_by().values_list("pk", flat=True)[: bulk.MOST_AT_ONCE + 1])
        if len(ids) > bulk.MOST_AT_ONCE:
            words = f"一次最多办{bulk.MOST_AT_ONCE}条，现在选了更多。请先筛选，分几次办。"
            model_admin.message_user(request, words, messages.WARNING)
            return None
        form = act.form(user=request.user)
        return asking(
            model_admin, request, act, rows(model_admin, request, ids), form, request.GET.urlencode()
        )

    action.__name__ = act.name
    return action


def perform(model_admin, request) -> HttpResponse:
    """The page that asked comes back: all of it is done, or nothing, and the sentence says why."""
    act = next((one for one in model_admin.many if one.name == request.POST.get("act")), None)
    if act is None or not request.user.keeps_records:
        raise Http404
    back = QueryDict(request.POST.get("back", "")).urlencode()
    records = chosen(model_admin, request)
    form = act.form(request.POST, user=request.user)
    if form.is_valid():
        try:
            ids = [record.pk for record in records]
            done = act.run(request, ids, form.values(), form.cleaned_data["key"])
            return answered(model_admin, request, done, back)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    return asking(model_admin, request, act, records, form, back, status=422)


def chosen(model_admin, request) -> list:
    """The records of the page, all of them in the account's scope: else there is no such page."""
    sent = request.POST.getlist(ACTION_CHECKBOX_NAME)
    ids = {pk_of(value) for value in sent}
    if not ids or None in ids or len(ids) > bulk.MOST_AT_ONCE:
        raise Http404
    found = rows(model_admin, request, list(ids))
    if len(found) != len(ids):
        raise Http404
    return found


def rows(model_admin, request, ids: list[int]) -> list:
    """As the list shows them."""
    found = model_admin.get_queryset(request).select_related(*(model_admin.list_select_related or ()))
    return list(found.filter(pk__in=ids).order_by(*model_admin.get_ordering(request)))


def asking(model_admin, request, act: Many, records, form, back: str, status: int = 200) -> HttpResponse:
    opts = model_admin.opts
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{act.label}：{len(records)}条",
        "opts": opts,
        "act": act,
        "form": form,
        "back": back,
        "lines": [(record, where_of(record), act.now(record)) for record in records],
        "many_url": reverse(f"admin:{opts.app_label}_{opts.model_name}_many"),
        "media": model_admin.media + form.media,
    }
    return TemplateResponse(request, "admin/many_confirm.html", context, status=status)


def where_of(record) -> str:
    """The branch or unit a record lies in, to tell people of one name apart."""
    place = next((getattr(record, name) for name in PLACES if hasattr(record, name)), None)
    return "" if place is None else str(place)


PLACES = ("branch", "unit", "host", "organization")


def answered(model_admin, request, done, back: str) -> HttpResponse:
    if isinstance(done, HttpResponse):
        return done
    if done is None:
        model_admin.message_user(request, "选中的本来就是这样，没有要改的。", messages.INFO)
    else:
        tell(model_admin, request, done)
    opts = model_admin.opts
    page = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    return redirect(f"{page}?{back}" if back else page)


def tell(model_admin, request, act: BulkAct) -> None:
    """办好了, with the way to take it back where there is one."""
    page = reverse("admin:organizations_bulkact_change", args=[act.pk])
    why_not = bulk.why_not_undone(act)
    words = (
        format_html("办好了：{}。{}", act.summary, why_not)
        if why_not
        else format_html('办好了：{}。<a class="undo-link" href="{}">撤销刚才这次</a>', act.summary, page)
    )
    model_admin.message_user(request, words, messages.SUCCESS)
