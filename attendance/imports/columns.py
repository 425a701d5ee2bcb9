"""Where the header stands in a sheet or list, and what each column holds."""

import re
from dataclasses import dataclass, field

from attendance.models import Status
from organizations.imports.columns import normalise, texts_of
from organizations.imports.reading import Sheet
from organizations.service import Refused

HEADER_WITHIN = 20
MARK = "识别码"
# Field: headers as `named` leaves them, the one to prefer first.
ALIASES = {
    "name": "姓名 党员姓名 名字 参会人 参会人员 参训人员 签到人 成员 成员姓名 学员 党员 填写人",
    "phone": "手机号 手机 手机号码 电话 联系电话 联系方式 移动电话 电话号码 签到手机号",
    "branch": (
        "支部 党支部 所在支部 所在党支部 所属支部 所属党支部 支部名称 党支部名称 单位 部门 所在单位 "
        "所在部门 党组织"
    ),
    "group": "党小组 所在党小组 小组",
    "status": (
        "情况 到会情况 出席情况 考勤情况 出勤情况 参训情况 签到情况 考勤 签到状态 考勤状态 状态 考勤结果 "
        "签到结果 出勤状态 是否到会 是否到场 是否签到 是否参加 到否 签到 出勤 结果"
    ),
    "reason": "原因 请假原因 未到原因 缺席原因 未参加原因 事由 请假事由 备注 说明",
    "minutes": "分钟 参加分钟 参训分钟 时长 参会时长 时长分钟",
    "signed_at": "签到时间 打卡时间 提交时间 填写时间 提交答卷时间 到会时间 扫码时间 入会时间 首次入会时间",
    "token": MARK,
}
# A column for each state, with a tick in it.
TICKED = {
    Status.PRESENT: "出席 实到 到会 已到 到",
    Status.LATE: "迟到",
    Status.LEFT_EARLY: "早退",
    Status.ONLINE: "线上",
    Status.ELSEWHERE: "异地参训 异地",
    Status.LEAVE: "请假",
    Status.ABSENT: "缺席 未到 没来 旷课",
}
FIELDS = {text: (name, rank) for name, texts in ALIASES.items() for rank, text in enumerate(texts.split())}
TICKS = {text: str(status) for status, texts in TICKED.items() for text in texts.split()}
LABELS = {"name": "姓名", "phone": "手机", "status": "情况", "reason": "原因", "minutes": "分钟"}
# 1、您的姓名： as questionnaires number and address their questions.
QUESTION = re.compile(r"^(?:第?\d{1,2}题?[、.．:])?(?:请(?:填写|输入|选择))?(?:您的?|你的?|本人)?(?:真实)?")


@dataclass
class Layout:
    """Which column (zero-based) holds which field; `ticks`: columns that stand for one state each."""

    sheet: Sheet
    header_row: int
    columns: dict[str, int]
    ticks: dict[int, str] = field(default_factory=dict)
    headers: dict[int, str] = field(default_factory=dict)

    @property
    def has_status(self) -> bool:
        return "status" in self.columns or bool(self.ticks)

    def label(self, name: str) -> str:
        return self.headers.get(self.columns.get(name, -1), LABELS.get(name, name))


def named(header: str) -> str:
    return QUESTION.sub("", normalise(header)).rstrip("?？")


def layout_of(sheet: Sheet) -> Layout | None:
    """The line with the most known headers among the first; None where no column holds names or phones."""
    lines = [(number, texts_of(cells)) for number, cells in sheet.rows if number <= HEADER_WITHIN]
    found = [layout for number, headers in lines if (layout := _build(sheet, number, headers))]
    return max(found, key=lambda one: len(one.columns) + len(one.ticks), default=None)


def _build(sheet: Sheet, number: int, headers: dict[int, str]) -> Layout | None:
    ranked: dict[str, list[tuple[int, int]]] = {}
    ticks = {}
    for column, text in headers.items():
        word = named(text)
        # The token's header also says that it should be left alone.
        if word.startswith(MARK):
            word = MARK
        if word in FIELDS:
            name, rank = FIELDS[word]
            ranked.setdefault(name, []).append((rank, column))
        elif word in TICKS:
            ticks[column] = TICKS[word]
    if not {"name", "phone", "token"} & set(ranked):
        return None
    _refuse_blocks(ranked, headers)
    columns = {name: min(places)[1] for name, places in ranked.items()}
    return Layout(sheet, number, columns, {} if "status" in columns else ticks, headers)


def _refuse_blocks(ranked: dict[str, list[tuple[int, int]]], headers: dict[int, str]) -> None:
    """Two columns of names side by side, as on paper: which state belongs to whom cannot be told."""
    names = [headers[column] for rank, column in ranked.get("name", ()) if rank == min(ranked["name"])[0]]
    if len(names) > 1:
        raise Refused(
            f"表里有{len(names)}列“{names[0]}”。请把名单排成一列，一人一行，再上传；"
            "也可以下载本场的签到表（.xlsx）来填。",
            "HEADER_AMBIGUOUS",
        )
