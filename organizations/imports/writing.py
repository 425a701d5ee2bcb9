"""Writes a plain workbook a line at a time, in memory alone. Ten times as fast as openpyxl, which
also keeps each sheet in clear on the disk meanwhile."""

import io
import re
import zipfile
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from xml.sax.saxutils import escape, quoteattr

PLAIN, HEAD, WRONG, DOUBTFUL, WRONG_TEXT, DOUBTFUL_TEXT, TEXT, TEXT_HEAD, TITLE, NOTE = range(10)
ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
SPECIAL = re.compile(r"[&<>\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
NOT_IN_A_SHEET_NAME = re.compile(r"[\\/*?:\[\]]")
Styled = tuple[str | int | float | None, int]
LINES_AT_ONCE = 500

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
FILL = '<fill><patternFill patternType="solid"><fgColor rgb="00{}"/></patternFill></fill>'
KEEP_BLANKS = '<t xml:space="preserve">'
WRAP = '<alignment wrapText="1" vertical="top"/>'
MIDDLE = '<alignment horizontal="center" vertical="center"/>'
GENERAL, AS_TEXT = 0, 49
# (font, fill, border, number format, alignment) in the order of the styles.
STYLES = [
    (0, 0, 0, GENERAL, ""),
    (1, 4, 0, GENERAL, ""),
    (0, 2, 0, GENERAL, ""),
    (0, 3, 0, GENERAL, ""),
    (0, 2, 0, GENERAL, WRAP),
    (0, 3, 0, GENERAL, WRAP),
    (0, 0, 1, AS_TEXT, ""),
    (1, 4, 1, AS_TEXT, MIDDLE),
    (2, 0, 0, AS_TEXT, ""),
    (0, 0, 0, AS_TEXT, ""),
]
THIN = '<{0} style="thin"><color rgb="00BFB9AA"/></{0}>'
# A4 across, as wide as the paper and as long as it takes.
FITTED = '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
ACROSS = '<pageSetup orientation="landscape" paperSize="9" fitToWidth="1" fitToHeight="0"/>'


@dataclass
class SheetXml:
    name: str
    widths: list[int]
    # Lines that stay on top: those up to the header.
    frozen: int
    rows: Iterable[tuple[int, list[Styled]]]
    # Columns that stay at the left.
    kept_left: int = 0
    # Printed across, the header again on each page.
    for_paper: bool = False
    # First and last line (from 1), first and last column (from 0): (top, left, bottom, right).
    merges: Sequence[tuple[int, int, int, int]] = ()
    hidden: Container[int] = ()


def write_book(sheets: list[SheetXml], *, dates_1904: bool = False) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", content_types(len(sheets)))
        archive.writestr("_rels/.rels", relations([("officeDocument", "xl/workbook.xml")]))
        archive.writestr("xl/workbook.xml", workbook(sheets, dates_1904=dates_1904))
        parts = [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
        archive.writestr("xl/_rels/workbook.xml.rels", relations([*parts, ("styles", "styles.xml")]))
        archive.writestr("xl/styles.xml", styles())
        for number, sheet in enumerate(sheets, start=1):
            with archive.open(f"xl/worksheets/sheet{number}.xml", "w") as part:
                write_sheet(part, sheet)
    return output.getvalue()


def write_sheet(part, sheet: SheetXml) -> None:
    names = [column_name(index) for index in range(len(sheet.widths) + 100)]
    cols = "".join(
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
        for n, width in enumerate(sheet.widths, start=1)
    )
    part.write(
        f'{XML}<worksheet xmlns="{MAIN}">{FITTED if sheet.for_paper else ""}<sheetViews>'
        f'<sheetView workbookViewId="0">{pane(sheet)}</sheetView>'
        f"</sheetViews><cols>{cols}</cols><sheetData>".encode()
    )
    lines: list[str] = []
    for number, cells in sheet.rows:
        lines.append(line_xml(number, cells, names, hidden=number in sheet.hidden))
        if len(lines) == LINES_AT_ONCE:
            part.write("".join(lines).encode())
            lines = []
    paper = ACROSS if sheet.for_paper else ""
    part.write(f"{''.join(lines)}</sheetData>{merged(sheet)}{paper}</worksheet>".encode())


def merged(sheet: SheetXml) -> str:
    cells = "".join(
        f'<mergeCell ref="{column_name(left)}{top}:{column_name(right)}{bottom}"/>'
        for top, left, bottom, right in sheet.merges
    )
    return f"<mergeCells>{cells}</mergeCells>" if cells else ""


def pane(sheet: SheetXml) -> str:
    corner = f'topLeftCell="{column_name(sheet.kept_left)}{sheet.frozen + 1}" state="frozen"'
    if not sheet.kept_left:
        return f'<pane ySplit="{sheet.frozen}" {corner}/>'
    return f'<pane xSplit="{sheet.kept_left}" ySplit="{sheet.frozen}" activePane="bottomRight" {corner}/>'


def line_xml(number: int, cells: list[Styled], names: list[str], *, hidden: bool = False) -> str:
    found = []
    for name, (value, style) in zip(names, cells, strict=False):
        if value is None:
            if style:
                found.append(f'<c r="{name}{number}" s="{style}"/>')
        elif value.__class__ is str:
            text = safe(value) if SPECIAL.search(value) else value  # type: ignore[arg-type]
            found.append(
                f'<c r="{name}{number}" s="{style}" t="inlineStr"><is>{KEEP_BLANKS}{text}</t></is></c>'
            )
        else:
            found.append(f'<c r="{name}{number}" s="{style}"><v>{value!r}</v></c>')
    state = ' hidden="1"' if hidden else ""
    return f'<row r="{number}"{state}>{"".join(found)}</row>'


def safe(text: str) -> str:
    return escape(ILLEGAL.sub("", text), {"\r": "&#13;"})


def column_name(index: int) -> str:
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(65 + letter) + name
    return name


def workbook(described: list[SheetXml], *, dates_1904: bool) -> str:
    sheets, repeated, taken = [], [], set()
    for number, sheet in enumerate(described, start=1):
        plain = NOT_IN_A_SHEET_NAME.sub(" ", ILLEGAL.sub("", sheet.name))[:31] or "名册"
        tries = (plain if again == 0 else f"{plain[:28]} {again}" for again in count())
        unique = next(one for one in tries if one.casefold() not in taken)
        taken.add(unique.casefold())
        sheets.append(f'<sheet name={quoteattr(unique)} sheetId="{number}" r:id="r{number}"/>')
        if sheet.for_paper:
            repeated.append(print_title(number - 1, unique, sheet.frozen))
    titles = f"<definedNames>{''.join(repeated)}</definedNames>" if repeated else ""
    counted = '<workbookPr date1904="1"/>' if dates_1904 else ""
    return (
        f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{counted}<sheets>{"".join(sheets)}</sheets>'
        f"{titles}</workbook>"
    )


def print_title(index: int, name: str, header: int) -> str:
    where = escape(f"'{name.replace(chr(39), chr(39) * 2)}'!${header}:${header}")
    return f'<definedName name="_xlnm.Print_Titles" localSheetId="{index}">{where}</definedName>'


def relations(targets: list[tuple[str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{lines}</Relationships>'


def content_types(sheets: int) -> str:
    parts = [("workbook.xml", "sheet.main"), ("styles.xml", "styles")]
    parts += [(f"worksheets/sheet{number}.xml", "worksheet") for number in range(1, sheets + 1)]
    lines = "".join(
        f'<Override PartName="/xl/{part}" ContentType="{TYPE}.{kind}+xml"/>' for part, kind in parts
    )
    rels = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    return f'{XML}<Types xmlns="{PACKAGE}/content-types">{rels}{lines}</Types>'


def styles() -> str:
    fills = "".join(FILL.format(colour) for colour in ("F8D9A8", "FBF3D5", "F2EFE8"))
    formats = "".join(
        f'<xf numFmtId="{shape}" fontId="{font}" fillId="{fill}" borderId="{border}" xfId="0" '
        f'applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1">{wrap}</xf>'
        for font, fill, border, shape, wrap in STYLES
    )
    none = "".join(f'<fill><patternFill patternType="{kind}"/></fill>' for kind in ("none", "gray125"))
    font = '<font><sz val="11"/><name val="Calibri"/></font>'
    bold = '<font><b/><sz val="11"/><name val="Calibri"/></font>'
    title = '<font><b/><sz val="16"/><name val="Calibri"/></font>'
    sides = "".join(THIN.format(side) for side in ("left", "right", "top", "bottom"))
    return (
        f'{XML}<styleSheet xmlns="{MAIN}"><fonts count="3">{font}{bold}{title}</fonts>'
        f'<fills count="5">{none}{fills}</fills><borders count="2"><border/>'
        f"<border>{sides}</border></borders>"
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(STYLES)}">{formats}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
