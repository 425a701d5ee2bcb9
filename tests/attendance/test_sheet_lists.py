"""Lists of sign-in tools: columns recognised, people found by phone then name, nothing guessed."""

import pytest

from attendance.imports.reading import MAX_LINES
from attendance.models import MarkBatch, SheetReading
from organizations.models import Member
from tests.attendance.scene import Scene
from tests.attendance.sheets import answers, asked, give_phone, login, plain, read, statuses, upload
from tests.base import fixture_writes, once

pytestmark = pytest.mark.django_db
PHONE, OTHER = "13900001234", "13900005678"


class Hall(Scene):
    def __init__(self):
        super().__init__()
        give_phone(self.wang, PHONE)
        give_phone(self.qian, OTHER)


built, scene = once(Hall)


@pytest.fixture
def session(scene):
    return scene.session()


@pytest.fixture
def north(client, scene):
    return login(client, scene.north_organizer)


def test_who_stands_in_a_questionnaire_was_there_and_the_rest_stays_untouched(north, session):
    content = plain(
        ["序号", "提交答卷时间", "1、您的姓名：", "2、您的手机号码：", "3、所在支部"],
        [1, "2027/1/9 8:55:01", "王北甲", PHONE, "北山"],
        [2, "2027/1/9 8:56:40", "李 北 乙", None, "北山村"],
    )
    reading, page = read(north, session, content, "冬训签到_2.xlsx")
    html = north.get(page).content.decode()
    assert "2人会改" in html and PHONE not in html and "名单上还有1人没有登记" in html
    done = north.post(page, answers(reading), follow=True).content.decode()
    assert "已登记 2人" in done and set(statuses(session)) == {"王北甲", "李北乙"}
    assert MarkBatch.objects.get().kind == "import"
    assert PHONE.encode() not in bytes(SheetReading.objects.get().lines)


def test_a_state_column_and_an_empty_time_are_believed(north, session):
    ding = plain(
        ["姓名", "部门", "考勤结果", "打卡时间"],
        ["王北甲", "北山村党支部", "正常", "08:50"],
        ["李北乙", "北山村党支部", "请假", None],
        ["赵北丙", "北山村党支部", None, None],
    )
    reading, page = read(north, session, ding)
    north.post(page, answers(reading))
    assert {name: value[0] for name, value in statuses(session).items()} == {
        "王北甲": "present",
        "李北乙": "leave",
    }


def test_who_has_no_time_of_signing_in_was_not_there(north, session):
    content = plain(["姓名", "签到时间"], ["王北甲", "08:50"], ["李北乙", None])
    reading, page = read(north, session, content)
    north.post(page, answers(reading))
    assert set(statuses(session)) == {"王北甲"}


def test_phones_come_first_and_contradictions_are_asked(north, scene, session):
    content = plain(
        ["姓名", "手机"],
        [None, PHONE],  # nobody wrote the name
        ["李北乙", OTHER],  # somebody signed in with another's phone
        ["查无此人", "13900009999"],
        [None, "13900008888"],
    )
    reading, page = read(north, session, content)
    assert reading.lines[0].name == "王北甲" and reading.lines[0].mark
    assert asked(reading)["李北乙"][1][:2] == ["李北乙（北山村党支部）", "钱北丁（北坡村党支部）"]
    html = north.get(page).content.decode()
    assert "手机是钱北丁的" in html and "139****8888" in html and "13900008888" not in html
    north.post(page, answers(reading, 李北乙="李北乙（"))
    assert set(statuses(session)) == {"王北甲", "李北乙"}


def test_of_two_with_one_name_the_branch_decides_or_a_person(north, scene):
    with fixture_writes():
        Member.objects.filter(pk__in=[scene.li.pk, scene.qian.pk]).update(name="陈同名")
    session = scene.session(scene.north_unit, units=[scene.north_unit])
    reading, _page = read(north, session, plain(["姓名", "支部"], ["陈同名", "北坡村"]))
    assert reading.lines[0].mark.entry == scene.entry(scene.qian).pk
    reading, page = read(north, session, plain(["姓名"], ["陈同名"]))
    assert asked(reading)["陈同名"][1] == [
        "陈同名（北山村党支部）",
        "陈同名（北坡村党支部）",
        "都不是，不登记",
    ]
    north.post(page, answers(reading, 陈同名="北坡村"))
    assert session.rows.get(status="present").entry_id == scene.entry(scene.qian).pk


