"""The shape of what people send into a register: marks as JSON or as a plain form."""

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from unicodedata import normalize

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from attendance.models import MarkBatch, Reason, Status
from attendance.services.judging import MarkInput

MAX_MARKS = 500
# A body opens one bracket for each person, and a few around them.
OTHER_BRACKETS = 10
MAX_BYTES = 1024 * 1024
MAX_MINUTES = 720
MAX_HEADS = 100_000
MAX_ID = 2**63 - 1
MAX_VERSION = 2**31 - 1
STATUSES, REASONS = frozenset(Status.values), frozenset(Reason.values)
NO_REASON = {status.value for status in Status} - {Status.LEAVE.value, Status.ABSENT.value}
BATCH_FIELDS = {"batch", "marks", "counted_heads", "kind", "pack"}
# Taken at once, or kept on a phone first.
KINDS = (MarkBatch.Kind.REGISTER, MarkBatch.Kind.SYNC)
MAX_PACK = 300
MARK_FIELDS = {"entry", "status", "minutes", "reason", "base_version", "marked_at"}
# What a row of the register can say, in the order of its menu: "leave:ILL" = 请假, 生病.
CHOICES = [
    ("present", "出席"),
    ("late", "迟到"),
    ("left_early", "早退"),
    ("online", "线上"),
    ("elsewhere", "异地参训"),
    ("leave:AWAY", "请假·外出"),
    ("leave:ILL", "请假·生病"),
    ("leave:PRIVATE", "请假·有事"),
    ("leave:DUTY", "请假·公务"),
    ("absent:UNKNOWN", "缺席·没说"),
    ("absent", "缺席"),
    ("unmarked", "未登记"),
]
CODES = dict(CHOICES)
# m<entry>.<base version>, and behind it what the page already shows as stored.
FIELD = re.compile(r"m([1-9]\d{0,18})\.(0|[1-9]\d{0,9})(?:\.([a-z_]+(?::(?:[A-Z]+|\d{1,3}))?))?", re.ASCII)
# "late:20": twenty minutes late. What is stored are the minutes that count.
NO_MINUTES = frozenset({Status.LEAVE.value, Status.ABSENT.value, Status.UNMARKED.value})
SHORTENED = frozenset({Status.LATE.value, Status.LEFT_EARLY.value})


class BadBatch(Exception):
    """The body cannot be read. `status` is the HTTP answer, the message a Chinese sentence."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class ParsedBatch:
    batch: uuid.UUID
    marks: list[MarkInput]
    counted_heads: int | None
    body_sha256: str
    kind: str = MarkBatch.Kind.REGISTER
    pack: str = ""


def parse_marks(body: bytes) -> ParsedBatch:
    """Read the body of POST marks/. Everything wrong is refused as a whole, nothing is guessed."""
    if len(body) > MAX_BYTES:
        raise BadBatch(413, "内容超过 1 MB，没有登记。请分几次提交。")
    data = _load(body)
    _only(data, BATCH_FIELDS, "提交内容")
    marks = data.get("marks")
    if not isinstance(marks, list):
        raise BadBatch(400, "marks 应当是一个列表。")
    if len(marks) > MAX_MARKS:
        raise BadBatch(413, f"一次最多登记 {MAX_MARKS} 人，请分几次提交。")
    parsed = [_mark(mark, number) for number, mark in enumerate(marks, 1)]
    if len({mark.entry for mark in parsed}) < len(parsed):
        raise BadBatch(400, "同一个人在一次提交里出现了两回。")
    heads = _whole(data.get("counted_heads"), MAX_HEADS, "现场人数", optional=True)
    if not parsed and heads is None:
        raise BadBatch(400, "这次提交里没有人。")
    kind, pack = data.get("kind", MarkBatch.Kind.REGISTER), data.get("pack", "")
    if kind not in KINDS:
        raise BadBatch(400, "kind 不对。")
    if not isinstance(pack, str) or len(pack) > MAX_PACK:
        raise BadBatch(400, "pack 不对。")
    digest = hashlib.sha256(body).hexdigest()
    return ParsedBatch(_uuid(data.get("batch")), parsed, heads, digest, kind, pack)


def parse_left(body: bytes) -> tuple[str, str]:
    """The pack and, if anything is left, the sealed sending of a phone whose account is no more."""
    data = _load(body)
    _only(data, {"pack", "body"}, "提交内容")
    pack, sealed = data.get("pack"), data.get("body", "")
    if not isinstance(pack, str) or not isinstance(sealed, str) or len(pack) > MAX_PACK:
        raise BadBatch(400, "pack 或 body 不对。")
    return pack, sealed


def _load(body: bytes) -> dict:
    # Whoever nests deeper than this many people has no register to send; the parser never sees it.
    if body.count(b"{") + body.count(b"[") > MAX_MARKS + OTHER_BRACKETS:
        raise BadBatch(413, f"内容太多或套得太深，没有登记。一次最多 {MAX_MARKS} 人，请分几次提交。")
    try:
        data = json.loads(body.decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadBatch(400, "内容不是有效的 JSON，没有登记。") from None
    if not isinstance(data, dict):
        raise BadBatch(400, "内容应当是一个 JSON 对象。")
    return data


def _no_twins(pairs):
    """Two values under one name: which one was meant cannot be known."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("repeated name")
    return dict(pairs)


