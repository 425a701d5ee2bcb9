"""The verdict on a roster: what each line would do, and every error by row and column."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.conf import settings
from django.db.models import Max

from organizations.imports.branches import Branches
from organizations.imports.choices import Choices
from organizations.imports.columns import NOTHING_CHOSEN, Layout, find_layouts, normalise, sheet_score
from organizations.imports.matching import Known, changes_of, pieces
from organizations.imports.preflight import FileRefused, inspect
from organizations.imports.reading import Cell, CellError, Formula, cell_at, read_csv, read_xls
from organizations.imports.rows import Finding, Reader, RosterRow, place, same_birth
from organizations.imports.sheets import notes_on_sheets, settle_branches
from organizations.imports.values import hide_digits
from organizations.imports.xlsx import read_xlsx
from organizations.models import Member, Organization

ERRORS_KEPT = 1000
SECRET = ("id_number", "phone")
SHOWN_OF_SECRET = 4
PLACES_SHOWN = 5


def quote(cell: Cell, field: str) -> str:
    """A cell as a page may repeat it: of an ID number or a phone the first four digits only."""
    if isinstance(cell, Formula | CellError):
        cell = cell.text
    text = "" if cell is None else str(cell).strip()
    if field in SECRET and text:
        return f"{text[:SHOWN_OF_SECRET]}…（{len(text)}位）" if len(text) > SHOWN_OF_SECRET else text
    return hide_digits(text)


@dataclass
class Verdict:
    layouts: list[Layout]
    rows: list[RosterRow]
    notes: list[Finding]

    @property
    def layout(self) -> Layout:
        return self.layouts[0]

    def layout_of(self, finding: Finding) -> Layout:
        return next((layout for layout in self.layouts if layout.name == finding.sheet), self.layout)

    @property
    def errors(self) -> list[Finding]:
        return [finding for row in self.rows for finding in row.errors]

    @property
    def warnings(self) -> list[Finding]:
        return self.notes + [finding for row in self.rows for finding in row.warnings]

    def counts(self) -> dict[str, int]:
        actions = Counter(row.action for row in self.rows)
        return {
            "created": actions["create"],
            "updated": actions["update"],
            "unchanged": actions["unchanged"],
            "skipped": actions["skip"],
            "error_rows": actions["error"],
            "errors": len(self.errors),
            "warnings": len(self.warnings),
        }

    def as_json(self) -> dict:
        return {
            "counts": self.counts(),
            "sheet": "、".join(layout.sheet.name for layout in self.layouts),
            "columns": {field: self.layout.label(field) for field in self.layout.columns},
            "ignored": self.layout.ignored,
            "errors": [self.finding_as_json(f) for f in self.errors[:ERRORS_KEPT]],
            "warnings": [self.finding_as_json(f) for f in self.warnings[:ERRORS_KEPT]],
        }

    def finding_as_json(self, finding: Finding) -> dict:
        return {
            "sheet": finding.sheet,
            "row": finding.row,
            "column": self.layout_of(finding).label(finding.field) if finding.field else "",
            "code": finding.code,
            "message": finding.message,
            **self.quoted(finding),
        }

    def quoted(self, finding: Finding) -> dict:
        """Whose line it is and what stands in the cell, so that nobody has to look it up in the sheet."""
        cells = self.cells.get((finding.sheet, finding.row), [])
        columns = self.layout_of(finding).columns
        texts = {
            name: quote(cell_at(cells, columns[field]), field) if field in columns else ""
            for name, field in (("name", "name"), ("value", finding.field))
        }
        return texts | {"value": "" if finding.field in ("", "name") else texts["value"]}

    @cached_property
    def cells(self) -> dict[tuple[str, int | None], list[Cell]]:
        return {
            (layout.name, number): cells for layout in self.layouts for number, cells in layout.sheet.rows
        }


def read_layouts(
    content: bytes, file_name: str, choices: Choices = NOTHING_CHOSEN
) -> tuple[list[Layout], list[Finding]]:
    """Pre-flight, read, find the headers."""
    kind, limit = inspect(content, file_name), settings.ROSTER_MAX_ROWS
    hidden: list[str] = []
    if kind == "csv":
        sheets = read_csv(content, limit, sheet_score)
    else:
        sheets, hidden = (read_xlsx if kind == "xlsx" else read_xls)(content, limit)
    layouts = find_layouts(sheets, choices)
    if any(layout.sheet.too_many_rows for layout in layouts):
        raise FileRefused(f"一次最多导入 {limit} 人。请按支部分成几个文件上传。", "TOO_MANY_ROWS")
    notes = notes_on_sheets(sheets, layouts, hidden)
    return layouts, notes + [note for layout in layouts for note in notes_on(layout, len(layouts) > 1)]


def notes_on(layout: Layout, several: bool) -> list[Finding]:
    """What the user should know about a sheet as a whole; nothing is left out silently."""
    sheet, notes = layout.sheet, []
    where = f"工作表“{sheet.name}”里，" if several else ""
    if sheet.hidden_rows:
        text = f"{where}有 {sheet.hidden_rows} 行被隐藏或筛选掉了，也会一并导入。不要的请删除。"
        notes.append(Finding(None, "", "HIDDEN_ROWS", text))
    if sheet.row_after_gap:
        text = (
            f"{where}空了 200 多行之后，第 {sheet.row_after_gap} 行仍有内容，没有读。如是党员，请移到上面。"
        )
        notes.append(Finding(sheet.row_after_gap, "", "DATA_AFTER_GAP", text))
    ignored = [text for text in layout.ignored if normalise(text) not in ("序号", "编号", "备注")]
    if ignored:
        text = f"{where}这些列用不到，没有导入：{'、'.join(ignored)[:150]}。如果有用，请改成样表里的列名。"
        notes.append(Finding(None, "", "COLUMNS_IGNORED", text))
    return notes


def check(
    content: bytes,
    file_name: str,
    organization: Organization,
    today: date,
    choices: Choices = NOTHING_CHOSEN,
) -> Verdict:
    layouts, notes = read_layouts(content, file_name, choices)
    branches = Branches(organization)
    settle_branches(layouts, branches)
    rows = [row for layout in layouts for row in read_rows(layout, branches, today)]
    people = [row for row in rows if not row.set_aside]
    if not people:
        raise FileRefused("表头下面没有党员。请填好名单再上传。", "NO_ROWS")
    if len(people) > settings.ROSTER_MAX_ROWS:
        raise FileRefused(
            f"一次最多导入 {settings.ROSTER_MAX_ROWS} 人。请按支部分成几个文件上传。", "TOO_MANY_ROWS"
        )
    refuse_repeated_ids(people)
    refuse_repeated_names(people)
    known = Known(people, organization)
    for row in people:
        if not row.errors:
            known.match(row)
    known.compare_masked(people)
    refuse_one_member_twice(people)
    give_places(people)
    for row in rows:
        decide(row)
    return Verdict(layouts, rows, notes)


def read_rows(layout: Layout, branches: Branches, today: date) -> list[RosterRow]:
    reader = Reader(layout, branches, today)
    lines = (line for line in layout.sheet.rows if line[0] > layout.header_row)
    return [row for number, cells in lines if (row := reader.read(number, cells))]


def refuse_repeated_ids(rows: list[RosterRow]) -> None:
    groups = defaultdict(list)
    for row in rows:
        if row.id_digest:
            groups[row.id_digest].append(row)
    for group in groups.values():
        for row in group if len(group) > 1 else []:
            where = places(other for other in group if other is not row)
            row.error("id_number", "ID_TWICE", f"与{where}的身份证号相同。请核对，同一人只留一行。")


def refuse_repeated_names(rows: list[RosterRow]) -> None:
    """Two people of one name in one branch must be told apart by ID number or birth date."""
    groups = defaultdict(list)
    for row in rows:
        if row.branch and "name" in row.values:
            groups[row.branch.pk, row.values["name"]].append(row)
    for group in groups.values():
        for row in group if len(group) > 1 else []:
            # One ID number twice is refused already: it would be one person, not two.
            others = [other for other in group if other is not row and not is_same_id(row, other)]
            where = places(others)
            if not others:
                continue
            if all(are_told_apart(row, other) for other in others):
                row.warn("name", "NAME_TWICE", f"与{where}同名，按两个人导入。如是同一人，请删去一行。")
            elif not row.id_digest:
                row.error(
                    "name",
                    "NAME_NEEDS_ID",
                    f"与{where}同名，分不清是不是同一人。请补上身份证号；如是同一人，请删去一行。",
                )


def places(rows: Iterable[RosterRow]) -> str:
    """第 3 行、第 8 行 and how many more."""
    found = [place(row) for row in rows]
    more = f"等 {len(found)} 行" if len(found) > PLACES_SHOWN else ""
    return "、".join(found[:PLACES_SHOWN]) + more


def is_same_id(one: RosterRow, other: RosterRow) -> bool:
    return bool(one.id_digest) and one.id_digest == other.id_digest


def are_told_apart(one: RosterRow, other: RosterRow) -> bool:
    if one.id_digest and other.id_digest:
        return one.id_digest != other.id_digest
    births = [row.values.get("birth_date") or row.derived.get("birth_date") for row in (one, other)]
    return all(births) and not same_birth(*births)


def refuse_one_member_twice(rows: list[RosterRow]) -> None:
    groups = defaultdict(list)
    for row in rows:
        if row.member:
            groups[row.member.pk].append(row)
    for group in groups.values():
        for row in group if len(group) > 1 else []:
            where = places(other for other in group if other is not row)
            row.error(
                "name",
                "NAME_NEEDS_ID",
                f"与{where}指的是同一位已登记的党员。请补上身份证号，或删去一行。",
            )


def give_places(rows: list[RosterRow]) -> None:
    """The branch's own order. A file with the whole branch sets it; others add people at the end."""
    by_branch = defaultdict(list)
    for row in rows:
        if row.branch:
            by_branch[row.branch.pk].append(row)
    stored, last = stored_places(list(by_branch))
    for branch, group in by_branch.items():
        is_whole = stored[branch] <= {row.member.pk for row in group if row.member and not row.errors}
        added = last[branch]
        for position, row in enumerate(group, start=1):
            if is_whole:
                row.place = position
            elif row.member is None:
                added += 1
                row.place = added


def stored_places(branches: list[int]) -> tuple[dict[int, set[int]], dict[int, int]]:
    stored: dict[int, set[int]] = defaultdict(set)
    last: dict[int, int] = defaultdict(int)
    for piece in pieces(branches):
        present = Member.objects.present().filter(branch__in=piece).order_by()
        for branch, pk in present.values_list("branch_id", "pk"):
            stored[branch].add(pk)
        last.update(present.values_list("branch_id").annotate(Max("place_in_list")))
    return stored, last


def decide(row: RosterRow) -> None:
    if row.errors:
        row.action = "error"
    elif row.set_aside:
        row.action = "skip"
    elif row.member is None:
        row.action = "create"
    else:
        row.action = "update" if changes_of(row) else "unchanged"
