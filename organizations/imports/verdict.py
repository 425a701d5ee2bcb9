"""What was found in a roster, in the shape that pages, the command and the annotated copy read."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from organizations.imports.choices import Choices
from organizations.imports.columns import Layout, normalise, sheet_score
from organizations.imports.kept import Kept
from organizations.imports.lines import with_verdict
from organizations.imports.reading import Cell, CellError, Formula, Sheet, cell_at
from organizations.imports.rows import Finding
from organizations.imports.sheets import notes_on_sheets
from organizations.imports.values import hide_digits
from organizations.imports.whole import Line

Packed = tuple[bytes, list[Line], list[Line]]
FINDINGS_KEPT = 1000
SECRET = ("id_number", "phone")
SHOWN_OF_SECRET = 4
SAMPLES_FROM = 5
LEAFED_THROUGH = 5000
SHOWN_OF_UNUSED = 2


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
    # One for each line that holds somebody or says something.
    rows: list[Line]
    packed: list[Packed]
    kept: Kept
    choices: Choices
    sheets: list[Sheet]
    hidden: list[str]
    # The first people in hidden lines.
    hidden_names: list[str]

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
        return [*self.notes, *(finding for row in self.rows for finding in row.warnings)]

    @property
    def notes(self) -> list[Finding]:
        """What the user should know about the file as a whole; nothing is left out silently."""
        several = len(self.layouts) > 1
        on_each = (notes_on(layout, self.choices, several=several) for layout in self.layouts)
        return notes_on_sheets(self.sheets, self.layouts, self.hidden) + list(chain.from_iterable(on_each))

    @property
    def asks(self) -> list[dict]:
        """What somebody must answer before anything is stored."""
        asks: list[dict] = []
        hidden = sum(layout.sheet.hidden_rows for layout in self.layouts)
        if hidden and self.choices.hidden_rows is None:
            asks.append({"kind": "hidden_rows", "count": hidden, "names": self.hidden_names})
        said = self.choices.columns
        if posts := [key for key in self.layout.maybe_posts if key not in said]:
            asks.append(self.layout.question("post", posts))
        return asks

    @property
    def rosters(self) -> list[str]:
        """The sheets somebody may choose from: those that were read, and others that look like rosters."""
        read = {layout.sheet.name for layout in self.layouts}
        return [sheet.name for sheet in self.sheets if sheet.name in read or sheet_score(sheet)]

    @property
    def needs_copy(self) -> bool:
        """A line must be mended; or, in a sheet that can be leafed through, looked at."""
        if len(self.rows) <= LEAFED_THROUGH and any(row.warnings for row in self.rows):
            return True
        return any(row.errors for row in self.rows)

    def pieces(self) -> Iterator[bytes]:
        """Given away once: the lines of a long roster are not held twice."""
        while self.packed:
            packed, new, known = self.packed.pop(0)
            if new or known:
                yield with_verdict(packed, new, known)

    def counts(self) -> dict[str, int]:
        actions = Counter(row.action for row in self.rows)
        return {
            "created": actions["create"],
            "updated": actions["update"],
            "unchanged": actions["unchanged"],
            "settled": actions["settled"],
            "skipped": actions["skip"],
            "error_rows": actions["error"],
            "errors": sum(len(row.errors) for row in self.rows),
            "warnings": len(self.notes) + sum(len(row.warnings) for row in self.rows),
        }

    def as_json(self) -> dict:
        errors = islice((f for row in self.rows for f in row.errors), FINDINGS_KEPT)
        warnings = islice(chain(self.notes, (f for r in self.rows for f in r.warnings)), FINDINGS_KEPT)
        return {
            "counts": self.counts(),
            "sheet": "、".join(layout.sheet.name for layout in self.layouts),
            "sheets": [layout.sheet.name for layout in self.layouts],
            "rosters": self.rosters,
            "columns": {field: self.layout.label(field) for field in self.layout.columns},
            "headers": headers_of(self.layout),
            "ignored": self.layout.ignored,
            "asks": self.asks,
            "errors": [self.finding_as_json(f) for f in errors],
            "warnings": [self.finding_as_json(f) for f in warnings],
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
        layout = self.layout_of(finding)
        cells, columns = self.kept.cells(layout.sheet.index, finding.row), layout.columns
        texts = {
            name: quote(cell_at(cells, columns[field]), field) if field in columns else ""
            for name, field in (("name", "name"), ("value", finding.field))
        }
        return texts | {"value": "" if finding.field in ("", "name") else texts["value"]}


def unknown_headers(layout: Layout) -> list[str]:
    return [text for text in layout.ignored if normalise(text) not in ("序号", "编号")]


def headers_of(layout: Layout) -> list[dict]:
    """Every header, what it was taken for, and what stands below it for the first time."""
    fields = {column: field for field, column in layout.columns.items()}
    below = [cells for number, cells in layout.sheet.rows if number > layout.header_row][:SAMPLES_FROM]
    found = []
    for column, text in sorted(layout.headers.items()):
        field = fields.get(column, "")
        sample = next((cell for cells in below if (cell := cell_at(cells, column)) is not None), None)
        key = layout.keys[column]
        shown = quote(sample, field)
        # Of a column nobody asked for no more is kept than tells what it is.
        shown = shown if field or len(shown) <= SHOWN_OF_UNUSED else f"{shown[:SHOWN_OF_UNUSED]}…"
        found.append({"index": column, "text": text, "key": key, "field": field, "sample": shown})
    return found


def notes_on(layout: Layout, choices: Choices, *, several: bool) -> list[Finding]:
    sheet, notes = layout.sheet, []
    where = f"工作表“{sheet.name}”里，" if several else ""
    if sheet.hidden_rows:
        what = "按您选的没有导入" if choices.hidden_rows is False else "也会一并导入。不要的请删除"
        text = f"{where}有 {sheet.hidden_rows} 行被隐藏或筛选掉了，{what}。"
        notes.append(Finding(None, "", "HIDDEN_ROWS", text))
    if sheet.row_after_gap:
        text = (
            f"{where}空了 200 多行之后，第 {sheet.row_after_gap} 行仍有内容，没有读。如是党员，请移到上面。"
        )
        notes.append(Finding(sheet.row_after_gap, "", "DATA_AFTER_GAP", text))
    ignored = unknown_headers(layout)
    if ignored:
        text = (
            f"{where}有 {len(ignored)} 列没有导入：{'、'.join(ignored)[:150]}。"
            "有用的，在下面“认出了哪些列”里选，或改成样表里的列名。"
        )
        notes.append(Finding(None, "", "COLUMNS_IGNORED", text))
    return notes
