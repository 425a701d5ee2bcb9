"""The verdict on a roster: what each line would do, and every error by row and column.

The file is read once, some hundred lines at a time, while another process
parses on: each line is understood, matched with whom we know, and made ready to
be stored. What only the whole file can tell is added at the end (`whole`).
"""

from collections.abc import Callable
from datetime import date

from django.conf import settings

from organizations.imports.branches import Branches
from organizations.imports.choices import Choices
from organizations.imports.collecting import no_collecting
from organizations.imports.columns import NOTHING_CHOSEN, Layout, find_layouts, sheet_score
from organizations.imports.kept import Kept
from organizations.imports.lines import PIECE, columns_of_new, keys_of, lines_of_known, pack
from organizations.imports.matching import Known
from organizations.imports.ordinary import Plan
from organizations.imports.preflight import FileRefused, refuse_size_of
from organizations.imports.process import Frame, Limits, Parsing
from organizations.imports.reading import Sheet
from organizations.imports.rows import Reader, RosterRow
from organizations.imports.sheets import settle_branches
from organizations.imports.verdict import Packed, Verdict
from organizations.imports.whole import Line, judge
from organizations.models import Organization

Tell = Callable[[int, int, str], None]
# So many of the hidden people are named in the question.
HIDDEN_NAMED = 10
NOBODY: frozenset[bytes] = frozenset()


def check(
    content: bytes,
    file_name: str,
    organization: Organization,
    today: date,
    choices: Choices = NOTHING_CHOSEN,
    settled: frozenset[bytes] = NOBODY,
    tell: Tell | None = None,
) -> Verdict:
    """`settled`: digests of lines that this batch has stored; they are not touched again.

    `tell` hears how far it is: lines done, lines in all (about), and what is being done.
    """
    refuse_size_of(len(content), settings.ROSTER_MAX_BYTES)
    with no_collecting(), Parsing(content, file_name, Limits(rows=settings.ROSTER_MAX_ROWS)) as book:
        layouts = find_layouts(candidates(book), choices)
        branches = Branches(organization)
        settle_branches(layouts, branches)
        checking = Checking(layouts, branches, organization, today, choices, settled)
        for sheet, frame in book.frames(checking.plans()):
            checking.take(sheet, frame)
            if tell:
                tell(len(checking.lines), book.total, "检查名册")
        return checking.verdict(candidates(book), book.hidden)


def candidates(book: Parsing) -> list[Sheet]:
    """Of a CSV by several separators, the one under which the most headers are known."""
    return [max(book.sheets, key=sheet_score)] if book.kind == "csv" else book.sheets


class Checking:
    """Lines so far: what is remembered of each, and what waits to be stored, packed."""

    def __init__(
        self,
        layouts: list[Layout],
        branches: Branches,
        organization: Organization,
        today: date,
        choices: Choices,
        settled: frozenset[bytes],
    ):
        self.layouts, self.organization = layouts, organization
        self.choices, self.settled = choices, settled
        self.readers = {layout.sheet.index: Reader(layout, branches, today) for layout in layouts}
        self.kept = Kept()
        self.waiting: list[RosterRow] = []
        self.lines: list[Line] = []
        # Packed lines, and what is remembered of each of them: new people, known ones.
        self.packed: list[Packed] = []
        self.people = 0
        self.hidden_names: list[str] = []

    def plans(self) -> list[tuple[Sheet, Plan | None]]:
        return [(layout.sheet, self.readers[layout.sheet.index].plan()) for layout in self.layouts]

    def take(self, sheet: Sheet, frame: Frame) -> None:
        self.kept.take(sheet.index, frame)
        for row, hidden in self.readers[sheet.index].rows_of(frame):
            self.waiting.append(row)
            if hidden and not row.set_aside:
                self.hide(row)
        if len(self.waiting) >= PIECE:
            self.work_off()

    def hide(self, row: RosterRow) -> None:
        """Somebody in a hidden line: named where it is asked about, listed where it is left out."""
        if len(self.hidden_names) < HIDDEN_NAMED and row.values.get("name"):
            self.hidden_names.append(row.values["name"])
        if self.choices.hidden_rows is False:
            row.errors, row.warnings = [], []
            row.leave_out("", "HIDDEN_ROW", "这一行隐藏着，按您选的没有导入。要导入，请取消隐藏再上传。")

    def work_off(self) -> None:
        """Match the waiting rows, pack those that may be stored, remember the least of all."""
        for start in range(0, len(self.waiting), PIECE):
            self.work_off_piece(self.waiting[start : start + PIECE])
        self.waiting = []

    def work_off_piece(self, rows: list[RosterRow]) -> None:
        aside = [row.set_aside for row in rows]
        people = [row for row in rows if not row.set_aside]
        self.people += len(people)
        if self.people > settings.ROSTER_MAX_ROWS:
            raise too_many()
        members = Known(people, self.organization)
        # Before they are matched, which may change what they say. New people are asked when they are stored.
        keyed = people if self.settled else [row for row in people if members.has_any_like(row)]
        for row, key in zip(keyed, keys_of(keyed), strict=True):
            row.key = key
        for row in people:
            if not row.errors:
                members.match(row)
        members.compare_masked(people)
        new, known = [], []
        for row, is_aside in zip(rows, aside, strict=True):
            is_settled = row.key in self.settled
            line = Line.of(row, is_person=not is_aside, is_settled=is_settled)
            self.lines.append(line)
            if not (row.errors or row.set_aside or is_settled):
                (known if row.member else new).append((row, line))
        self.pack(new, known)

    def pack(self, new: list[tuple[RosterRow, Line]], known: list[tuple[RosterRow, Line]]) -> None:
        changes = lines_of_known([row for row, _ in known])
        for (_, line), change in zip(known, changes, strict=True):
            line.has_news = bool(change["writes"])
        packed = pack(columns_of_new([row for row, _ in new]), changes)
        self.packed.append((packed, [line for _, line in new], [line for _, line in known]))

    def verdict(self, sheets: list[Sheet], hidden: list[str]) -> Verdict:
        self.work_off()
        if not self.people:
            raise FileRefused("表头下面没有党员。请填好名单再上传。", "NO_ROWS")
        if any(layout.sheet.too_many_rows for layout in self.layouts):
            raise too_many()
        judge(self.lines)
        return Verdict(
            layouts=self.layouts,
            rows=self.lines,
            packed=self.packed,
            kept=self.kept,
            choices=self.choices,
            sheets=sheets,
            hidden=hidden,
            hidden_names=self.hidden_names,
        )


def too_many() -> FileRefused:
    limit = settings.ROSTER_MAX_ROWS
    return FileRefused(f"一次最多导入 {limit} 人。请按支部分成几个文件上传。", "TOO_MANY_ROWS")
