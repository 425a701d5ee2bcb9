"""A township organizer's whole week, begun at /admin/ and reached by following links and forms only."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance
from campaigns.models import ServiceTask, TrainingSession
from organizations.models import ImportBatch, Job, Member
from tests.attendance.scene import Scene
from tests.base import once
from tests.organizations.workbooks import person, roster
from tests.prying.forms import Reader

pytestmark = pytest.mark.django_db
built, scene = once(Scene)
FIRST = "/admin/"
LINK = re.compile(r'<a[^>]*href="([^"]+)"[^>]*>(.*?)</a>', re.DOTALL)


class Organizer:
    """Somebody with a browser: sees a page, taps a word on it, sends a form that stands on it."""

    def __init__(self, client, user):
        self.client = client
        client.force_login(user)
        self.open(FIRST)

    def open(self, address):
        answer = self.client.get(address, follow=True)
        assert answer.status_code == 200, address
        self.at = answer.request["PATH_INFO"]
        self.html = answer.content.decode()
        return self

    def tap(self, words):
        """The first link with these words; without one the page is a dead end."""
        for address, inside in LINK.findall(self.html):
            if words in re.sub(r"<[^>]+>|\s", "", inside):
                return self.open(urljoin(self.at, unescape(address)))
        raise AssertionError(f"no link “{words}” on {self.at}")

    def send(self, marker, **values):
        """The form that has this field, or leads to this address, filled in as given."""
        reader = Reader(self.at)
        reader.feed(self.html)
        fitting = [
            form
            for form in reader.forms
            if marker in form.action or marker in {field.name for field in form.fields}
        ]
        assert fitting, (marker, self.at, [form.action for form in reader.forms])
        form = fitting[0]
        ask = self.client.post if form.method == "POST" else self.client.get
        answer = ask(form.action, {**form.body(), **values}, follow=True)
        assert answer.status_code == 200, (self.at, answer.status_code)
        assert 'class="errornote"' not in answer.content.decode(), answer.content.decode()
        self.at, self.html = answer.request["PATH_INFO"], answer.content.decode()
        return self

    def home(self):
        return self.open(FIRST)


def moment(days, hour):
    day = timezone.localdate() + timedelta(days=days)
    return f"{day}T{hour:02}:00"


def plan(north, scene):
    values = {
        "host": scene.north_branch_unit.pk,
        "title": "周三的党课",
        "form": scene.campaign.forms.get(code="LECTURE").pk,
        "method": "LECTURE",
        "topics": [scene.topics(0)[0].pk],
        "round": "FIRST",
        "starts_at": moment(-1, 9),
        "ends_at": moment(-1, 11),
    }
    north.home().tap("记一堂课").send("starts_at", **values)
    return TrainingSession.objects.get(title="周三的党课")


def mark(north, scene):
    north.home().tap("1场课上过了未点名")
    assert "周三的党课" in north.html
    absent = {f"m{scene.entry(scene.li).pk}.0": "absent"}
    north.home().tap("点名").tap("点名").send("batch", **absent)


def test_the_whole_week_from_the_front_page(client, scene):
    north = Organizer(client, scene.north_organizer)
    session = plan(north, scene)
    mark(north, scene)
    assert Attendance.objects.filter(session=session).exists()
    north.home().tap("1人待补课").send("/makeup/new/", entry=scene.entry(scene.li).pk)
    assert "李北乙" in north.html and "王北甲" not in north.html
    values = {"unit": scene.north_branch_unit.pk, "title": "修路灯", "kind": "PROBLEM"}
    north.home().tap("记实事").send("beneficiary", **values)
    task = ServiceTask.objects.get(title="修路灯")
    north.home().tap("办理中1件").tap("修路灯").tap("办理经过")
    north.home().tap("生成报表").send("/reports/request/")
    job = Job.objects.get()
    north.home().tap("后台任务")
    assert job.title in north.html
    north.home().tap("在册4人").tap("王北甲").send("party_group", party_group="三组")
    assert Member.objects.get(pk=scene.wang.pk).party_group == "三组"
    north.home().tap("在册4人").tap("王北甲").tap("办理经过")
    assert "空 → 三组" in north.html
    content = roster(person("张新来", branch="北山村党支部"))
    north.home().tap("名册导入").send("file", file=SimpleUploadedFile("名册.xlsx", content))
    batch = ImportBatch.objects.get()
    assert "张新来" in north.html or "名册.xlsx" in north.html
    nothing_of_it_exists_next_door(client, scene, [session, task, scene.wang, batch])


def nothing_of_it_exists_next_door(client, scene, records):
    """Neither in the ledger nor on the pages the week led to."""
    client.force_login(scene.south_organizer)
    for record in records:
        model = type(record)._meta
        for page in ("change", "history"):
            where = reverse(f"admin:{model.app_label}_{model.model_name}_{page}", args=[record.pk])
            assert client.get(where).status_code == 404, where
    pages = ["campaigns:session_detail", "attendance:register", "attendance:session_rows"]
    addresses = [reverse(name, args=[records[0].pk]) for name in pages]
    addresses.append(reverse("campaigns:service_detail", args=[records[1].pk]))
    addresses.append(reverse("organizations:member_detail", args=[records[2].pk]))
    addresses.append(reverse("organizations:import_detail", args=[records[3].pk]))
    addresses.append(reverse("organizations:job_detail", args=[Job.objects.first().uuid]))
    for where in addresses:
        assert client.get(where).status_code == 404, where


def test_each_count_of_the_front_page_leads_to_as_many_rows(client, scene):
    scene.session(scene.north_branch_unit, days=-1, title="没点名的课")
    scene.session(scene.south_branch_unit, days=-1, title="别处的课")
    north = Organizer(client, scene.north_organizer)
    for words, rows in (("1场课上过了未点名", 1), ("办理中0件", 0), ("在册4人", 4), ("0份检查过还没存", 0)):
        north.home().tap(words)
        assert north.html.count('class="action-select"') == rows, words


def test_every_list_of_the_front_page_opens(client, scene):
    north = Organizer(client, scene.north_organizer)
    listed = {urlsplit(address).path for address, _ in LINK.findall(north.html) if address.startswith(FIRST)}
    request = type("Request", (), {"user": scene.north_organizer})
    for model, model_admin in admin.site._registry.items():
        if model_admin.has_module_permission(request):
            where = model_admin.address("changelist")
            assert where in listed, model
            north.open(where)


def test_who_only_reads_is_asked_to_do_nothing(client, scene):
    reader = Organizer(client, scene.inspector)
    assert "记一堂课" not in reader.html and "名册导入" not in reader.html.split("各类记录")[0]
    reader.tap("生成报表")
