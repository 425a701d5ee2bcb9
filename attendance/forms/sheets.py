"""A sheet or list that comes back, and what a person chose about it."""

from dataclasses import replace

from django import forms

from attendance.imports.deciding import Line, Mark
from attendance.imports.reading import MAX_BYTES, MAX_LINES
from attendance.services.sheet_readings import Reading
from organizations.service import Refused

MEGABYTE = 1024 * 1024
REST = (("", "不动"), ("present", "都算出席"), ("absent", "都算缺席"))


class SheetForm(forms.Form):
    """One workbook: our own sheet, or the list of any sign-in tool."""

    file = forms.FileField(
        label="选择填好的表",
        help_text=f".xlsx、.xls、.et 或 .csv，不超过 {MAX_BYTES // MEGABYTE} MB、{MAX_LINES:,} 行。",
        error_messages={"required": "请先选择文件。", "empty": "这个文件是空的，请重新选择。"},
        widget=forms.FileInput(attrs={"accept": ".xlsx,.xls,.et,.csv"}),
    )

    @property
    def is_too_large(self) -> bool:
        upload = self.files.get("file")
        return bool(upload and upload.size > MAX_BYTES)

    def clean_file(self):
        if self.is_too_large:
            raise forms.ValidationError(f"文件超过 {MAX_BYTES // MEGABYTE} MB。请删去图片和空白行，再上传。")
        return self.cleaned_data["file"]


def answer_to(post, index: int, line: Line) -> int | None:
    """The number of the option chosen for a line; None = nothing yet, or nothing that was offered."""
    text = post.get(f"line-{index}", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1
    return number if 0 <= number < len(line.options) else None


def chosen_marks(post, reading: Reading, *, differs) -> list[Mark]:
    """What is to be stored: sure lines that change something, answers, then the rest if somebody said so.

    `differs(mark)`: is it another value than the one stored now?
    """
    answers = {n: answer_to(post, n, line) for n, line in enumerate(reading.lines) if line.options}
    if waiting := sum(answer is None for answer in answers.values()):
        raise Refused(f"还有{waiting}行没有选。请先选好，再提交。", code="unanswered")
    rest = post.get("rest", "")
    if rest not in dict(REST):
        raise Refused("请选择表里没有写的人怎么算。", code="rest")
    marks = []
    for number, line in enumerate(reading.lines):
        mark = line.mark if number not in answers else line.options[answers[number] or 0].mark
        if mark:
            marks.append(mark)
    named = {mark.entry for mark in marks}
    marks = [mark for mark in marks if differs(mark)]
    if rest:
        marks += [replace(mark, status=rest) for mark in reading.rest if mark.entry not in named]
    return marks
