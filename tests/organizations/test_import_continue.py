"""A corrected workbook goes on with the same batch: it touches only what was red."""

import json

import pytest
from openpyxl import Workbook

from organizations.fields import decrypt
from organizations.imports.choices import Choices
from organizations.imports.lines import lines_of
from organizations.imports.matching import fingerprint
from organizations.models import ImportBatch, ImportChange, ImportState, Member, StoredFile
from organizations.queries import member_history
from organizations.service import Refused
from organizations.services.imports import check_again, check_roster, store_batch
from tests.base import Cast, fixture_writes, once
from tests.organizations.workbooks import HEADERS, id_number, person, roster, saved, xlsx

pytestmark = pytest.mark.django_db

built, cast = once(Cast)


@pytest.fixture
def batch(cast):
    """Two good lines, one red one."""
    return check(
        cast, roster(person("张一", phone="13800001111"), person("张二", phone="123"), person("张三"))
    )


def check(cast, content, **more):
    return check_roster(
        actor=cast.north_organizer, organization=cast.north, file_name="名册.xlsx", content=content, **more
    )


def again(cast, batch, content=None, **more):
    return check_again(actor=cast.north_organizer, batch=batch, content=content, **more)


def store(cast, batch, **more):
    return store_batch(actor=cast.north_organizer, batch=batch, **more)


MENDED = (person("张一", phone="13800001111"), person("张二", phone="13800002222"), person("张三"))


def test_after_a_part_is_stored_the_batch_waits_for_the_rest(cast, batch):
    assert store(cast, batch, partial=True)["created"] == 2
    batch.refresh_from_db()
    assert batch.state == ImportState.PARTIAL and len(batch.settled) == 2 * 8
    assert store(cast, batch, partial=True)["created"] == 2
    assert Member.objects.filter(name="张一").count() == 1


def test_the_corrected_workbook_stores_the_red_line_alone(cast, batch):
    store(cast, batch, partial=True)
    batch = again(cast, batch, roster(*MENDED))
    counts = batch.verdict["counts"]
    assert (counts["created"], counts["settled"], counts["error_rows"]) == (1, 2, 0)
    assert store(cast, batch)["created"] == 3
    batch.refresh_from_db()
    assert batch.state == ImportState.STORED
    order = Member.objects.filter(branch=cast.north_branch, name__startswith="张").order_by("place_in_list")
    assert [member.name for member in order][:2] == ["张一", "张三"]
    assert ImportChange.objects.filter(batch=batch, is_new=True).count() == 3


def test_a_stored_line_is_not_touched_again_whatever_became_of_the_member(cast, batch):
    store(cast, batch, partial=True)
    with fixture_writes():
        Member.objects.filter(name="张一").update(phone="", phone_digest="", party_group="二组")
    batch = again(cast, batch, roster(*MENDED))
    assert batch.verdict["counts"]["updated"] == 0
    store(cast, batch)
    member = Member.objects.get(name="张一")
    assert (member.phone, member.party_group) == ("", "二组")


def test_a_line_mended_into_one_that_is_stored_is_refused(cast, batch):
    number = id_number()
    batch = again(cast, batch, roster(person("张一", id=number), person("张二", phone="123")))
    store(cast, batch, partial=True)
    batch = again(cast, batch, roster(person("张一", id=number), person("张二", id=number)))
    assert [(e["row"], e["code"]) for e in batch.verdict["errors"]] == [(3, "ID_TWICE")]


def test_a_page_of_an_older_check_stores_nothing(cast, batch):
    seen = batch.version
    again(cast, batch, roster(*MENDED))
    with pytest.raises(Refused, match="重新看过再存"):
        store(cast, batch, version=seen)
    assert not Member.objects.filter(name="张一").exists()


def test_what_is_stored_to_the_end_is_not_checked_again(cast):
    batch = check(cast, roster(person("张一")))
    store(cast, batch)
    with pytest.raises(Refused, match="另外上传"):
        again(cast, batch, roster(person("张二")))


def test_an_answer_needs_no_second_upload(cast):
    batch = check(cast, xlsx([[*HEADERS, "联络号"], [*person("张一"), "13800001111"]]))
    assert batch.verdict["headers"][-1] == {
        "index": 8, "text": "联络号", "key": "联络号", "field": "", "sample": "…"
    }  # fmt: skip
    batch = again(cast, batch, choices=Choices(columns={"联络号": "phone"}))
    store(cast, batch)
    assert Member.objects.get(name="张一").phone == "13800001111"
    assert StoredFile.objects.count() == 1


