"""冬训情况统计表: asked for once, built by a job from one moment of the database."""

from collections.abc import Callable
from uuid import UUID

from django.utils import timezone

from campaigns.models import Campaign, CampaignKind, Unit
from organizations.models import Job, User
from organizations.service import Refused, service
from organizations.services import jobs
from organizations.tree import STEP
from reports import workbook
from reports.queries import figures, people
from reports.snapshot import snapshot

KIND = "reports.tasks.build_report"
# A second sheet that lists every branch is printed for a district, not for a province.
MAX_DETAIL = 3_000
Progress = Callable[[int, int, str], None]


@service
def request_report(*, actor: User, unit: Unit, form: UUID) -> Job:
    """Ask for the workbook of one unit. The same form sent again for it returns the job it already made."""
    if not actor.exports_reports:
        raise Refused("您的账号不能导出报表，请让组织员或主管导出。")
    return jobs.enqueue(
        kind=KIND,
        title=f"{unit.name} {unit.campaign.label}情况统计表",
        requested_by=actor,
        organization=unit.organization,
        params={"campaign": unit.campaign_id, "unit": unit.pk},
        key=f"report:{actor.pk}:{unit.pk}:{form}",
    )


def build(job: Job) -> None:
    """The work of one job: read one moment, write the workbook, publish it."""
    unit = _unit_of(job)

    def progress(done: int, total: int, text: str) -> None:
        jobs.progress(job, done=done, total=total, text=text)

    exporter = job.requested_by.name if job.requested_by else "系统"
    content = build_report(unit, exporter=exporter, progress=progress)
    jobs.publish(job, name=file_name(unit), content=content)


def _unit_of(job: Job) -> Unit:
    """Scope and role are read again: they may have changed since the job was asked for."""
    user = job.requested_by
    units = Unit.objects.all() if user is None else Unit.objects.visible_to(user)
    unit = units.select_related("campaign", "organization").filter(pk=job.params["unit"]).first()
    if unit is None or (user and not user.exports_reports):
        raise Refused("申请人现在无权导出这个单位的报表。")
    return unit


def file_name(unit: Unit) -> str:
    return f"{unit.name}_{unit.campaign.label}情况统计表_{timezone.localdate():%Y%m%d}.xlsx"


def build_report(unit: Unit, *, exporter: str, progress: Progress = lambda done, total, text: None) -> bytes:
    """The workbook of one unit. Used by the job and by the command.

    Everything is read inside one snapshot; `progress` is called before and after
    it, never while it is open.
    """
    progress(0, 3, "正在读取数据")
    with snapshot() as alias:
        now = timezone.now()
        report = _report(unit, exporter=exporter, using=alias, now=now)
    progress(1, 3, f"正在生成表格和{report.people_count}人的名单")
    content = workbook.build(report)
    progress(2, 3, "正在保存")
    return content


def _report(unit: Unit, *, exporter: str, using: str, now) -> workbook.Report:
    table = figures.table(unit, using=using, now=now)
    rows = [workbook.Row(child.name, values) for child, values in table.children]
    total = workbook.Row("合计", table.values, "total")
    count = people.count_names(unit, using)
    listed = list(people.names(unit, using)) if count <= workbook.MAX_NAMES else []
    campaign = unit.campaign
    return workbook.Report(
        title=f"{campaign.label}情况统计表{'（练习）' if campaign.kind == CampaignKind.PRACTICE else ''}",
        unit=unit.name,
        exporter=exporter,
        made_on=f"{timezone.localtime(now):%Y年%-m月%-d日}",
        as_of=f"{timezone.localtime(now):%Y年%-m月%-d日 %H:%M}",
        rows=rows or [workbook.Row(unit.name, total.values)],
        total=total,
        detail=_detail(unit, table.children, using, now),
        people=listed,
        people_count=count,
        notes=_notes(campaign),
    )


def _detail(unit: Unit, below: list, using: str, now) -> list[workbook.Row]:
    """Two levels: each child as 小计, then its own children. Empty where the children are the branches."""
    grandchildren = Unit.objects.using(using).below(unit).filter(depth=unit.depth + 2).order_by("path")
    if not 0 < grandchildren.count() <= MAX_DETAIL:
        return []
    level = figures.by_level(unit, len(unit.path) + 2 * STEP, using=using, now=now)
    rows = []
    by_parent: dict[str, list[Unit]] = {}
    for one in grandchildren:
        by_parent.setdefault(one.path[:-STEP], []).append(one)
    for child, values in below:
        inside = by_parent.get(child.path, [])
        rows.append(workbook.Row(f"{child.name}（小计）" if inside else child.name, values, "subtotal"))
        rows += [workbook.Row(one.name, level.of(one.path)) for one in inside]
    return rows


# hardening F22: whose person somebody is who moved in the middle of the winter.
MOVED = "中途转移组织关系的每人只算一次：人数、欠课算在现支部，转出以前的到课人次算在原支部。"


def _notes(campaign: Campaign) -> tuple[str, ...]:
    rule = f"怎样算参训：{campaign.get_trained_rule_display()}。参训率目标：{campaign.target_percent}%。"
    stale = ("数据正在重算，本表可能不是最终结果。",) if campaign.recount_due_at else ()
    practice = ("本表来自练习，不是正式数据。",) if campaign.kind == CampaignKind.PRACTICE else ()
    return (rule, MOVED, *stale, *practice)
