"""The ledger (台账): Django's admin, limited to the account's subtree, saving through services only.

Example::

    @admin.register(ServiceTask)
    class ServiceTaskAdmin(ServiceAdmin):
        list_display = ["title", "unit", "due_on"]
        list_select_related = ["unit"]
        fields = ["unit", "title", "due_on"]
        readonly_on_change = ["unit"]                                # a flow owns it once it exists
        create_service = staticmethod(service_tasks.open_task)       # (*, actor, unit, title, due_on)
        change_service = staticmethod(service_tasks.change_task)     # (*, actor, task, **changed fields)
        instance_argument = "task"

The services get plain cleaned values: on create all fields, on change only those that
changed. A `Refused` becomes a sentence above the form and nothing is stored.

Beside it: filters in `admin_filters.py`, acts on many rows in `admin_many.py`, lists as
files in `admin_sheets.py`.
"""

from collections.abc import Callable
from inspect import signature

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_GET, require_POST

from organizations import admin_many, admin_sheets
from organizations.admin_filters import ScopedRelatedFilter
from organizations.forms.choices import PickByTyping, PickField, PicksField
from organizations.forms.many import DayInput
from organizations.forms.plain import plain
from organizations.forms.versions import sent_once, versioned
from organizations.numbers import pk_of
from organizations.queries.history import record_history
from organizations.service import Refused

MOST_COUNTED = 10_000
MOST_FOUND = 1_000  # of a search: who finds more types one letter more
# How Django's own filters write a declared field into the address.
FILTER_ENDS = ("__exact", "__id__exact", "__isnull")


class CappedPaginator(Paginator):
    """Counts no further than `most`: a list must not count a million rows for its foot."""

    is_search = False

    @property
    def most(self) -> int:
        return MOST_FOUND if self.is_search else MOST_COUNTED

    @cached_property
    def count(self):
        # In the order of the page: who only has to find some begins where the page begins.
        return self.object_list.values("pk")[: self.most].count()


def scoped(model, user):
    """Rows of `model` the account may see. A model without `visible_to` has no business in a form."""
    return model._default_manager.visible_to(user)


class MomentInput(forms.DateTimeInput):
    """One field with one label: Django's two halves of a moment have none."""

    input_type = "datetime-local"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class MomentField(forms.DateTimeField):
    """A moment of our own time: the edge years cannot be carried into another time zone."""

    def clean(self, value):
        moment = super().clean(value)
        if moment and not 1921 <= moment.year <= 2200:
            raise ValidationError("请核对年份。")
        return moment


