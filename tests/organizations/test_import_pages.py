"""The import pages: upload, verdict, storing, the workbook back; by whom, and not by whom."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from organizations.models import AuditEvent, ImportBatch, Member, StoredFile
from organizations.services.imports import check_roster
from tests.base import Cast, fixture_writes, once
from tests.organizations.workbooks import id_number, person, roster

pytestmark = pytest.mark.django_db


built, cast = once(Cast)


@pytest.fixture
def page(client, cast):
    """The page as somebody sees it: `page("north_organizer", "import_detail", pk)`."""

    def get(account, name, *args, method="get", data=None):
        client.force_login(getattr(cast, account))
        return getattr(client, method)(reverse(f"organizations:{name}", args=args), data)

    return get


@pytest.fixture
def upload(page, cast):
    def post(content, organization=None, account="north_organizer", name="名册.xlsx"):
        data = {
            "organization": (organization or cast.north).pk,
            "file": SimpleUploadedFile(name, content),
        }
        return page(account, "import_upload", method="post", data=data)

    return post


@pytest.fixture
def store(page):
    """The button of the verdict page; it says which verdict it means."""

    def press(batch, account="north_organizer", **data):
        batch.refresh_from_db()
        data = {"version": batch.version} | data
        return page(account, "import_store", batch.pk, method="post", data=data)

    return press


def batch_of(cast, *people):
    return check_roster(
        actor=cast.north_organizer,
        organization=cast.north,
        file_name="名册.xlsx",
        content=roster(*people),
    )


def test_a_roster_goes_from_upload_to_verdict_to_members(upload, page, store):
    response = upload(roster(person("张一"), person("张二")))
    batch = ImportBatch.objects.get()
    assert response["Location"] == reverse("organizations:import_detail", args=[batch.pk])
    text = page("north_organizer", "import_detail", batch.pk).content.decode()
    assert "全部存进系统" in text and "张一" in text
    store(batch)
    assert Member.objects.filter(name__in=["张一", "张二"]).count() == 2
    assert "已存进系统" in page("north_organizer", "import_detail", batch.pk).content.decode()


def test_errors_are_shown_by_row_and_column_and_good_rows_go_in_on_request(page, cast, store):
    batch = batch_of(cast, person("张一"), person("张二", phone="123"))
    text = page("north_organizer", "import_detail", batch.pk).content.decode()
    assert "第 3 行" in text and "联系电话" in text and "只存正确的 1 行" in text
    assert "全部存进系统</button>" not in text
    store(batch)
    assert not Member.objects.filter(name="张一").exists()
    store(batch, partial="1")
    assert Member.objects.filter(name="张一").count() == 1


def test_what_is_doubted_is_stored_by_somebody_who_saw_it(page, cast, store):
    wrong = person("张二", phone="123")
    batch = batch_of(cast, person("张一", sex="女", id=id_number("19650712", "341")), person("合计"), wrong)
    for ask, people in (({}, 0), ({"partial": "1"}, 0), ({"partial": "1", "seen": "1"}, 1)):
        text = page("north_organizer", "import_detail", batch.pk).content.decode()
        assert 'name="seen" value="1" required' in text and "第 2 行 张一：性别与身份证号" in text
        store(batch, **ask)
        assert Member.objects.filter(name="张一").count() == people
    # A total is nobody: there is nothing to be doubted.
    text = page("north_organizer", "import_detail", batch_of(cast, person("张三"), person("合计")).pk)
    assert 'name="seen"' not in text.content.decode()


def test_storing_twice_by_a_double_click_is_one_storing(cast, store):
    batch = batch_of(cast, person("张一"))
    for _ in range(2):
        assert store(batch).status_code == 302
    assert Member.objects.filter(name="张一").count() == 1


def test_each_list_behind_the_figures_opens(page, cast):
    batch = batch_of(
        cast, person("张一"), person("王北甲", birth=None, phone="13800001111"), person("合计"), person("x1")
    )
    lists = {"created": "张一", "updated": "138****1111", "skipped": "合计", "errors": "姓名里有"}
    for show, found in lists.items():
        response = page("north_organizer", "import_detail", batch.pk, data={"show": show})
        assert found in response.content.decode(), show
    assert page("north_organizer", "import_detail", batch.pk, data={"show": "else"}).status_code == 404


def test_the_annotated_workbook_comes_back_and_the_download_is_audited(page, cast):
    batch = batch_of(cast, person("张一", phone="123"))
    response = page("north_organizer", "import_annotated", batch.pk)
    assert load_workbook(BytesIO(response.content)).active["I2"].value.startswith("联系电话：")
    assert AuditEvent.objects.filter(action="roster.downloaded", target_id=str(batch.pk)).exists()
    with fixture_writes():
        StoredFile.objects.all().delete()
    response = page("north_organizer", "import_annotated", batch.pk)
    assert response.status_code == 302  # kept for a day only; the page says so


def test_what_was_uploaded_is_listed_with_its_state(page, cast):
    batch_of(cast, person("张一"))
    assert "行要改" not in page("north_organizer", "import_upload").content.decode()
    batch_of(cast, person("张一", phone="123"))
    text = page("north_organizer", "import_upload").content.decode()
    assert "还没存，1 行要改" in text and "还没存<" in text
    assert "没有这样的文件" in page("north_organizer", "import_upload", data={"q": "别的"}).content.decode()


def test_a_refused_file_says_why_and_what_to_do(upload, settings):
    response = upload(b"<html></html>")
    assert response.status_code == 422
    assert "另存为 .xlsx" in response.content.decode()
    settings.ROSTER_MAX_BYTES = 100
    assert upload(roster(person())).status_code == 413


def test_the_template_is_a_roster_the_importer_reads(page, upload, cast):
    response = page("north_organizer", "import_template")
    book = load_workbook(BytesIO(response.content))
    sheet = book.active
    sheet["B2"], sheet["C2"], sheet["F2"] = "北山村党支部", "张一", id_number()
    assert sheet["F2"].number_format == "@"
    output = BytesIO()
    book.save(output)
    upload(output.getvalue())
    verdict = ImportBatch.objects.get().verdict
    assert verdict["counts"]["created"] == 1 and verdict["ignored"] == ["序号"]


def test_the_other_township_sees_and_stores_nothing(page, upload, cast):
    assert upload(roster(person()), organization=cast.south).status_code == 404
    batch = batch_of(cast, person("张一", phone="123"))
    for name, method in [("import_detail", "get"), ("import_store", "post"), ("import_annotated", "get")]:
        assert page("south_organizer", name, batch.pk, method=method).status_code == 404
    assert "名册.xlsx" not in page("south_organizer", "import_upload").content.decode()
    assert "北山" not in page("south_organizer", "import_upload").content.decode()


def test_those_who_keep_no_records_have_no_import(page, cast):
    batch = batch_of(cast, person("张一"))
    for account in ("inspector", "auditor", "north_recorder"):
        assert page(account, "import_upload").status_code == 404
        assert page(account, "import_detail", batch.pk).status_code == 404
        assert page(account, "import_store", batch.pk, method="post").status_code == 404


def test_each_address_answers_only_its_method(page, cast):
    batch = batch_of(cast, person("张一"))
    assert page("north_organizer", "import_store", batch.pk).status_code == 405
    assert page("north_organizer", "import_detail", batch.pk, method="post").status_code == 405
    assert page("north_organizer", "import_annotated", batch.pk, method="post").status_code == 405
    assert page("north_organizer", "import_upload", method="put").status_code == 405


def test_no_page_needs_more_queries_for_more_rows(page, cast):
    def count(batch):
        with CaptureQueriesContext(connection) as context:
            page("north_organizer", "import_detail", batch.pk)
        with CaptureQueriesContext(connection) as uploads:
            page("north_organizer", "import_upload")
        return len(context), len(uploads)

    page("north_organizer", "import_upload")
    few = count(batch_of(cast, person("张一")))
    batch_of(cast, person("丁一"))
    assert count(batch_of(cast, person("张一"), person("张二"), person("张三", "北坡村党支部"))) == few
