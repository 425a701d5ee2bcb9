"""Initials of names, so that typing "zs" finds 张三.

pypinyin reads a surname as the common word it also is (单 dan, 仇 chou); the
surname table puts that right for the first character, or the first two.
"""

import re

from pypinyin import Style, lazy_pinyin

READINGS = (
    "尉迟:yc 万俟:mq 长孙:zs 单于:cy 澹台:tt 单:s 曾:z 仇:q 区:o 解:x 查:z 任:r 盖:g 尉:w 缪:m 翟:z 朴:p "
    "覃:q 洗:x 冼:x 员:y 乐:y 秘:b 那:n 折:s 召:s 谌:c 种:c 薄:b 隗:w 祭:z 逄:p 繁:p 晁:c 阚:k 句:g 车:c "
    "褚:c 卜:b 柏:b 宁:n 牟:m"
)
SURNAMES = dict(pair.split(":") for pair in READINGS.split())
HAN = "\u3007\u3400-\u9fff\U00020000-\U0003ffff"
NOT_LETTERS = re.compile(rf"[^{HAN}A-Za-z]")


def initials(name: str) -> str:
    """First letters in lower case: 张三 → zs, 单雄信 → sxx, 欧阳娜 → oyn. What has no reading is left out."""
    letters = NOT_LETTERS.sub("", name)
    for length in (2, 1):
        if head := SURNAMES.get(letters[:length]):
            return (head + _first_letters(letters[length:]))[:50]
    return _first_letters(letters)[:50]


def _first_letters(text: str) -> str:
    syllables = lazy_pinyin(text, style=Style.NORMAL, errors=lambda rest: [rest[:1]])
    return re.sub(r"[^a-z]", "", "".join(syllable[:1].lower() for syllable in syllables))
