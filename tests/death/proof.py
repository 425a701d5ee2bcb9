"""Asks the database for everything that was acknowledged, and for anything that happened twice or by half.

Reads raw rows with statements of its own; only the derived rows are compared by
the product's own recount.
"""

import hashlib
import io
import uuid
import zipfile
from collections import Counter
from dataclasses import dataclass, field

from attendance.models import Attendance, Mark, MarkBatch
from attendance.services.recount import differences
from organizations.fields import decrypt_bytes
from organizations.models import AuditEvent, ImportBatch, Job, Member, StoredFile
from reports.models import DailyFigure
from tests.death.acts import Ledger, Sent
from tests.death.town import Town


@dataclass
class Findings:
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)  # files, and figures that differ from their recount

    def __bool__(self) -> bool:
        return bool(self.lost or self.twice or self.stuck or self.half)

    def all(self) -> list[str]:
        names = ("lost", "twice", "stuck", "half")
        return [f"{name}: {line}" for name in names for line in getattr(self, name)]


class Proof:
    """Remembers what it has seen: each sending is looked at in full once, its effect every time."""

    def __init__(self, town: Town, ledger: Ledger):
        self.town, self.ledger = town, ledger
        self.seen: set[uuid.UUID] = set()

    def look(self) -> Findings:
        found = Findings()
        self._sendings(found)
        self._registers(found)
        self._imports(found)
        self._jobs(found)
        self._files(found)
        self._evenings(found)
        found.half += differences(campaign=self.town.campaign)
        return found

    def _sendings(self, found: Findings) -> None:
        new = {key: sent for key, sent in self.ledger.batches.items() if key not in self.seen}
        stored = Counter(MarkBatch.objects.filter(uuid__in=new).values_list("uuid", flat=True))
        marks = Counter(Mark.objects.filter(batch__uuid__in=new).values_list("batch__uuid", flat=True))
        acts = AuditEvent.objects.filter(action__startswith="register.").order_by("-pk")
        audited = Counter(acts.values_list("details__batch", flat=True)[: 2 * len(new) + 50])
        for key, sent in new.items():
            self._sending(found, key, sent, stored[key], marks[key], audited[str(key)])
        self.seen |= set(new)

    @staticmethod
    def _sending(found: Findings, key: uuid.UUID, sent: Sent, stored: int, marks: int, audited: int) -> None:
        if not (stored and marks >= len(sent.entries) and audited):
            found.lost.append(f"sending {key}: {stored} stored, {marks} of {len(sent.entries)} marks")
        if stored > 1 or marks > len(sent.entries) or audited > 1:
            found.twice.append(f"sending {key}: {stored} stored, {marks} marks, {audited} events")

    def _registers(self, found: Findings) -> None:
        """The last acknowledged status stands, and its version is the number of marks that changed it."""
        rows = {(row.session_id, row.entry_id): row for row in Attendance.objects.all()}
        applied = Counter(
            Mark.objects.filter(outcome=Mark.Outcome.APPLIED).values_list("batch__session", "entry")
        )
        for key, status in self.ledger.statuses.items():
            if key not in rows or rows[key].status != status:
                found.lost.append(f"mark {key}: {status} was acknowledged")
            elif rows[key].version != applied[key]:
                found.twice.append(f"mark {key}: version {rows[key].version}, {applied[key]} marks")

    def _imports(self, found: Findings) -> None:
        people = Counter(Member.objects.filter(branch=self.town.north_branch).values_list("name", flat=True))
        events = Counter(
            AuditEvent.objects.filter(action="roster.stored").values_list("target_id", flat=True)
        )
        stored = set(ImportBatch.objects.filter(stored_at__isnull=False).values_list("pk", flat=True))
        for batch, names in self.ledger.imports.items():
            there = sum(people[name] for name in names)
            if batch not in stored or there < len(names) or not events[str(batch)]:
                found.lost.append(f"import {batch}: {there} of {len(names)} people")
            if there > len(names) or events[str(batch)] > 1:
                found.twice.append(
                    f"import {batch}: {there} of {len(names)} people, {events[str(batch)]} events"
                )

    def _jobs(self, found: Findings) -> None:
        found.stuck += self.ledger.never
        for job in Job.objects.exclude(state=Job.State.READY):
            if job.state != Job.State.FAILED or not job.reason:
                found.stuck.append(f"job {job.pk} {job.kind}: {job.state} {job.reason}")
        asked = Counter(Job.objects.filter(kind__contains="build_report").values_list("uuid", flat=True))
        for form, job in self.ledger.reports.items():
            if asked[uuid.UUID(job)] != 1:
                found.lost.append(f"report {job}")
            made = Job.objects.filter(key__endswith=form).count()
            if made > 1:
                found.twice.append(f"report {form}: {made} jobs")

    def _files(self, found: Findings) -> None:
        """One file for each finished report, whole; no file that belongs to nothing."""
        owned = Counter(Job.objects.filter(file__isnull=False).values_list("file", flat=True))
        rosters: Counter = Counter()
        for kept in ("annotated", "source"):
            batches = ImportBatch.objects.filter(**{f"{kept}__isnull": False})
            rosters += Counter(batches.values_list(kept, flat=True))
        owned += rosters
        for file in StoredFile.objects.all():
            if owned[file.pk] != 1:
                found.twice.append(f"file {file.pk} belongs to {owned[file.pk]} jobs")
            content = bytes(file.content)
            if file.pk in rosters:  # kept encrypted, counted and summed in clear
                content = decrypt_bytes(content)
            if (file.size, file.sha256) != (len(content), hashlib.sha256(content).hexdigest()):
                found.half.append(f"file {file.pk}")
        for job in Job.objects.filter(uuid__in=self.ledger.reports.values(), state=Job.State.READY):
            if job.file is None or zipfile.ZipFile(io.BytesIO(bytes(job.file.content))).testzip():
                found.half.append(f"report {job.pk}")

    def _evenings(self, found: Findings) -> None:
        rows = Counter(DailyFigure.objects.values_list("day", flat=True))
        for day in self.ledger.evenings:
            if rows[day] < self.town.upper_units:
                found.lost.append(f"evening {day}: {rows[day]} of {self.town.upper_units} units")
            if rows[day] > self.town.upper_units:
                found.twice.append(f"evening {day}: {rows[day]} of {self.town.upper_units} units")
