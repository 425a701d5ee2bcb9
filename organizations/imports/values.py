"""What one cell means. Pure functions: a value, or a `CellProblem` with a code and what to do.

Free of Django: the process that parses uploads reads ordinary lines by them.
"""

import re
import unicodedata
from datetime import date, timedelta
from functools import lru_cache

from organizations import id_number as numbers
from organizations.imports.reading import Cell, CellError, Formula

HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"))
# Nothing in it can be wrong.
ORDINARY = re.compile(r"[0-9A-Za-z\u4e00-\u9fff]+")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
SHORT_HAN = re.compile(rf"[{HAN}](?:\s*[{HAN}]){{1,3}}")
SEPARATORS = r"\s*[.\-/年,、。—]\s*"
YEAR_MONTH_DAY = re.compile(rf"(\d{{4}}){SEPARATORS}(\d{{1,2}})(?:\s*[.\-/月,、。—]\s*)(\d{{1,2}})\s*日?")
YEAR_MONTH = re.compile(rf"(\d{{4}}){SEPARATORS}(\d{{1,2}})\s*月?")
FIRST_SERIAL, LAST_SERIAL = 3654, 73_050  # 1910 to 2099
DAYS_TO_1904, LAST_YEAR = 1462, 2100
# What a CSV keeps of an error cell.
ERROR_MARKS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"}
# As we export them: 3207************12, 138****1111.
MASKED = {
    "id_number": re.compile(r"[0-9]{4}\*{12}[0-9][0-9X]"),
    "phone": re.compile(r"1[0-9]{2}\*{4}[0-9]{4}"),
}
SEVERAL_NAMES = re.compile(rf"[、,，;；/|]|[{HAN}]{{2,}}\s*\n\s*[{HAN}]{{2,}}")
# Sexes, posts, days of birth: a roster repeats them.
REMEMBERED = 32_768
YES = {"是", "有", "√", "✓", "✔", "对", "y", "yes", "1", "true", "流动", "居家", "困难", "需要"}
NO = {"否", "无", "没有", "×", "x", "n", "no", "0", "false", "不", "不是", "/", "-", "—", "不需要"}
PartDate = tuple[date, str]
# As `organizations.models` spells them.
MALE, FEMALE = "M", "F"
FULL, PROBATIONARY = "FULL", "PROBATIONARY"
NO_POST, SECRETARY, DEPUTY_SECRETARY, COMMITTEE_MEMBER = (
    "",
    "SECRETARY",
    "DEPUTY_SECRETARY",
    "COMMITTEE_MEMBER",
)


