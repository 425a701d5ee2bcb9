"""The main job end to end, by commands and by what phones send, with a real broker and a real worker.

Roster file → campaign → session → register with absentees → make-up → report, and at the
end every figure of the workbook, of `participation` and of the dashboard is the same number
as an independent recount from raw rows.
"""

import io
import json
from contextlib import redirect_stdout
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from attendance.models import RosterEntry
from attendance.services.makeup import plan_makeup
from attendance.services.roster import open_campaign
from campaigns.models import Unit
from campaigns.services.sessions import Plan, plan_session
from organizations.models import Job, Member
from reports import workbook
from reports.indicators import Rate
from tests import services
from tests.base import Cast
from tests.campaigns.scene import at, make_campaign, unit_of
from tests.organizations.workbooks import person, roster, xlsx
from tests.reports.oracle import recount

pytestmark = [pytest.mark.redis, pytest.mark.django_db(transaction=True)]

TITLE = ["北山镇2026年党员花名册"] + [None] * 7


def command(name, *args):
    """(exit code, parsed JSON) of a management command."""
    output = io.StringIO()
    try:
        with redirect_stdout(output):
            call_command(name, *args, stdout=output)
    except SystemExit as stop:
        return stop.code or 0, json.loads(output.getvalue())
    return 0, json.loads(output.getvalue())


def import_file(tmp_path, content, *options):
    path = tmp_path / "名册.xlsx"
    path.write_bytes(content)
    return command("import_roster", str(path), "--organization", "HZ01", "--json", *options)


