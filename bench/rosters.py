"""A roster as Excel itself writes it: shared texts, styles, references. Everybody is invented."""

import io
import random
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from xml.sax.saxutils import escape

from organizations.id_number import check_digit

HEADERS = (
    "序号", "所在党支部", "姓名", "性别", "出生日期", "身份证号", "人员类别", "党内职务", "党小组",
    "入党时间", "手机", "是否流动", "外出流向", "联系人", "是否需要送学上门", "备注",
)  # fmt: skip
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "建国华明秀英丽军芳伟强敏静磊洋艳勇杰娟涛超霞平刚桂兰玉梅春红海波志文"
POSTS = ("", "", "", "", "", "书记", "委员", "副书记")
BEGIN, DAY = date(1899, 12, 30), 4
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def people(number: int, per_branch: int) -> Iterator[tuple]:
    chance = random.Random(1)
    for n in range(number):
        born = date(1940, 1, 1) + timedelta(days=chance.randrange(20_000))
        # The place in the year's list of births runs on, so that no two numbers are the same.
        first = f"32{n // 1000 % 10_000:04d}{born:%Y%m%d}{n % 1000:03d}"
        name = chance.choice(SURNAMES) + chance.choice(GIVEN) + chance.choice(GIVEN)
        floating = chance.random() < 0.1
        yield (
            n + 1, f"测试{n // per_branch:05d}村党支部", name, "男" if n % 2 else "女", (born - BEGIN).days,
            first + check_digit(first + "0"), "预备党员" if chance.random() < 0.05 else "正式党员",
            chance.choice(POSTS), f"第{n % 5 + 1}党小组",
            f"{chance.randrange(born.year + 20, 2024)}-{chance.randrange(1, 13):02d}",
            f"13{chance.randrange(10**9):09d}", "是" if floating else "否",
            chance.choice(("江苏省南京市", "上海市浦东新区")) if floating else "",
            chance.choice(SURNAMES) + chance.choice(GIVEN), "否", chance.choice(("", "", "退役军人")),
        )  # fmt: skip


def real_looking(number: int, per_branch: int) -> bytes:
    texts: dict[str, int] = {}
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            part.write(f'{XML}<worksheet {MAIN}><dimension ref="A1:P{number + 1}"/><sheetData>'.encode())
            part.write(line(1, HEADERS, texts).encode())
            for n, cells in enumerate(people(number, per_branch), start=2):
                part.write(line(n, cells, texts).encode())
            part.write(b"</sheetData></worksheet>")
        items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
        archive.writestr("xl/sharedStrings.xml", f'{XML}<sst {MAIN} uniqueCount="{len(texts)}">{items}</sst>')
        for name, text in frame().items():
            archive.writestr(name, XML + text)
    return output.getvalue()


def line(number: int, values: tuple, texts: dict[str, int]) -> str:
    cells = []
    for column, value in enumerate(values):
        place = f"{chr(65 + column)}{number}"
        if value == "":
            cells.append(f'<c r="{place}" s="1"/>')
        elif isinstance(value, int):
            cells.append(f'<c r="{place}" s="{2 if column == DAY else 1}"><v>{value}</v></c>')
        else:
            cells.append(f'<c r="{place}" s="1" t="s"><v>{texts.setdefault(value, len(texts))}</v></c>')
    return f'<row r="{number}" spans="1:16" ht="18" customHeight="1">{"".join(cells)}</row>'


def frame() -> dict[str, str]:
    """The parts around the sheet."""
    parts = (("workbook", "sheet.main"), ("worksheets/sheet1", "worksheet"), ("styles", "styles"))
    types = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{TYPE}.{kind}+xml"/>'
        for name, kind in (*parts, ("sharedStrings", "sharedStrings"))
    )
    links = (("worksheet", "worksheets/sheet1"), ("sharedStrings", "sharedStrings"), ("styles", "styles"))
    inside = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="{name}.xml"/>'
        for n, (kind, name) in enumerate(links, start=1)
    )
    formats = "".join(
        f'<xf numFmtId="{number}" fontId="0" fillId="0" borderId="0" xfId="0"/>' for number in (0, 49, 176)
    )
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="{rels}"/><Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{inside}'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets><sheet name="名册" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>',
        "xl/styles.xml": f'<styleSheet {MAIN}><numFmts count="1"><numFmt numFmtId="176" '
        'formatCode="yyyy\\-mm\\-dd"/></numFmts><fonts count="1"><font><sz val="11"/></font></fonts>'
        '<fills count="1"><fill><patternFill patternType="none"/></fill></fills><borders count="1"><border/>'
        '</borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        f'</cellStyleXfs><cellXfs count="3">{formats}</cellXfs><cellStyles count="1"><cellStyle '
        'name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    }
