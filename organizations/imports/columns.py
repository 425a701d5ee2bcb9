"""Finds the header among title lines and says which column holds what."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from organizations.imports.choices import Choices
from organizations.imports.preflight import FileRefused
from organizations.imports.reading import Cell, Sheet, cell_at
from organizations.imports.values import hide_digits
from organizations.models import Organization

HEADER_WITHIN = 20
# 基本情况 over 联系方式 over 手机.
HEADER_DEPTH = 3
# Merged cells of the header stand first; a hostile sheet may have a million.
FEW_MERGES = 2000
LONGEST_KEY = 90
CHOSEN = -1
BY_VALUES = 99
# Of a column nobody knows no more is shown than tells what it is.
SAMPLE = 2
NOTHING_CHOSEN = Choices()

# field: aliases, the one to prefer first. Written as `normalise` leaves them.
ALIASES: dict[str, tuple[str, ...]] = {
    "name": ("姓名", "党员姓名", "名字"),
    "branch": (
        "所在党支部", "所属党支部", "党组织关系所在支部", "编入党支部", "所在支部", "所属支部", "党支部",
        "支部", "党支部名称", "支部名称", "所在党组织", "所属党组织", "党组织名称",
    ),
    "sex": ("性别",),
    "birth_date": ("出生日期", "出生年月日", "出生年月", "出生时间", "生日", "出生"),
    "id_number": (
        "身份证号", "身份证号码", "公民身份号码", "公民身份证号码", "居民身份证号码", "身份证", "证件号码",
    ),
    "phone": ("手机", "手机号码", "手机号", "联系电话", "联系方式", "移动电话", "电话", "电话号码"),
    "category": ("人员类别", "党员类别", "党籍状态", "党籍", "党员类型"),
    "post": ("党内职务", "支部职务", "党内职务名称", "党组织职务"),
    "party_group": ("党小组", "所在党小组", "所属党小组"),
    "joined_party_on": ("入党时间", "入党日期", "加入党组织日期", "加入党组织时间", "入党年月"),
    "is_floating": ("是否流动", "是否流动党员", "流动党员", "是否为流动党员"),
    "floating_to": ("外出流向", "外出地", "外出地点", "流向", "流动去向", "外出去向"),
    "contact_person": ("联系人", "流动党员联系人", "支部联系人"),
    "is_home_bound": ("是否需要送学上门", "需要送学上门", "送学上门", "是否送学上门", "居家"),
    "is_in_difficulty": ("困难党员", "是否困难党员", "是否纳入困难救助"),
}  # fmt: skip
# Read by nobody and not stored, but they show that a line is a header.
OTHERS = {
    "序号", "编号", "民族", "籍贯", "学历", "最高学历", "文化程度", "转正时间", "转正日期",
    "转为正式党员日期",
    "家庭住址", "现居住地", "现住址", "住址", "工作单位", "工作岗位", "职业", "备注", "职务", "年龄",
    "外出时间", "是否失联党员", "失去联系时间", "退役信息", "户籍派出所",
}  # fmt: skip
FIELDS = {alias: (field, rank) for field, names in ALIASES.items() for rank, alias in enumerate(names)}
LABELS = {field: names[0] for field, names in ALIASES.items()}
REASON = "原因"
# Headers that may mean something else: what they hold tells.
BY_WHAT_THEY_HOLD = {
    "职务": (
        "post",
        re.compile(r"(党|总)*(支部|支委会?)?(第一)?(副?书记|(组织|宣传|纪检|青年|统战|群众|保密)?委员|支委)"),
    ),
    "类别": ("category", re.compile(r"(中共)?(正式|预备)(党员)?")),
}
MAYBE_POST = re.compile("书记|委员|支委")
NO_POST = {"无", "党员", "普通党员", "/", "-", "—"}


@dataclass
class Layout:
    """Where the header stands and which column (zero-based) holds which field."""

    sheet: Sheet
    header_row: int
    columns: dict[str, int]
    headers: dict[int, str]
    # What each column is remembered by when somebody says what it means.
    keys: dict[int, str]
    ignored: list[str]
    # Fields two equally good columns could hold: somebody must say which.
    ambiguous: dict[str, list[str]]
    # Whose people these are where no column says; and the sheet's name where several are read.
    branch: Organization | None = None
    name: str = ""

    @property
    def last_column(self) -> int:
        return max(self.headers)

    @property
    def maybe_posts(self) -> list[str]:
        """Columns 职务 with posts in the Party among others, where no column holds the post."""
        if "post" in self.columns:
            return []
        keys = [(column, key) for column, key in self.keys.items() if key.partition("#")[0] == "职务"]
        return [key for column, key in keys if any(MAYBE_POST.search(str(c)) for c in self.below(column))]

    @property
    def unknown(self) -> list[str]:
        """The columns that hold nothing we know, by what they are remembered by."""
        used = set(self.columns.values())
        nothing = {*OTHERS, REASON}
        return [key for column, key in self.keys.items() if column not in used and key not in nothing]

    def question(self, field: str, keys: list[str]) -> dict[str, Any]:
        """Which of these columns is `field`? With what stands below each for the first time."""
        found = {key: self.sample(column) for column, key in self.keys.items() if key in keys}
        samples = {key: text if len(text) <= SAMPLE else f"{text[:SAMPLE]}…" for key, text in found.items()}
        return {"kind": "columns", "field": field, "columns": keys, "samples": samples}

    def sample(self, column: int) -> str:
        return next(
            (hide_digits(str(cell)) for cell in self.below(column) if isinstance(cell, str | int)), ""
        )

    def below(self, column: int) -> list[Cell]:
        """What stands in this column, as far as the beginning of the sheet tells."""
        return below(self.sheet, self.header_row, column)

    def label(self, field: str) -> str:
        """The header as the user wrote it, or ours where the column is missing."""
        return self.headers.get(self.columns.get(field, -1), LABELS.get(field, ""))


def below(sheet: Sheet, header_row: int, column: int) -> list[Cell]:
    cells = (cell_at(cells, column) for number, cells in sheet.rows if number > header_row)
    return [cell for cell in cells if cell is not None]


def normalise(header: Cell) -> str:
    """身份证号码（18位）*  →  身份证号码"""
    if not isinstance(header, str):
        return ""
    plain = re.sub(r"[\s\u200b\ufeff*:]", "", unicodedata.normalize("NFKC", header))
    return re.sub(r"\([^)]*\)|\[[^\]]*\]|【[^】]*】", "", plain)


def find_layouts(sheets: list[Sheet], choices: Choices = NOTHING_CHOSEN) -> list[Layout]:
    """The visible sheets that look like rosters and hold people; refused when there is none."""
    chosen = [sheet for sheet in sheets if sheet.name in choices.sheets] or sheets
    found = [layout for sheet in chosen if (layout := layout_of(sheet, choices.columns))]
    filled = [layout for layout in found if layout.sheet.last_row > layout.header_row]
    if filled:
        for layout in filled:
            refuse_ambiguous(layout)
        return filled
    if found:
        raise FileRefused("表里只有表头，没有党员。请填好名单再上传。", "NO_ROWS")
    if not any(sheet.rows for sheet in sheets):
        raise FileRefused("表里没有内容。如果名册是粘贴的图片，请改成文字表格再上传。", "NO_ROWS")
    if unclear := nameless(sheets):
        raise FileRefused(
            "没有找到“姓名”这一列。请选定哪一列是姓名，或把列名改成“姓名”再上传。",
            "NO_HEADER",
            unclear.question("name", unclear.unknown),
        )
    raise FileRefused(
        f"前 {HEADER_WITHIN} 行里没有找到表头。"
        "表头要有“姓名”，以及“所在党支部”“身份证号”等列名，可下载样表对照，请改好再上传。",
        "NO_HEADER",
    )


def nameless(sheets: list[Sheet]) -> Layout | None:
    """The line that is a header but for 姓名, where a column nobody knows may be it."""
    for sheet in sheets:
        for number, cells in sheet.rows[:HEADER_WITHIN]:
            layout = build_layout(sheet, number, texts_of(cells)) if texts_of(cells) else None
            if layout and len(layout.columns) >= 2 and layout.unknown:
                return layout
    return None


def refuse_ambiguous(layout: Layout) -> None:
    for field, keys in layout.ambiguous.items():
        raise FileRefused(
            f"有两列都叫“{keys[0]}”，不知道该用哪一列。请选定一列，或者删掉一列再上传。",
            "HEADER_AMBIGUOUS",
            layout.question(field, keys),
        )


def layout_of(sheet: Sheet, meanings: Mapping[str, str] = NOTHING_CHOSEN.columns) -> Layout | None:
    """The line, or lines, with the most known headers within the first 20 rows."""
    best: tuple[int, int, dict[int, str]] | None = None
    for index, (number, _) in enumerate(sheet.rows):
        if number > HEADER_WITHIN:
            break
        for row, headers in header_lines(sheet, index):
            score = score_of(headers, meanings)
            if best is None or score > best[0]:
                best = (score, row, headers)
    return build_layout(sheet, best[1], best[2], meanings) if best and best[0] >= 2 else None


def header_lines(sheet: Sheet, index: int) -> Iterator[tuple[int, dict[int, str]]]:
    """A line alone, then joined with the one and two below it as long as they name what it groups."""
    number, cells = sheet.rows[index]
    headers = texts_of(cells)
    yield number, headers
    for row, (below, cells) in enumerate(sheet.rows[index + 1 : index + HEADER_DEPTH], start=number + 1):
        lower = texts_of(cells)
        if below != row or not lower or not all(names_a_column(sheet, row, c, lower[c]) for c in lower):
            return
        headers = headers | lower
        yield row, headers


def names_a_column(sheet: Sheet, row: int, column: int, text: str) -> bool:
    """A second header line holds known headers, or parts of a merged group; people's names name nothing."""
    if normalise(text) in FIELDS or normalise(text) in OTHERS or normalise(text) == REASON:
        return True
    by_number = dict(sheet.rows[: HEADER_WITHIN + HEADER_DEPTH])
    return any(
        top <= bottom == row - 1 and left <= column <= right and right > left and is_group(by_number.get(top))
        for top, left, bottom, right in sheet.merges[:FEW_MERGES]
    )


