"""A sheet as somebody in WPS treats it: downloaded, filled, saved, sent back."""

import io
from urllib.parse import urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from attendance.models import Attendance, SheetReading
from attendance.services.sheet_readings import reading_of
from organizations.fields import digest
from tests.base import fixture_writes

HEADER = 3
STATUS, REASON, MINUTES, TOKEN = 5, 6, 7, 8


def login(client, user):
    client.force_login(user, backend="organizations.backends.AccountBackend")
    return client


def url(name, session, *more):
    return reverse(f"attendance:{name}", args=[session.pk, *more])


def download(client, session, **asked) -> bytes:
    answer = client.get(url("sheet_xlsx", session), asked)
    assert answer.status_code == 200, answer
    return answer.content


class Filled:
    """One downloaded workbook, open for writing: `fill({"王北甲": ("出席", "", 90)})`."""

    def __init__(self, content: bytes):
        self.book = load_workbook(io.BytesIO(content))
        self.sheet = self.book.active

    def rows(self):
        return {cells[1].value: cells for cells in self.sheet.iter_rows(min_row=HEADER + 1)}

    def fill(self, values: dict) -> "Filled":
        rows = self.rows()
        for name, told in values.items():
            told = told if isinstance(told, tuple) else (told,)
            for cell, value in zip(rows[name][STATUS - 1 : MINUTES], told, strict=False):
                cell.value = value
        return self

    def saved(self) -> bytes:
        output = io.BytesIO()
        self.book.save(output)
        return output.getvalue()


def plain(*rows) -> bytes:
    """A list of some sign-in tool: exactly these rows."""
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def upload(client, session, content: bytes, name: str = "签到表.xlsx"):
    return client.post(url("sheet_upload", session), {"file": SimpleUploadedFile(name, content)})


def read(client, session, content: bytes, name: str = "签到表.xlsx"):
    """(reading, address of the page that shows it)."""
    answer = upload(client, session, content, name)
    assert answer.status_code == 302, answer.content.decode()
    stored = SheetReading.objects.get(uuid=urlsplit(answer.url).path.split("/")[-2])
    return reading_of(stored), answer.url


def asked(reading) -> dict[str, tuple[int, list[str]]]:
    """name → (number of the line, what can be answered)."""
    return {
        line.name: (number, [option.label for option in line.options])
        for number, line in enumerate(reading.lines)
        if line.options
    }


def answers(reading, **chosen) -> dict:
    """name=words of the option → what the page posts."""
    form = {"rest": ""}
    for name, words in chosen.items():
        number, labels = asked(reading)[name]
        [form[f"line-{number}"]] = [n for n, label in enumerate(labels) if words in label]
    return form


def statuses(session) -> dict:
    rows = Attendance.objects.filter(session=session).exclude(status="unmarked")
    return {
        name: (status, reason, minutes if is_set else None)
        for name, status, reason, minutes, is_set in rows.values_list(
            "entry__member__name", "status", "reason", "minutes", "minutes_set"
        )
    }


def give_phone(member, phone: str) -> None:
    with fixture_writes():
        member.phone, member.phone_digest, member.phone_tail = phone, digest(phone), phone[-4:]
        member.save()
