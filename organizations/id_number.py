"""身份证号 and mobile numbers: how they are brought into one form, and what can be wrong with them.

Pure functions, shared by the forms and the roster import. A problem is a code and
a Chinese sentence; None means nothing is wrong.
"""

import re
import unicodedata
from datetime import date
from functools import lru_cache
from operator import mul

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
ZEROS = ord("0") * sum(WEIGHTS)
# Days on which somebody was born: a roster repeats them.
REMEMBERED = 50_000
# In the middle of a text; not inside a longer number, a hash or a UUID.
NUMBERS = re.compile(r"(?<![0-9A-Za-z_.-])(?:[0-9]{17}[0-9Xx]|1[3-9][0-9]{9})(?![0-9A-Za-z_-])")
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff\u00a0"))
OLD_FORM, RIGHT_FORM = re.compile(r"[0-9]{15}"), re.compile(r"[0-9]{17}[0-9X]")
MOBILE = re.compile(r"1[3-9][0-9]{9}")
OLDEST = 120
Problem = tuple[str, str] | None


def clean_id_number(text: str) -> str:
    """Half-width digits, upper-case X, without blanks and the apostrophe Excel users put before numbers."""
    plain = unicodedata.normalize("NFKC", text.translate(INVISIBLE))
    return re.sub(r"\s", "", plain).removeprefix("'").upper()


def id_number_problem(number: str, today: date) -> Problem:
    """What is wrong with a cleaned number. It is never repaired silently."""
    if OLD_FORM.fullmatch(number):
        return "ID_OLD_15", "这是 15 位的老身份证号，请填现在的 18 位号码。"
    if not RIGHT_FORM.fullmatch(number):
        return "ID_FORMAT", (
            "身份证号应为 18 位，前 17 位是数字，最后一位是数字或 X，请核对。"
            "港澳居民、军人证件等请不要填在这一列。"
        )
    born = born_on(number)
    if born is None or born.year < today.year - OLDEST:
        return "ID_DATE", "身份证号里的出生日期不存在，请核对第 7 到 14 位。"
    if check_digit(number) != number[-1]:
        return "ID_CHECKSUM", "身份证号的最后一位对不上，多半有一位抄错了，请逐位核对。"
    return None if is_adult(born, today) else ("AGE", "按身份证号算还不满 18 周岁，请核对。")


def check_digit(number: str) -> str:
    return CHECK_DIGITS[(sum(map(mul, WEIGHTS, number[:17].encode())) - ZEROS) % 11]


def born_on(number: str) -> date | None:
    return _day(number[6:14])


@lru_cache(REMEMBERED)
def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def is_adult(born: date, today: date) -> bool:
    return (today.year - born.year - ((today.month, today.day) < (born.month, born.day))) >= 18


def sex_of(number: str) -> str:
    return "M" if int(number[16]) % 2 else "F"


def is_number(text: str) -> bool:
    """Somebody typed an ID number or a mobile number here, and nothing else."""
    return len(text) < 40 and bool(
        NUMBERS.fullmatch(clean_id_number(text)) or NUMBERS.fullmatch(clean_phone(text))
    )


def without_numbers(text: str) -> str:
    """A text that may be kept for ever: of each ID number and mobile number the ends only."""
    return NUMBERS.sub(lambda found: f"{found[0][:3]}****{found[0][-2:]}", text)


def clean_phone(text: str) -> str:
    """Eleven digits: without +86, blanks, dashes and the ".0" a number cell leaves."""
    plain = unicodedata.normalize("NFKC", text.translate(INVISIBLE))
    return re.sub(r"[\s-]", "", plain).removeprefix("'").removeprefix("+86").removesuffix(".0")


def phone_problem(phone: str) -> Problem:
    if MOBILE.fullmatch(phone):
        return None
    return "PHONE", "手机号应为 11 位数字，请只填一个手机号码。"
