"""Several sheets of one file: which are read, and whose people each holds."""

import re

from organizations.imports.branches import Branches
from organizations.imports.columns import Layout
from organizations.imports.preflight import FileRefused
from organizations.imports.reading import Sheet
from organizations.imports.rows import Finding

NAMES_SHOWN = 5
EXPLAINS = re.compile("说明|须知|样表|示例|字典")


def settle_branches(layouts: list[Layout], branches: Branches) -> None:
    """A sheet without a branch column holds one branch: the only one there is, or the one it names."""
    for layout in layouts:
        if "branch" not in layout.columns:
            layout.branch = branches.only_one or branches.named_in(titles(layout))
        if len(layouts) > 1:
            layout.name = layout.sheet.name
    unclear = [layout for layout in layouts if "branch" not in layout.columns and not layout.branch]
    if unclear and len(layouts) == 1:
        unknown = unclear[0].unknown
        raise FileRefused(
            "表里没有“所在党支部”这一列。请加上这一列，或在上传时选定这些党员所在的支部。",
            "BRANCH_COLUMN_MISSING",
            unclear[0].question("branch", unknown) if unknown else None,
        )
    if unclear:
        raise FileRefused(
            f"有 {len(layouts)} 张工作表像名册，其中“{quoted(unclear)}”看不出是哪个支部的。"
            "请把工作表的名称改成支部名称，或加上“所在党支部”一列；只导入其中几张的，请选定。",
            "SHEET_AMBIGUOUS",
            {"kind": "sheets", "sheets": [layout.sheet.name for layout in layouts]},
        )


def titles(layout: Layout) -> list[str]:
    """The sheet's name and every text above the header."""
    above = [cells for number, cells in layout.sheet.rows if number < layout.header_row]
    return [layout.sheet.name] + [cell for cells in above for cell in cells if isinstance(cell, str)]


def quoted(layouts: list[Layout]) -> str:
    return "、".join(layout.sheet.name for layout in layouts[:NAMES_SHOWN])


def notes_on_sheets(sheets: list[Sheet], layouts: list[Layout], hidden: list[str]) -> list[Finding]:
    """Which sheets were read and which were not; nothing is left out silently."""
    notes = []
    read = {layout.sheet.name for layout in layouts}
    left = [sheet.name for sheet in sheets if sheet.rows and sheet.name not in read]
    if len(layouts) > 1:
        aside = [name for name in left if EXPLAINS.search(name)]
        beside = f"“{'、'.join(aside[:NAMES_SHOWN])}”没有读。" if aside else ""
        text = f"读了 {len(layouts)} 张工作表：{quoted(layouts)}。{beside}有不该导入的，请另选工作表。"
        notes.append(Finding(None, "", "SHEETS_READ", text))
    left = [name for name in left if not EXPLAINS.search(name)]
    if left:
        text = f"这些工作表没有读：{'、'.join(left[:NAMES_SHOWN])}。里面如有党员，请复制到名册里。"
        notes.append(Finding(None, "", "SHEETS_NOT_READ", text))
    if hidden:
        text = f"隐藏的工作表没有读：{'、'.join(hidden[:NAMES_SHOWN])}。里面如有党员，请取消隐藏再上传。"
        notes.append(Finding(None, "", "HIDDEN_SHEETS", text))
    return notes