def is_group(cells: list[Cell] | None) -> bool:
    """A title stands alone in its line."""
    return cells is not None and len(texts_of(cells)) > 1


def texts_of(cells: list[Cell]) -> dict[int, str]:
    return {
        index: " ".join(cell.split())
        for index, cell in enumerate(cells)
        if isinstance(cell, str) and normalise(cell)
    }


def score_of(headers: dict[int, str], meanings: Mapping[str, str] = NOTHING_CHOSEN.columns) -> int:
    """How many known headers; 0 without a name column, because people are what we look for."""
    written = {normalise(text) for text in headers.values()}
    known = {text for text in written if text in FIELDS or text in OTHERS or meanings.get(text)}
    fields = {meanings.get(text) or FIELDS.get(text, ("",))[0] for text in known}
    return len(known) if "name" in fields else 0


def sheet_score(sheet: Sheet) -> int:
    layout = layout_of(sheet)
    return len(layout.columns) if layout else 0


def keys_of(headers: dict[int, str]) -> dict[int, str]:
    """The normalised header; the second column of one name is 联系电话#2."""
    seen: Counter[str] = Counter()
    keys = {}
    for column, text in sorted(headers.items()):
        plain = normalise(text)[:LONGEST_KEY]
        seen[plain] += 1
        keys[column] = plain if seen[plain] == 1 else f"{plain}#{seen[plain]}"
    return keys


