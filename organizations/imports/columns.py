"""Finds the header among title lines and says which column holds what."""

import re
import unicodedata
from dataclasses import dataclass

from organizations.imports.preflight import FileRefused
from organizations.imports.reading import Cell, Sheet, cell_at

HEADER_WITHIN = 20

# field: aliases, the one to prefer first. Written as `normalise` leaves them.
ALIASES: dict[str, tuple[str, ...]] = {
    "name": ("姓名", "党员姓名", "名字"),
    "branch": (
        "所在党支部", "所属党支部", "党组织关系所在支部", "编入党支部", "所在支部", "所属支部", "党支部",
        "支部", "党支部名称", "支部名称", "所在党组织", "所属党组织", "党组织名称",
    ),
    "sex": ("性别",),
    "birth_date": ("出生日期", "出生年月日", "出生年月", "出生时间", "生日"),
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


@dataclass
class Layout:
    """Where the header stands and which column (zero-based) holds which field."""

    sheet: Sheet
    header_row: int
    columns: dict[str, int]
    headers: dict[int, str]
    ignored: list[str]

    @property
    def last_column(self) -> int:
        return max(self.headers)

    def label(self, field: str) -> str:
        """The header as the user wrote it, or ours where the column is missing."""
        return self.headers.get(self.columns.get(field, -1), LABELS.get(field, ""))


def normalise(header: Cell) -> str:
    """身份证号码（18位）*  →  身份证号码"""
    if not isinstance(header, str):
        return ""
    plain = re.sub(r"[\s\u200b\ufeff*:]", "", unicodedata.normalize("NFKC", header))
    return re.sub(r"\([^)]*\)|\[[^\]]*\]|【[^】]*】", "", plain)


def find_layout(sheets: list[Sheet]) -> Layout:
    """The one visible sheet that looks like a roster; refused when there is none, or several."""
    found = [layout for sheet in sheets if (layout := layout_of(sheet))]
    filled = [layout for layout in found if layout.sheet.last_row > layout.header_row]
    if len(filled) > 1:
        names = "、".join(layout.sheet.name for layout in filled[:5])
        raise FileRefused(
            f"有 {len(filled)} 张工作表都像名册（{names}）。请只留一张，其余另存为别的文件再上传。",
            "SHEET_AMBIGUOUS",
        )
    if filled:
        return filled[0]
    if found:
        raise FileRefused("表里只有表头，没有党员。请填好名单再上传。", "NO_ROWS")
    if not any(sheet.rows for sheet in sheets):
        raise FileRefused("表里没有内容。如果名册是粘贴的图片，请改成文字表格再上传。", "NO_ROWS")
    raise FileRefused(
        f"前 {HEADER_WITHIN} 行里没有找到表头。"
        "表头要有“姓名”，以及“所在党支部”“身份证号”等列名，可下载样表对照。",
        "NO_HEADER",
    )


def layout_of(sheet: Sheet) -> Layout | None:
    """The line, or pair of lines, with the most known headers within the first 20 rows."""
    best: tuple[int, int, dict[int, str]] | None = None
    for index, (number, cells) in enumerate(sheet.rows):
        if number > HEADER_WITHIN:
            break
        below = sheet.rows[index + 1] if index + 1 < len(sheet.rows) else None
        for row, headers in candidates(number, cells, below):
            score = score_of(headers)
            if best is None or score > best[0]:
                best = (score, row, headers)
    return build_layout(sheet, best[1], best[2]) if best and best[0] >= 2 else None


def candidates(number: int, cells: list[Cell], below: tuple[int, list[Cell]] | None):
    upper = texts_of(cells)
    yield number, upper
    if below and below[0] == number + 1:
        lower = texts_of(below[1])
        # A second header line only names what the first one groups; a line of people names nothing.
        if lower and all(normalise(text) in FIELDS.keys() | OTHERS for text in lower.values()):
            yield below[0], upper | lower


def texts_of(cells: list[Cell]) -> dict[int, str]:
    return {
        index: " ".join(cell.split())
        for index, cell in enumerate(cells)
        if isinstance(cell, str) and normalise(cell)
    }


def score_of(headers: dict[int, str]) -> int:
    """How many known headers; 0 without a name column, because people are what we look for."""
    known = {normalise(text) for text in headers.values()} & (FIELDS.keys() | OTHERS)
    fields = {FIELDS[text][0] for text in known if text in FIELDS}
    return len(known) if "name" in fields else 0


def sheet_score(sheet: Sheet) -> int:
    layout = layout_of(sheet)
    return len(layout.columns) if layout else 0


def build_layout(sheet: Sheet, row: int, headers: dict[int, str]) -> Layout:
    columns: dict[str, int] = {}
    for index, text in headers.items():
        if normalise(text) not in FIELDS:
            continue
        field, rank = FIELDS[normalise(text)]
        if field not in columns or rank < FIELDS[normalise(headers[columns[field]])][1]:
            columns[field] = index
        elif normalise(headers[columns[field]]) == normalise(text):
            raise FileRefused(
                f"有两列都叫“{normalise(text)}”，不知道该用哪一列。请删掉一列或改名再上传。",
                "HEADER_AMBIGUOUS",
            )
    ignored = [
        text for index, text in headers.items() if index not in columns.values() and normalise(text) != REASON
    ]
    return Layout(sheet, row, columns, headers, ignored)


def is_repeated_header(layout: Layout, cells: list[Cell]) -> bool:
    """Printed rosters repeat the header on every page."""
    name = cell_at(cells, layout.columns["name"])
    return FIELDS.get(normalise(name), ("",))[0] == "name"
