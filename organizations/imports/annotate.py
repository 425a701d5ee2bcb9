"""The user's own sheet back, wrong cells coloured, a last column 原因 saying what to do.

Built anew from the lines as they were read, so that nothing of the uploaded
file's insides (formulas, links, macros) comes along. Row numbers stay the same,
and what was read from the file is read from the copy: merged headers, hidden rows.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from organizations.imports.columns import FEW_MERGES, REASON, Layout
from organizations.imports.preflight import Merge
from organizations.imports.reading import Cell, CellError, Filler, Formula
from organizations.imports.verdict import Verdict
from organizations.imports.whole import Line
from organizations.imports.writing import (
    DOUBTFUL,
    DOUBTFUL_TEXT,
    HEAD,
    PLAIN,
    WRONG,
    WRONG_TEXT,
    SheetXml,
    Styled,
    write_book,
)

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
NARROW, WIDE, WIDEST = 8, 14, 70
MERGED = ("branch", "party_group")


def annotate(verdict: Verdict) -> bytes:
    # Days somebody formatted as plain numbers go on being counted from where they were.
    dates_1904 = verdict.layout.sheet.is_1904
    return write_book([copied(layout, verdict) for layout in verdict.layouts], dates_1904=dates_1904)


def copied(layout: Layout, verdict: Verdict) -> SheetXml:
    reason = max(verdict.kept.widest[layout.sheet.index], layout.last_column + 1)
    reason = next((c for c, text in layout.headers.items() if text.strip() == REASON), reason)
    widths = [NARROW if layout.headers.get(column) == "序号" else WIDE for column in range(reason)]
    merges = header_merges(layout, reason)
    return SheetXml(
        # It may be what says whose people these are.
        name=layout.sheet.name,
        widths=[*widths, WIDEST],
        frozen=layout.header_row,
        rows=lines(layout, verdict, reason, merges),
        merges=merges,
        hidden=hidden_rows(layout, verdict),
    )


def header_merges(layout: Layout, reason: int) -> list[Merge]:
    """Those of the title and the header, or its two lines would not be one header again. None overlap."""
    found: list[Merge] = []
    taken: set[tuple[int, int]] = set()
    for top, left, bottom, right in layout.sheet.merges[:FEW_MERGES]:
        last = min(right, reason - 1)
        if bottom > layout.header_row or left > last or (top, left) == (bottom, last):
            continue
        cells = {(row, column) for row in range(top, bottom + 1) for column in range(left, last + 1)}
        if taken.isdisjoint(cells):
            taken |= cells
            found.append((top, left, bottom, last))
    return found


def hidden_rows(layout: Layout, verdict: Verdict) -> set[int]:
    """Left out, or not asked about yet: they stay hidden, and do not come back as if they were new."""
    if verdict.choices.hidden_rows or not layout.sheet.hidden_rows:
        return set()
    return {number for number, hidden, _ in verdict.kept.rows(layout.sheet.index) if hidden}


def lines(
    layout: Layout, verdict: Verdict, reason: int, merges: list[Merge]
) -> Iterator[tuple[int, list[Styled]]]:
    """Each line by its number; a plain value is a cell without colour."""
    remarks = {
        row.number: row for row in verdict.rows if row.sheet == layout.name and (row.errors or row.warnings)
    }
    people = {row.number for row in verdict.rows if row.sheet == layout.name and not is_footer(row)}
    # Of merged cells the copy has those of the header alone: the branch is written beside each of its people.
    fillers = [Filler(layout.sheet.merges, layout.columns[name]) for name in MERGED if name in layout.columns]
    head = min([layout.header_row, *(m[0] for m in merges if m[2] == layout.header_row)])
    for number, _, cells in verdict.kept.rows(layout.sheet.index):
        if number > layout.header_row:
            for filler in fillers:
                filler.fill(number, cells if number in people else list(cells))
        line: list[Styled] = [(shown(cell), PLAIN) for cell in cells[:reason]]
        if number == layout.header_row:
            line = [(text, HEAD) for text, _ in padded(line, reason)] + [(REASON, HEAD)]
        elif head <= number < layout.header_row:
            line = [(text, HEAD) for text, _ in padded(line, reason)]
        elif number in remarks:
            line = coloured(padded(line, reason), remarks[number], layout)
        yield number, line


def is_footer(row: Line) -> bool:
    return any(finding.code == "FOOTER_ROW" for finding in row.warnings)


def coloured(line: list[Styled], row: Line, layout: Layout) -> list[Styled]:
    fills = {}
    for finding, fill in [(w, DOUBTFUL) for w in row.warnings] + [(e, WRONG) for e in row.errors]:
        # A missing branch column, or a finding on the whole row, is shown at the name.
        fills[layout.columns.get(finding.field, layout.columns["name"])] = fill
    reasons = defaultdict(list)
    for finding in [*row.errors, *row.warnings]:
        reasons[layout.label(finding.field) if finding.field else ""].append(finding.message)
    text = "\n".join(f"{label}：{' '.join(m)}" if label else " ".join(m) for label, m in reasons.items())
    cells = [(value, fills.get(column, PLAIN)) for column, (value, _) in enumerate(line)]
    return [*cells, (text, WRONG_TEXT if row.errors else DOUBTFUL_TEXT)]


def padded(line: list[Styled], length: int) -> list[Styled]:
    return line + [(None, PLAIN)] * (length - len(line))


def shown(cell: Cell) -> str | int | float | None:
    """As it was: numbers stay numbers, or a damaged ID number would come back looking like a good one.

    Text never becomes something a spreadsheet computes.
    """
    if cell.__class__ is str:
        return f"'{cell}" if cell.startswith(DANGEROUS) else cell  # type: ignore[union-attr, return-value]
    if cell is None or (isinstance(cell, int | float) and abs(cell) < math.inf):
        return cell
    if isinstance(cell, Formula | CellError):
        cell = cell.text
    if isinstance(cell, date):
        cell = cell.isoformat()
    text = str(cell)
    return f"'{text}" if text.startswith(DANGEROUS) else text
