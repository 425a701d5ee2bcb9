"""What people write beside a name, as one of our states: √, ×, 到, 病假, 迟10分钟, 1, 0.

What could mean two things is not guessed: `Unclear` says the words and what to write instead.
"""

import re
import unicodedata
from dataclasses import dataclass

from attendance.models import ATTENDED, Reason, Status

LONGEST = 40
MAX_MINUTES = 720
STATUS_WORDS = {
    Status.PRESENT: (
        "出席 实到 到 已到 到会 到场 已到会 出 来 来了 参加 已参加 参训 签到 已签到 签到成功 "
        "正常 准时 是 √ ✓ ✔ v y yes ok 对 1"
    ),
    Status.LATE: "迟到 迟 晚到",
    Status.LEFT_EARLY: "早退 早走 提前离开",
    Status.ONLINE: "线上 网上 视频 线上参加 线上参训 网络 云课堂",
    Status.ELSEWHERE: "异地参训 异地 外地参训 异地参加",
    Status.LEAVE: "请假 假 已请假 请",
    Status.ABSENT: (
        "缺席 缺 旷 旷课 旷会 未到 没到 没来 不到 未来 未参加 未签到 未签 否 没有 缺勤 缺课 × x ✗ ✘ n no 0"
    ),
    Status.UNMARKED: "未登记",
}
REASON_WORDS = {
    Reason.AWAY: "外出 在外 务工 外出务工 外出打工 打工 在外务工 在外打工 外地 流动 探亲",
    Reason.ILL: "生病 病 病假 因病 住院 看病 身体不适 身体不好 就医 有病",
    Reason.PRIVATE: "有事 事 事假 因事 家中有事 家里有事 私事 个人事务",
    Reason.DUTY: "公务 公 公假 公差 因公 出差 开会 值班 上班 工作",
    Reason.UNKNOWN: "没说 不知道 原因不明 不明 未说明 无故 无原因 没有原因",
}
STATUSES = {word: status for status, words in STATUS_WORDS.items() for word in words.split()}
REASONS = {word: reason for reason, words in REASON_WORDS.items() for word in words.split()}
# One word that says both.
LEAVE_WORDS = "病假 事假 公假 公差 因病 因事 因公 外出 务工 外出务工 出差 生病 住院 有事 在外 打工 公务"
LEAVES = {word: REASONS[word] for word in LEAVE_WORDS.split()}
NOTHING = {"", "无", "/", "-", "—", "--"}
LESS = re.compile(r"(迟到?|晚到|早退|早走|提前)(了|约)?(\d{1,3})(?:分钟?|')?(?:走|离开)?")
HALF_HOUR = re.compile(r"(迟到?|晚到|早退|早走)(了|约)?半(?:个)?(?:小时|钟头)")
WITH_REASON = re.compile(r"(请假|缺席|未到|没来|假|缺)[·・:,、;\-—]?(.+)")


class Unclear(Exception):
    """The message says what stood there, where it cannot be one of our states."""


@dataclass(frozen=True)
class Said:
    """`less`: minutes missed, of whoever came late or left early. `left_out`: words that found no place."""

    status: str
    reason: str = ""
    less: int | None = None
    left_out: str = ""


def plain(text: str) -> str:
    """病 假 （住院） → 病假住院: one form for what is compared."""
    text = unicodedata.normalize("NFKC", text).lower().strip(" '。.!,，、;；")
    return re.sub(r"[\s()\[\]【】]", "", text)


def status_of(text: str) -> Said | None:
    """None for an empty cell: nobody touched it."""
    word = plain(text)
    if not word:
        return None
    if word in STATUSES:
        return Said(STATUSES[word])
    if word in LEAVES:
        return Said(Status.LEAVE, LEAVES[word])
    if found := HALF_HOUR.fullmatch(word):
        return Said(_late_or_early(found[1]), less=30)
    if found := LESS.fullmatch(word):
        return Said(_late_or_early(found[1]), less=int(found[3]))
    if found := WITH_REASON.fullmatch(word):
        reason, left_out = reason_of(found[2])
        return Said(STATUSES[found[1]], reason, left_out=left_out)
    raise Unclear(text.strip()[:LONGEST])


def _late_or_early(word: str) -> str:
    return Status.LATE if word[0] in "迟晚" else Status.LEFT_EARLY


def reason_of(text: str) -> tuple[str, str]:
    """(reason, words that are none of ours). A long story stays outside: only its class is kept."""
    word = plain(text)
    if word in NOTHING:
        return Reason.NONE, ""
    if word in REASONS:
        return REASONS[word], ""
    return Reason.NONE, text.strip()[:LONGEST]


def minutes_of(text: str) -> int | None:
    """90, 90分, 90分钟; None for an empty cell."""
    word = plain(text)
    if word in NOTHING:
        return None
    found = re.fullmatch(r"(\d{1,4})(?:\.0+)?(?:分钟?)?", word)
    if not found or int(found[1]) > MAX_MINUTES:
        raise Unclear(text.strip()[:LONGEST])
    return int(found[1])


def is_missing(status: str) -> bool:
    return status not in ATTENDED and status != Status.UNMARKED
