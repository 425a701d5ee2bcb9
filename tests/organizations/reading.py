"""A file read as the import reads it, whole: for tests that look at single cells."""

from dataclasses import replace

from django.conf import settings

from organizations.imports.checking import candidates, too_many
from organizations.imports.choices import Choices
from organizations.imports.columns import Layout, find_layouts
from organizations.imports.preflight import refuse_size_of
from organizations.imports.process import Limits, Parsing
from organizations.imports.rows import Finding
from organizations.imports.sheets import notes_on_sheets
from organizations.imports.verdict import notes_on


def read_layouts(content: bytes, file_name: str = "名册.xlsx") -> tuple[list[Layout], list[Finding]]:
    """The rosters found, `sheet.rows` with all their lines; and what is said of the file as a whole."""
    refuse_size_of(len(content), settings.ROSTER_MAX_BYTES)
    with Parsing(content, file_name, Limits(rows=settings.ROSTER_MAX_ROWS)) as book:
        sheets = candidates(book)
        layouts = find_layouts(sheets)
        lines = {layout.sheet.index: [] for layout in layouts}
        for sheet, rows, _ in book.read([layout.sheet for layout in layouts]):
            lines[sheet.index] += [(number, cells) for number, _, cells in rows]
    if any(layout.sheet.too_many_rows for layout in layouts):
        raise too_many()
    notes = notes_on_sheets(sheets, layouts, book.hidden)
    for layout in layouts:
        notes += notes_on(layout, Choices(), several=len(layouts) > 1)
    whole = [
        replace(layout, sheet=replace(layout.sheet, rows=lines[layout.sheet.index])) for layout in layouts
    ]
    return whole, notes
