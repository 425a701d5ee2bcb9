"""What somebody decided about a message: the preview page, or a row of many branches, sent back."""

import hashlib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils import timezone

from attendance.forms.marks import (
    FIELD,
    MAX_HEADS,
    MAX_ID,
    MAX_MARKS,
    MAX_MINUTES,
    MAX_VERSION,
    NO_REASON,
    REASONS,
    STATUSES,
    BadBatch,
)
from attendance.models import Status
from attendance.services.judging import MarkInput

MISSING = (Status.LEAVE, Status.ABSENT)
AS_OFFERED = "offered"
RESTS = {
    AS_OFFERED: "流动和请假的按请假，其余都算到了",
    "present": "都算到了",
    "absent": "都算缺席",
    "none": "先不登记",
}
# p<part> and behind it a person of its sheet (m…, l…: minutes missed), a doubt (d…), or a fact of the branch.
PART = re.compile(r"p([1-9]\d{0,18})(.+)", re.ASCII)
DOUBT = re.compile(r"d(\d{1,3})(?:\.(name|code|late))?", re.ASCII)
WHO = re.compile(r"([1-9]\d{0,18})\.(0|[1-9]\d{0,9})", re.ASCII)
AWAY = re.compile(r"\b([1-9]\d{0,18})=([a-z]{1,10}(?::[A-Z]{1,10})?)(?= |$)", re.ASCII)
TEXT, SKIP = "text", "skip"


@dataclass
class Sent:
    """One branch as it was sent: `rows` by entry, `doubts` by number. `away`: how the register offers those
    of the rest whom it does not offer as present."""

    part: int
    rows: dict[int, tuple[int, str, str]] = field(default_factory=dict)  # version, code, shown
    doubts: dict[int, dict[str, str]] = field(default_factory=dict)
    late: dict[int, int] = field(default_factory=dict)
    away: dict[int, str] = field(default_factory=dict)
    rest: str = ""
    heads: str = ""
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sending:
    """One batch of one branch, ready to be stored."""

    part: int
    batch: uuid.UUID
    marks: list[MarkInput]
    heads: int | None
    unread: str
    body_sha256: str


def sent_parts(post) -> dict[int, Sent]:
    """The fields of the preview, by part."""
    parts: dict[int, Sent] = {}
    for name in post:
        if found := PART.fullmatch(name):
            part = _whole(found[1], MAX_ID)
            _read(parts.setdefault(part, Sent(part)), found[2], post.getlist(name))
    return parts


def _read(sent: Sent, name: str, values: list[str]) -> None:
    value = values[-1].strip()
    if row := FIELD.fullmatch(name):
        sent.rows[_whole(row[1], MAX_ID)] = (_whole(row[2], MAX_VERSION), value, row[3] or "")
    elif doubt := DOUBT.fullmatch(name):
        sent.doubts.setdefault(int(doubt[1]), {})[doubt[2] or "who"] = value[:100]
    elif name in ("rest", "heads"):
        setattr(sent, name, value[:20])
    elif name == "away":
        sent.away = {_whole(entry, MAX_ID): code for entry, code in AWAY.findall(value)}
    elif name == "left":
        sent.left = [text.strip()[:100] for text in values if text.strip()][:50]
    elif name[0] == "l" and name[1:].isascii() and name[1:].isdigit() and value.isascii() and value.isdigit():
        sent.late[_whole(name[1:], MAX_ID)] = min(int(value[:4]), MAX_MINUTES)


def _whole(text: str, most: int) -> int:
    number = int(text)
    if number > most:
        raise BadBatch(400, "有一行的编号不对，请刷新页面再试。")
    return number


def sendings_of(sent: Sent, batch: uuid.UUID, minutes: int) -> list[Sending]:
    """The batches of one branch, their numbers derived from the page's own: the same page again is the same.

    `minutes`: how long the class was. Raises BadBatch in words where something is not decided yet.
    """
    heads = heads_of(sent.heads)
    chosen, unread = _chosen(sent, minutes)
    if not chosen and heads is None:
        return []
    base = uuid.uuid5(batch, str(sent.part))
    chunks = [chosen[at : at + MAX_MARKS] for at in range(0, len(chosen), MAX_MARKS)] or [[]]
    return [
        Sending(
            part=sent.part,
            batch=base if number == 0 else uuid.uuid5(base, str(number)),
            marks=chunk,
            heads=heads if number == 0 else None,
            unread=unread if number == 0 else "",
            body_sha256=_digest(chunk, heads, unread),
        )
        for number, chunk in enumerate(chunks)
    ]


