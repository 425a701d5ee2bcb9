"""Cuts a tidied text into words, numbers, stops and names."""

import re
from dataclasses import dataclass

from attendance.paste.words import (
    BEHIND,
    EVERY,
    HAN,
    IS_NOISE,
    LEAD,
    NONE,
    SINGLE,
    TAIL,
    WORD,
    WORDS,
    is_likely_name,
)

LONGEST = 12
LONGEST_RUN = 200  # names in a row without a stop; what is longer is no list of names


@dataclass
class Token:
    kind: str  # name, junk, number, minutes, open, close, colon, sep, break, and the kinds of WORDS
    text: str
    status: str = ""
    reason: str = ""
    value: int = 0
    is_used: bool = False


GAP = re.compile(
    rf"(?P<minutes>(?P<long>\d+(?:\.\d)?)\s*(?P<unit>分钟?|个?半?小时|min)|半个?小时|一刻钟)"
    rf"|(?P<number>\d{{1,5}})\s*(?:[人名位]|个(?!人))?|(?P<open>\()|(?P<close>\))|(?P<colon>:)"
    rf"|(?P<sep>[、 \t])|(?P<break>[,;。!?\n])|(?P<run>[{HAN}·]+)|(?P<other>[A-Za-z]+|[^\s])"
)


def tokens_of(text: str, names: frozenset[str]) -> list[Token]:
    spans = [(found.start(), found.end(), _word(found)) for found in WORD.finditer(text)]
    # A known name that holds such a word is still a name: 全到 in 王全到.
    for name in (name for name in names if WORD.search(name)):
        for found in re.finditer(re.escape(name), text):
            taken = (found.start(), found.end(), Token("name", name))
            spans = [span for span in spans if span[1] <= taken[0] or span[0] >= taken[1]] + [taken]
    tokens, at = [], 0
    for start, end, token in sorted(spans, key=lambda span: span[0]):
        tokens += _gap(text[at:start], names, tokens)
        tokens.append(token)
        at = end
    return tokens + _gap(text[at:], names, tokens)


def _word(found: re.Match[str]) -> Token:
    kind, status, reason, _ = WORDS[int(found.lastgroup[1:])]
    return Token(kind, found[0], status, reason)


def _gap(text: str, names: frozenset[str], before: list[Token]) -> list[Token]:
    tokens = []
    for found in GAP.finditer(text):
        kind = found.lastgroup
        if found["minutes"]:
            tokens.append(Token("minutes", found[0], value=_minutes(found)))
        elif found["number"]:
            tokens.append(Token("number", found[0], value=int(found["number"])))
        elif found["run"]:
            tokens += _names(found["run"], names)
        else:
            tokens.append(Token("junk" if kind == "other" else kind, found[0]))
    return tokens


def _minutes(found: re.Match[str]) -> int:
    if not found["long"]:
        return 15 if "刻" in found[0] else 30
    hours = 60 if "小时" in found["unit"] else 1
    half = 30 if "半" in found["unit"] else 0
    return min(int(float(found["long"]) * hours) + half, 720)


def _names(run: str, names: frozenset[str]) -> list[Token]:
    """The names in one run of characters; what is none comes back as junk."""
    if run in names:
        return [Token("name", run)]
    if len(run) > LONGEST_RUN:
        return [Token("junk", run)]
    if run in SINGLE:
        kind, status, reason = SINGLE[run]
        return [Token(kind, run, status, reason)]
    if run in NONE:
        return [Token("none", run)]
    if IS_NOISE.fullmatch(run):
        return []
    if EVERY.fullmatch(run):
        return [Token("every", run)]
    if run[0] in "缺假" and (rest := _list_behind(run[1:], names)):
        kind, status, reason = SINGLE[run[0]]
        return [Token(kind, run[0], status, reason), *rest]
    if pieces := _known_pieces(run, names):
        return pieces
    bare = _bare(run)
    if bare in names or is_likely_name(bare):
        return [Token("name", bare)]
    for word in ("和", "与", "及", "跟"):
        first, _, second = bare.partition(word)
        if is_likely_name(first) and is_likely_name(second):
            return [*_names(first, names), *_names(second, names)]
    if bare != run:
        return _names(bare, names) if bare else []
    if (found := EVERY.search(run)) and found.start() > 1:
        return [*_names(run[: found.start()], names), Token("every", found[0])]
    return [Token("name" if 2 <= len(run) <= 4 else "junk", run)]


def _list_behind(text: str, names: frozenset[str]) -> list[Token]:
    """缺张三李四: what stands behind the one character, if that is nothing but names."""
    if text in names or is_likely_name(text):
        return [Token("name", text)]
    return _known_pieces(text, names)


def _bare(run: str) -> str:
    """Without what people put before and behind a name: 党员张三同志因 → 张三."""
    while not is_likely_name(run):
        short = LEAD.sub("", run)
        short = short if short != run else TAIL.sub("", run)
        if short == run or not short:
            return short
        run = short
    tail = TAIL.search(run)
    return run[: tail.start()] if tail and is_likely_name(run[: tail.start()]) and len(run) > 3 else run


def _known_pieces(run: str, names: frozenset[str]) -> list[Token]:
    """张三李四王五 without a stop between: taken apart where known names fill most of it."""
    if len(run) < 3:
        return []
    best: list[tuple[int, list[Token]] | None] = [(0, [])] + [None] * len(run)
    for end in range(1, len(run) + 1):
        for start in range(max(0, end - LONGEST), end):
            piece, so_far = run[start:end], best[start]
            if so_far is None or (told := _piece(piece, names, so_far[1])) is None:
                continue
            cost, tokens = told
            if best[end] is None or so_far[0] + cost < best[end][0]:
                best[end] = (so_far[0] + cost, so_far[1] + tokens)
    found = best[-1]
    return found[1] if found and any(token.value for token in found[1]) else []


def _piece(text: str, names: frozenset[str], before: list[Token]) -> tuple[int, list[Token]] | None:
    if text in names:
        return 0, [Token("name", text, value=1)]
    if text in ("和", "与", "及", "跟", "等") or LEAD.fullmatch(text) or TAIL.fullmatch(text):
        return 1, []
    if EVERY.fullmatch(text):
        return 1, [Token("every", text)]
    if len(text) == 1 and text in SINGLE and before and before[-1].kind == "name":
        kind, status, reason = SINGLE[text]
        return 1, [Token(kind, text, status, reason)]
    if before and before[-1].kind == "name" and BEHIND.fullmatch(text):
        return 2, []
    if is_likely_name(text):
        return 3, [Token("name", text)]
    return None
