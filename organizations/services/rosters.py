"""The roster going out: the member list, its scope and filters, as a workbook the importer reads again."""

from collections.abc import Callable, Iterator
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from organizations import queries
from organizations.imports.branches import Branches
from organizations.imports.exporting import Sheet, roster_workbook
from organizations.imports.values import CellProblem
from organizations.models import Job, Member, Organization, User
from organizations.service import Refused, service
from organizations.services import audit, jobs
from organizations.tree import ancestors

KIND = "organizations.tasks.export_roster"
# More than this many are written in the background. Whole numbers never are: they would lie on the server.
MOST_AT_ONCE = 2000
SHORTEST_REASON = 2
READ_AT_ONCE = 1000
MAY_NOT = "您的账号不能导出名册，请让组织员或主管导出。"


class Labels:
    """What to write for a branch so that the importer finds that one and no other."""

    def __init__(self, unit: Organization, whole: Organization):
        self.scopes = [Branches(one) for one in ([unit] if unit == whole else [unit, whole])]
        below = Organization.objects.below(unit).values_list("path", "name")
        self.names = dict(below)
        self.known: dict[int, str] = {}

    def __call__(self, branch: Organization) -> str:
        if branch.pk not in self.known:
            self.known[branch.pk] = self.label(branch)
        return self.known[branch.pk]

    def label(self, branch: Organization) -> str:
        """The name if it is the only one, else with those above it; the code is always the only one."""
        chain = [self.names[path] for path in ancestors(branch.path) if path in self.names]
        texts = ["/".join(chain[-length:]) for length in range(1, len(chain) + 1)]
        for scopes in (self.scopes, self.scopes[:1]):
            for text in texts:
                if all(means(scope, text) == branch.pk for scope in scopes):
                    return text
        return branch.code


def means(branches: Branches, text: str) -> int | None:
    try:
        return branches.find(text).pk
    except CellProblem:
        return None


def people_of(rows, unit: Organization, whole: Organization, *, gone: bool) -> Iterator[tuple[Member, str]]:
    labels = None if gone else Labels(unit, whole)
    ordered = rows.order_by("branch__path", "place_in_list", "id")
    for member in ordered.iterator(chunk_size=READ_AT_ONCE):
        yield member, labels(member.branch) if labels else member.branch.name


def sheet_of(actor: User | None, unit: Organization, show: str, text: str, reason: str) -> Sheet:
    word = queries.MEMBER_FILTERS[show][0]
    now = timezone.localtime()
    note = [
        f"填报单位：{unit.name}",
        f"截至：{now.year}年{now.month}月{now.day}日 {now:%H:%M}",
        f"导出人：{actor.name if actor else '系统'}",
        f"范围：{word}{'，按姓名查找' if text.strip() else ''}",
        f"完整号码，用途：{reason}" if reason else "身份证号和手机已遮盖，遮盖的号码导回来不会改动",
    ]
    heading = f"{unit.name}党员名册{f'（{word}）' if show else ''}"
    return Sheet(heading, "　".join(note), whole=bool(reason), gone=show == "left")


def file_name(unit: Organization) -> str:
    return f"{unit.name}_党员名册_{timezone.localdate():%Y%m%d}.xlsx"


def count_up_to_most(rows) -> int:
    return rows.order_by().values("pk")[: MOST_AT_ONCE + 1].count()


@service
def export_roster(
    *,
    actor: User,
    unit: Organization | None = None,
    show: str = "",
    text: str = "",
    whole: bool = False,
    reason: str = "",
) -> tuple[str, bytes]:
    """File name and bytes of a roster of up to 2,000 people. Every export is an event with the count.

    `whole` shows ID numbers and phones in full; it takes a reason, which stands in the sheet and the audit.
    """
    require_may_export(actor, whole=whole)
    reason = required_reason(reason) if whole else ""
    unit = unit or actor.organization
    rows = queries.members(user=actor, unit=unit, show=show, text=text)
    if count_up_to_most(rows) > MOST_AT_ONCE:
        raise Refused(f"超过 {MOST_AT_ONCE} 人。请到下级党组织或支部里分开导出。", "too_many")
    sheet = sheet_of(actor, unit, show, text, reason)
    people = people_of(rows, unit, actor.organization, gone=sheet.gone)
    content, count = roster_workbook(sheet, people)
    record_export(actor, unit, show, count, reason)
    return file_name(unit), content


@service
def request_roster(
    *, actor: User, form: UUID, unit: Organization | None = None, show: str = "", text: str = ""
) -> Job:
    """Ask for a roster of any length, numbers masked. The same form sent again returns the job it made."""
    require_may_export(actor)
    unit = unit or actor.organization
    return jobs.enqueue(
        kind=KIND,
        title=f"{unit.name}党员名册",
        requested_by=actor,
        organization=unit,
        params={"show": show, "text": text},
        key=f"roster:{actor.pk}:{form}",
    )


@service(atomic=False)
def build(job: Job) -> None:
    """The work of one job. Scope and role are read again: they may have changed since it was asked for."""
    actor, unit = job.requested_by, job.organization
    assert actor is not None and unit is not None
    require_may_export(actor)
    show, text = job.params["show"], job.params["text"]
    rows = queries.members(user=actor, unit=unit, show=show, text=text)
    total = rows.order_by().count()
    sheet = sheet_of(actor, unit, show, text, "")
    content, count = roster_workbook(
        sheet, people_of(rows, unit, actor.organization, gone=sheet.gone), teller(job, total)
    )
    with transaction.atomic():
        record_export(actor, unit, show, count, "")
        jobs.publish(job, name=file_name(unit), content=content)


def teller(job: Job, total: int) -> Callable[[int], None]:
    def tell(done: int) -> None:
        jobs.progress(job, done=done, total=max(total, done), text="人已写进表格")

    return tell


def require_may_export(actor: User, *, whole: bool = False) -> None:
    if not (actor.keeps_records if whole else actor.exports_reports):
        raise Refused(MAY_NOT, "role")


def required_reason(reason: str) -> str:
    reason = " ".join(reason.split())[:100]
    if len(reason) < SHORTEST_REASON:
        raise Refused("请写明为什么要完整号码，例如“报区里核对党员信息”。", "reason")
    return reason


def record_export(actor: User, unit: Organization, show: str, count: int, reason: str) -> None:
    how = f"，完整号码，用途：{reason}" if reason else "，号码已遮盖"
    audit.record(
        actor=actor,
        action="roster.exported",
        summary=f"导出名册：{unit.name}，{count} 人{how}",
        target=unit,
        organization=unit,
        details={"count": count, "show": show, "whole": bool(reason)},
    )