class CellProblem(Exception):
    """This cell cannot be stored. The message never repeats an ID number or phone."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code, self.message = code, message


def plain_text(cell: Cell, longest: int) -> str:
    """Text without invisible characters and outer blanks; "" for an empty cell."""
    if isinstance(cell, str) and len(cell) <= longest and ORDINARY.fullmatch(cell):
        return cell
    if isinstance(cell, Formula):
        raise CellProblem("FORMULA_CELL", "这一格是公式。请复制后“选择性粘贴为数值”，或直接填写内容。")
    if isinstance(cell, CellError) or (isinstance(cell, str) and cell.strip() in ERROR_MARKS):
        raise CellProblem("CELL_ERROR", "这一格显示的是出错标记（如 #N/A）。请填写正确内容，或清空。")
    if cell is None:
        return ""
    text = str(cell).strip()
    if not text.isascii():
        text = text.translate(INVISIBLE).replace("\u00a0", " ").replace("\u3000", " ").strip()
    if is_marked := text.startswith("'"):  # as spreadsheets mark text, and as our own export protects it
        text = text[1:].strip()
    if CONTROL.search(text):
        raise CellProblem("CONTROL_CHAR", "这一格里有看不见的控制字符。请清空后重新输入。")
    if len(text) > longest:
        raise CellProblem("LENGTH", f"这一格太长，最多 {longest} 个字。请核对是否填错了列。")
    if not is_marked and text[:1] in ("=", "+", "@", "＝", "＋", "＠"):
        raise CellProblem(
            "FORMULA_CELL", "内容以 =、+ 或 @ 开头，会被表格软件当公式算，不能收。请去掉这个符号，只填文字。"
        )
    return text


def parse_name(cell: Cell) -> str:
    """张　三 → 张三; a longer name keeps single blanks."""
    written = plain_text(cell, 50)
    text = " ".join(written.split())
    if not text:
        raise CellProblem("NAME_MISSING", "没有填姓名。请补上姓名；如果是空行，请整行删除。")
    if SEVERAL_NAMES.search(written):
        raise CellProblem("NAME_FORMAT", "一格里像是写了几个人。请一人一行，姓名里不要有顿号、逗号和斜线。")
    if SHORT_HAN.fullmatch(text):
        return text.replace(" ", "")
    if not any(c.isalpha() for c in text) or re.search(r"[\d<>{}=;|\\]", text):
        raise CellProblem(
            "NAME_FORMAT", "姓名里有数字或符号。同名的人用身份证号或出生日期区分，姓名请照实填写。"
        )
    return text


@lru_cache(REMEMBERED, typed=True)
def parse_text(cell: Cell, longest: int = 50) -> str:
    if isinstance(cell, date):
        cell = cell.isoformat()
    return " ".join(plain_text(cell, longest).split())


def parse_id_number(cell: Cell, today: date) -> str:
    """18 places, checked. A number cell is refused whatever the checksum says: digits are lost."""
    if isinstance(cell, str) and numbers.RIGHT_FORM.fullmatch(cell):
        number = cell
    elif isinstance(cell, int | float | date):
        raise CellProblem(
            "ID_NUMERIC_CELL",
            "这一格是数字格式，身份证号后几位已经丢失。请把该列设为文本后重新填写完整号码。",
        )
    else:
        number = numbers.clean_id_number(plain_text(cell, 60))
    if not number:
        return ""
    problem = numbers.id_number_problem(number, today)
    if problem and "E+" in number:
        raise CellProblem(
            "ID_FORMAT", "身份证号变成了科学计数法，后几位已经丢失。请把该列设为文本后重新填写完整号码。"
        )
    if problem:
        damaged = problem[0] == "ID_CHECKSUM" and number.endswith("000")
        raise CellProblem(problem[0], ("末尾的 000 像是被 Excel 改坏的。" if damaged else "") + problem[1])
    return number


def masked_number(cell: Cell, field: str) -> str:
    """A number as we export it, half of it hidden; "" for anything else."""
    if not isinstance(cell, str) or not ("*" in cell or "＊" in cell):
        return ""
    text = numbers.clean_id_number(cell)
    return text if MASKED[field].fullmatch(text) else ""


def parse_phone(cell: Cell) -> str:
    if isinstance(cell, int | str) and numbers.MOBILE.fullmatch(str(cell)):
        return str(cell)
    if isinstance(cell, float | date):
        raise CellProblem("PHONE", "手机号应为 11 位数字。请把该列设为文本后重新填写。")
    if isinstance(cell, str):
        cell = cell.translate(INVISIBLE).strip().lstrip("'+＋")  # +86 is no formula, and comes back as '+86
    text = plain_text(cell, 60)
    phone = numbers.clean_phone(text)
    if len(phone) == 13 and phone.startswith("86"):
        phone = phone[2:]
    problem = numbers.phone_problem(phone) if phone else None
    if problem:
        raise CellProblem(*problem)
    return phone


@lru_cache(REMEMBERED, typed=True)
def parse_date(cell: Cell) -> PartDate | None:
    """A date and how exact it is: "day", "month" or "year"."""
    if isinstance(cell, date):
        return cell, "day"
    if isinstance(cell, float):
        return date_of_decimal(cell)
    if isinstance(cell, int):
        return date_of_digits(str(cell))
    text = unicodedata.normalize("NFKC", plain_text(cell, 40)).strip().lstrip("'")
    text = re.sub(r"[ T]\d{1,2}:\d{2}(:\d{2})?(\.\d+)?$", "", text)
    if not text:
        return None
    if match := YEAR_MONTH_DAY.fullmatch(text):
        return make_date(*map(int, match.groups())), "day"
    if match := YEAR_MONTH.fullmatch(text):
        return make_date(*map(int, match.groups()), 1), "month"
    return date_of_digits(text.removesuffix("年"))


def date_of_decimal(number: float) -> PartDate:
    """1965.7 typed as a number is July; 1965.1 is January or October, nobody knows."""
    if not 0 < number < 1_000_000:
        raise unreadable_date()
    year, _, month = repr(number).partition(".")
    if not 1900 <= int(year) <= 2100:
        return date_of_digits(year)
    if month == "1":
        raise CellProblem(
            "DATE_AMBIGUOUS",
            f"分不清是 {year} 年 1 月还是 10 月。请把该列设为文本，写成 {year}-01 或 {year}-10。",
        )
    if len(month) > 2:
        raise unreadable_date()
    return make_date(int(year), int(month), 1), "month"


def date_of_digits(digits: str) -> PartDate:
    """195803, 19580301, 1958, or the serial number of a day."""
    if not digits.isascii() or not digits.isdigit():
        raise unreadable_date()
    if len(digits) == 8:
        return make_date(int(digits[:4]), int(digits[4:6]), int(digits[6:])), "day"
    if len(digits) == 6:
        return make_date(int(digits[:4]), int(digits[4:]), 1), "month"
    number = int(digits)
    if len(digits) == 4 and 1900 <= number <= 2100:
        return make_date(number, 1, 1), "year"
    if len(digits) <= 5 and FIRST_SERIAL <= number <= LAST_SERIAL:
        return date(1899, 12, 30) + timedelta(days=number), "day"
    raise unreadable_date()


def since_1904(cell: Cell) -> Cell:
    """The number of a day in a workbook that counts from 1904, as one of those that count from 1900."""
    if isinstance(cell, int) and LAST_YEAR < cell <= LAST_SERIAL - DAYS_TO_1904:
        return cell + DAYS_TO_1904
    return cell


def make_date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise CellProblem("DATE_FORMAT", "没有这一天，请核对年月日。") from None


def unreadable_date() -> CellProblem:
    return CellProblem("DATE_FORMAT", "日期认不出来。请写成 1958-03-01 或 1958-03，年份写四位。")


@lru_cache(REMEMBERED, typed=True)
def parse_birth(cell: Cell, today: date, is_1904: bool = False) -> PartDate | None:
    parsed = parse_date(since_1904(cell) if is_1904 else cell)
    if parsed is None:
        return None
    if parsed[0] > today or today.year - parsed[0].year > numbers.OLDEST:
        raise CellProblem("DATE_RANGE", "出生日期不合理，请核对年份。")
    if not numbers.is_adult(parsed[0], today):
        raise CellProblem("AGE", "按出生日期算还不满 18 周岁，请核对。")
    return parsed


@lru_cache(REMEMBERED, typed=True)
def parse_joined(cell: Cell, today: date, is_1904: bool = False) -> PartDate | None:
    parsed = parse_date(since_1904(cell) if is_1904 else cell)
    if parsed is None:
        return None
    if parsed[0] > today or parsed[0].year < 1921:
        raise CellProblem("DATE_RANGE", "入党时间不能晚于今天，也不能早于 1921 年，请核对年份。")
    return parsed


def is_before_adult(joined: PartDate, birth: PartDate) -> bool:
    """Joined before the 18th birthday, as far as the coarser of the two can tell.

    The first of a month may stand for the month: so it was written where a form wants a whole day.
    """
    (day, known), (born, born_known) = joined, birth
    if "year" in (known, born_known):
        return day.year < born.year + 18
    if "month" in (known, born_known) or day.day == 1:
        return (day.year, day.month) < (born.year + 18, born.month)
    return not numbers.is_adult(born, day)


@lru_cache(REMEMBERED, typed=True)
def parse_sex(cell: Cell) -> str:
    text = parse_text(cell).removesuffix("性").upper()
    if text and text not in ("男", "女", "M", "F"):
        raise CellProblem("SEX", "性别请填男或女。")
    return {"男": MALE, "M": MALE, "女": FEMALE, "F": FEMALE}.get(text, "")


@lru_cache(REMEMBERED, typed=True)
def parse_category(cell: Cell) -> str:
    text = parse_text(cell)
    if text in ("", "正常", "党员", "中共党员"):  # 党籍状态 says nothing about 正式 or 预备
        return ""
    for word, category in (("预备", PROBATIONARY), ("正式", FULL)):
        if text.startswith(word):
            return category
    raise CellProblem(
        "CATEGORY", "入党积极分子、发展对象不在党员名册里导入。人员类别请填“正式党员”或“预备党员”。"
    )


@lru_cache(REMEMBERED, typed=True)
def parse_post(cell: Cell) -> str | None:
    """None = nothing written; NO_POST = written that there is none."""
    text = parse_text(cell)
    if not text:
        return None
    for word, post in (
        ("副书记", DEPUTY_SECRETARY),
        ("书记", SECRETARY),
        ("委员", COMMITTEE_MEMBER),
        ("支委", COMMITTEE_MEMBER),
    ):
        if word in text:
            return post
    if text in NO or text.endswith(("党员", "组长")):
        return NO_POST
    raise CellProblem("POST", "党内职务请填书记、副书记、委员或无；行政职务不要填在这一列。")


@lru_cache(REMEMBERED, typed=True)
def parse_flag(cell: Cell) -> bool | None:
    text = unicodedata.normalize("NFKC", parse_text(cell)).lower()
    if not text:
        return None
    if text in YES | NO:
        return text in YES
    raise CellProblem("FLAG", "这一列请填“是”或“否”。")


def same_birth(one: PartDate, other: PartDate) -> bool:
    """Equal as far as the coarser of the two can tell."""
    precision = {one[1], other[1]}
    if "year" in precision:
        return one[0].year == other[0].year
    if "month" in precision:
        return (one[0].year, one[0].month) == (other[0].year, other[0].month)
    return one[0] == other[0]


def hide_digits(text: str) -> str:
    """For quoting a user's text: a number that slipped into the wrong column must not be repeated."""
    return re.sub(r"\d{5,}", "…", unicodedata.normalize("NFKC", text))[:40]
