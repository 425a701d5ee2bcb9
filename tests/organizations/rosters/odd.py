"""The builders of the rosters that look wrong and are right."""

from datetime import date
from io import BytesIO

from openpyxl import Workbook, load_workbook

from organizations.imports.template import template
from tests.organizations.rosters import raw
from tests.organizations.rosters.making import excel, merged, xls
from tests.organizations.workbooks import HEADERS, id_number, person, repacked, saved

NUMBER = id_number("19650712", "341")
WITH_X = next(n for s in range(101, 400, 2) if (n := id_number("19580301", str(s))).endswith("X"))
WIDE = {ord(c): ord(c) + 0xFEE0 for c in "0123456789"}
HILL, SLOPE, FIRST_OF_BIG = "HZ0101", "HZ0102", "HZ010301"
JULY = (date(1965, 7, 12), "day")


def plain(*rows, build=excel):
    return lambda: build([HEADERS, *rows])


ONE = [("张一", HILL, {"birth": JULY, "id_number": NUMBER, "phone": "13800001111"})]
ONE_LINE = person("张一", id=NUMBER, phone="13800001111")


def titles() -> bytes:
    rows = [
        ["北山镇2026年冬训党员名册"],
        ["填报单位：北山镇党委          填报日期：2026年11月20日"],
        HEADERS,
        ONE_LINE,
    ]
    return excel(rows, merges=["A1:H1", "A2:H2"])


def two_levels() -> bytes:
    rows = [
        ["党员名册"],
        ["序号", "基本信息", None, "党组织", "联系方式", None, "备注"],
        [None, "姓名", "性别", "所在党支部", "手机", "微信"],
        [1, "张一", "男", "北山村党支部", "13800001111", "zhangyi"],
    ]
    return excel(rows, merges=["A1:G1", "A2:A3", "B2:C2", "E2:F2", "G2:G3"])


def three_levels() -> bytes:
    rows = [
        ["北山镇党员信息"],
        ["序号", "基本情况", None, None, None, "组织关系"],
        [None, "姓名", "证件", None, "联系方式", "所在党支部"],
        [None, None, "身份证号", "籍贯", "手机", None],
        [1, "张一", NUMBER, "江苏", "13800001111", "北山村党支部"],
    ]
    return excel(rows, merges=["A1:F1", "A2:A4", "B2:E2", "C3:D3", "B3:B4", "F3:F4"])


def merged_branches(build=merged) -> bytes:
    """Numbers printed in advance inside the merge are nobody."""
    rows = [
        HEADERS,
        person("张一"),
        person("李二", None),
        person("王三", None),
        [4],
        [5],
        person("赵四", "北坡村党支部"),
        person("钱五", None),
    ]
    if build is xls:
        return xls(rows, merges=[(1, 5, 1, 1), (6, 7, 1, 1)])
    return build(rows, "B2:B6", "B7:B8")


MERGED = [
    ("张一", HILL, {}),
    ("李二", HILL, {}),
    ("王三", HILL, {}),
    ("赵四", SLOPE, {}),
    ("钱五", SLOPE, {}),
]


def strange_headers() -> bytes:
    headers = [
        "序 号",
        "所 在\n党 支 部",
        "姓　名",
        "性别*",
        "身份证号码（18位）*",
        "手机\n号码：",
        "【入党】入党时间(年月)",
    ]
    return excel([headers, [1, "北山村党支部", "张一", "男", NUMBER, "13800001111", "1985.7"]])


def reordered() -> bytes:
    headers = ["爱好", "手机", "民族", "姓名", "血型", "身份证号", "鞋码", "星座", "所在党支部", "宗教信仰"]
    return excel(
        [
            headers,
            [
                "棋类的秘密",
                "13800001111",
                "汉类的秘密",
                "张一",
                "血类的秘密",
                NUMBER,
                "鞋类的秘密",
                "星类的秘密",
                "北山村党支部",
                "教类的秘密",
            ],
        ]
    )


def sheets_by_name() -> bytes:
    head = ["姓名", "性别"]
    return excel([head, ["张一", "男"]], title="北山村党支部", 北坡村=[head, ["李二", "女"], ["王三", "男"]])


def sheets_by_title() -> bytes:
    head = ["姓名", "性别"]
    big = [["党员名册"], ["填报单位（盖章）：大河村党总支第一党支部   2026年"], head, ["李二", "女"]]
    return excel([["北山村党支部党员花名册（2026年）"], head, ["张一", "男"]], title="1", **{"2": big})


def sheets_with_columns() -> bytes:
    return excel([HEADERS, person("张一")], title="一", 二=[["姓名", "党支部"], ["李二", "北坡村党支部"]])


def explained() -> bytes:
    book = Workbook()
    book.active.title = "填表说明"
    for text in ("一、姓名要写全", "二、身份证号为18位"):
        book.active.append([text])
    sheet = book.create_sheet("名册")
    for row in (HEADERS, ONE_LINE):
        sheet.append(list(row))
    for state in ("hidden", "veryHidden"):
        hidden = book.create_sheet(f"旧{state}")
        hidden.sheet_state = state
        hidden.append(list(HEADERS))
        hidden.append(person("旧一"))
    return saved(book)


def pages() -> bytes:
    """Printed page by page: title and two header lines again, totals, page numbers, signatures."""
    head = [
        ["北山镇党员花名册"],
        ["序号", "所在党支部", "姓名", "性别", "出生年月", "联系方式", None],
        [None, None, None, None, None, "手机", "家庭住址"],
    ]
    rows = [
        *head,
        [1, "北山村党支部", "张一", "男", "1965-07-12", "13800001111", "北山"],
        ["小计", None, 1],
        ["第 1 页 共 2 页"],
        *head,
        [2, "北坡村党支部", "李二", "女", "1970.5", None, None],
        ["合　　计", None, "2 人"],
        [None, None, "以上共2人"],
        ["填表人：张一        审核人：李二"],
    ]
    return excel(rows, merges=["A1:G1", "A2:A3", "B2:B3", "C2:C3", "D2:D3", "E2:E3", "F2:G2"])


def with_foreign_parts() -> bytes:
    """Links to other files, an embedded object: neither opened nor fetched."""
    link = b'<externalLink><externalBook r:id="rId1"/></externalLink>'
    return repacked(
        excel([HEADERS, ONE_LINE]),
        {
            "xl/externalLinks/externalLink1.xml": link,
            "xl/externalLinks/_rels/externalLink1.xml.rels": b'<Relationships><Relationship Id="rId1" '
            b'Target="http://127.0.0.1:9/x.xlsx" TargetMode="External"/></Relationships>',
            "xl/embeddings/oleObject1.bin": bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 600,
        },
    )


def filled_template() -> bytes:
    book = load_workbook(BytesIO(template()))
    heads = [cell.value for cell in book.active[1]]
    values = {
        "所在党支部": "北山村党支部",
        "姓名": "张一",
        "身份证号": NUMBER,
        "出生年月": "1965-07-12",
        "手机": "13800001111",
    }
    for header, value in values.items():
        book.active.cell(2, heads.index(header) + 1, value)
    return saved(book)


def blank_bordered(rows=3000) -> bytes:
    lines = raw.inline([HEADERS, ONE_LINE]) + '<row><c s="1"/><c s="1"/></row>' * rows
    return raw.workbook(lines)
