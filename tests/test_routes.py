"""Every route, walked from the resolver: behind the login, and blind to the other township.

A new route fails here until it is classified: PUBLIC, listed in OPEN (no object in
its address), or built from an object of the south by KINDS. The walk is made as the
organizer of the north: objects of the south must be 404, and no answer at all may
hold one of the canary names.
"""

import re
from uuid import uuid4

import pytest
from django.contrib import admin
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLResolver

from attendance.models import Attendance, RosterEntry
from campaigns.models import Campaign, Department, Lecturer, ProgrammeItem, Topic, TrainingSession, Unit
from campaigns.models.service import ServiceTask
from campaigns.services.service_tasks import open_task
from organizations.models import AuditEvent, ImportBatch, Job, Member, Organization
from organizations.models.members import MemberQuerySet
from organizations.services import jobs, members
from tests.attendance.scene import Scene
from tests.base import fixture_writes
from tests.campaigns.scene import make_campaign

pytestmark = pytest.mark.django_db

# Words that belong to the south alone; searching for people of the south must not echo them.
CANARIES = ("金丝雀", "南河村", "南河镇")
SOUTH_WORD = "孙南甲"

PUBLIC = {"organizations:login", "admin:login"}
LOGIN_PAGES = ("/login/", "/admin/login/")

# Pages whose address names no record: they may answer, but never with a canary.
OPEN = {
    "admin:app_list",
    "admin:autocomplete",
    "admin:catch_all",
    "admin:index",
    "admin:jsi18n",
    "admin:logout",
    "admin:password_change",
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
    "organizations:audit_list",
    "organizations:import_template",
    "organizations:import_upload",
    "organizations:job_list",
    "organizations:logout",
    "organizations:member_list",
    "organizations:member_new",
    "organizations:organization_list",
    "organizations:organization_new",
    "organizations:password_change",
    "reports:dashboard",
    "reports:definition_list",
    "reports:home",
    "reports:report_list",
    "reports:report_request",
}

# Which record of the south an address is about: (pattern of the route's name, argument) → attribute.
KINDS = [
    (r"organizations:member_", "pk", "sun.pk"),
    (r"organizations:organization_", "pk", "south_branch.pk"),
    (r"organizations:account_", "pk", "south_organizer.pk"),
    (r"organizations:job_", "uuid", "south_job.uuid"),
    (r"organizations:import_", "pk", "south_import.pk"),
    (r"campaigns:service_", "pk", "south_task.pk"),
    (r"campaigns:session_", "pk", "south_session.pk"),
    (r"attendance:(entry_|waiver_)", "pk", "south_entry.pk"),
    (r"attendance:member_", "pk", "sun.pk"),
    (r"attendance:branch_", "pk", "south_branch.pk"),
    (r"attendance:part_(?!close|reopen)", "pk", "south_part.pk"),
    (r"attendance:", "pk", "south_session.pk"),
    (r"attendance:", "entry_pk", "south_entry.pk"),
    (r"attendance:", "session_pk", "south_session.pk"),
    (r"attendance:", "batch", "south_batch"),
    (r".*", "campaign_pk", "south_campaign.pk"),
    (r".*", "unit_pk", "south_unit.pk"),
    (r"reports:indicator_list", "code", "indicator"),
]
# For the admin: a record of the south for each registered model.
RECORDS = {
    Organization: "south_branch.pk",
    Member: "sun.pk",
    Job: "south_job.pk",
    ImportBatch: "south_import.pk",
    AuditEvent: "south_event.pk",
    Campaign: "south_campaign.pk",
    TrainingSession: "south_session.pk",
    ServiceTask: "south_task.pk",
    ProgrammeItem: "south_item.pk",
    Topic: "south_topic.pk",
    Unit: "south_unit.pk",
    Lecturer: "south_lecturer.pk",
    RosterEntry: "south_entry.pk",
    Attendance: "south_attendance.pk",
    Department: "nobody",  # shared by everybody: there is no outside
}


class South(Scene):
    """The cast with one of everything in the south, and a campaign of the south's own."""

    def __init__(self):
        super().__init__()
        officer = self.officer
        self.south_unit = self.south_branch_unit
        self.south_session = self.session(self.south_branch_unit, title="金丝雀课", venue="金丝雀会议室")
        self.mark(self.south_session, {self.sun: "present", self.zhou: ("absent", "")}, actor=officer)
        self.shared_session = self.session(
            self.north_unit, title="北山大课", units=[self.north_unit], hour=14
        )
        self.south_entry = RosterEntry.objects.get(campaign=self.campaign, member=self.sun)
        self.south_attendance = Attendance.objects.get(session=self.south_session, entry=self.south_entry)
        self.south_part = self.south_session.parts.get()
        self.south_task = open_task(actor=officer, unit=self.south_branch_unit, title="金丝雀家修路")
        self.south_campaign = make_campaign(self, label="金丝雀自办冬训", opened=False)
        self.south_item = ProgrammeItem.objects.filter(group__campaign=self.south_campaign).first()
        self.south_topic = self.south_campaign.topics.first()
        self.nobody = 0
        with fixture_writes():
            self.south_lecturer = Lecturer.objects.create(organization=self.south, name="金丝雀讲师")
            Campaign.objects.filter(pk=self.south_campaign.pk).update(organization=self.south)
            self.south_import = ImportBatch.objects.create(
                organization=self.south,
                uploaded_by=self.south_organizer,
                file_name="金丝雀名册.xlsx",
                file_sha256="0",
            )
        self.south_job = self.make_job()
        members.change_member(actor=officer, member=self.sun, party_group="金丝雀小组")
        self.south_event = AuditEvent.objects.about(self.sun, officer).first()
        self.south_batch = uuid4()
        self.indicator = "RATE_DUE"

    def make_job(self):
        actor = self.south_organizer
        job = jobs.enqueue(
            kind="tests.canary", title="金丝雀报表", requested_by=actor, organization=self.south, params={}
        )
        jobs.publish(jobs.claim(job.pk), name="金丝雀.xlsx", content=b"canary")
        return job

    def look_up(self, path: str):
        value = self
        for step in path.split("."):
            value = getattr(value, step)
        return value