def _no_constant(name):
    raise ValueError(name)  # NaN, Infinity: not JSON


def _only(data, allowed, where):
    if not isinstance(data, dict):
        raise BadBatch(400, f"{where}应当是一个 JSON 对象。")
    if set(data) - allowed:
        raise BadBatch(400, f"{where}里有不认识的字段。")


def _mark(data, number) -> MarkInput:
    where = f"第 {number} 条登记"
    _only(data, MARK_FIELDS, where)
    status, reason = data.get("status"), data.get("reason", "")
    if not isinstance(status, str) or status not in STATUSES:
        raise BadBatch(400, f"{where}的 status 不对。")
    if not isinstance(reason, str) or reason not in REASONS:
        raise BadBatch(400, f"{where}的 reason 不对。")
    if reason and status in NO_REASON:
        raise BadBatch(400, f"{where}：到了的人不填没来的原因。")
    return MarkInput(
        entry=_whole(data.get("entry"), MAX_ID, f"{where}的 entry", least=1),
        status=status,
        reason=reason,
        base_version=_whole(data.get("base_version"), MAX_VERSION, f"{where}的 base_version"),
        minutes=_minutes(data, status, where),
        marked_at=_moment(data.get("marked_at"), where),
    )


def _minutes(data, status, where) -> int | None:
    """Minutes that count. Who did not come has none: 0 is as good as nothing there."""
    least = 0 if status in NO_MINUTES else 1
    return _whole(data.get("minutes"), MAX_MINUTES, f"{where}的 minutes", least=least, optional=True)


def _whole(value, most, what, *, least=0, optional=False):
    if value is None and optional:
        return None
    if type(value) is not int or not least <= value <= most:  # bool is an int: refuse it
        raise BadBatch(400, f"{what}应当是 {least} 到 {most} 之间的整数。")
    return value


def _uuid(value) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise BadBatch(400, "batch 应当是一个 UUID。") from None


def _moment(value, where) -> datetime | None:
    """The phone's clock, evidence only: null is fine, nonsense is not."""
    if value is None:
        return None
    try:
        moment = parse_datetime(value)
    except (ValueError, TypeError):
        moment = None
    # The range keeps a conversion to UTC from overflowing.
    if moment is None or not 2000 <= moment.year <= 2100:
        raise BadBatch(400, f"{where}的 marked_at 不是有效的时间。")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def parse_form(post, whole: int = 0) -> list[ParsedBatch]:
    """The same register sent by a page without JavaScript: m<entry>.<base version>[.<shown>] = choice code.

    `whole`: the minutes of the class, for who came late or left early. A row still as
    it was shown is not sent: nobody touched it. Batches of at most MAX_MARKS with UUIDs
    derived from the form's own, so that sending the form again is the same sending.
    """
    base = _uuid(post.get("batch"))
    marks = [mark for name, code in post.items() if (mark := _field(name, code, whole))]
    if len({mark.entry for mark in marks}) < len(marks):
        raise BadBatch(400, "同一个人在一次提交里出现了两回。")
    heads = _heads(post.get("counted_heads", ""))
    if not marks and heads is None:
        raise BadBatch(400, "没有改动，不用提交。")
    chunks = [marks[start : start + MAX_MARKS] for start in range(0, len(marks), MAX_MARKS)] or [[]]
    return [
        ParsedBatch(
            base if number == 0 else uuid.uuid5(base, str(number)),
            chunk,
            heads if number == 0 else None,
            _digest(chunk, heads),
        )
        for number, chunk in enumerate(chunks)
    ]


def _field(name, code, whole) -> MarkInput | None:
    field = FIELD.fullmatch(name)
    if not field or code in ("", field[3]):
        return None
    status, _, reason = code.partition(":")
    minutes = None
    if status in SHORTENED and reason:
        minutes, reason = whole - _missed(reason, whole), ""
    if status not in STATUSES or reason not in REASONS or (reason and status in NO_REASON):
        raise BadBatch(400, "有一行的选项不认识，请刷新页面再试。")
    return MarkInput(
        entry=_whole(int(field[1]), MAX_ID, "人员编号", least=1),
        status=status,
        reason=reason,
        base_version=_whole(int(field[2]), MAX_VERSION, "版本"),
        minutes=minutes,
        marked_at=timezone.now(),
    )


def _missed(text: str, whole: int) -> int:
    """Minutes late or early as typed, full-width figures too: at least one, and less than the whole class."""
    text = normalize("NFKC", text).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) < whole):
        most = f"填1到{whole - 1}之间的整数" if whole > 1 else "这一场不填分钟"
        raise BadBatch(400, f"迟到、早退的分钟数不对：{most}，不填就按整场算。")
    return int(text)


def _heads(text) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadBatch(400, "现场人数请填数字，例如 44。")
    return _whole(int(text), MAX_HEADS, "现场人数")


def _digest(marks, heads) -> str:
    """Of what was chosen, not of the moment it was read."""
    words = [
        f"{mark.entry}.{mark.base_version}={mark.status}:{mark.reason}{mark.minutes or ''}" for mark in marks
    ]
    return hashlib.sha256("\n".join([*words, str(heads)]).encode()).hexdigest()


# --- Pages --------------------------------------------------------------------------------
