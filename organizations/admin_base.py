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
"""

from collections.abc import Callable
from functools import wraps
from inspect import signature

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.views.decorators.cache import never_cache

from organizations.forms.choices import PickByTyping, PickField, PicksField
from organizations.forms.versions import sent_once, versioned
from organizations.models import AuditEvent
from organizations.service import Refused

MOST_COUNTED = 10_000
# How Django's own filters write a declared field into the address.
FILTER_ENDS = ("__exact", "__id__exact", "__isnull")


class LedgerSite(admin.AdminSite):
    """One admin site for active accounts that read records; login and passwords are the workbench's."""

    site_title = "海州冬训台账"
    site_header = "海州冬训台账"
    index_title = "台账"
    site_url = "/"
    enable_nav_sidebar = False

    def admin_view(self, view, cacheable=False):
        """Who is logged in and may not read records gets 403, not a second login page."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request, *args, **kwargs):
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return inner(request, *args, **kwargs)

        return guarded

    @method_decorator(login_not_required)
    @method_decorator(never_cache)
    def login(self, request, extra_context=None):
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(self, request, extra_context=None):
        return redirect("admin:index")

    def password_change(self, request, extra_context=None):
        return redirect("organizations:password_change")

    def get_urls(self):
        # Only pages we mean to offer: no second password page, no redirects by content type.
        dropped = {"password_change_done", "view_on_site"}
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", "") not in dropped]


class CappedPaginator(Paginator):
    """Counts no further than MOST_COUNTED: a list must not count a million rows for its foot."""

    @cached_property
    def count(self):
        return self.object_list.order_by()[:MOST_COUNTED].count()


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """The choices of a filter beside the list: only what the account may see."""

    def field_choices(self, field, request, model_admin):
        seen = scoped(field.remote_field.model, request.user)
        return [(row.pk, str(row)) for row in seen[:200]]


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


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%d")


class ServiceAdmin(admin.ModelAdmin):
    """Base of every admin here: outside the scope is 404, no delete, no write without a service."""

    create_service: Callable | None = None
    change_service: Callable | None = None
    instance_argument: str = ""
    readonly_on_change: list[str] = []
    formfield_overrides = {
        models.DateTimeField: {"form_class": MomentField, "widget": MomentInput},
        models.DateField: {"widget": DayInput},
    }
    actions_on_bottom = False
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

    def formfield_for_dbfield(self, db_field, request, **kwargs):
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
        declared = [entry if isinstance(entry, str) else entry[0] for entry in self.list_filter]
        return lookup in {f"{name}{end}" for name in declared for end in FILTER_ENDS}

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
        ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(pk.isascii() and pk.isdigit() and len(pk) < 19 for pk in ticked):
            raise Http404  # Django would look for whatever is sent, and the database break on it
        titled = {"title": self.opts.verbose_name_plural, **(extra_context or {})}
        return super().changelist_view(request, titled)

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
        form = super().get_form(request, obj, change=change, **kwargs)
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
        return AuditEvent.objects.about(record, user)[:200]

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
