"""What people write beside a name, and the headers they put above it."""

import pytest

from attendance.imports.columns import named
from attendance.imports.matching import is_alike
from attendance.imports.tokens import BadToken, Token, read_token, write_token
from attendance.imports.words import Said, Unclear, minutes_of, reason_of, status_of

SAID = {
    "√": Said("present"),
    "到": Said("present"),
    " 出 席 ": Said("present"),
    "1": Said("present"),
    "×": Said("absent"),
    "X": Said("absent"),
    "旷": Said("absent"),
    "0": Said("absent"),
    "未签到": Said("absent"),
    "假": Said("leave"),
    "事假": Said("leave", "PRIVATE"),
    "病 假": Said("leave", "ILL"),
    "外出务工": Said("leave", "AWAY"),
    "请假（住院）": Said("leave", "ILL"),
    "请假·公务": Said("leave", "DUTY"),
    "请假：带孙子": Said("leave", left_out="带孙子"),
    "缺席·没说": Said("absent", "UNKNOWN"),
    "迟到": Said("late"),
    "迟10分钟": Said("late", less=10),
    "迟到了２０分": Said("late", less=20),
    "迟到半小时": Said("late", less=30),
    "早退15分钟": Said("left_early", less=15),
    "线上": Said("online"),
    "异地参训": Said("elsewhere"),
    "未登记": Said("unmarked"),
    "": None,
    "　": None,
}


@pytest.mark.parametrize("written", SAID)
def test_words_mean_what_people_mean(written):
    assert status_of(written) == SAID[written]


@pytest.mark.parametrize("written", ["○", "△", "/", "一半", "2", "张三代", "到/假"])
def test_what_could_mean_two_things_is_not_guessed(written):
    with pytest.raises(Unclear):
        status_of(written)


def test_minutes_and_reasons():
    assert [minutes_of(text) for text in ("", "90", "90分钟", "45 分", "720")] == [None, 90, 90, 45, 720]
    for text in ("721", "-1", "1.5", "一小时", "1e3"):
        with pytest.raises(Unclear):
            minutes_of(text)
    assert reason_of("身体不好") == ("ILL", "") and reason_of("在山东老家") == ("", "在山东老家")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1、您的姓名：", "姓名"),
        ("姓名（必填）", "姓名"),
        ("2.请输入您的手机号码*", "手机号码"),
        ("第3题、所在支部", "所在支部"),
        ("姓 名", "姓名"),
    ],
)
def test_headers_of_questionnaires_are_understood(written, meant):
    assert named(written) == meant


def test_only_an_untouched_identity_is_read():
    token = Token(3, 4, 5, 6, "leave", "ILL", None)
    text = write_token(token)
    assert read_token(text) == token
    for broken in (text.replace("R3.", "R2."), text[:-1], "R3.4.5.6.present..", ""):
        with pytest.raises(BadToken):
            read_token(broken)


def test_one_slip_of_the_pen_is_alike_two_are_not():
    assert is_alike("张建国", "张健国") and is_alike("欧阳娜", "欧阳娜娜") and is_alike("王平", "王萍")
    assert not is_alike("张建国", "张健军") and not is_alike("王", "李") and not is_alike("张三", "张三")
