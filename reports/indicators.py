"""The catalogue: what each figure is called, how it is computed, what it counts, and which list it opens.

Nothing here asks the database: `of(sums)` turns one dict of sums into the values
of every indicator, for a branch and for a district alike. Sums are over persons
(or person-times, sessions, tasks); a rate is never the mean of other rates.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from attendance.models import Why
from organizations.templatetags.house import rate_text

Sums = dict[str, int]


@dataclass(frozen=True)
class Rate:
    """n of d. Decided on the exact fraction; `text` never rounds up to the target or to 100 %."""

    n: int
    d: int
    target: int | None = None

    @property
    def text(self) -> str:
        return rate_text(self.n, self.d, self.target)

    @property
    def reached(self) -> bool:
        return bool(self.d) and self.target is not None and 100 * self.n >= self.target * self.d

    @property
    def shown(self) -> Decimal | None:
        """The number a cell holds so that it reads exactly like `text`."""
        return Decimal(self.text[:-1]) / 100 if self.d else None

    @property
    def missing(self) -> int:
        """How many more are needed for the target."""
        return max(0, -(-self.target * self.d // 100) - self.n) if self.target else 0

    def as_json(self) -> dict[str, int]:
        return {"n": self.n, "d": self.d}


@dataclass(frozen=True)
class Average:
    """Minutes of all over persons, shown in 学时."""

    n: int
    d: int
    minutes_per_hour: int

    @property
    def shown(self) -> Decimal | None:
        if not self.d:
            return None
        exact = Decimal(self.n) / Decimal(self.d * self.minutes_per_hour)
        return exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)

    @property
    def text(self) -> str:
        return "—" if self.shown is None else str(self.shown)

    def as_json(self) -> dict[str, int]:
        return {"n": self.n, "d": self.d}


@dataclass(frozen=True)
class Share:
    """n of d things, shown as n/d."""

    n: int
    d: int

    @property
    def text(self) -> str:
        return f"{self.n}/{self.d}" if self.d else "—"

    def as_json(self) -> dict[str, int]:
        return {"n": self.n, "d": self.d}


Value = int | Rate | Average | Share | dict[str, int]
# By code. The catalogue says which kind each code has; a type checker cannot.
Values = dict[str, Any]


@dataclass(frozen=True)
class Indicator:
    """One figure. `cutoff`: any = for any day; now = as known now; job = only where a report asks for it.

    `source` names the sums it needs. `people` is the state of the list of persons
    it opens (attendance.queries.STATES); `listed` names a list of our own; other
    figures open the list of sessions or of service tasks (reports.links).
    """

    code: str
    name: str
    formula: str
    unit: str
    source: str
    value: Callable[[Sums], Value]
    people: str = ""
    listed: str = ""
    cutoff: str = "now"


def _reasons(s: Sums) -> dict[str, int]:
    return {code: s[f"why_{code.lower()}"] for code in Why.values if code}


CATALOGUE: tuple[Indicator, ...] = (
    Indicator(
        "ORG_N",
        "基层党组织数",
        "名下未撤销的党支部数",
        "个",
        "units",
        lambda s: s["branches"],
        listed="units",
    ),
    Indicator(
        "MEM_ALL", "党员总数", "现在名册上的党员", "人", "people", lambda s: s["members"], people="all"
    ),
    Indicator(
        "MEM_WAIVED",
        "不作硬性要求人数",
        "年老体弱、行动不便、重病、失能等，经登记不作硬性要求的党员",
        "人",
        "people",
        lambda s: s["waived"],
        people="waived",
    ),
    Indicator(
        "MEM_DUE", "应训人数", "党员总数 − 不作硬性要求人数", "人", "people", lambda s: s["due"], people="due"
    ),
    Indicator(
        "MEM_FLOAT",
        "流动党员数",
        "名册上登记为流动的党员",
        "人",
        "people",
        lambda s: s["floating"],
        people="floating",
    ),
    Indicator(
        "TR_FIRST",
        "首训人数",
        "应训党员中，只凭首轮培训就达到参训标准的",
        "人",
        "people",
        lambda s: s["first"],
        people="first",
    ),
    Indicator(
        "TR_MAKEUP",
        "补课人数",
        "应训党员中，靠补课、送学才达到参训标准的（参训 − 首训）",
        "人",
        "people",
        lambda s: s["trained"] - s["first"],
        people="makeup",
    ),
    Indicator(
        "TR_HOME",
        "送学人数",
        "至少接受过一次送学上门的党员（含不作硬性要求的）",
        "人",
        "people",
        lambda s: s["home"] + s["waived_home"],
        people="home",
    ),
    Indicator(
        "TR_ALL",
        "参训人数",
        "达到参训标准的全部党员：应训的加上不作硬性要求而参加了的，一人只计一次",
        "人",
        "people",
        lambda s: s["trained"] + s["waived_trained"],
        people="trained_all",
    ),
    Indicator(
        "RATE_FIRST",
        "首训率",
        "首训人数 ÷ 应训人数",
        "%",
        "people",
        lambda s: Rate(s["first"], s["due"]),
        people="first",
    ),
    Indicator(
        "RATE_DUE",
        "参训率",
        "应训党员中达到参训标准的（含补课后） ÷ 应训人数",
        "%",
        "people",
        lambda s: Rate(s["trained"], s["due"], s["target"]),
        people="trained",
    ),
    Indicator(
        "RATE_ALL",
        "参训率（全员口径，含不作硬性要求的）",
        "参训人数 ÷ 党员总数",
        "%",
        "people",
        lambda s: Rate(s["trained"] + s["waived_trained"], s["members"]),
        people="trained_all",
    ),
    Indicator(
        "ATT_RATE",
        "到课率",
        "到课人次（出席、迟到、早退、线上、异地） ÷ 已登记的应到人次；未登记的不算在内，另列",
        "%",
        "people",
        lambda s: Rate(s["attended"], s["expected"] - s["unmarked"]),
        listed="sessions",
    ),
    Indicator(
        "DONE_RATE",
        "完成率",
        "学完全部必训专题的应训党员 ÷ 应训人数",
        "%",
        "people",
        lambda s: Rate(s["done"], s["due"]),
        people="done",
    ),
    Indicator(
        "NOT_YET",
        "未训人数",
        "应训人数 − 应训党员中达到参训标准的",
        "人",
        "people",
        lambda s: s["due"] - s["trained"],
        people="not",
    ),
    Indicator(
        "WHY",
        "未训原因",
        "每名未训党员只归一类，按先后：已登记缺席、流动在外、居家待送学、请假、到课未登记、"
        "已上课未达标准、新转入、本支部尚未开课；各类相加等于未训人数",
        "人",
        "people",
        _reasons,
        people="not",
    ),
    Indicator(
        "UNMARKED",
        "未登记人次",
        "已点名的场次里，应到而情况还没有登记的人次",
        "人次",
        "people",
        lambda s: s["unmarked"],
        listed="sessions",
    ),
    Indicator(
        "MK_OPEN",
        "待补课人数",
        "缺了必训专题、至今没有补上的应训党员",
        "人",
        "people",
        lambda s: s["owing"],
        people="owing",
    ),
    Indicator(
        "SES_PLAN",
        "计划场次",
        "有本单位参加、没有取消或作废的场次（联办的一场在上级只计一次）",
        "场",
        "sessions",
        lambda s: s["planned"],
    ),
    Indicator(
        "SES_HELD",
        "实际场次",
        "计划场次中，已经点名或者结束时间已过的",
        "场",
        "sessions",
        lambda s: s["held"],
    ),
    Indicator(
        "UNRECORDED",
        "未点名场次",
        "结束时间已过，还有单位没有点名的场次",
        "场",
        "unrecorded",
        lambda s: s["unrecorded"],
    ),
    Indicator(
        "TOPIC_COV",
        "专题覆盖",
        "至少有一场已经点名的必训专题数 / 必训专题总数",
        "个",
        "topics",
        lambda s: Share(s["topics_covered"], s["topics_all"]),
        listed="topics",
    ),
    Indicator(
        "HRS_AVG",
        "人均学时",
        "应训党员计入的学习时长之和 ÷ 应训人数",
        "学时",
        "people",
        lambda s: Average(s["minutes"], s["due"], s["minutes_per_hour"]),
        people="due",
    ),
    Indicator(
        "TASK_DONE",
        "解决难题",
        "有办理结果、已办结的事项（难题、实事、帮扶）",
        "件",
        "tasks",
        lambda s: s["tasks_done"],
    ),
    Indicator(
        "TASK_LATE",
        "超期未办",
        "过了办理期限还没有办结的事项",
        "件",
        "tasks",
        lambda s: s["tasks_late"],
    ),
)
BY_CODE: dict[str, Indicator] = {indicator.code: indicator for indicator in CATALOGUE}
WHY_NAMES: dict[str, str] = {code: str(label) for code, label in Why.choices if code}


def chosen(codes: Iterable[str] | None) -> tuple[Indicator, ...]:
    return CATALOGUE if codes is None else tuple(BY_CODE[code] for code in codes)


def of(sums: Sums, codes: Iterable[str] | None = None) -> Values:
    """The values of these indicators (all when none are named), in catalogue order."""
    return {indicator.code: indicator.value(sums) for indicator in chosen(codes)}


def as_json(values: Values) -> dict[str, object]:
    """Counts as integers, rates as their n and d, reasons as an object."""
    return {
        code: value if isinstance(value, int | dict) else value.as_json() for code, value in values.items()
    }
