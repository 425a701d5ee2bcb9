"""The shape of what people send: marks as JSON or as a plain form, waivers, make-up classes."""

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from attendance.models import Reason, Status, Waiver
from attendance.services.judging import MarkInput
from campaigns.forms.sessions import title_of
from campaigns.models import Round, Topic
from organizations.forms.choices import PickField, PicksField
from organizations.forms.transfers import branch_choices
from organizations.models import Organization

MAX_MARKS = 500
MAX_BYTES = 1024 * 1024
MAX_MINUTES = 720
MAX_HEADS = 100_000
MAX_ID = 2**63 - 1
MAX_VERSION = 2**31 - 1
STATUSES, REASONS = frozenset(Status.values), frozenset(Reason.values)
NO_REASON = {status.value for status in Status} - {Status.LEAVE.value, Status.ABSENT.value}
BATCH_FIELDS = {"batch", "marks", "counted_heads"}
MARK_FIELDS = {"entry", "status", "minutes", "reason", "base_version", "marked_at"}
# What a row of the register can say, in the order of its menu: "leave:ILL" = 请假, 生病.
CHOICES = [
    ("present", "出席"),
    ("late", "迟到"),
    ("left_early", "早退"),
    ("online", "线上"),
    ("elsewhere", "异地参训"),
    ("leave:AWAY", "请假·外出"),
    ("leave:ILL", "请假·生病"),
    ("leave:PRIVATE", "请假·有事"),
    ("leave:DUTY", "请假·公务"),
    ("absent:UNKNOWN", "缺席·没说"),
    ("absent", "缺席"),
    ("unmarked", "未登记"),
]
CODES = dict(CHOICES)
# m<entry>.<base version>, and behind it what the page already shows as stored.
FIELD = re.compile(r"m([1-9]\d{0,18})\.(0|[1-9]\d{0,9})(?:\.([a-z_]+(?::[A-Z]+)?))?", re.ASCII)


class BadBatch(Exception):
    """The body cannot be read. `status` is the HTTP answer, the message a Chinese sentence."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class ParsedBatch:
    batch: uuid.UUID
    marks: list[MarkInput]
    counted_heads: int | None
    body_sha256: str


def parse_marks(body: bytes) -> ParsedBatch:
    """Read the body of POST marks/. Everything wrong is refused as a whole, nothing is guessed."""
    if len(body) > MAX_BYTES:
        raise BadBatch(413, "内容超过 1 MB，没有登记。请分几次提交。")
    data = _load(body)
    _only(data, BATCH_FIELDS, "提交内容")
    marks = data.get("marks")
    if not isinstance(marks, list):
        raise BadBatch(400, "marks 应当是一个列表。")
    if len(marks) > MAX_MARKS:
        raise BadBatch(413, f"一次最多登记 {MAX_MARKS} 人，请分几次提交。")
    parsed = [_mark(mark, number) for number, mark in enumerate(marks, 1)]
    if len({mark.entry for mark in parsed}) < len(parsed):
        raise BadBatch(400, "同一个人在一次提交里出现了两回。")
    heads = _whole(data.get("counted_heads"), MAX_HEADS, "现场人数", optional=True)
    if not parsed and heads is None:
        raise BadBatch(400, "这次提交里没有人。")
    return ParsedBatch(_uuid(data.get("batch")), parsed, heads, hashlib.sha256(body).hexdigest())


def _load(body: bytes) -> dict:
    try:
        data = json.loads(body.decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadBatch(400, "内容不是有效的 JSON，没有登记。") from None
    if not isinstance(data, dict):
        raise BadBatch(400, "内容应当是一个 JSON 对象。")
    return data


def _no_twins(pairs):
    """Two values under one name: which one was meant cannot be known."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("repeated name")
    return dict(pairs)


def _no_constant(name):
    raise ValueError(name)  # NaN, Infinity: not JSON


def _only(data, allowed, where):
    if not isinstance(data, dict):
        raise BadBatch(400, f"{where}应当是一个 JSON 对象。")
    if set(data) - allowed:
        raise BadBatch(400, f"{where}里有不认识的字段。")


