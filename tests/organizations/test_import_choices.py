"""What the user answers about a file: asked once, on the page, and remembered for that township alone."""

from io import BytesIO

import pytest
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from organizations.models import HeaderMeaning, ImportBatch, Member
from organizations.service import Refused
from organizations.services.import_columns import meanings_for, remember_columns, remembered
from organizations.services.imports import check_roster, store_batch
from tests.base import Cast, once
from tests.organizations.workbooks import HEADERS, person, roster, saved, xlsx

pytestmark = pytest.mark.django_db
ODD = ("所在党支部", "姓名", "出生年月", "联络号", "喜好")

built, cast = once(Cast)


def odd_roster(branch="北山村党支部", name="张一") -> bytes:
    return xlsx([ODD, (branch, name, "1965-07-12", "13900002222", "下棋")])


def with_hidden_row() -> bytes:
    book = load_workbook(BytesIO(roster(person("张一"), person("张二"))))
    book.active.row_dimensions[3].hidden = True
    return saved(book)


def check(cast, content, organization=None, actor=None):
    return check_roster(
        actor=actor or cast.north_organizer,
        organization=organization or cast.north,
        file_name="名册.xlsx",
        content=content,
    )


@pytest.fixture
def answer(client, cast):
    """Send the questions' form of an import as somebody would."""

    def send(batch, account=None, **data):
        client.force_login(account or cast.north_organizer)
        batch.refresh_from_db()
        data = {"version": batch.version} | data
        response = client.post(reverse("organizations:import_answer", args=[batch.pk]), data, follow=True)
        batch.refresh_from_db()
        return response.content.decode()

    return send


@pytest.fixture
def page(client, cast):
    def get(batch, account=None):
        client.force_login(account or cast.north_organizer)
        return client.get(reverse("organizations:import_detail", args=[batch.pk])).content.decode()

    return get


def page_of(batch):
    return reverse("organizations:import_detail", args=[batch.pk])


def fields(batch):
    return {header["key"]: header["field"] for header in batch.verdict["headers"]}


def test_hidden_rows_are_a_question_and_nothing_is_stored_before_the_answer(cast, client, page, answer):
    batch = check(cast, with_hidden_row())
    text = page(batch)
    assert "一起导入" in text and "只导入看得见的" in text and "全部存进系统</button>" not in text
    client.post(reverse("organizations:import_store", args=[batch.pk]), {"version": batch.version})
    assert not Member.objects.filter(name="张一").exists()
    assert "隐藏的是：张二。" in text
    assert "可以存进系统" in answer(batch, hidden_rows="no")
    counts = batch.verdict["counts"]
    assert (counts["created"], counts["skipped"], batch.row_count) == (1, 1, 2)
    assert "第 3 行 张二" in client.get(page_of(batch) + "?show=skipped").content.decode()
    client.post(reverse("organizations:import_store", args=[batch.pk]), {"version": batch.version})
    assert list(Member.objects.filter(name__startswith="张").values_list("name", flat=True)) == ["张一"]


def test_both_answers_about_hidden_rows_do_what_they_say(cast, answer):
    batch = check(cast, with_hidden_row())
    answer(batch, hidden_rows="yes")
    assert batch.verdict["counts"]["created"] == 2 and batch.version == 2


def test_an_unknown_column_is_said_once_and_known_the_next_time(cast, page, answer):
    batch = check(cast, odd_roster())
    assert "2 列没有认出来" in page(batch) and "喜好" in page(batch)
    answer(batch, key=["联络号", "喜好"], field=["phone", ""])
    assert fields(batch)["联络号"] == "phone"
    again = check(cast, odd_roster(name="张三"))
    assert fields(again)["联络号"] == "phone"
    assert "上次您说“联络号”是“手机”" in page(again)


def test_only_what_somebody_changed_is_remembered_never_a_guess(cast, answer):
    batch = check(cast, odd_roster())
    sent = {"所在党支部": "branch", "姓名": "name", "出生年月": "birth_date", "联络号": "phone", "喜好": ""}
    answer(batch, key=list(sent), field=list(sent.values()))
    assert dict(HeaderMeaning.objects.values_list("header", "field")) == {"联络号": "phone"}


def test_another_township_is_not_told_and_the_district_speaks_for_all(cast):
    remember_columns(actor=cast.north_organizer, answers={"联络号": "phone"})
    assert remembered(cast.south) == remembered(cast.south_branch) == {}
    assert remembered(cast.north_branch) == {"联络号": "phone"}
    batch = check(cast, odd_roster("南河村党支部"), cast.south, cast.south_organizer)
    assert fields(batch)["联络号"] == ""
    remember_columns(actor=cast.officer, answers={"联络号": "", "喜好": "party_group"})
    assert remembered(cast.south) == {"联络号": "", "喜好": "party_group"}
    # The nearest answer counts.
    assert remembered(cast.north)["联络号"] == "phone"
    assert meanings_for(cast.north)["喜好"].said_by_name == "海州区委"


def test_what_was_said_can_be_said_otherwise(cast, answer):
    batch = check(cast, odd_roster())
    answer(batch, key=["联络号"], field=["phone"])
    answer(batch, key=["联络号"], field=[""])
    assert remembered(cast.north) == {"联络号": ""} and fields(batch)["联络号"] == ""


def test_two_columns_of_one_name_are_asked_and_the_kept_file_is_checked_again(cast, page, answer):
    headers = ("所在党支部", "姓名", "联系电话", "联系电话")
    batch = check(cast, xlsx([headers, ("北山村党支部", "张一", "05181234567", "13900002222")]))
    assert batch.state == ImportBatch.State.REFUSED
    text = page(batch)
    assert "还要您说一声" in text and "联系电话（左起第 2 个）" in text
    keys = batch.verdict["asks"][0]["columns"]
    answer(batch, key=keys, field=["", "phone"])
    assert batch.state == ImportBatch.State.CHECKED and batch.verdict["counts"]["created"] == 1


