"""What is read out of a message copied from WeChat."""

import random
import time

import pytest

from attendance.paste import MAX_TEXT, is_branch, read
from tests.attendance.paste_texts import BRANCHES, NAMES, TEXTS


def in_short(section):
    figures = " ".join(f"{what}={'/'.join(map(str, said))}" for what, said in section.figures.items())
    people = " ".join(map(of_person, section.people))
    rest = section.rest and f"rest={section.rest}"
    left = section.leftovers and "?" + " ".join(section.leftovers)
    return " | ".join(filter(None, [section.heading and f"#{section.heading}", figures, people, rest, left]))


def of_person(person):
    reason = f":{person.reason}" if person.reason else ""
    minutes = f"@{person.minutes}" if person.minutes else ""
    return f"{person.name}:{person.status}{reason}{minutes}"


@pytest.mark.parametrize(("text", "said"), TEXTS)
def test_a_message_says_what_its_writer_meant(text, said):
    assert " || ".join(map(in_short, read(text, NAMES, BRANCHES))) == said


def test_most_is_read_without_knowing_anybody():
    """The names help where two of them touch; a list with stops needs none."""
    [section] = read("应到46，实到43，请假：张三（生病）、李四；缺席：王五")
    assert in_short(section) == "expected=46 came=43 | 张三:leave:ILL 李四:leave 王五:absent"


def test_what_is_no_sentence_about_a_class_says_nothing_of_anybody():
    for text in (
        "",
        " \n ",
        "收到",
        "asdf 123",
        "<script>alert(1)</script>",
        "假期愉快！",
        "((((",
        "，，，、、",
    ):
        assert not any(section.people or section.rest for section in read(text, NAMES, BRANCHES))


def test_words_that_were_not_understood_are_handed_back():
    [section] = read("应到46，张三请假，蓝色的大门口那个人没说清楚", NAMES)
    assert "蓝色的大门口那个人" in "".join(section.leftovers) + "".join(p.name for p in section.people)


@pytest.mark.parametrize(
    ("written", "name", "is_it"),
    [
        ("东风村", "东风村党支部", True),
        ("东风", "东风村党支部", True),
        ("东风村支部", "东风村党支部", True),
        ("东风村", "东风社区党支部", False),
        ("东", "东风村党支部", False),
        ("东风村第一", "东风村第一党支部", True),
        ("东风村第一", "东风村第二党支部", False),
    ],
)
def test_a_branch_goes_by_its_name_and_by_its_stem(written, name, is_it):
    assert is_branch(written, name) is is_it


def test_any_text_is_read_in_reasonable_time_and_without_an_error():
    luck = random.Random(20270109)
    words = "请假 缺席 ： 、 ， （ ） 应到 实到 46 除 外 都到了 均 迟到 10分钟 东风村 生病 其余"
    pieces = [*NAMES, *words.split(), *"没有人的十①😂 \n"]
    for _ in range(300):
        read("".join(luck.choices(pieces, k=luck.randrange(60))), NAMES, BRANCHES)
    read("张三请假，" * (MAX_TEXT // 5), NAMES, BRANCHES)
    read("张" * MAX_TEXT, NAMES, BRANCHES)
    read("（" * MAX_TEXT, NAMES, BRANCHES)
    read("除" * MAX_TEXT, NAMES, BRANCHES)
    read("1、" * (MAX_TEXT // 2), NAMES, BRANCHES)


@pytest.mark.parametrize(
    "text",
    ["汇报如下" * 2000 + "龘", "其余" + "全都" * 3000, "的" * 5000 + "龘", "应到" * 4000, "请假（" * 3000],
)
def test_words_without_end_are_read_in_one_go(text):
    started = time.process_time()
    read(text, NAMES, BRANCHES)
    assert time.process_time() - started < 5