def _mark(data, number) -> MarkInput:
    where = f"第 {number} 条登记"
    _only(data, MARK_FIELDS, where)
    status, reason = data.get("status"), data.get("reason", "")
    if not isinstance(status, str) or status not in STATUSES:
        raise BadBatch(400, f"{where}的 status 不对。")
    if not isinstance(reason, str) or reason not in REASONS:
        raise BadBatch(400, f"{where}的 reason 不对。")
    if reason and status in NO_REASON:
        raise BadBatch(400, f"{where}：到了的人不填没来的原因。")
    return MarkInput(
        entry=_whole(data.get("entry"), MAX_ID, f"{where}的 entry", least=1),
        status=status,
        reason=reason,
        base_version=_whole(data.get("base_version"), MAX_VERSION, f"{where}的 base_version"),
        minutes=_whole(data.get("minutes"), MAX_MINUTES, f"{where}的 minutes", optional=True),
        marked_at=_moment(data.get("marked_at"), where),
    )


def _whole(value, most, what, *, least=0, optional=False):
    if value is None and optional:
        return None
    if type(value) is not int or not least <= value <= most:  # bool is an int: refuse it
        raise BadBatch(400, f"{what}应当是 {least} 到 {most} 之间的整数。")
    return value


def _uuid(value) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise BadBatch(400, "batch 应当是一个 UUID。") from None


def _moment(value, where) -> datetime | None:
    """The phone's clock, evidence only: null is fine, nonsense is not."""
    if value is None:
        return None
    try:
        moment = parse_datetime(value)
    except (ValueError, TypeError):
        moment = None
    # The range keeps a conversion to UTC from overflowing.
    if moment is None or not 2000 <= moment.year <= 2100:
        raise BadBatch(400, f"{where}的 marked_at 不是有效的时间。")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def parse_form(post) -> list[ParsedBatch]:
    """The same register sent by a page without JavaScript: m<entry>.<base version>[.<shown>] = choice code.

    A row still as it was shown is not sent: nobody touched it. Batches of at most
    MAX_MARKS with UUIDs derived from the form's own, so that sending the form again
    is the same sending.
    """
    base = _uuid(post.get("batch"))
    marks = [mark for name, code in post.items() if (mark := _field(name, code))]
    if len({mark.entry for mark in marks}) < len(marks):
        raise BadBatch(400, "同一个人在一次提交里出现了两回。")
    heads = _heads(post.get("counted_heads", ""))
    if not marks and heads is None:
        raise BadBatch(400, "没有改动，不用提交。")
    chunks = [marks[start : start + MAX_MARKS] for start in range(0, len(marks), MAX_MARKS)] or [[]]
    return [
        ParsedBatch(
            base if number == 0 else uuid.uuid5(base, str(number)),
            chunk,
            heads if number == 0 else None,
            _digest(chunk, heads),
        )
        for number, chunk in enumerate(chunks)
    ]


def _field(name, code) -> MarkInput | None:
    field = FIELD.fullmatch(name)
    if not field or code in ("", field[3]):
        return None
    status, _, reason = code.partition(":")
    if status not in STATUSES or reason not in REASONS or (reason and status in NO_REASON):
        raise BadBatch(400, "有一行的选项不认识，请刷新页面再试。")
    return MarkInput(
        entry=_whole(int(field[1]), MAX_ID, "人员编号", least=1),
        status=status,
        reason=reason,
        base_version=_whole(int(field[2]), MAX_VERSION, "版本"),
        marked_at=timezone.now(),
    )


def _heads(text) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadBatch(400, "现场人数请填数字，例如 44。")
    return _whole(int(text), MAX_HEADS, "现场人数")


def _digest(marks, heads) -> str:
    """Of what was chosen, not of the moment it was read."""
    words = [f"{mark.entry}.{mark.base_version}={mark.status}:{mark.reason}" for mark in marks]
    return hashlib.sha256("\n".join([*words, str(heads)]).encode()).hexdigest()


