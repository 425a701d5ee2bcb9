"""Every leaf of the resolver, and which record its address is about.

A new route fails `test_every_route_is_classified` until it is PUBLIC, OPEN (no
record in its address) or built from a record of a place by KINDS / RECORDS.
"""

import re

from django.contrib import admin
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLResolver

from attendance.models import Attendance, RosterEntry
from campaigns.models import Campaign, Department, Lecturer, ProgrammeItem, Topic, TrainingSession, Unit
from campaigns.models.service import ServiceTask
from organizations.models import (
    AuditEvent,
    BulkAct,
    ImportBatch,
    Job,
    Member,
    Organization,
    TransferRequest,
    User,
)

PUBLIC = {
    "organizations:login",
    "admin:login",
    # The empty frame of a phone without a signal: not a name in it (tests/attendance/test_offline_pages.py).
    "attendance:offline_home",
    # Only with a signed pack of an account that was closed; what it leaves waits.
    "attendance:offline_left",
    "attendance:offline_manifest",
    "attendance:offline_worker",
}
LOGIN_PAGES = ("/login/", "/admin/login/")

# Pages whose address names no record: they may answer, but only with the account's own rows.
OPEN = {
    "admin:app_list",
    "admin:autocomplete",
    "admin:catch_all",
    "admin:index",
    "admin:jsi18n",
    "admin:logout",
    "admin:password_change",
    "attendance:offline_hello",
    "campaigns:campaign_list",
    "campaigns:campaign_new",
    "campaigns:service_list",
    "campaigns:service_new",
    "campaigns:service_owners",
    "campaigns:session_list",
    "campaigns:session_new",
    "organizations:account_bulk",
    "organizations:account_list",
    "organizations:account_new",
    "organizations:account_slip",
    "organizations:accounts_close",
    "organizations:audit_list",
    "organizations:import_template",
    "organizations:import_upload",
    "organizations:job_list",
    "organizations:code_enter",
    "organizations:code_recovery",
    "organizations:code_setup",
    "organizations:login_security",
    "organizations:logins_end",
    "organizations:logout",
    "organizations:member_export",
    "organizations:member_apart",
    "organizations:member_find",
    "organizations:member_list",
    "organizations:member_new",
    "organizations:member_twins",
    "organizations:organization_list",
    "organizations:organization_new",
    "organizations:password_change",
    "organizations:transfer_list",
    "reports:dashboard",
    "reports:definition_list",
    "reports:home",
    "reports:report_list",
    "reports:report_request",
}

# Which record of a place an address is about: (pattern of the route's name, argument, record, its field).
KINDS = [
    (r"organizations:member_", "pk", "member", "pk"),
    (r"organizations:organization_", "pk", "organization", "pk"),
    (r"organizations:account_", "pk", "account", "pk"),
    (r"organizations:job_", "uuid", "job", "uuid"),
    (r"organizations:import_", "pk", "batch", "pk"),
    (r"campaigns:service_", "pk", "task", "pk"),
    (r"campaigns:session_", "pk", "session", "pk"),
    (r"attendance:(entry_|waiver_)", "pk", "entry", "pk"),
    (r"attendance:member_", "pk", "member", "pk"),
    (r"attendance:branch_", "pk", "organization", "pk"),
    (r".*:transfer_", "pk", "request", "pk"),
    (r"attendance:moved_", "pk", "bulk", "pk"),
    (r"attendance:part_(?!close|reopen)", "pk", "part", "pk"),
    (r"attendance:member_", "pk", "member", "pk"),
    (r"attendance:branch_", "pk", "organization", "pk"),
    (r"attendance:batch_", "batch_pk", "sending", "pk"),
    (r"attendance:sheet_reading", "uuid", "reading", "uuid"),
    (r"attendance:(register|marks|visitors|sheet_|batch_|session_|part_|paste)", "pk", "session", "pk"),
    (r"attendance:(many|together)", "pk", "session", "pk"),
    (r"attendance:", "entry_pk", "entry", "pk"),
    (r"attendance:", "session_pk", "session", "pk"),
    (r".*", "campaign_pk", "campaign", "pk"),
    (r".*", "unit_pk", "unit", "pk"),
    (r"reports:indicator_list", "code", "indicator", ""),
]
# For the admin: the record of a place for each registered model.
RECORDS = {
    Organization: "organization",
    Member: "member",
    Job: "job",
    ImportBatch: "batch",
    AuditEvent: "event",
    BulkAct: "bulk",
    TransferRequest: "request",
    User: "account",
    Campaign: "campaign",
    TrainingSession: "session",
    ServiceTask: "task",
    ProgrammeItem: "item",
    Topic: "topic",
    Unit: "unit",
    Lecturer: "lecturer",
    RosterEntry: "entry",
    Attendance: "attendance",
    Department: "department",
}


class Route:
    """One leaf of the resolver: its full name and the arguments its address takes."""

    def __init__(self, namespace, pattern):
        name = pattern.name or ("catch_all" if "url" in arguments(pattern) else "short_address")
        self.name = f"{namespace}:{name}" if namespace else name
        self.arguments = arguments(pattern)

    def admin_model(self):
        for model in admin.site._registry:
            if self.name.startswith(f"admin:{model._meta.app_label}_{model._meta.model_name}_"):
                return model
        return None

    @property
    def is_open(self) -> bool:
        return self.name in OPEN or (self.admin_model() is not None and not self.arguments)

    def record_of(self, argument: str) -> tuple[str, str] | None:
        """(name of the record, its field) an argument stands for; None when the tables do not know it."""
        if argument == "object_id":
            record = RECORDS.get(self.admin_model())
            return (record, "pk") if record else None
        for pattern, name, record, field in KINDS:
            if name == argument and re.match(pattern, self.name):
                return record, field
        return None

    @property
    def is_classified(self) -> bool:
        if self.name in PUBLIC or self.is_open:
            return True
        return bool(self.arguments) and all(self.record_of(argument) for argument in self.arguments)

    @property
    def records(self) -> list[str]:
        known = filter(None, map(self.record_of, self.arguments))
        return [record for record, _ in known]

    def address(self, place) -> str | None:
        """The address about this place's records; None where the place has no such record."""
        if self.name == "admin:catch_all":
            return "/admin/no-such-page/"
        if self.name == "admin:app_list":
            return reverse(self.name, kwargs={"app_label": "organizations"})
        if self.is_open or self.name in PUBLIC:
            return reverse(self.name)
        values = {argument: place.value(*self.record_of(argument)) for argument in self.arguments}
        return None if None in values.values() else reverse(self.name, kwargs=values)


def arguments(pattern) -> list[str]:
    return list(pattern.pattern.regex.groupindex)


def routes(resolver=None, namespace=""):
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, pattern.namespace or namespace)
        elif pattern.name or "url" in arguments(pattern):
            # Without a name the admin keeps only its old short addresses, which redirect to "change".
            yield Route(namespace, pattern)


ROUTES = list(routes())
