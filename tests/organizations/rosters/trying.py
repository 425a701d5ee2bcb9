"""Sends a roster the way a township or an operator does, and says what came of it."""

import hashlib
import json
import os
from dataclasses import dataclass
from io import StringIO

from django.core.management import call_command

from organizations.fields import digest
from organizations.imports.preflight import FileRefused
from organizations.models import Member, Organization, OrganizationKind
from organizations.services.imports import check_roster, store_batch
from tests.base import Cast, fixture_writes, make_member, make_organization
from tests.organizations.workbooks import id_number

# Held by somebody of the north's first branch, of its second one, of the south.
HERE, BESIDE, ELSEWHERE = (id_number("19600203", serial) for serial in ("511", "513", "515"))


class Scene(Cast):
    """The cast, two villages whose branches bear one name, a closed branch, members with known numbers."""

    def __init__(self):
        super().__init__()
        for code, name in (("HZ0103", "大河村党总支"), ("HZ0104", "小河村党总支")):
            upper = make_organization(self.north, code, name, OrganizationKind.GENERAL_BRANCH)
            make_organization(upper, f"{code}01", "第一党支部")
        self.closed = make_organization(self.north, "HZ0109", "旧村党支部", closed_on="2025-01-01")
        self.here = known(self.north_branch, "郑知", HERE, "13900001111")
        self.beside = known(self.north_other_branch, "冯坡", BESIDE, "13900002222")
        self.elsewhere = known(self.south_branch, "陈南金丝雀", ELSEWHERE, "13900003333")


def known(branch: Organization, name: str, number: str, phone: str) -> Member:
    with fixture_writes():
        beside = {"id_digest": digest(number), "phone_digest": digest(phone), "phone_tail": phone[-4:]}
        return make_member(branch, name, id_number=number, phone=phone, **beside)


def stored() -> tuple[int, str]:
    """How many members there are, and a hash of all that is known of them."""
    rows = Member.objects.order_by("pk").values_list()
    return len(rows), hashlib.sha256(repr(list(rows)).encode()).hexdigest()


@dataclass
class Outcome:
    refused: str
    message: str
    verdict: dict
    batch: object = None

    @property
    def errors(self) -> list[tuple]:
        return [(one["code"], one["row"], one["column"]) for one in self.verdict.get("errors", [])]

    @property
    def warnings(self) -> list[tuple]:
        return [(one["code"], one["row"], one["column"]) for one in self.verdict.get("warnings", [])]

    @property
    def messages(self) -> list[str]:
        found = self.verdict.get("errors", []) + self.verdict.get("warnings", [])
        return [one["message"] for one in found] + ([self.message] if self.message else [])


def checked(content: bytes, organization: Organization, name="名册.xlsx", **choices) -> Outcome:
    try:
        batch = check_roster(
            actor=None, organization=organization, file_name=name, content=content, **choices
        )
    except FileRefused as refusal:
        return Outcome(refusal.code, refusal.message, {})
    return Outcome("", "", batch.verdict, batch)


def store(outcome: Outcome, *, partial=False) -> dict:
    return store_batch(actor=None, batch=outcome.batch, partial=partial)


def command(path, content: bytes, *flags) -> tuple[int, dict]:
    """Exit code and report of `import_roster`."""
    path.write_bytes(content)
    output, status = StringIO(), 0
    try:
        call_command("import_roster", str(path), "--organization", "HZ01", "--json", *flags, stdout=output)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, json.loads(output.getvalue())


def worked() -> float:
    """Seconds of processor time of this process and those it has waited for."""
    return sum(os.times()[:4])