def test_hidden_lines_are_asked_for_before_anything_is_stored(cast):
    batch = check(cast, with_hidden_line())
    assert batch.verdict["asks"] == [{"kind": "hidden_rows", "count": 1, "names": ["张藏"]}]
    with pytest.raises(Refused, match="隐藏"):
        store(cast, batch)
    batch = again(cast, batch, choices=Choices(hidden_rows=False))
    assert batch.verdict["asks"] == [] and batch.verdict["counts"]["created"] == 1
    store(cast, batch)
    assert not Member.objects.filter(name="张藏").exists()


def test_the_system_itself_imports_hidden_lines_with_a_warning(cast):
    batch = check_roster(
        actor=None, organization=cast.north, file_name="名册.xlsx", content=with_hidden_line()
    )
    assert "HIDDEN_ROWS" in [warning["code"] for warning in batch.verdict["warnings"]]
    store_batch(actor=None, batch=batch)
    assert Member.objects.filter(name="张藏").exists()


def with_hidden_line() -> bytes:
    book = Workbook()
    for row in (HEADERS, person("张一"), person("张藏")):
        book.active.append(list(row))
    book.active.row_dimensions[3].hidden = True
    return saved(book)


def test_a_question_the_file_cannot_answer_keeps_the_batch(cast):
    content = xlsx([("姓名", "所在党支部", "手机", "手机"), ("张一", "北山村党支部", "13800001111", None)])
    batch = check(cast, content)
    assert batch.state == ImportState.REFUSED and batch.verdict["asks"][0]["kind"] == "columns"
    assert batch.verdict["refused"]["code"] == "HEADER_AMBIGUOUS"
    with pytest.raises(Refused):
        store(cast, batch)
    batch = again(cast, batch, choices=Choices(columns={"手机": "phone", "手机#2": ""}))
    assert batch.state == ImportState.CHECKED
    store(cast, batch)
    assert Member.objects.get(name="张一").phone == "13800001111"


def test_the_page_of_changes_says_old_and_new_and_hides_numbers(cast):
    with fixture_writes():
        Member.objects.filter(pk=cast.wang.pk).update(party_group="一组")
    batch = check(
        cast,
        xlsx([[*HEADERS, "党小组"], [*person("王北甲", birth="1970-01-01", phone="13800001111"), "二组"]]),
    )
    lines, total = lines_of(batch, "updated", 0, 10)
    assert total == 1 and lines[0]["member"] == cast.wang.pk
    changes = {one["label"]: (one["before"], one["after"]) for one in lines[0]["changes"]}
    assert changes["党小组"] == ("一组", "二组")
    assert changes["手机"] == ("", "138****1111")
    assert lines_of(batch, "created", 0, 10) == ([], 0)
    assert lines_of(batch, "updated", 0, 10, text="没有") == ([], 0)


def test_what_was_done_to_each_member_is_kept(cast):
    with fixture_writes():
        wang = Member.objects.get(pk=cast.wang.pk)
        wang.phone, wang.party_group = "13900009999", "一组"
        wang.save()
    batch = check(cast, roster(person("王北甲", birth="1970-01-01", phone="13800001111"), person("张新")))
    store(cast, batch)
    changed, new = ImportChange.objects.filter(batch=batch).order_by("is_new")
    assert (changed.member, changed.row, new.name, new.before) == (cast.wang, 2, "张新", {})
    assert decrypt(changed.before["phone"]) == "13900009999"
    assert "13900009999" not in json.dumps(changed.before)
    for change in (changed, new):
        assert change.after == fingerprint(Member.objects.get(pk=change.member_id))


def test_another_township_goes_on_with_nothing(cast, batch):
    with pytest.raises(Refused):
        check_again(actor=cast.south_organizer, batch=batch)
    assert ImportBatch.objects.get(pk=batch.pk).version == 1


def test_the_history_of_a_member_tells_of_the_import(cast):
    batch = check(cast, roster(person("王北甲", birth="1970-01-01", phone="13800001111"), person("张新")))
    store(cast, batch)
    told = [step.summary for step in member_history(cast.wang, cast.north_organizer)]
    assert "由名册导入更新：手机" in told
    new = Member.objects.get(name="张新")
    assert [step.summary for step in member_history(new, cast.north_organizer)] == ["由名册导入"]
