"""A row of many branches: how many came, and who did not."""

import re
import uuid
from dataclasses import dataclass, field

from attendance.forms.marks import MAX_HEADS, MAX_MARKS, BadBatch
from attendance.forms.paste import (
    AS_OFFERED,
    MISSING,
    RESTS,
    SKIP,
    TEXT,
    Sending,
    Sent,
    sendings_of,
    sent_parts,
)
from attendance.paste.matching import PRESENT, Line, Proposal, is_rest

MOST_TEXT = 1000
NOBODY = re.compile(r"\s*(?:无|没有|没|全到|都到了?|全部到齐|0|/|-|—)?[\s。]*")


# What may become of people the row does not name and the register offers as away.
AWAY_RESTS = {value: words for value, words in RESTS.items() if value in (AS_OFFERED, PRESENT, "none")}
MOST_NAMED = 5


class Unread(BadBatch):
    """A row that does not add up; the rest may stay open if somebody says so."""

    can_leave_open = True


class Away(BadBatch):
    """It adds up, with people in it of whom the register says they are away: somebody has to say it."""

    asks_rest = True


@dataclass
class RowText:
    """What was typed into one row; `number` makes sending it again the same sending."""

    number: uuid.UUID
    came: str = ""
    missing: str = ""
    leaves_open: bool = False
    sent: Sent | None = field(default=None, repr=False)

    @property
    def is_empty(self) -> bool:
        return not (self.came or self.missing)

    @property
    def came_number(self) -> int | None:
        if not self.came:
            return None
        text = self.came.translate(FIGURES)
        if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= MAX_HEADS):
            raise BadBatch(422, "实到请填数字，例如 44。")
        return int(text)

    def batch_of(self, part: int) -> uuid.UUID:
        return uuid.uuid5(self.number, str(part))


FIGURES = str.maketrans("０１２３４５６７８９", "0123456789", " 人名　")


def asked_rows(post, most: int) -> list[int]:
    """The parts whose rows stood on the page, each by its number field."""
    told = (name[1:] for name in post if name.startswith("u"))
    return [int(text) for text in told if text.isascii() and text.isdigit() and len(text) < 19][:most]


def texts_of(post, part: int) -> RowText:
    """The fields of one row. A number of its own is needed, or a second tap would be a second sending."""
    try:
        number = uuid.UUID(post.get(f"u{part}", ""))
    except ValueError:
        number = uuid.uuid4()
    return RowText(
        number=number,
        came=post.get(f"came{part}", "").strip()[:20],
        missing=post.get(f"missing{part}", "").strip()[:MOST_TEXT],
        leaves_open=post.get(f"open{part}") == "1",
        sent=sent_parts(_Only(post, part)).get(part) or Sent(part),
    )


class _Only(dict):
    """The fields of one part, as sent_parts reads them."""

    def __init__(self, post, part: int):
        own = (f"p{part}d", f"p{part}rest")
        super().__init__({name: post.getlist(name) for name in post if name.startswith(own)})

    def getlist(self, name):
        return self[name]


def row_sending(part: int, text: RowText, proposal: Proposal, minutes: int) -> Sending:
    """The sending of this row. BadBatch says what cannot be read; nothing is stored then."""
    _require_readable(text, proposal)
    sent = _decided(part, text, proposal)
    sendings = sendings_of(sent, text.number, minutes)
    if len(sendings) != 1:
        words = (
            f"人太多，一次最多登记{MAX_MARKS}人，请点名登记。"
            if sendings
            else "没有可以登记的，请看看写的对不对。"
        )
        raise BadBatch(422, words)
    return sendings[0]


def _require_readable(text: RowText, proposal: Proposal) -> None:
    if proposal.leftovers:
        raise BadBatch(422, f"没认出来的：{'、'.join(proposal.leftovers)}。请改一改。")
    if text.missing and not (proposal.named or proposal.doubts) and not NOBODY.fullmatch(text.missing):
        raise BadBatch(422, "没来的人没认出来，请写名字，例如：张三（生病）、李四。")
    for number, doubt in enumerate(proposal.doubts):
        if not (text.sent and text.sent.doubts.get(number, {}).get("who")):
            raise BadBatch(422, f"“{doubt.said.name}”：{doubt.why.rstrip('。')}。请在下面选。")


def _decided(part: int, text: RowText, proposal: Proposal) -> Sent:
    """As the preview of one branch would have sent it."""
    sent = Sent(part, doubts=dict(text.sent.doubts) if text.sent else {})
    sent.doubts = {number: told for number, told in sent.doubts.items() if number < len(proposal.doubts)}
    sent.rest = _rest(text, proposal, sent)
    sent.away = {line.person.entry: _preset(line) for line in proposal.away}
    if sent.rest not in (PRESENT, AS_OFFERED) and text.came_number is not None:
        sent.heads = str(text.came_number)
    for line in proposal.lines:
        entry, version = line.person.entry, line.person.version
        if line.said:
            reason = f":{line.said.reason}" if line.said.reason else ""
            sent.rows[entry] = (version, line.said.status + reason, "")
            if line.said.minutes:
                sent.late[entry] = line.said.minutes
        elif line.is_preset and sent.rest == PRESENT:
            sent.rows[entry] = (version, _preset(line), "")
        elif is_rest(line) or (line.is_preset and sent.rest != PRESENT):
            sent.rows[entry] = (version, "", "")
    return sent


def _preset(line: Line) -> str:
    return f"{line.person.preset}:{line.person.preset_reason}"


def _rest(text: RowText, proposal: Proposal, sent: Sent) -> str:
    """Everybody else was there only where the sums say so."""
    came = text.came_number
    expected = sum(line.kind == "expected" for line in proposal.lines)
    told = list(sent.doubts.values())
    settled = [one for one in told if one.get("who") != SKIP]
    named = [line for line in proposal.named if line.kind == "expected" and line.said.status in MISSING]
    missing = len(named) + sum(one.get("code", "").partition(":")[0] in MISSING for one in settled)
    presets = len(proposal.offered)
    is_open = any(one.get("who") == TEXT for one in told)
    if came is None:
        if NOBODY.fullmatch(text.missing) and expected and text.missing:
            return _all_there(text, proposal, sent)
        raise Unread(422, f"实到没填。没来的写了{missing}人，实到应是{expected - missing}人，请填上再存。")
    if came in (expected - missing, expected - missing - presets) and not is_open:
        return _all_there(text, proposal, sent)
    if text.leaves_open or not text.missing:
        return "none"
    if is_open:
        raise Unread(422, "有名字没对上，其余的人不能都算到了。")
    raise Unread(
        422, f"应到{expected}、实到{came}，没来的应有{expected - came}人，写了{missing}人。请改一改。"
    )


def _all_there(text: RowText, proposal: Proposal, sent: Sent) -> str:
    """The sums say so; of whom the register offers as 请假 somebody says it, as in a pasted message."""
    answered = {told.get("who", "").partition(".")[0] for told in sent.doubts.values()}
    away = [line.person.name for line in proposal.away if str(line.person.entry) not in answered]
    if not away:
        return PRESENT
    if text.sent and text.sent.rest in AWAY_RESTS:
        return text.sent.rest
    names = "、".join(away[:MOST_NAMED]) + ("等" if len(away) > MOST_NAMED else "")
    raise Away(422, f"没写到{names}（{len(away)}人），点名页按流动、请假列着。请在下面选。")