class Route:
    """One leaf of the resolver: its full name and the arguments its address takes."""

    def __init__(self, namespace, pattern):
        callback = pattern.callback
        name = pattern.name or ("catch_all" if "url" in arguments(pattern) else "short_address")
        self.name = f"{namespace}:{name}" if namespace else name
        self.arguments = arguments(pattern)
        self.model = getattr(getattr(callback, "model_admin", None), "model", None)

    def admin_model(self):
        for model in admin.site._registry:
            start = f"admin:{model._meta.app_label}_{model._meta.model_name}_"
            if self.name.startswith(start):
                return model
        return None

    def is_open(self) -> bool:
        model = self.admin_model()
        return self.name in OPEN or (model is not None and not self.arguments)

    def kwargs(self, south) -> dict | None:
        """Arguments that point into the south; None when the table does not know them."""
        found = {}
        for argument in self.arguments:
            path = self.path_of(argument)
            if path is None:
                return None
            found[argument] = south.look_up(path)
        return found

    def path_of(self, argument: str) -> str | None:
        if argument == "object_id":
            return RECORDS.get(self.admin_model())
        for pattern, name, path in KINDS:
            if name == argument and re.match(pattern, self.name):
                return path
        return None


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


def address(route, kwargs) -> str:
    if route.name == "admin:catch_all":
        return "/admin/no-such-page/"
    if route.name == "admin:app_list":
        return reverse(route.name, kwargs={"app_label": "organizations"})
    return reverse(route.name, kwargs=kwargs)


def has_canary(response) -> bool:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    place = response.headers.get("Location", "")
    return any(word in content.decode("utf-8", "replace") + place for word in CANARIES)


def complaints(client, south) -> list[str]:
    """What is wrong when the organizer of the north walks every route."""
    found = []
    client.raise_request_exception = False
    client.force_login(south.north_organizer)
    for route in ROUTES:
        if route.name in PUBLIC or route.name == "organizations:logout":
            continue
        ask = open_page if route.is_open() else record_page
        found += [f"{route.name}: {trouble}" for trouble in ask(client, south, route)]
    return found


def open_page(client, south, route):
    url = address(route, {})
    into_the_south = {
        "unit": south.south_branch.pk,
        "organization": south.south_branch.pk,
        "campaign": south.campaign.pk,
        "q": SOUTH_WORD,
    }
    unit = into_the_south | {"unit": south.south_branch_unit.pk, "host": south.south_branch_unit.pk}
    for params in ({}, {"q": SOUTH_WORD}, into_the_south, unit):
        yield from wrong(client.get(url, params), f"GET {url} {params}")


def wrong(answer, what):
    """A broken page proves nothing, so it is a complaint too."""
    if answer.status_code >= 500:
        yield f"{what} breaks"
    elif has_canary(answer):
        yield f"{what} shows the south"


def record_page(client, south, route):
    kwargs = route.kwargs(south)
    url = address(route, kwargs)
    get, post = client.get(url), client.post(url, {"reason": "试试看", "result": "试试看"})
    json = client.post(url, "{}", content_type="application/json")
    statuses = [get.status_code, post.status_code, json.status_code]
    if not set(statuses) <= {404, 405} or 404 not in statuses:
        yield f"{url} answers {statuses}"
    for answer in (get, post, json):
        yield from wrong(answer, url)
    if "campaign_pk" in kwargs:
        yield from shared_campaign(client, south, route, kwargs)


def shared_campaign(client, south, route, kwargs):
    """The district's campaign is open to both townships; what lies in the south of it is not."""
    url = address(route, kwargs | {"campaign_pk": south.campaign.pk})
    for params in ({}, {"unit": south.south_branch_unit.pk}, {"q": SOUTH_WORD}):
        yield from wrong(client.get(url, params), f"GET {url} {params}")
    if "unit_pk" in kwargs and client.get(url).status_code != 404:
        yield f"{url} opens a unit of the south"


def test_every_route_is_classified():
    unknown = [
        route.name
        for route in ROUTES
        if route.name not in PUBLIC
        and not route.is_open()
        and (not route.arguments or any(route.path_of(argument) is None for argument in route.arguments))
    ]
    assert unknown == []


def test_the_tables_name_no_route_that_is_gone():
    assert {*PUBLIC, *OPEN} - {route.name for route in ROUTES} == set()


def test_every_route_is_behind_the_login(client):
    south = South()
    open_doors = []
    for route in ROUTES:
        if route.name in PUBLIC:
            continue
        url = address(route, {} if route.is_open() else route.kwargs(south))
        for answer in (client.get(url), client.post(url)):
            if answer.status_code != 302 or not answer.url.startswith(LOGIN_PAGES):
                open_doors.append((route.name, answer.status_code))
    assert open_doors == []


def test_nobody_sees_or_reaches_the_other_township(client):
    assert complaints(client, South()) == []


def test_the_walk_notices_when_one_scope_is_dropped(client, monkeypatch):
    south = South()
    monkeypatch.setattr(MemberQuerySet, "visible_to", lambda self, user: self)
    found = complaints(client, south)
    assert any(line.startswith("organizations:member_detail") for line in found)
    assert any(line.startswith("organizations:member_list") for line in found)
    assert any(line.startswith("admin:organizations_member_changelist") for line in found)
