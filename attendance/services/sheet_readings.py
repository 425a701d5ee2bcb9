"""A file that came back: read, matched, and kept for a day until somebody has looked at it and sends it."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import uuid4

from django.utils import timezone

from attendance.imports.deciding import Line, Mark, Person, line_of
from attendance.imports.matching import Matching
from attendance.imports.reading import RawFile, read_file
from attendance.models import MarkBatch, SheetReading
from attendance.queries import RegisterPart, RegisterPerson, register
from attendance.queries.sheet_people import entries_by_phone, others_named
from attendance.services.judging import MarkInput
from attendance.services.marks import BatchAnswer, record_marks
from campaigns.models import TrainingSession
from organizations.fields import decrypt_bytes, encrypt_bytes
from organizations.models import User
from organizations.service import Refused, service

NAME_LENGTH = 200
NAMES_SHOWN = 5
REST = ("present", "absent")


@dataclass
class Reading:
    """What a file says, decided line by line. `rest`: who is expected and unmarked, in the file or not."""

    lines: list[Line]
    rest: list[Mark]
    notes: list[str]

    def as_bytes(self) -> bytes:
        rest = [(mark.entry, mark.version) for mark in self.rest]
        told = {"lines": [line.as_json() for line in self.lines], "rest": rest, "notes": self.notes}
        return encrypt_bytes(zlib.compress(json.dumps(told, ensure_ascii=False).encode()))


def reading_of(stored: SheetReading) -> Reading:
    told = json.loads(zlib.decompress(decrypt_bytes(bytes(stored.lines))))
    rest = [Mark(entry, version, "") for entry, version in told["rest"]]
    return Reading([line_of(line) for line in told["lines"]], rest, told["notes"])


@service(atomic=False, audited=False)
def keep_reading(*, actor: User, session: TrainingSession, content: bytes, file_name: str) -> SheetReading:
    """Read an uploaded sheet or list and keep what it would do; no mark is stored. Each upload is its own."""
    if not actor.marks_registers:
        raise Refused("您的账号不登记考勤。", code="role")
    if not session.campaign.is_open or not session.is_valid:
        raise Refused("这一场现在不能登记：冬训不在进行中，或者这一场已经取消。", code="closed")
    file = read_file(content, file_name)
    parts = register(session, actor).parts
    matching = _matching(actor, session, file, parts)
    _refuse_foreign(actor, session, matching)
    lines = matching.lines()
    is_sheet = file.is_ours or any(matching.tokens)
    return SheetReading.objects.create(
        uuid=uuid4(),
        session=session,
        account=actor,
        kind=MarkBatch.Kind.SHEET if is_sheet else MarkBatch.Kind.IMPORT,
        file_name=file_name[:NAME_LENGTH],
        lines=Reading(lines, _rest(parts, lines), _notes(file)).as_bytes(),
    )


def _matching(
    actor: User, session: TrainingSession, file: RawFile, parts: Sequence[RegisterPart]
) -> Matching:
    here = [
        _person(person, part)
        for part in parts
        for people in (part.expected, part.waived, part.visitors)
        for person in people
    ]
    entries = [person.entry for person in here]
    phones = entries_by_phone(session, actor, entries, {line.phone for line in file.lines})
    names = {line.name for line in file.lines}
    others = others_named(session, actor, entries, names, list(phones.values()))
    elsewhere = [Person(entry, name, unit, is_here=False) for entry, name, unit in others]
    return Matching(file, session.pk, session.minutes, here, elsewhere, phones)


def _person(person: RegisterPerson, part: RegisterPart) -> Person:
    return Person(
        entry=person.entry,
        name=person.name,
        unit=person.unit_name or part.part.unit.name,
        group=person.group,
        version=person.version,
        status=person.status,
        reason=person.reason,
        minutes=person.minutes,
    )


def _refuse_foreign(actor: User, session: TrainingSession, matching: Matching) -> None:
    """The sheet of another class: which, as far as the account sees it."""
    sessions = set(matching.sessions)
    if not sessions or session.pk in sessions:
        return
    other = TrainingSession.objects.visible_to(actor).filter(pk__in=sessions).first()
    if other is None:
        raise Refused("这份表不是这一场的，也不是您能看到的场次的。请下载本场的签到表来填。", code="foreign")
    day = timezone.localtime(other.starts_at)
    raise Refused(
        f"这份表是“{other.title}”（{day.month}月{day.day}日）那一场的，没有读。请到那一场的“签到表”里上传。",
        code="foreign",
    )


def _rest(parts: Sequence[RegisterPart], lines: list[Line]) -> list[Mark]:
    """Whom nobody marked yet, on the open sheets this file is about."""
    named = {line.about for line in lines}
    named |= {option.mark.entry for line in lines for option in line.options if option.mark}
    return [
        Mark(person.entry, person.version, "")
        for part in parts
        if part.can_mark and not named.isdisjoint(person.entry for person in part.expected)
        for person in part.expected
        if not person.status
    ]


def _notes(file: RawFile) -> list[str]:
    notes = []
    if file.hidden_rows:
        notes.append(f"表里有{file.hidden_rows}行是隐藏的（筛选过），也读了。")
    if file.unread:
        notes.append(f"这些工作表没有“姓名”列，没有读：{'、'.join(file.unread[:NAMES_SHOWN])}。")
    return notes


@service(atomic=False)
def send_reading(*, actor: User, reading: SheetReading, marks: Sequence[Mark]) -> BatchAnswer:
    """Store what was read and chosen as one sending, all of it or nothing. Sent again it changes nothing."""
    if not marks:
        raise Refused("没有要改的，不用提交。", code="empty")
    if len({mark.entry for mark in marks}) < len(marks):
        raise Refused("有一个人被两行选中了。请改一下，一人只选一次。", code="twice")
    return record_marks(
        actor=actor,
        session=reading.session,
        batch=reading.uuid,
        marks=[MarkInput(m.entry, m.status, m.version, m.reason, m.minutes) for m in marks],
        body_sha256=sha256(repr(list(marks)).encode()).hexdigest(),
        kind=reading.kind,
    )


@service(audited=False)
def drop_expired() -> int:
    """Forget what was read and never sent, or sent, a day ago."""
    return SheetReading.objects.expired().delete()[0]