def send(client, session, statuses):
    """What the register page sends; the answer's outcomes by entry."""
    marks = [
        {
            "entry": entry,
            "status": status,
            "base_version": 0,
            "marked_at": timezone.now().isoformat(),
            **({"reason": "ILL"} if status == "leave" else {}),
        }
        for entry, status in statuses.items()
    ]
    answer = client.post(
        reverse("attendance:marks", args=[session.pk]),
        json.dumps({"batch": str(uuid4()), "marks": marks}),
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content.decode()
    return {mark["entry"]: mark["outcome"] for mark in answer.json()["marks"]}


def participation(campaign, code):
    return command("participation", "--campaign", campaign.label, "--organization", code, "--json")[1]


def test_from_the_roster_file_to_the_workbook(celery_worker, tmp_path):
    celery_worker()
    cast = Cast()

    # The roster: refused with the row and column named, mended, stored.
    names = [f"乡亲{number}" for number in "甲乙丙丁戊己庚辛"]
    good = [person(name, birth=f"19{60 + n}-03-05") for n, name in enumerate(names)]
    wrong = person("乡亲壬", birth="2月30日")
    header = [["序号", "所在党支部", "姓名", "性别", "出生年月", "身份证号", "入党时间", "联系电话"]]
    code, verdict = import_file(tmp_path, xlsx([TITLE, *header, *good, wrong]))
    assert code == 1 and verdict["header_row"] == 2 and not verdict["stored"]
    assert [(e["row"], e["column"]) for e in verdict["errors"]] == [(11, "出生年月")]
    assert not Member.objects.filter(name__startswith="乡亲").exists()
    code, verdict = import_file(tmp_path, roster(*good, person("乡亲壬", birth="1975-02-28")))
    assert code == 0 and verdict["created"] == 9 and verdict["stored"]

    # The campaign, a session, its register with three absentees.
    campaign = make_campaign(cast, opened=False)
    open_campaign(actor=cast.officer, campaign=campaign)
    campaign.refresh_from_db()
    branch = unit_of(campaign, cast.north_branch)
    topics = list(campaign.topics.filter(is_compulsory=True)[:1])
    start = at(timezone.localdate() - timedelta(days=3))
    plan = Plan(
        title="冬训第一课",
        form=campaign.forms.get(code="LECTURE"),
        starts_at=start,
        ends_at=start + timedelta(hours=2),
        units=[branch],
        topics=topics,
    )
    session = plan_session(actor=cast.north_organizer, campaign=campaign, host=branch, plan=plan)
    organizer = Client()
    organizer.force_login(cast.north_organizer)
    entries = list(RosterEntry.objects.filter(unit=branch).order_by("member__place_in_list", "pk"))
    missing = entries[:3]
    before = participation(campaign, "HZ")["indicators"]["RATE_DUE"]
    sent = send(organizer, session, {e.pk: "absent" if e in missing else "present" for e in entries})
    assert set(sent.values()) == {"applied"} and len(sent) == 12
    after = participation(campaign, "HZ")["indicators"]
    assert before == {"n": 0, "d": 15} and after["RATE_DUE"] == {"n": 9, "d": 15}
    assert after["MK_OPEN"] == 3

    # The make-up class settles all three debts.
    makeup = plan_makeup(
        actor=cast.north_organizer,
        unit=unit_of(campaign, cast.north),
        topics=topics,
        entries=missing,
        title="补课",
        starts_at=start + timedelta(days=1),
        ends_at=start + timedelta(days=1, hours=1),
    )
    assert len(send(organizer, makeup, {e.pk: "present" for e in missing})) == 3
    assert participation(campaign, "HZ")["indicators"]["MK_OPEN"] == 0

    # The report, built by the worker.
    unit = Unit.objects.get(campaign=campaign, organization=cast.district)
    officer = Client()
    officer.force_login(cast.officer)
    officer.post(reverse("reports:report_request"), {"unit": unit.pk, "form": str(uuid4())})
    job = Job.objects.get(kind="reports.tasks.build_report")
    services.wait_until(lambda: Job.objects.get(pk=job.pk).is_over, seconds=60, what="the report")
    job.refresh_from_db()
    assert job.state == Job.State.READY, job.reason
    content = b"".join(officer.get(reverse("organizations:job_file", args=[job.uuid])))

    # Every figure, four ways.
    said = participation(campaign, "HZ")
    truth = {code: recount(campaign, code) for code in ("HZ", "HZ01", "HZ02")}
    assert without_calendar(said["indicators"]) == without_calendar(truth["HZ"])
    for child in said["children"]:
        assert without_calendar(child["indicators"]) == without_calendar(truth[child["organization"]])
    assert_workbook_says(content, said)
    assert command_workbook(campaign, tmp_path) == figures_of(content)


def without_calendar(indicators):
    """Both sides hold the same codes; what one of them does not compute is left out."""
    return {code: value for code, value in indicators.items() if code in COMPARED}


COMPARED = {
    "ORG_N", "MEM_ALL", "MEM_WAIVED", "MEM_DUE", "MEM_FLOAT", "TR_FIRST", "TR_MAKEUP", "TR_HOME", "TR_ALL",
    "RATE_FIRST", "RATE_DUE", "RATE_ALL", "ATT_RATE", "DONE_RATE", "NOT_YET", "WHY", "UNMARKED", "MK_OPEN",
}  # fmt: skip


def figures_of(content):
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=workbook.FIRST_ROW)][:3]


def assert_workbook_says(content, said):
    """Each line of the sheet shows the indicators of its unit; the last one the district's."""
    lines = {row[1] or row[0]: row for row in figures_of(content)}
    units = {child["name"]: child["indicators"] for child in said["children"]}
    units["合计"] = said["indicators"]
    assert set(units) <= set(lines)
    for name, indicators in units.items():
        shown = lines[name][workbook.FIRST_COLUMN - 1 :]
        for column, cell in zip(workbook.COLUMNS, shown, strict=False):
            if column.code in COMPARED:
                rate = column.part == "value" and column.code in RATES
                assert shown_as(cell, rate) == expected(indicators[column.code], column.part), (name, column)


RATES = {code for code in COMPARED if code.endswith("_RATE") or code.startswith("RATE_")}


def shown_as(cell, rate):
    return f"{cell:.1%}" if rate and not isinstance(cell, str) else str(cell)


def expected(value, part):
    """How the sheet must read: a count, a part of a rate or one reason, else the rate as people see it."""
    if not isinstance(value, dict):
        return str(value)
    return str(value[part]) if part in value else Rate(value["n"], value["d"], 95).text


def command_workbook(campaign, tmp_path):
    path = tmp_path / "report.xlsx"
    call_command("build_report", "--campaign", campaign.label, "--organization", "HZ", "--output", str(path))
    return figures_of(path.read_bytes())
