"""From a file to members and on: long files aside, corrected workbooks into the same import, who probes."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from organizations.models import AuditEvent, ImportBatch, Job, Member
from organizations.queries.probing import USUAL
from organizations.queries.probing import todos as probing_todos
from organizations.runner import Runner
from organizations.services import import_checks, jobs, members
from organizations.services.imports import check_roster, store_batch
from tests.base import Cast, fixture_writes, once
from tests.organizations.workbooks import HEADERS, id_number, person, roster

pytestmark = pytest.mark.django_db

built, cast = once(Cast)


@pytest.fixture
def at(client, cast):
    """`at("import_detail", pk)`: the page as the northern organizer sees it."""

    def ask(name, *args, method="get", account="north_organizer", **data):
        client.force_login(getattr(cast, account))
        return getattr(client, method)(reverse(f"organizations:{name}", args=args), data)

    return ask


def file_of(content, name="名册.xlsx"):
    return SimpleUploadedFile(name, content)


@pytest.fixture
def upload(at, cast):
    def send(content, name="名册.xlsx", **options):
        data = {"organization": cast.north.pk, "file": file_of(content, name)} | options
        return at("import_upload", method="post", **data)

    return send


@pytest.fixture
def every_file_is_long(monkeypatch):
    monkeypatch.setattr(import_checks, "AT_ONCE_BYTES", 10)


def text_of(response) -> str:
    return response.content.decode()


def test_a_long_file_is_checked_aside_and_the_page_says_how_far(upload, at, every_file_is_long):
    upload(roster(person("张一")))
    batch = ImportBatch.objects.get()
    assert (batch.state, batch.verdict) == ("CHECKING", {})
    assert "正在检查" in text_of(at("import_detail", batch.pk))
    waiting = at("import_status", batch.pk)
    assert "every 2s" in text_of(waiting) and "HX-Refresh" not in waiting
    assert "正在检查" in text_of(at("import_upload"))
    assert Runner().run_one()
    assert at("import_status", batch.pk)["HX-Refresh"] == "true"
    assert "可以存进系统" in text_of(at("import_detail", batch.pk))
    batch.refresh_from_db()
    store_batch(actor=batch.uploaded_by, batch=batch, version=batch.version)
    assert Member.objects.filter(name="张一").count() == 1


def test_a_long_file_that_cannot_be_read_says_why_where_it_was_uploaded(upload, at, every_file_is_long):
    upload(b"<html><table></table></html>")
    Runner().run_one()
    batch = ImportBatch.objects.get()
    text = text_of(at("import_detail", batch.pk))
    assert batch.state == "REFUSED" and "另存为 .xlsx" in text and "从这里传回来" in text
    answer = at("import_again", batch.pk, method="post", file=file_of(roster(person("张一"))))
    assert answer.status_code == 302
    Runner().run_one()
    assert "可以存进系统" in text_of(at("import_detail", batch.pk))


def test_a_check_that_broke_says_so_and_another_file_may_be_sent(upload, at, cast, every_file_is_long):
    upload(roster(person("张一")))
    job = jobs.claim(Job.objects.get().pk)
    jobs.fail(job, "处理程序三次中断，请重新申请。")
    batch = ImportBatch.objects.get()
    assert "没有检查成" in text_of(at("import_detail", batch.pk))
    assert at("import_status", batch.pk)["HX-Refresh"] == "true"
    assert (
        at("import_again", batch.pk, method="post", file=file_of(roster(person("张一")))).status_code == 302
    )
    Runner().run_one()
    batch.refresh_from_db()
    assert batch.state == "CHECKED"


def test_a_job_run_twice_checks_once(upload, every_file_is_long):
    upload(roster(person("张一")))
    job = Job.objects.get()
    for _ in range(2):
        jobs.run(job.pk, import_checks.run_check)
    assert ImportBatch.objects.get().version == 1


def test_whoever_lost_the_scope_meanwhile_gets_no_verdict(upload, cast, every_file_is_long):
    upload(roster(person("张一")))
    job = Job.objects.get()
    with fixture_writes():
        cast.north_organizer.organization = cast.south
        cast.north_organizer.save()
    jobs.run(job.pk, import_checks.run_check)
    job.refresh_from_db()
    assert job.state == "FAILED" and "权限已经变化" in job.reason
    assert ImportBatch.objects.get().verdict == {}


def test_a_corrected_workbook_goes_into_the_same_import(upload, at):
    upload(roster(person("张一"), person("张二", phone="123")))
    batch = ImportBatch.objects.get()
    at("import_again", batch.pk, method="post", file=file_of(roster(person("张一"), person("张二"))))
    assert ImportBatch.objects.count() == 1
    text = text_of(at("import_detail", batch.pk))
    assert "第 2 次检查" in text and "全部存进系统" in text


def test_what_was_stored_is_not_touched_again_and_the_rest_comes_after(upload, at, cast):
    upload(roster(person("张一"), person("张二", phone="123")))
    batch = ImportBatch.objects.get()
    at("import_store", batch.pk, method="post", version=1, partial="1")
    batch.refresh_from_db()
    text = text_of(at("import_detail", batch.pk))
    assert batch.state == "PARTIAL" and "存了一部分，1 行要改" in text and "已存 1 行不再动" in text
    stored = Member.objects.get(name="张一")
    members.change_member(actor=cast.north_organizer, member=stored, party_group="一组")
    at("import_again", batch.pk, method="post", file=file_of(roster(person("张一"), person("张二"))))
    assert "已存 1 行不再动，其余没有要改的了" in text_of(at("import_detail", batch.pk))
    at("import_store", batch.pk, method="post", version=3)
    batch.refresh_from_db()
    assert batch.state == "STORED" and batch.result["created"] == 2
    assert Member.objects.filter(name__in=["张一", "张二"]).count() == 2
    assert Member.objects.get(name="张一").party_group == "一组"


def test_a_refused_corrected_file_leaves_the_verdict_and_the_page_as_they_were(upload, at):
    upload(roster(person("张一"), person("张二", phone="123")))
    batch = ImportBatch.objects.get()
    response = at("import_again", batch.pk, method="post", file=file_of(b"<html></html>"))
    assert response.status_code == 422 and "另存为 .xlsx" in text_of(response)
    assert "1 行要改" in text_of(at("import_detail", batch.pk))
    assert at("import_again", batch.pk, method="post").status_code == 422


def test_storing_means_the_verdict_that_was_seen(upload, at):
    upload(roster(person("张一")))
    batch = ImportBatch.objects.get()
    at("import_again", batch.pk, method="post", file=file_of(roster(person("张二"))))
    for version in ({"version": 1}, {}):
        at("import_store", batch.pk, method="post", **version)
        assert not Member.objects.filter(name="张二").exists()
    at("import_store", batch.pk, method="post", version=2)
    assert Member.objects.filter(name="张二").exists()


def test_old_and_new_stand_side_by_side_with_numbers_masked(upload, at, cast):
    upload(roster(person("王北甲", birth="1970-01-01", sex="男", phone="13900002222")))
    text = text_of(at("import_detail", ImportBatch.objects.get().pk, show="updated"))
    assert "空</span> → <strong>139****2222" in text and "13900002222" not in text
    assert "性别" in text and "<strong>男" in text


def test_the_preview_is_searched_by_name_and_paged(upload, at):
    upload(roster(*[person(f"张{n:c}", birth=f"19{50 + n % 40}-01-02") for n in range(0x4E00, 0x4E00 + 60)]))
    batch = ImportBatch.objects.get()
    first = text_of(at("import_detail", batch.pk, show="created"))
    assert "第 1 / 2 页" in first and "张一" in first
    found = text_of(at("import_detail", batch.pk, show="created", q="张七"))
    assert "张七" in found and "张丁" in first and "张丁" not in found
    assert "没有找到这个人" in text_of(at("import_detail", batch.pk, show="created", q="无此人"))


def test_lines_left_out_are_listed_with_the_reason_and_lead_to_the_transfer(upload, at, cast):
    upload(roster(person("王北甲", "北坡村党支部", birth="1970-01-01"), person("张一"), ["合计", None, None]))
    text = text_of(at("import_detail", ImportBatch.objects.get().pk, show="skipped"))
    assert "疑似调动" in text and "去办转接" in text and "“合计”不是党员" in text


def test_after_storing_the_lists_say_what_was_done(upload, at):
    upload(roster(person("张一"), person("王北甲", birth="1970-01-01", phone="13900002222")))
    batch = ImportBatch.objects.get()
    at("import_store", batch.pk, method="post", version=1)
    assert "张一" in text_of(at("import_detail", batch.pk, show="created"))
    text = text_of(at("import_detail", batch.pk, show="updated"))
    assert "王北甲" in text and "手机" in text and "撤销这次导入" in text


def test_no_page_takes_more_queries_for_more_rows(upload, at):
    def count(show):
        batch = ImportBatch.objects.latest("pk")
        at("import_detail", batch.pk)
        with CaptureQueriesContext(connection) as captured:
            at("import_detail", batch.pk, show=show)
        return len(captured)

    upload(roster(person("张一")))
    few = {show: count(show) for show in ("created", "skipped", "errors")}
    upload(
        roster(person("张一"), person("张二"), person("张三", "北坡村党支部"), person("合计"), person("x1"))
    )
    assert {show: count(show) for show in few} == few


def test_the_sibling_township_finds_none_of_it(upload, at, every_file_is_long):
    upload(roster(person("张一")))
    batch = ImportBatch.objects.get()
    for name, method in [
        ("import_detail", "get"), ("import_status", "get"), ("import_answer", "post"),
        ("import_again", "post"), ("import_store", "post"), ("import_undo", "get"), ("import_undo", "post"),
        ("import_annotated", "get"),
    ]:  # fmt: skip
        for account in ("south_organizer", "inspector", "north_recorder"):
            assert at(name, batch.pk, method=method, account=account).status_code == 404
    for name in ("import_answer", "import_again", "import_store"):
        assert at(name, batch.pk).status_code == 405


def numbers_elsewhere(cast, count):
    """People of the south with their numbers, as a roster of the north would list them."""
    ids = [id_number("19650712", f"{serial:03d}") for serial in range(100, 100 + 2 * count, 2)]
    for serial, number in enumerate(ids):
        name = f"南{chr(0x4E00 + serial)}人"
        members.create_member(
            actor=cast.south_organizer, branch=cast.south_branch, name=name, id_number=number
        )
    return [person(f"张{chr(0x4E00 + serial)}", id=number) for serial, number in enumerate(ids)]


def test_looking_up_numbers_of_other_places_is_counted_and_told_to_the_district(upload, at, cast):
    people = numbers_elsewhere(cast, USUAL + 1)
    upload(roster(*people[:USUAL]))
    upload(roster(*people[:USUAL]))  # the same people again are the same people
    assert not AuditEvent.objects.filter(action="roster.probing").exists()
    assert probing_todos(cast.officer) == []
    upload(roster(people[USUAL]))
    event = AuditEvent.objects.get(action="roster.probing")
    assert event.actor == cast.north_organizer and event.details == {"count": USUAL + 1}
    (line,) = probing_todos(cast.officer)
    assert line.level == "warn" and "1个账号" in line.text
    assert probing_todos(cast.north_organizer) == probing_todos(cast.south_organizer) == []
    upload(roster(people[0]))
    assert AuditEvent.objects.filter(action="roster.probing").count() == 1
    # Neither the page nor the audit says whose numbers they are.
    text = text_of(at("import_detail", ImportBatch.objects.latest("pk").pk))
    assert "需要上级核对" in text and "南" not in text.split("<main")[1].split("</main>")[0]


def test_an_answer_that_makes_a_column_the_id_number_is_counted_too(upload, at, cast):
    people = [[*line[:5], *line[6:], line[5]] for line in numbers_elsewhere(cast, USUAL + 1)]
    headers = [name for name in HEADERS if name != "身份证号"]
    upload(roster(*people, headers=(*headers, "联络号")))
    assert not AuditEvent.objects.filter(action="roster.probing").exists()
    at(
        "import_answer",
        ImportBatch.objects.get().pk,
        method="post",
        version=1,
        key="联络号",
        field="id_number",
    )
    assert AuditEvent.objects.get(action="roster.probing").details == {"count": USUAL + 1}


def test_whoever_asks_for_a_check_is_counted(cast):
    """No page need remember it."""
    content = roster(*numbers_elsewhere(cast, USUAL + 1))
    check_roster(actor=cast.north_organizer, organization=cast.north, file_name="x.xlsx", content=content)
    assert AuditEvent.objects.filter(action="roster.probing").exists()


def test_the_alarm_leads_to_the_audit(upload, at, cast):
    upload(roster(*numbers_elsewhere(cast, USUAL + 1)))
    (line,) = probing_todos(cast.officer)
    at("import_upload", account="officer")
    answer = at("audit_list", account="officer", q="登记在别处的身份证号")
    assert f"查到 {USUAL + 1} 个" in text_of(answer) and "audit" in line.url


def test_a_roster_checked_by_the_system_alarms_nobody(cast):
    check_roster(actor=None, organization=cast.north, file_name="x.xlsx", content=roster(person("张一")))
    assert not AuditEvent.objects.filter(action="roster.probing").exists()
