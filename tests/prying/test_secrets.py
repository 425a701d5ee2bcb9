"""ID numbers and phones: in the encrypted columns and nowhere else, whatever people do."""

import json
import logging
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from organizations.fields import EncryptedField
from organizations.models import ImportBatch, Job, Member
from organizations.service import Refused
from organizations.services import jobs
from reports.services.reports import build
from tests.base import once
from tests.organizations.workbooks import id_number, person, roster
from tests.prying.places import World
from tests.prying.sweep import LogSweep, files_with_numbers, numbers_in
from tests.prying.walk import Pryer, everything

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
IMPORTED = [id_number("19580301", "777"), id_number("19630912", "888")]
TYPED = id_number("19810506", "999")
WRONG = id_number("19550606", "555")[:-1] + "#"
PHONES = ["13911112222", "13733334444", "15855556666"]
CANARIES = [*IMPORTED, TYPED, WRONG[:17], *PHONES]
# The uploaded sheet and its annotated copy are people's data by nature: kept a day, handed out with an event.
KEPT_FILES = {"organizations_storedfile"}


built, world = once(World)


class Office:
    """A day in the office with every way a number can take; remembers every answer."""

    def __init__(self, world):
        self.world, self.answers = world, []
        self.client = Client(raise_request_exception=False)
        self.client.force_login(world.north_organizer)

    def post(self, address, **data):
        answer = self.client.post(address, data)
        assert answer.status_code < 500, (address, answer.exc_info)
        self.answers.append(answer)
        return answer

    def get(self, address):
        answer = self.client.get(address)
        assert answer.status_code < 500, (address, answer.exc_info)
        self.answers.append(answer)
        return answer

    def day(self):
        self.import_rosters()
        self.type_them_in()
        self.report()
        self.break_things()

    def import_rosters(self):
        north = self.world.north.pk
        good = roster(
            person("试一", id=IMPORTED[0], phone=PHONES[0]), person("试二", id=IMPORTED[1], phone=PHONES[1])
        )
        bad = roster(
            person("试三", id=WRONG, phone=PHONES[2]),
            person("试四", id=IMPORTED[0], phone=f"{PHONES[2]}0"),
            person("试五", id=self.world.numbers[-2], phone="x"),
            person("试六", id=IMPORTED[1], phone=PHONES[1]),
            person(f"{IMPORTED[1]}", phone=PHONES[2]),
        )
        for name, content in ((f"名册{IMPORTED[0]}.xlsx", good), (f"{PHONES[0]}.xlsx", bad)):
            upload = SimpleUploadedFile(name, content)
            answer = self.post("/import/", organization=north, file=upload)
            assert answer.status_code == 302, answer.content.decode()[:500]
            for show in ("", "?show=errors", "?show=warnings", "?show=created", "?show=updated"):
                self.get(f"{answer.url}{show}")
            self.post(f"{answer.url}store/", partial="1", version="1", seen="1")
        self.post("/import/", organization=north, file=SimpleUploadedFile("x.xlsx", WRONG.encode()))

    def type_them_in(self):
        branch, wang = self.world.north_branch.pk, self.world.wang.pk
        who = {"branch": branch, "name": "试七", "category": "FULL"}
        assert self.post("/members/new/", **who, id_number=TYPED, phone=PHONES[2]).status_code == 302
        assert self.post("/members/new/", **who, id_number=WRONG, phone="1391111222").status_code == 422
        # One that is known elsewhere, in and out of scope.
        for number in (IMPORTED[0], self.world.numbers[-2]):
            assert self.post("/members/new/", **who, id_number=number).status_code == 422
        change = {"name": "王北甲", "category": "FULL", "phone": PHONES[2]}
        self.post(f"/members/{wang}/edit/", **change)
        self.post(f"/admin/organizations/member/{wang}/change/", **change)
        for page in ("/members/", "/audit/", "/admin/organizations/member/"):
            answer = self.client.get(page, {"q": f" {IMPORTED[0]} ", "show": "all"})
            assert answer.status_code == 302 and answer.url == f"{page}?show=all"
        # The one page that shows a number to who gave a reason; it is no answer of the sweep.
        self.client.post(f"/members/{wang}/reveal/", {"reason": "核对一下"})

    def report(self):
        answer = self.post("/reports/request/", unit=self.world.north_unit.pk, form=uuid4())
        job = Job.objects.order_by("-pk").first()
        jobs.run(job.pk, build)
        self.get(answer.url)
        self.get(f"/jobs/{job.uuid}/file/")
        for page in ("/members/", f"/members/{self.world.wang.pk}/", "/jobs/", "/audit/", "/accounts/"):
            self.get(page)

    def break_things(self):
        """Jobs that fail with what they were working on; the sentence and the log stay clean."""
        for trouble in (Refused("名册里有人登记了两次，请核对。"), KeyError("member")):
            job = jobs.enqueue(
                kind="tests.broken",
                title="会坏的任务",
                requested_by=self.world.north_organizer,
                organization=self.world.north,
                params={},
            )

            def work(job, trouble=trouble):
                member = Member.objects.get(name="试一")  # numbers are in reach of the traceback
                assert member.id_number
                raise trouble

            jobs.run(job.pk, work)