def meant_by_values(sheet: Sheet, row: int, column: int, text: str) -> str:
    """职务 is the post in the Party where every cell names one: never where some are 主任 or 会计."""
    if normalise(text) not in BY_WHAT_THEY_HOLD:
        return ""
    field, known = BY_WHAT_THEY_HOLD[normalise(text)]
    # 审核人：某某 in the last line is no value.
    texts = ("".join(str(cell).split()) for cell in below(sheet, row, column))
    held = {text for text in texts if not re.search("[:：]", text)} - NO_POST
    return field if held and all(known.fullmatch(one) for one in held) else ""


def build_layout(
    sheet: Sheet, row: int, headers: dict[int, str], meanings: Mapping[str, str] = NOTHING_CHOSEN.columns
) -> Layout:
    """What somebody said a header means comes before what everybody knows."""
    keys = keys_of(headers)
    ranked: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for column, text in headers.items():
        if keys[column] in meanings:
            if meanings[keys[column]] in ALIASES:
                ranked[meanings[keys[column]]].append((CHOSEN, column))
        elif normalise(text) in FIELDS:
            field, rank = FIELDS[normalise(text)]
            ranked[field].append((rank, column))
        elif meant := meant_by_values(sheet, row, column, text):
            ranked[meant].append((BY_VALUES, column))
    columns = {field: min(found)[1] for field, found in ranked.items()}
    ambiguous = {
        field: [keys[column] for rank, column in sorted(found) if rank == min(found)[0]]
        for field, found in ranked.items()
        if [rank for rank, _ in found].count(min(found)[0]) > 1
    }
    ignored = [
        text
        for column, text in headers.items()
        if column not in columns.values() and normalise(text) != REASON
    ]
    return Layout(sheet, row, columns, headers, keys, ignored, ambiguous)