def test_one_field_in_two_columns_is_refused_in_words(cast, answer):
    batch = check(cast, odd_roster())
    text = answer(batch, key=["联络号", "喜好"], field=["phone", "phone"])
    assert "都选成了手机" in text and batch.version == 1
    assert not HeaderMeaning.objects.exists()


def test_sheets_are_chosen_where_nobody_can_tell(cast, page, answer):
    book = Workbook()
    for name, header, cell in (("甲表", "所在党支部", "北山村党支部"), ("乙表", "出生年月", "1965-07-12")):
        sheet = book.active if name == "甲表" else book.create_sheet()
        sheet.title = name
        for line in (("姓名", "性别", header), (f"{name}人", "男", cell)):
            sheet.append(line)
    batch = check(cast, saved(book))
    assert "甲表" in page(batch) and "要导入哪几张" in page(batch)
    assert "至少选一张" in answer(batch, asks_sheets="1")
    answer(batch, asks_sheets="1", sheets=["甲表"])
    assert batch.choices["sheets"] == ["甲表"]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"hidden_rows": "maybe"},
        {"key": ["别的列"], "field": ["phone"]},
        {"key": ["联络号"], "field": ["password"]},
    ],
)
def test_a_forged_answer_is_refused_and_nothing_is_checked_or_learnt(cast, answer, nonsense):
    batch = check(cast, odd_roster())
    assert "没有看懂" in answer(batch, **nonsense)
    assert batch.version == 1 and not HeaderMeaning.objects.exists()


def test_an_answer_to_an_old_verdict_is_not_taken(cast, answer):
    batch = check(cast, odd_roster())
    assert "又检查过" in answer(batch, version=7, key=["联络号"], field=["phone"])
    assert batch.version == 1


def test_the_other_township_answers_nothing(cast, client):
    batch = check(cast, odd_roster())
    for account in (cast.south_organizer, cast.inspector):
        client.force_login(account)
        address = reverse("organizations:import_answer", args=[batch.pk])
        assert client.post(address, {"version": 1, "key": ["联络号"], "field": ["phone"]}).status_code == 404
    with pytest.raises(Refused):
        remember_columns(actor=cast.inspector, answers={"联络号": "phone"})
    assert not HeaderMeaning.objects.exists()


def test_saying_the_same_again_writes_nothing(cast):
    assert remember_columns(actor=cast.north_organizer, answers={"联络号": "phone"}) == ["联络号"]
    assert remember_columns(actor=cast.north_organizer, answers={"联络号": "phone"}) == []


def test_the_known_headers_are_all_recognised_without_a_question(cast):
    batch = check(cast, roster(person("张一")))
    assert batch.verdict["asks"] == [] and len(fields(batch)) == len(HEADERS)


def with_posts(*posts, header="职务") -> bytes:
    people = [("北山村党支部", f"张{'甲乙丙丁'[n]}", post, "高中") for n, post in enumerate(posts)]
    return xlsx([("所在党支部", "姓名", header, "学历"), *people])


def test_a_column_of_posts_in_the_party_is_known_by_what_it_holds(cast, page):
    batch = check(cast, with_posts("书记", None, "支部委员", "组织委员"))
    assert fields(batch)["职务"] == "post" and batch.verdict["asks"] == []
    assert "有 1 列没有导入：学历。" in page(batch)
    of_category = check(cast, with_posts("正式党员", "预备党员", "审核人：李书记", header="类别"))
    assert fields(of_category)["类别"] == "category"


def test_a_column_of_mixed_posts_is_asked_about_and_others_are_named(cast, page, answer):
    batch = check(cast, with_posts("书记", "会计"))
    assert "这一列是什么？" in page(batch) and "全部存进系统</button>" not in page(batch)
    with pytest.raises(Refused, match="请先在页面上回答"):
        store_batch(actor=cast.north_organizer, batch=batch)
    assert "有 2 列没有导入：职务、学历。" in answer(batch, key=["职务"], field=[""])
    assert batch.verdict["asks"] == []
    answer(batch, key=["职务"], field=["post"])
    assert fields(batch)["职务"] == "post"
    plain = check(cast, with_posts("会计", "主任"), cast.south_branch, cast.officer)
    assert plain.verdict["asks"] == []


def test_sheets_read_may_be_chosen_from_and_a_skipped_one_is_named(cast, page, answer):
    book = Workbook()
    for name in ("北山村", "北坡村", "说明"):
        sheet = book.active if name == "北山村" else book.create_sheet()
        sheet.title = name
        lines = [("请如实填写",)] if name == "说明" else [("姓名", "性别"), (f"张{name[1]}", "男")]
        for line in lines:
            sheet.append(line)
    batch = check(cast, saved(book))
    text = page(batch)
    assert "“说明”没有读" in text and "导入哪几张工作表" in text
    answer(batch, asks_sheets="1", sheets=["北坡村"])
    assert batch.verdict["sheets"] == ["北坡村"] and batch.verdict["counts"]["created"] == 1
    # The other one can still be had.
    answer(batch, asks_sheets="1", sheets=["北山村", "北坡村"])
    assert batch.verdict["counts"]["created"] == 2


def test_columns_to_be_told_are_shown_with_what_they_hold(cast, page):
    lines = [("姓名", "性别", "归属", "喜好"), ("张一", "男", "北山村党支部", "下棋")]
    text = page(check(cast, xlsx(lines)))
    assert "有几列要请您认一下" in text and "如 北山…" in text and "如 下棋" in text
    assert "其中要有一列是所在党支部" in text