def heads_of(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= MAX_HEADS):
        raise BadBatch(422, "现场人数请填数字，例如 44。")
    return int(text)


def _chosen(sent: Sent, minutes: int) -> tuple[list[MarkInput], str]:
    """(the marks, what stays unread)."""
    told, unread = _answered(sent)
    has_rest = any(not code and not shown for _, code, shown in sent.rows.values())
    if has_rest and sent.rest not in RESTS:
        raise BadBatch(422, "请选一选：没提到的人怎么算。")
    if sent.rest in ("present", AS_OFFERED) and any(code.partition(":")[0] in MISSING for _, code in unread):
        names = "、".join(name for name, code in unread if code.partition(":")[0] in MISSING)
        raise BadBatch(
            422, f"{names}没来，又没对上名字，所以没提到的人不能“都算到了”。请选出是谁，或选“先不登记”。"
        )
    marks = []
    for entry, (version, code, shown) in sent.rows.items():
        if entry in told:
            if code not in ("", shown) and code != told[entry][1]:
                raise BadBatch(422, "有一个人在“请您定一下”和名单里选得不一样，请改成一样。")
            continue
        code = code or ("" if shown else _rest_code(sent, entry))
        if code and code != shown:
            marks.append(_mark(entry, version, code, sent.late, minutes))
    marks += [_mark(entry, version, code, sent.late, minutes) for entry, (version, code) in told.items()]
    words = [name for name, _ in unread] + sent.left
    return marks, "、".join(dict.fromkeys(words))


def _rest_code(sent: Sent, entry: int) -> str:
    """What becomes of somebody the message does not name; "" = nothing is stored."""
    if sent.rest == AS_OFFERED:
        return sent.away.get(entry, "present")
    return "" if sent.rest == "none" else sent.rest


def _answered(sent: Sent) -> tuple[dict[int, tuple[int, str]], list[tuple[str, str]]]:
    """({entry: (version, code)}, [(name, code) of whom nobody is]) as the doubts were settled."""
    told: dict[int, tuple[int, str]] = {}
    unread = []
    for doubt in sent.doubts.values():
        name, who, code = doubt.get("name", ""), doubt.get("who", ""), doubt.get("code", "")
        if who == TEXT:
            unread.append((name, code))
        elif who == SKIP:
            continue
        elif found := WHO.fullmatch(who):
            entry = _whole(found[1], MAX_ID)
            if not code:
                raise BadBatch(422, f"“{name}”到没到还没选。")
            if told.setdefault(entry, (_whole(found[2], MAX_VERSION), code))[1] != code:
                raise BadBatch(422, f"“{name}”和另一个名字选成了同一个人，情况又不一样。")
            late = doubt.get("late", "")
            if late.isascii() and late.isdigit():
                sent.late.setdefault(entry, min(int(late[:4]), MAX_MINUTES))
        else:
            raise BadBatch(422, f"“{name}”还没选是谁。")
    return told, unread


def _mark(entry: int, version: int, code: str, late: dict[int, int], minutes: int) -> MarkInput:
    status, _, reason = code.partition(":")
    if status not in STATUSES or reason not in REASONS or (reason and status in NO_REASON):
        raise BadBatch(400, "有一行的选项不认识，请刷新页面再试。")
    missed = late.get(entry) if status in (Status.LATE, Status.LEFT_EARLY) else None
    return MarkInput(
        entry=entry,
        status=status,
        reason=reason,
        base_version=version,
        minutes=None if missed is None else max(minutes - missed, 1),
        marked_at=timezone.now(),
    )


def _digest(marks: Iterable[MarkInput], heads: int | None, unread: str) -> str:
    """Of what was chosen, not of the moment it was read."""
    words = [
        f"{mark.entry}.{mark.base_version}={mark.status}:{mark.reason}:{mark.minutes}"
        for mark in sorted(marks, key=lambda mark: mark.entry)
    ]
    return hashlib.sha256("\n".join([*words, str(heads), unread]).encode()).hexdigest()