def test_people_of_another_township_are_as_unknown_as_nobody(north, scene, session):
    give_phone(scene.sun, "13900004321")
    reading, page = read(
        north, session, plain(["姓名", "手机"], ["孙南甲金丝雀", None], [None, "13900004321"])
    )
    assert not asked(reading) and not any(line.mark for line in reading.lines)
    assert "南河" not in north.get(page).content.decode()


def test_one_person_twice_is_once_or_a_question(north, session):
    content = plain(
        ["姓名", "状态"], ["王北甲", "到"], ["王北甲", "到"], ["李北乙", "到"], ["李北乙", "请假"]
    )
    reading, page = read(north, session, content)
    assert asked(reading)["李北乙"][1] == ["第 4 行", "第 5 行"]
    north.post(page, answers(reading, 李北乙="第 5 行"))
    assert statuses(session)["李北乙"][0] == "leave" and len(statuses(session)) == 2


def test_what_cannot_be_read_names_line_column_and_what_to_do(north, session):
    content = plain(
        ["姓名", "情况", "分钟"],
        ["王北甲", "△", None],
        ["李北乙", "出席", "一节课"],
        [None, "出席", None],
        ["赵北丙", "=A1", None],
    )
    reading, page = read(north, session, content)
    html = north.get(page).content.decode()
    assert "第 2 行“情况”：写的是“△”，认不出来。请选一项。" in html
    assert "第 3 行“分钟”：写的是“一节课”。请填 0 到 720 的整数" in html
    assert "第 4 行“姓名”：没有姓名" in html and "第 5 行“情况”：这一格是公式" in html
    north.post(page, answers(reading, 王北甲="迟到"))
    assert statuses(session) == {"王北甲": ("late", "", None)}


def test_ticks_in_columns_of_their_own_are_states(north, session):
    content = plain(
        ["姓名", "实到", "请假", "缺席"], ["王北甲", "√"], ["李北乙", None, "√"], ["赵北丙", "√", None, "√"]
    )
    reading, page = read(north, session, content)
    assert "赵北丙" in asked(reading)
    north.post(page, answers(reading, 赵北丙="不登记"))
    assert {name: value[0] for name, value in statuses(session).items()} == {
        "王北甲": "present",
        "李北乙": "leave",
    }


def test_late_by_ten_minutes_is_taken_from_the_length_of_the_class(north, session):
    reading, page = read(north, session, plain(["姓名", "情况"], ["王北甲", "迟10分钟"]))
    north.post(page, answers(reading))
    assert statuses(session)["王北甲"] == ("late", "", session.minutes - 10)


def test_csv_of_wps_is_read_too(north, session):
    reading, _page = read(north, session, "姓名,情况\n王北甲,√\n".encode("gb18030"), "签到.csv")
    assert reading.lines[0].mark


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["名单"], ["王北甲"]], "没有找到“姓名”或“手机”这一列"),
        ([["姓名"]], "只有表头"),
        ([["序号", "姓名", "签名", "序号", "姓名", "签名"], [1, "王北甲"]], "有2列“姓名”"),
        ([["姓名"], *([f"某人{number}"] for number in range(MAX_LINES + 1))], "一次最多读 2,000 行"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_what_to_do(north, session, rows, words):
    answer = upload(north, session, plain(*rows))
    assert answer.status_code == 422 and words in answer.content.decode()


def test_the_same_few_queries_for_one_line_and_for_three(north, session, django_assert_max_num_queries):
    _, page = read(north, session, plain(["姓名"], ["王北甲"], ["李北乙"], ["赵北丙"]))
    with django_assert_max_num_queries(16):
        north.get(page)