# --- Pages --------------------------------------------------------------------------------
class CloseForm(forms.Form):
    """Finishing a register: how to count whom nobody marked. None of the three is preselected."""

    rest = forms.ChoiceField(
        label="没有登记的人",
        choices=[
            ("present", "其余均到"),
            ("absent", "其余未到"),
            ("unmarked", "其余未登记（写明原因）"),
        ],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(label="说明", max_length=200, required=False)
    batch = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args, rest_needed=True, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["rest"].required = rest_needed
        self.rest_needed = rest_needed

    def as_service(self) -> dict:
        """Where everybody is marked there is no rest, and none is named."""
        cleaned = self.cleaned_data
        return {
            "rest": cleaned["rest"],
            "note": cleaned["note"],
            "batch": cleaned["batch"],
        }


class WaiverForm(forms.Form):
    """不作硬性要求: a reason class and a day, never a diagnosis."""

    reason = forms.ChoiceField(label="原因类别", choices=[("", "请选择"), *Waiver.Reason.choices])
    since = forms.DateField(
        label="从哪天起", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class WaiverEndForm(forms.Form):
    until = forms.DateField(
        label="从哪天起恢复应训", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class MakeupForm(forms.Form):
    """A make-up class for people already chosen."""

    round = forms.ChoiceField(
        label="方式",
        choices=[(Round.MAKE_UP, "补课"), (Round.HOME, "送学上门")],
        widget=forms.RadioSelect,
    )
    topics = PicksField(
        label="补哪些专题", queryset=Topic.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    title = forms.CharField(label="名称", max_length=100, required=False)
    day = forms.DateField(label="日期", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    starts = forms.TimeField(label="开始", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    ends = forms.TimeField(label="结束", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    venue = forms.CharField(label="地点", max_length=100, required=False)
    lecturer = forms.CharField(label="主讲人", max_length=50, required=False)
    request_uuid = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, campaign, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["topics"].queryset = Topic.objects.filter(campaign=campaign)
        for name in ("title", "day", "starts", "ends", "venue", "lecturer"):
            self.fields[name].widget.attrs["class"] = "form-control"
        self.fields["title"].widget.attrs["placeholder"] = "不写就用“补课：专题名称”"

    def clean(self):
        cleaned = super().clean()
        if not cleaned.get("title", "").strip() and "round" in cleaned:
            word = dict(self.fields["round"].choices)[cleaned["round"]]
            cleaned["title"] = title_of(word, cleaned.get("topics") or [])
        if cleaned.get("starts") and cleaned.get("ends") and cleaned["ends"] <= cleaned["starts"]:
            self.add_error("ends", "结束时间要晚于开始时间。")
        return cleaned

    def as_service(self) -> dict:
        cleaned = self.cleaned_data
        return {
            "round": cleaned["round"],
            "topics": list(cleaned["topics"]),
            "title": cleaned["title"],
            "starts_at": _at(cleaned["day"], cleaned["starts"]),
            "ends_at": _at(cleaned["day"], cleaned["ends"]),
            "venue": cleaned["venue"],
            "lecturer_names": re.split(r"[、，,\s]+", cleaned["lecturer"]) if cleaned["lecturer"] else [],
            "request_uuid": cleaned["request_uuid"],
        }


class MoveForm(forms.Form):
    """To which branch, from which day on."""

    to_branch = PickField(label="转到哪个党支部", queryset=None, empty_label="请选择")
    day = forms.DateField(label="从哪天起", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, *args, user, besides, **kwargs):
        super().__init__(*args, **kwargs)
        branches = Organization.objects.manageable_by(user).branches().open()
        self.fields["to_branch"].queryset = branches.exclude(pk=besides.pk)
        self.fields["to_branch"].choices = branch_choices(user, besides)


class MergeForm(MoveForm):
    """The same for everybody of a branch, which may be closed at once."""

    close = forms.BooleanField(label="转完就撤销这个支部", required=False)


class CorrectionForm(forms.Form):
    """What may be put right of a class already recorded."""

    title = forms.CharField(label="名称", max_length=100)
    topics = PicksField(
        label="讲了哪些专题",
        queryset=Topic.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    day = forms.DateField(label="日期", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    starts = forms.TimeField(label="开始", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    ends = forms.TimeField(label="结束", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    minutes = forms.IntegerField(label="时长（分钟）", min_value=1, max_value=MAX_MINUTES)

    def __init__(self, *args, session, **kwargs):
        starts, ends = timezone.localtime(session.starts_at), timezone.localtime(session.ends_at)
        kwargs["initial"] = {
            "title": session.title,
            "topics": session.topics.all(),
            "day": starts.date(),
            "starts": starts.time(),
            "ends": ends.time(),
            "minutes": session.minutes,
        }
        super().__init__(*args, **kwargs)
        self.fields["topics"].queryset = Topic.objects.filter(campaign=session.campaign_id)

    def as_service(self) -> dict:
        cleaned = self.cleaned_data
        return {
            "title": cleaned["title"],
            "topics": list(cleaned["topics"]),
            "starts_at": _at(cleaned["day"], cleaned["starts"]),
            "ends_at": _at(cleaned["day"], cleaned["ends"]),
            "minutes": cleaned["minutes"],
        }


def _at(day, time) -> datetime:
    return timezone.make_aware(datetime.combine(day, time))
