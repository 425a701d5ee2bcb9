"""What somebody answers on the page of an import: which header is what, which sheets, hidden rows or not."""

from dataclasses import dataclass, field

from organizations.imports.choices import Choices
from organizations.imports.columns import ALIASES, LABELS
from organizations.models import ImportBatch
from organizations.service import Refused

NOT_USED = ("", "不用这一列")
FIELD_CHOICES = [NOT_USED, *LABELS.items()]
NONSENSE = "没有看懂您的回答，请刷新页面再选。"
HIDDEN_ROWS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Column:
    """A header of the file, what it is taken for now, and whether somebody is asked."""

    key: str
    text: str
    field: str
    sample: str = ""
    is_asked: bool = False


@dataclass
class Answers:
    """The choices to check with, and what a person said about headers (never what the program guessed)."""

    choices: Choices
    said: dict[str, str] = field(default_factory=dict)


def ask_of(batch: ImportBatch, kind: str) -> dict | None:
    return next((ask for ask in batch.verdict.get("asks", []) if ask.get("kind") == kind), None)


def columns_of(batch: ImportBatch) -> list[Column]:
    """Every header of the file in its order; those somebody is asked about are marked."""
    ask = ask_of(batch, "columns") or {}
    asked = ask.get("columns", [])
    known = [
        Column(one["key"], one["text"], one["field"], one["sample"], one["key"] in asked)
        for one in batch.verdict.get("headers", [])
    ]
    seen = {column.key for column in known}
    samples = ask.get("samples", {})
    return known + [
        Column(key, called(key), "", samples.get(key, ""), is_asked=True) for key in asked if key not in seen
    ]


def called(key: str) -> str:
    """联系电话#2 → 联系电话（左起第 2 个）"""
    name, _, number = key.rpartition("#")
    return f"{name}（左起第 {number} 个）" if name and number.isdigit() else key


def answers_in(data, batch: ImportBatch) -> Answers:
    """Read a sent page. What it does not hold stays as it was answered before."""
    before = Choices.from_json(batch.choices)
    said = said_about_columns(data, batch)
    hidden = before.hidden_rows
    if "hidden_rows" in data:
        if data["hidden_rows"] not in HIDDEN_ROWS:
            raise Refused(NONSENSE, "answer")
        hidden = HIDDEN_ROWS[data["hidden_rows"]]
    sheets = before.sheets
    if "asks_sheets" in data:
        sheets = chosen_sheets(data, batch)
    return Answers(Choices({**before.columns, **said}, sheets, hidden), said)


def offered_sheets(batch: ImportBatch) -> list[str]:
    """Where nobody has to be asked: the sheets that look like rosters, read or not."""
    return batch.verdict.get("rosters") or batch.verdict.get("sheets", [])


def chosen_sheets(data, batch: ImportBatch) -> tuple[str, ...]:
    offered = (ask_of(batch, "sheets") or {}).get("sheets", []) or offered_sheets(batch)
    names = [one["name"] if isinstance(one, dict) else one for one in offered]
    chosen = tuple(name for name in names if name in data.getlist("sheets"))
    if not chosen:
        raise Refused("请至少选一张工作表。", "answer")
    return chosen


def said_about_columns(data, batch: ImportBatch) -> dict[str, str]:
    """Header → field, of those that were asked and those that were changed."""
    columns = {column.key: column for column in columns_of(batch)}
    sent = dict(zip(data.getlist("key"), data.getlist("field"), strict=False))
    if any(key not in columns or (name and name not in ALIASES) for key, name in sent.items()):
        raise Refused(NONSENSE, "answer")
    refuse_twice({column.key: column.field for column in columns.values()} | sent)
    return {key: name for key, name in sent.items() if columns[key].is_asked or columns[key].field != name}


def refuse_twice(meant: dict[str, str]) -> None:
    used: dict[str, str] = {}
    for key, name in meant.items():
        if name and name in used:
            raise Refused(
                f"“{used[name]}”和“{key}”都选成了{LABELS[name]}。请只留一列，另一列选“不用这一列”。", "twice"
            )
        used[name] = key
