"""Reads what somebody wrote into WeChat about a class: figures, names, and what is said of them.

Pure text in, plain values out: nothing here knows who is on the roster. What cannot be read is handed
back as it was written, never dropped and never guessed.
"""

import re
from collections.abc import Collection, Iterable

from attendance.paste.reader import Reader
from attendance.paste.said import MISSING, Person, Section
from attendance.paste.tokens import tokens_of
from attendance.paste.words import HAN, NOISE, WORD, plain

__all__ = ["MAX_TEXT", "MISSING", "Person", "Section", "is_branch", "read", "stem"]

MAX_TEXT = 10_000
KINDS = "党支部|支部|党总支|总支|党委|村委会|居委会|社区|村|居|公司|学校|中学|小学|医院|卫生院|机关|站|所"
HEAD = rf"[{HAN}A-Za-z\d]{{1,16}}?(?:{KINDS})"
AFTER_HEAD = r"(?=\s*(?:[:)]|应[到参]|实[到参]|全[到体部]|均|都|请假|缺席|未到|除|\d+\s*人|参[加训]|到会|$))"
UNKNOWN_HEAD = re.compile(rf"^[、\s(]*(?P<head>{HEAD}){AFTER_HEAD}")
BOTH = re.compile(
    r"应到(?:会)?(?:人数|人)?[、,和与及 ]*实到(?:会)?(?:人数|人)?[\s:]*(\d+)\s*人?[、,\s和与及:]+(\d+)"
)
SHORT_BOTH = re.compile(r"应[、]?实到(?:人数)?[\s:]*(\d+)\s*人?[、,\s]+(\d+)")
GROUP_LINE = re.compile(rf"^(?:、|\s)*第?[{HAN}\d]{{1,6}}组(?:长)?[\s:]+", re.M)
PAIR = re.compile(r"^\s*(\d{1,4})\s*人?\s*[、 ]\s*(\d{1,4})\s*人?(?=[\s,;、。]|$)")


def read(text: str, names: Collection[str] = (), branches: Collection[str] = ()) -> list[Section]:
    """One section for each branch the text names, in its order; what stands before is a section of its own.

    `names` and `branches` help to tell where a name ends; they decide nothing else.
    """
    known = frozenset(name for name in names if len(name) > 1)
    tidy = plain(text[:MAX_TEXT], known)
    tidy = BOTH.sub(r" 应到\1 实到\2 ", SHORT_BOTH.sub(r" 应到\1 实到\2 ", tidy))
    found = [_section(*told, known) for told in _split(tidy, branches, known)]
    return [section for section in found if section.heading or not section.is_empty or section.leftovers]


def _section(heading: str, text: str, by_group: bool, names: frozenset[str]) -> Section:
    if heading:
        text = PAIR.sub(_pair, text)
    section = Reader(Section(heading), tokens_of(text, names), names, "接龙" in text).read()
    if by_group:
        section.figures = {what: [sum(numbers)] for what, numbers in section.figures.items()}
    return section


def _pair(found: re.Match[str]) -> str:
    """东风村 46/45: how many were expected, and how many came."""
    expected, came = int(found[1]), int(found[2])
    return f"应到{expected} 实到{came} " if expected >= came else found[0]


# --- Branches -----------------------------------------------------------------------------------
def stem(name: str) -> str:
    """东风村第一党支部 → 东风村第一: what is left of a branch's name when people are in a hurry."""
    short = re.sub(r"(?:中共)?(.+?)(?:流动党员)?(?:党支部|支部|党总支|总支|党委)(?:委员会)?$", r"\1", name)
    return short if len(short) > 1 else name


def is_branch(written: str, name: str) -> bool:
    """Whether this may be what people write for that branch: its name, its stem, or the stem without 村."""
    forms = {name, stem(name), re.sub(r"(?:村|社区|居)$", "", stem(name))}
    return written in forms or stem(written) in forms


def _split(text: str, branches: Collection[str], names: frozenset[str]) -> Iterable[tuple[str, str, bool]]:
    """(heading, what follows it, whether by 党小组); a heading begins a line or a sentence."""
    forms = {form for name in branches for form in (name, stem(name), stem(name) + "支部") if len(form) > 1}
    forms |= {short for name in branches if len(short := re.sub(r"(?:村|社区|居)$", "", stem(name))) > 1}
    known = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    after = r"(?=[\s:,、()\d]|$|应|实|全|均|都|请|缺|未|没|除|到|参|事假|病假|今)"
    wanted = re.compile(rf"^[、\s(]*(?P<head>{known}){after}") if known else None
    whole = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True) if len(form) > 2)
    inside = re.compile(rf"(?P<head>{whole})") if whole else None
    head, body, by_group = "", [], False
    for line in re.split(r"\n|(?<=[;。!?])", text):
        if GROUP_LINE.match(line):
            body.append(GROUP_LINE.sub("", line))
            by_group = True
            continue
        found = (wanted and wanted.match(line)) or (inside and _named_inside(inside, line))
        found = found or UNKNOWN_HEAD.match(line)
        if found and _is_heading(found["head"], names):
            yield head, "\n".join(body), by_group
            head, body, by_group = found["head"], [line[found.end() :].lstrip(" :、,)")], False
        else:
            body.append(line)
    yield head, "\n".join(body), by_group


def _named_inside(inside: re.Pattern[str], line: str) -> re.Match[str] | None:
    """今天上午东风村党支部情况如下: the branch is named before anything is said."""
    word = WORD.search(line)
    found = inside.search(line[: word.start()] if word else line)
    return found if found and not re.search(r"[、,(]", line[: found.start()].strip(" 、,")) else None


def _is_heading(text: str, names: frozenset[str]) -> bool:
    return not any(name in text for name in names) and not WORD.match(text) and text not in NOISE
