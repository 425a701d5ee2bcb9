"""Workbooks put together part by part: what WPS and web systems write, and what no library of ours would."""

import io
import zipfile
from xml.sax.saxutils import escape

TRANSITIONAL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATIONS = {
    TRANSITIONAL: "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    STRICT: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WPS = 'xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData"'
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def inline(rows) -> str:
    """Rows of inline texts, numbers as numbers; without references, as web systems leave them out."""
    return "".join(
        "<row>" + "".join(inline_cell(value) for value in row) + "</row>" if row else "<row/>" for row in rows
    )


def inline_cell(value) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def shared(rows) -> tuple[str, str]:
    """Rows that point at shared texts, and the texts: in runs, with the phonetic guides WPS adds."""
    texts: list[str] = []
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = ""
        for column, value in enumerate(row):
            where = f"{chr(65 + column)}{number}"
            if isinstance(value, str):
                cells += f'<c r="{where}" s="0" t="s"><v>{len(texts)}</v></c>'
                texts.append(value)
            elif value is not None:
                cells += f'<c r="{where}"><v>{value}</v></c>'
        lines.append(f'<row r="{number}" spans="1:1">{cells}</row>')
    items = "".join(
        f"<si><r><t>{escape(text[:1])}</t></r><r><rPr><sz val='11'/></rPr><t>{escape(text[1:])}</t></r>"
        f"<rPh sb='0' eb='1'><t>PINYIN</t></rPh><phoneticPr fontId='1'/></si>"
        for text in texts
    )
    return "".join(lines), f"<sst {{xmlns}}>{items}</sst>"


def workbook(
    rows: str,
    *,
    texts: str = "",
    namespace: str = TRANSITIONAL,
    dimension: str = "",
    target: str = "worksheets/sheet1.xml",
    behind: str = "",
    extra: dict[str, bytes] | None = None,
) -> bytes:
    """`rows`: what stands in sheetData; `behind`: what follows it, such as merged cells."""
    xmlns, relations = f'xmlns="{namespace}" xmlns:r="{RELATIONS[namespace]}"', RELATIONS[namespace]
    size = f'<dimension ref="{dimension}"/>' if dimension else ""
    parts = {
        "[Content_Types].xml": f'{HEAD}<Types xmlns="{PACKAGE}/content-types"/>',
        "xl/workbook.xml": f"{HEAD}<workbook {xmlns} {WPS}><sheets>"
        '<sheet name="名册" sheetId="1" r:id="rId7"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId7" Type="{relations}/worksheet" Target="{target}"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"{HEAD}<worksheet {xmlns} {WPS}><sheetPr/>{size}"
        f"<sheetData>{rows}</sheetData>{behind}</worksheet>",
    }
    if texts:
        parts["xl/sharedStrings.xml"] = HEAD + texts.format(xmlns=xmlns)
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (parts | (extra or {})).items():
            archive.writestr(name, data)
    return output.getvalue()


def merges(*where: str) -> str:
    return "<mergeCells>" + "".join(f'<mergeCell ref="{one}"/>' for one in where) + "</mergeCells>"


def wps_shared(rows, **options) -> bytes:
    lines, texts = shared(rows)
    return workbook(lines, texts=texts, **options)