class ServiceAdmin(admin.ModelAdmin):
    """Base of every admin here: outside the scope is 404, no delete, no write without a service."""

    create_service: Callable | None = None
    change_service: Callable | None = None
    instance_argument: str = ""
    readonly_on_change: list[str] = []
    help_texts: dict[str, str] = {}
    # By the name of a constraint: beside which field stands what sentence.
    constraint_words: dict[str, tuple[str, str]] = {}
    # Acts on many rows, in the order of the list (`admin_many.Many`).
    many: list[admin_many.Many] = []
    # Columns that stand in the exported file only.
    sheet_columns: list[str] = []
    # Telephones: a file goes out of the house with their ends only.
    sheet_masked: list[str] = []
    formfield_overrides = {
        models.DateTimeField: {"form_class": MomentField, "widget": MomentInput},
        models.DateField: {"widget": DayInput},
    }
    # At the end of the list, where a thumb reaches it; the style sheet keeps it in view.
    actions_on_top, actions_on_bottom = False, True
    # Every list has its fixed order: no ranking, and no sorting of a million rows.
    sortable_by = ()
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    view_on_site = False
    save_as = False
    object_history_template = "admin/record_history.html"

    # --- Which rows ---------------------------------------------------------------
    def get_queryset(self, request):
        return super().get_queryset(request).visible_to(request.user)

    def get_object(self, request, object_id, from_field=None):
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def get_search_results(self, request, queryset, search_term):
        """As the workbench searches, where the rows know how."""
        if search_term.strip() and hasattr(queryset, "search"):
            return queryset.search(search_term), False
        return super().get_search_results(request, queryset, search_term)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name in self.help_texts:
            kwargs["help_text"] = self.help_texts[db_field.name]
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        # One page, one record: no pencil, plus and eye beside a choice.
        for sign in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
            if field and hasattr(field.widget, sign):
                setattr(field.widget, sign, False)
        return field

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", scoped(db_field.remote_field.model, request.user))
        kwargs.setdefault("form_class", PickField)
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", PickByTyping(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", scoped(db_field.remote_field.model, request.user))
        kwargs.setdefault("form_class", PicksField)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_list_filter(self, request):
        return [self.scoped_filter(entry) for entry in super().get_list_filter(request)]

    def scoped_filter(self, entry):
        if isinstance(entry, str) and self.opts.get_field(entry.split("__")[0]).is_relation:
            return (entry, ScopedRelatedFilter)
        return entry

    def lookup_allowed(self, lookup, value, request):
        """Only what the filters beside the list ask: a typed condition could search what is not shown."""
        own = [entry.parameter_name for entry in self.list_filter if isinstance(entry, type)]
        fields = [entry for entry in self.list_filter if isinstance(entry, str)]
        return lookup in own or lookup in {f"{name}{end}" for name in fields for end in FILTER_ENDS}

    # --- Who may ------------------------------------------------------------------
    def has_module_permission(self, request):
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request, obj=None):
        return self.has_module_permission(request)

    def has_add_permission(self, request):
        return self.create_service is not None and request.user.keeps_records

    def has_change_permission(self, request, obj=None):
        if self.change_service is None or not request.user.keeps_records:
            return False
        manageable = self.model._default_manager.manageable_by(request.user)
        return obj is None or manageable.filter(pk=obj.pk).exists()

    def has_delete_permission(self, request, obj=None):
        return False

    def changelist_view(self, request, extra_context=None):
        ticked = {pk_of(pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)}
        # Django would look for whatever is sent, and leave out in silence what lies outside the scope.
        if ticked and (None in ticked or self.count_of(request, ticked) != len(ticked)):
            raise Http404
        context = {
            "title": self.opts.verbose_name_plural,
            "export_url": f"{self.address('export')}?{request.GET.urlencode()}",
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def count_of(self, request, ids: set[int]) -> int:
        return self.get_queryset(request).order_by().filter(pk__in=ids).count()

    def get_paginator(self, request, *args, **options):
        paginator = super().get_paginator(request, *args, **options)
        paginator.is_search = bool(request.GET.get(SEARCH_VAR))
        return paginator

    def address(self, page: str, *args) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    # --- Many at once, and lists as files -------------------------------------------
    def get_urls(self):
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        mine = [
            path("export/", view(require_GET(self.export_view)), name=f"{name}_export"),
            path("many/", view(require_POST(self.many_view)), name=f"{name}_many"),
        ]
        return mine + super().get_urls()

    def get_actions(self, request):
        found = dict(super().get_actions(request))
        if request.user.keeps_records:
            found |= {act.name: (admin_many.as_action(act), act.name, act.label) for act in self.many}
        if request.user.exports_reports:
            words = admin_sheets.export_chosen.short_description
            found["export_chosen"] = (admin_sheets.export_chosen, "export_chosen", words)
        return found

    def get_action_choices(self, request, default_choices=(("", "选要办的事"),)):
        return super().get_action_choices(request, list(default_choices))

    def export_view(self, request):
        return admin_sheets.export(self, request)

    def many_view(self, request):
        return admin_many.perform(self, request)

    # --- Saving -------------------------------------------------------------------
    def get_readonly_fields(self, request, obj=None):
        fixed = list(super().get_readonly_fields(request, obj))
        return fixed + [name for name in self.readonly_on_change if obj is not None]

    def get_fieldsets(self, request, obj=None):
        fieldsets = super().get_fieldsets(request, obj)
        return [*fieldsets, *((None, {"fields": [name]}) for name in self.carried(request, obj))]

    def carried(self, request, obj) -> list[str]:
        """Hidden fields that go along: the version of a record, the key of a new one."""
        if obj is not None:
            return ["version"] if self.has_change_permission(request, obj) else []
        return ["request_uuid"] if takes_key(self.create_service) else []

    def get_form(self, request, obj=None, change=False, **kwargs):
        carried = self.carried(request, obj)
        named = kwargs.get("fields") or flatten_fieldsets(self.get_fieldsets(request, obj))
        kwargs["fields"] = [name for name in named if name not in carried]
        form = plain(super().get_form(request, obj, change=change, **kwargs), self.constraint_words)
        if carried:
            form = versioned(form) if "version" in carried else sent_once(form)
        refusal = getattr(request, "service_refusal", None)
        return form if refusal is None else refusing(form, refusal)

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        kind = self.opts.verbose_name
        extra_context = {"title": kind if object_id else f"增加{kind}", **(extra_context or {})}
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            # The transaction is rolled back; show the same form again with the sentence above it.
            request.service_refusal = refusal.message
            return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request, context, *args, **kwargs):
        response = super().render_change_form(request, context, *args, **kwargs)
        if getattr(context["adminform"].form, "answer_status", 200) == 409:
            response.status_code = 409
        return response

    def save_model(self, request, obj, form, change):
        act = self.change_service if change else self.create_service
        if act is None:
            raise ImproperlyConfigured(f"{type(self).__name__} saves without a declared service")
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            # The form has already written on `obj`; the service compares with what is stored.
            stored = self.get_queryset(request).get(pk=obj.pk)
            act(actor=request.user, **{self.instance_argument: stored}, **values)
        else:
            created = act(actor=request.user, **form.cleaned_data)
            obj.__dict__.update(created.__dict__)

    def save_related(self, request, form, formsets, change):
        """The service has stored everything; inlines here never write."""

    # --- One log: the audit -----------------------------------------------------------
    def construct_change_message(self, request, form, formsets, add=False):
        # Nothing reads it, and read-only inlines have no saved objects to tell of.
        return []

    def log_addition(self, request, obj, message):
        return None

    def log_change(self, request, obj, message):
        return None

    def log_deletions(self, request, queryset):
        return None

    def events_of(self, record, user):
        """The history beside a record; an admin whose records keep it elsewhere says so."""
        return record_history(record, user, most=200)

    def history_view(self, request, object_id, extra_context=None):
        record = self.get_object(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"办理经过：{record}",
            "events": self.events_of(record, request.user),
            "object": record,
            "opts": self.opts,
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.object_history_template, context)


def takes_key(act: Callable | None) -> bool:
    return act is not None and "request_uuid" in signature(act).parameters


def refusing(form, sentence: str):
    """The same form, refused with this sentence."""

    class RefusedForm(form):
        def clean(self):
            super().clean()
            raise ValidationError(sentence)

    return RefusedForm
