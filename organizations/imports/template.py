"""The sample workbook: recommended columns, ID number and phone as text, a sheet that explains."""

import io

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMNS = (
    ("序号", 6, "可不填。"),
    ("所在党支部", 26, "必填。和系统里的支部名称一致；只为一个支部导入时可以不填。"),
    ("姓名", 12, "必填。"),
    ("性别", 6, "男或女。"),
    ("出生年月", 14, "如 1958-03-01 或 1958-03，年份写四位。"),
    ("身份证号", 24, "可不填。填了能认准同名的人；本列是文本格式，不要改成数字。"),
    ("人员类别", 12, "正式党员或预备党员。"),
    ("党内职务", 12, "书记、副书记、委员；没有就空着。"),
    ("党小组", 14, "可不填。"),
    ("入党时间", 14, "如 1985-07-01 或 1985-07。"),
    ("手机", 16, "11 位手机号，只填一个。"),
    ("是否流动", 10, "是或否。"),
    ("外出流向", 16, "流动党员填。"),
    ("联系人", 12, "负责联系这位流动党员的人。"),
    ("是否需要送学上门", 18, "是或否。"),
    ("困难党员", 10, "是或否。"),
)
CHOICES = {
    "性别": "男,女",
    "人员类别": "正式党员,预备党员",
    "是否流动": "是,否",
    "是否需要送学上门": "是,否",
    "困难党员": "是,否",
}
TEXT_ROWS = 500


def template() -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = "党员名册"
    thin = Side(style="thin", color="BFB9AA")
    for index, (header, width, _) in enumerate(COLUMNS, start=1):
        cell = sheet.cell(1, index, header)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="F2EFE8")
        cell.alignment = Alignment(horizontal="center", vertical="center")
        cell.border = Border(thin, thin, thin, thin)
        letter = get_column_letter(index)
        sheet.column_dimensions[letter].width = width
        sheet.column_dimensions[letter].number_format = "@"
        for row in range(2, TEXT_ROWS + 2):
            sheet.cell(row, index).number_format = "@"
        if header in CHOICES:
            rule = DataValidation(type="list", formula1=f'"{CHOICES[header]}"', allow_blank=True)
            rule.add(f"{letter}2:{letter}{TEXT_ROWS + 1}")
            sheet.add_data_validation(rule)
    sheet.row_dimensions[1].height = 24
    sheet.freeze_panes = "D2"
    explain(book.create_sheet("填写说明"))
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def explain(sheet) -> None:
    sheet.append(["列名", "怎么填"])
    for header, _, text in COLUMNS:
        sheet.append([header, text])
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 20, 70
    for cell in sheet[1]:
        cell.font = Font(bold=True)
