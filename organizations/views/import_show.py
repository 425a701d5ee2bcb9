"""What the page of one import shows, put together from its verdict: words, figures, lists."""

from organizations.forms.import_answers import Column, ask_of, columns_of
from organizations.imports.columns import OTHERS, REASON
from organizations.imports.lines import OLDER, is_older, lines_of
from organizations.models import (
    PRECISION_OF,
    AuditEvent,
    ImportBatch,
    ImportChange,
    ImportState,
    Member,
    Organization,
    User,
)
from organizations.services import changes
from organizations.services.import_columns import label_of, meanings_for
from organizations.services.import_undo import old_values
from organizations.tree import holds

# Lines that are not imported, and say why.
SET_ASIDE = {"FOOTER_ROW", "HIDDEN_ROW", "TRANSFER_SUSPECTED", "REVIEW"}
# Said, and nothing to be doubted: what was answered, or is nobody.
PLAIN = {"COLUMNS_IGNORED", "SHEETS_READ", "FOOTER_ROW", "HIDDEN_ROW", "HIDDEN_ROWS"}
FINDINGS = ("errors", "skipped", "warnings")
PEOPLE = ("created", "updated")
SHOWS = (*FINDINGS, *PEOPLE)
COLUMNS = {field.name for field in Member._meta.concrete_fields if field.editable} - {"branch"}
# What they would do has been done: lists are read from what was done.
DONE = (ImportState.STORED, ImportState.UNDONE, ImportState.PARTIAL)
CHECKED = (ImportState.CHECKED, ImportState.PARTIAL)
# State → (chip, words of the list).
LOOKS = {
    ImportState.CHECKING: ("info", "正在检查"),
    ImportState.REFUSED: ("warn", "读不出来"),
    ImportState.CHECKED: ("muted", "还没存"),
    ImportState.PARTIAL: ("warn", "存了一部分"),
    ImportState.STORED: ("good", "已存进系统"),
    ImportState.UNDONE: ("muted", "已撤销"),
    ImportState.DROPPED: ("muted", "没存，已过期"),
}


def look_of(batch: ImportBatch, error_rows: int | None) -> tuple[str, str]:
    """How the list calls a batch: 还没存 alone does not say whether somebody must mend the sheet."""
    chip, words = LOOKS[ImportState(batch.state)]
    if batch.state in CHECKED and error_rows:
        return "warn", f"{words}，{error_rows} 行要改"
    if batch.state == ImportState.DROPPED and batch.stored_at:
        return "warn", "存了一部分，其余已过期"
    return chip, words


def counts_of(batch: ImportBatch) -> dict[str, int]:
    """The verdict's counts; none yet while a file is being checked, or could not be read."""
    names = ("created", "updated", "unchanged", "skipped", "error_rows", "errors", "warnings")
    return dict.fromkeys(names, 0) | batch.verdict.get("counts", {})


def checks_of(batch: ImportBatch) -> int:
    """How often its files were looked at; `version` counts more than that."""
    of_batch = AuditEvent.objects.filter(target_type=batch._meta.label_lower, target_id=str(batch.pk))
    return of_batch.filter(action__in=("roster.checked", "roster.refused")).count()


def questions(batch: ImportBatch) -> dict:
    """What somebody must answer before this can be stored; empty when nothing is open."""
    found = {kind: ask for kind in ("hidden_rows", "sheets", "columns") if (ask := ask_of(batch, kind))}
    if "sheets" in found:
        offered = found["sheets"]["sheets"]
        found["sheets"]["names"] = [one["name"] if isinstance(one, dict) else one for one in offered]
    return found


def mapping(batch: ImportBatch) -> list[dict]:
    """Each header with what it is taken for, and who once said so."""
    said = meanings_for(batch.organization)
    answered = batch.choices.get("columns", {})
    return [
        {
            "column": column,
            "said": told(column, said.get(column.key), batch),
            "is_unknown": not column.field and column.key not in {*answered, *said, *OTHERS, REASON},
        }
        for column in columns_of(batch)
    ]


def told(column: Column, meaning, batch: ImportBatch) -> str:
    """上次您说“联络号”是“手机”."""
    if meaning is None or meaning.field != column.field:
        return ""
    who = (
        "您"
        if batch.uploaded_by and meaning.said_by == batch.uploaded_by.organization_id
        else meaning.said_by_name
    )
    if not meaning.field:
        return f"上次{who}说“{column.text}”这一列不用"
    return f"上次{who}说“{column.text}”是“{label_of(meaning.field)}”"


def figures(batch: ImportBatch, counts: dict) -> list[dict]:
    """What needs a hand comes first."""
    wrong = {"label": "要改", "value": counts["error_rows"], "unit": "行", "show": "errors"}
    if counts["errors"] != counts["error_rows"]:
        wrong["note"] = f"共 {counts['errors']} 处"
    people = [
        {"label": "新增", "value": counts["created"], "unit": "人", "show": "created"},
        {"label": "更新", "value": counts["updated"], "unit": "人", "show": "updated"},
        {"label": "不变", "value": counts["unchanged"], "unit": "人"},
    ]
    left_out = {"label": "不导入", "value": counts["skipped"], "unit": "行", "show": "skipped"}
    if settled := settled_lines(batch):
        people = [{"label": "已存，不再动", "value": settled, "unit": "行"}] + (
            [] if batch.state == ImportState.PARTIAL else people
        )
    return [wrong, *people, left_out] if counts["error_rows"] else [*people, wrong, left_out]


