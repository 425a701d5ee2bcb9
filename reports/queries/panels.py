"""The dashboard's panels: values with their names, links and targets, ready to be shown."""

from dataclasses import dataclass

from campaigns.models import Unit
from reports import links
from reports.indicators import BY_CODE, WHY_NAMES, Indicator, Rate, Value, Values
from reports.models import DailyFigure
from reports.queries.figures import Table
from reports.queries.trend import Change, change

QUESTIONS = {
    "RATE_DUE": "该来的党员，来过了吗？",
    "ATT_RATE": "开了的课，人到齐了吗？",
    "DONE_RATE": "必训的专题，学完了吗？",
}
GAP_CODES = ("UNRECORDED", "UNMARKED", "MK_OPEN", "TASK_LATE")
MORE_CODES = (
    "MEM_ALL",
    "MEM_WAIVED",
    "MEM_DUE",
    "RATE_FIRST",
    "TR_MAKEUP",
    "TR_HOME",
    "RATE_ALL",
    "SES_PLAN",
    "SES_HELD",
    "TOPIC_COV",
    "HRS_AVG",
    "TASK_DONE",
)
OWN_CODES = (*QUESTIONS, "NOT_YET", "WHY", *GAP_CODES, *MORE_CODES)
# The columns of the table below: (code, part, head, on phones too).
COLUMNS = (
    ("MEM_DUE", "value", "应训", True),
    ("RATE_DUE", "n", "参训", False),
    ("RATE_DUE", "value", "参训率", True),
    ("ATT_RATE", "value", "到课率", False),
    ("DONE_RATE", "value", "完成率", False),
    ("NOT_YET", "value", "未训", True),
    ("MK_OPEN", "value", "待补课", True),
    ("UNMARKED", "value", "未登记", False),
    ("UNRECORDED", "value", "未点名", True),
)
HEADS = tuple(head for _, _, head, _ in COLUMNS)
CHILD_CODES = tuple(dict.fromkeys(code for code, _, _, _ in COLUMNS))
DEFINED_CODES = (*QUESTIONS, *(code for code in OWN_CODES if code not in QUESTIONS))
# Where nothing is the good answer, 0 is quiet and anything else asks to be opened.
OPEN_ENDS = ("NOT_YET", "MK_OPEN", "UNMARKED", "UNRECORDED", "TASK_LATE")


@dataclass(frozen=True)
class Headline:
    indicator: Indicator
    question: str
    rate: Rate
    url: str
    change: Change | None
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One figure: what it is called, its text, its list."""

    indicator: Indicator
    text: str
    url: str
    open: bool = False


@dataclass(frozen=True)
class Cell:
    head: str
    unit: str
    value: Value
    url: str
    is_rate: bool
    on_phone: bool
    open: bool
    is_lead: bool


def headlines(table: Table, earlier: DailyFigure | None) -> list[Headline]:
    return [
        Headline(
            BY_CODE[code],
            question,
            table.values[code],
            links.figure(table.unit, code),
            change(table.values[code], code, earlier),
            _not_taught(table) if code == "DONE_RATE" else "",
        )
        for code, question in QUESTIONS.items()
    ]


def _not_taught(table: Table) -> str:
    """Nobody can have finished what was not taught yet: said beside the rate."""
    topics = table.values["TOPIC_COV"]
    missing = topics.d - topics.n
    return f"还有{missing}个必训专题没开课" if missing else ""


def text_of(value: Value) -> str:
    return value.text if hasattr(value, "text") else str(value)


def lines(table: Table, codes: tuple[str, ...]) -> list[Line]:
    return [
        Line(
            BY_CODE[code],
            text_of(table.values[code]),
            links.figure(table.unit, code),
            code in OPEN_ENDS and bool(table.values[code]),
        )
        for code in codes
    ]


def reasons(table: Table) -> list[tuple[str, int, str]]:
    """(reason, people, their list): in the order of precedence, classes nobody is in left out."""
    return [
        (name, table.values["WHY"][code], links.people(table.unit, "not", code))
        for code, name in WHY_NAMES.items()
        if table.values["WHY"][code]
    ]


def row(unit: Unit, values: Values) -> list[Cell]:
    return [
        Cell(
            head,
            "" if part == "value" and isinstance(values[code], Rate) else BY_CODE[code].unit,
            values[code] if part == "value" else getattr(values[code], part),
            links.figure(unit, code),
            part == "value" and isinstance(values[code], Rate),
            on_phone,
            code in OPEN_ENDS and bool(values[code]),
            is_lead=code == "RATE_DUE" and part == "value",
        )
        for code, part, head, on_phone in COLUMNS
    ]


def rows(table: Table) -> list[tuple[Unit, str, list[Cell]]]:
    """One line per unit directly below, in the fixed order: (unit, its dashboard, cells)."""
    return [(child, links.dashboard(child), row(child, values)) for child, values in table.children]
