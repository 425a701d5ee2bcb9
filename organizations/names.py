"""Initials of names, so that typing "zs" finds 张三.

The letters come from `readings.txt`, which scripts/readings.py writes. It reads
a surname as the common word it also is (单 dan, 仇 chou); the surname table puts
that right for the first character, or the first two.
"""

import re
from bisect import bisect_right
from pathlib import Path

READINGS = (
    "尉迟:yc 万俟:mq 长孙:zs 单于:cy 澹台:tt 单:s 曾:z 仇:q 区:o 解:x 查:z 任:r 盖:g 尉:w 缪:m 翟:z 朴:p "
    "覃:q 洗:x 冼:x 员:y 乐:y 秘:b 那:n 折:s 召:s 谌:c 种:c 薄:b 隗:w 祭:z 逄:p 繁:p 晁:c 阚:k 句:g 车:c "
    "褚:c 卜:b 柏:b 宁:n 牟:m"
)
SURNAMES = dict(pair.split(":") for pair in READINGS.split())
HAN = "\u3007\u3400-\u9fff\U00020000-\U0003ffff"
NOT_LETTERS = re.compile(rf"[^{HAN}A-Za-z]")

BLOCKS = [
    line.split() for line in Path(__file__).with_name("readings.txt").read_text("utf-8").splitlines()[1:]
]
STARTS = [int(start, 16) for start, _ in BLOCKS]
# A word in Latin letters, of which the first counts, or one character.
PIECES = re.compile(rf"[A-Za-z]+|[{HAN}]")


def initials(name: str) -> str:
    """First letters in lower case: 张三 → zs, 单雄信 → sxx, 欧阳娜 → oyn. What has no reading is left out."""
    letters = NOT_LETTERS.sub("", name)
    for length in (2, 1):
        if head := SURNAMES.get(letters[:length]):
            return (head + _first_letters(letters[length:]))[:50]
    return _first_letters(letters)[:50]


def _first_letters(text: str) -> str:
    return "".join(_letter(piece[0]) for piece in PIECES.findall(text))


def _letter(character: str) -> str:
    if character.isascii():
        return character.lower()
    at = bisect_right(STARTS, ord(character)) - 1
    return BLOCKS[at][1][(place := ord(character) - STARTS[at]) : place + 1].strip(".") if at >= 0 else ""