def tabs(batch: ImportBatch, counts: dict) -> list[dict]:
    """The lists behind the figures, with how many each holds."""
    numbers = {show: len(findings(batch, show)) for show in FINDINGS}
    numbers |= {"errors": counts["errors"], "skipped": counts["skipped"]}
    if batch.state in DONE:
        numbers |= {show: changes_done(batch, show, "").count() for show in PEOPLE}
    else:
        numbers |= {show: counts[show] for show in PEOPLE}
    labels = {"errors": "要改", "skipped": "不导入", "warnings": "提醒", "created": "新增", "updated": "更新"}
    return [{"show": show, "label": label, "count": numbers[show]} for show, label in labels.items()]


def first_list(batch: ImportBatch, counts: dict) -> str:
    """What needs a hand; once it is stored, what was done."""
    is_over = batch.state in (ImportState.STORED, ImportState.UNDONE)
    order = (*PEOPLE, *FINDINGS) if is_over else SHOWS
    some = {show: findings(batch, show) if show in FINDINGS else counts[show] for show in order}
    return next((show for show in order if some[show]), "errors")


def why_unread(batch: ImportBatch) -> str:
    return OLDER if batch.state == ImportState.CHECKED and is_older(batch) else ""


def lines_to_show(batch: ImportBatch, show: str, text: str, reader: User):
    """Findings by their line, people by their name; what is stored is read from what was done."""
    if show in FINDINGS:
        found = findings(batch, show)
        return [one for one in found if text in one.get("name", "")] if text else found
    if batch.state in DONE:
        return lines_done(batch, show, text, reader)
    return [] if why_unread(batch) else Lines(batch, show, text, reader)


def lines_done(batch: ImportBatch, show: str, text: str, reader: User) -> "Changes":
    rows = changes_done(batch, show, text).select_related("member__branch").order_by("pk")
    return Changes(rows, reader.organization.path)


def changes_done(batch: ImportBatch, show: str, text: str):
    return batch.changes.filter(is_new=show == "created", name__contains=text)


def settled_lines(batch: ImportBatch) -> int:
    return len(batch.settled) // 8


def doubts(batch: ImportBatch) -> list[dict]:
    """The warnings that somebody must have seen before anything is stored."""
    return [one for one in batch.verdict.get("warnings", []) if one["code"] not in PLAIN]


def findings(batch: ImportBatch, show: str) -> list[dict]:
    """Errors, or warnings split in two: lines left out, and lines to look at."""
    if show == "errors":
        return batch.verdict.get("errors", [])
    # Columns nobody knows are shown with what they might be, not as a line to be read.
    warnings = [one for one in batch.verdict.get("warnings", []) if one["code"] != "COLUMNS_IGNORED"]
    return [one for one in warnings if (one["code"] in SET_ASIDE) == (show == "skipped")]


class Changes:
    """What a stored import did to each person, in the shape of a line.

    Where somebody has gone since is told to those only whose place (`mine`) holds it.
    """

    def __init__(self, rows, mine: str):
        self.rows, self.mine = rows, mine

    def __len__(self) -> int:
        return self.rows.count()

    def __getitem__(self, part: slice) -> list[dict]:
        return [self.line(one) for one in self.rows[part]]

    def line(self, one: ImportChange) -> dict:
        member = one.member if one.member and holds(self.mine, one.member.branch.path) else None
        return {
            "row": one.row,
            "name": one.name,
            "member": member,
            "branch": member.branch if member else None,
            "changes": [{"label": label, "before": words} for label, words in old_words(one.before)],
        }


def old_words(before: dict) -> list[tuple[str, str]]:
    """What stood there before, column by column; of numbers the ends only."""
    kept = COLUMNS.union(PRECISION_OF.values())
    facts = Member(**{name: value for name, value in old_values(before).items() if name in kept})
    return [
        (str(Member._meta.get_field(name).verbose_name), masked(facts, name))
        for name in before
        if name in COLUMNS
    ]


def masked(member: Member, name: str) -> str:
    if name in ("id_number", "phone"):
        return getattr(member, f"masked_{name}")
    return changes.fact(member, name)[1]


class Lines:
    """The checked lines of people new or changed, read a page at a time."""

    def __init__(self, batch: ImportBatch, kind: str, text: str, reader: User):
        self.batch, self.kind, self.text, self.reader = batch, kind, text, reader
        self.total: int | None = None

    def __len__(self) -> int:
        if self.total is None:
            self.total = self.read(0, 1)[1]
        return self.total

    def __getitem__(self, part: slice) -> list[dict]:
        start = part.start or 0
        return with_records(self.read(start, part.stop - start)[0], self.reader)

    def read(self, start: int, count: int) -> tuple[list[dict], int]:
        return lines_of(self.batch, self.kind, start, count, text=self.text)


def with_records(lines: list[dict], reader: User) -> list[dict]:
    """Each line with its branch and, where somebody is known, the member, as the reader may see them now."""
    branches = Organization.objects.visible_to(reader).in_bulk({line["branch"] for line in lines})
    members = Member.objects.visible_to(reader).only("name")
    known = members.in_bulk([line["member"] for line in lines if line["member"]])
    return [
        line | {"branch": branches.get(line["branch"]), "member": known.get(line["member"])} for line in lines
    ]
