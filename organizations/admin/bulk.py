"""批量办理: what one did to many records at once, and the way back."""

from django.contrib import admin, messages
from django.http import Http404
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST

from organizations.admin_base import ServiceAdmin
from organizations.admin_filters import span_filter
from organizations.models import BulkAct
from organizations.service import Refused
from organizations.services import bulk


@admin.register(BulkAct)
class BulkActAdmin(ServiceAdmin):
    list_display = ["summary", "at", "way_back"]
    list_filter = [span_filter("at", "办理时间")]
    search_fields = ["summary"]
    search_help_text = "做了什么"
    ordering = ["-id"]
    fields = readonly_fields = ["summary", "at", "way_back"]

    def get_urls(self):
        view = self.admin_site.admin_view(require_POST(self.undo_view))
        return [path("<path:object_id>/undo/", view, name="organizations_bulkact_undo"), *super().get_urls()]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        context = dict(extra_context or {})
        if object_id:
            act = self.get_object(request, object_id)
            context |= {"changes": act.changes.all(), "problem": bulk.why_not_undone(act)}
        return super().changeform_view(request, object_id, form_url, context)

    def undo_view(self, request, object_id):
        act = self.get_object(request, object_id)
        if not request.user.keeps_records:
            raise Http404
        try:
            self.tell(request, act, bulk.take_back(actor=request.user, act=act))
        except Refused as refusal:
            self.message_user(request, refusal.message, messages.WARNING)
        return redirect(self.address("change", act.pk))

    def tell(self, request, act, outcome: bulk.Undone) -> None:
        if act.undone_at:
            self.message_user(request, "这次办理已经撤销过了。", messages.INFO)
            return
        words = f"撤销好了，{outcome.verb}了{outcome.done}条。"
        if outcome.left:
            names = "、".join(outcome.left[:20]) + ("等" if len(outcome.left) > 20 else "")
            words += f"{len(outcome.left)}条没有动：{names}。请到那几条记录里看。"
        self.message_user(request, words, messages.WARNING if outcome.left else messages.SUCCESS)

    @admin.display(description="能不能撤销")
    def way_back(self, act):
        if act.undone_at:
            return "已撤销"
        return bulk.why_not_undone(act) or "可以撤销"