@pytest.fixture(scope="module")
def office(built):
    """The day happens once; the tests only look at what it left."""
    sweep, before = LogSweep(), set(Path(tempfile.gettempdir()).iterdir())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(sweep)
    root.setLevel(logging.DEBUG)
    made = Office(built)
    made.day()
    root.removeHandler(sweep)
    root.setLevel(level)
    made.logged, made.before = sweep.found, before
    return made


def canaries_in(text: str, extra=()) -> set[str]:
    return {word for word in [*CANARIES, *extra] if word in text}


def test_the_day_has_left_its_people(office):
    """Otherwise the other tests would pass on an empty day."""
    people = {member.name: member for member in Member.objects.filter(name__startswith="试")}
    assert people["试一"].id_number == IMPORTED[0] and people["试七"].phone == PHONES[2]
    batches = ImportBatch.objects.filter(organization=office.world.north).order_by("pk")
    assert list(batches.values_list("state", flat=True))[-2:] == ["STORED", "PARTIAL"]


def test_no_log_line_holds_a_number(office):
    assert office.logged == []


def test_no_row_holds_a_number_but_encrypted(office):
    """Every text of every table as the database sees it, JSON and sessions included."""
    found = []
    for table in connection.introspection.table_names():
        if table in KEPT_FILES:
            continue
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    text = (
                        bytes(value).decode("utf-8", "replace")
                        if isinstance(value, memoryview)
                        else str(value)
                    )
                    if canaries_in(text, office.world.numbers):
                        found.append((table, name, text[:200]))
    assert found == []


def test_sessions_hold_none_when_decoded(office):
    for session in Session.objects.all():
        assert not canaries_in(json.dumps(session.get_decoded(), default=str, ensure_ascii=False))


def test_no_answer_and_no_address_holds_a_number(office):
    for answer in office.answers:
        path = answer.request["PATH_INFO"] + answer.request.get("QUERY_STRING", "")
        assert not canaries_in(path), path
        assert not canaries_in("\n".join(f"{k}: {v}" for k, v in answer.headers.items())), path
        if answer.status_code != 422:  # a refused form shows what was typed, to whom typed it
            text = everything(answer).decode("utf-8", "replace")
            assert not canaries_in(text, office.world.numbers), (path, canaries_in(text))


def test_a_refused_form_shows_no_number_of_somebody_else(office):
    refused = [answer for answer in office.answers if answer.status_code == 422]
    sent = {TYPED, WRONG[:17], *IMPORTED, *PHONES, office.world.numbers[-2]}
    for answer in refused:
        assert not canaries_in(everything(answer).decode(), set(office.world.numbers) - sent) - sent


def test_no_file_is_left_with_a_number(office):
    assert files_with_numbers(settings.DATA_DIR) == []
    new = set(Path(tempfile.gettempdir()).iterdir()) - office.before
    assert not [path for path in new if path.name.endswith((".upload", ".upload.xlsx"))]


def test_every_column_for_numbers_is_encrypted():
    """A new column named after a number has to be one of these."""
    plain = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.name in ("id_number", "phone") and not isinstance(field, EncryptedField)
    ]
    assert plain == []


def test_the_sweep_finds_what_it_looks_for(world, tmp_path):
    """Red when protection is missing: a log line, a file, JSON with a number are seen."""
    sweep = LogSweep()
    for text in (f"stored {TYPED}", f'{{"phone": "{PHONES[0]}"}}', f"tel:{PHONES[1]}"):
        sweep.emit(logging.LogRecord("x", 20, "", 0, text, None, None))
    assert len(sweep.found) == 3
    (tmp_path / "left.tmp").write_text(TYPED)
    assert files_with_numbers(tmp_path) and not numbers_in("7f3a13911112222b 20261122040400123456")
    assert Pryer(world, "organizer").world.numbers
