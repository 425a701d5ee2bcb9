"""What only the whole file can tell: repeated people, the branch's own order, what is done with each line."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from operator import attrgetter

from django.db.models import Max

from organizations.imports.matching import pieces
from organizations.imports.rows import Finding, RosterRow, place, same_birth
from organizations.models import Member

PLACES_SHOWN = 5
# Beyond this many of one name, birth dates are not compared pair by pair.
MANY = 50
NOTHING: Sequence[Finding] = ()


@dataclass(slots=True, eq=False)
class Line:
    """What is remembered of a line while the rest of the file is read; a hundred thousand of them fit."""

    number: int
    sheet: str
    name: str
    branch: int | None
    id_digest: str
    birth: tuple[date, str] | None
    member: int | None
    # The matched member's place in the list, as stored.
    stored_place: int | None
    is_person: bool
    set_aside: bool
    is_settled: bool
    errors: Sequence[Finding] = NOTHING
    warnings: Sequence[Finding] = NOTHING
    # The line itself changes something, wherever it stands in the list.
    has_news: bool = False
    place: int | None = None
    action: str = ""

    @classmethod
    def of(cls, row: RosterRow, *, is_person: bool, is_settled: bool) -> "Line":
        member = row.member
        return cls(
            number=row.number,
            sheet=row.sheet,
            name=row.values.get("name", ""),
            branch=row.branch_pk,
            id_digest=row.id_digest,
            birth=row.values.get("birth_date") or row.derived.get("birth_date"),
            member=member.pk if member else None,
            stored_place=member.place_in_list if member else None,
            is_person=is_person,
            set_aside=row.set_aside and not is_settled,
            is_settled=is_settled,
            # Stored already: nothing about it is asked again.
            errors=NOTHING if is_settled else row.errors or NOTHING,
            warnings=NOTHING if is_settled else row.warnings or NOTHING,
        )

    def error(self, field: str, code: str, message: str) -> None:
        if not self.is_settled:
            self.errors = [*self.errors, Finding(self.number, field, code, message, self.sheet)]

    def warn(self, field: str, code: str, message: str) -> None:
        if not self.is_settled:
            self.warnings = [*self.warnings, Finding(self.number, field, code, message, self.sheet)]


def judge(lines: list[Line]) -> None:
    """Add what repeats, then give each line its place and its action."""
    people = [line for line in lines if line.is_person]
    refuse_repeated_ids(people)
    refuse_repeated_names(people)
    refuse_one_member_twice(people)
    give_places(people)
    for line in lines:
        line.action = action_of(line)


def action_of(line: Line) -> str:
    if line.is_settled:
        return "settled"
    if line.errors:
        return "error"
    if line.set_aside:
        return "skip"
    if line.member is None:
        return "create"
    moved = line.place is not None and line.place != line.stored_place
    return "update" if line.has_news or moved else "unchanged"


def repeated(lines: list[Line], *key: str) -> list[list[Line]]:
    """Groups of two and more with one key; lines of which a part of it is empty belong to none."""
    keys = list(zip(*(map(attrgetter(name), lines) for name in key), strict=True))
    shared = {value for value, count in Counter(keys).items() if count > 1 and all(value)}
    groups: dict[object, list[Line]] = defaultdict(list)
    for value, line in zip(keys, lines, strict=True) if shared else ():
        if value in shared:
            groups[value].append(line)
    return list(groups.values())


def refuse_repeated_ids(lines: list[Line]) -> None:
    for group in repeated(lines, "id_digest"):
        for line in group:
            where = others_of(line, group)
            line.error("id_number", "ID_TWICE", f"与{where}的身份证号相同。请核对，同一人只留一行。")


def refuse_repeated_names(lines: list[Line]) -> None:
    """Two people of one name in one branch must be told apart by ID number or birth date."""
    for group in repeated(lines, "branch", "name"):
        ids = Counter(line.id_digest for line in group)
        told = first_of_each_id(group)
        for line in group:
            # One ID number twice is refused already: it would be one person, not two.
            if ids[line.id_digest] == len(group) and line.id_digest:
                continue
            where = others_of(line, group, told)
            if is_told_apart(line, group, all_have_ids=not ids[""]):
                line.warn("name", "NAME_TWICE", f"与{where}同名，按两个人导入。如是同一人，请删去一行。")
            elif not line.id_digest:
                line.error(
                    "name",
                    "NAME_NEEDS_ID",
                    f"与{where}同名，分不清是不是同一人。请补上身份证号；如是同一人，请删去一行。",
                )


def is_told_apart(line: Line, group: list[Line], *, all_have_ids: bool) -> bool:
    if all_have_ids:
        return True
    if len(group) > MANY:
        return False
    return all(
        are_told_apart(line, other) for other in group if other is not line and not is_same_id(line, other)
    )


def first_of_each_id(group: list[Line]) -> list[Line]:
    """As many lines of each ID number as are ever shown, so that nobody reads past thousands of one."""
    seen: Counter[str] = Counter()
    found = []
    for line in group:
        seen[line.id_digest] += 1
        if seen[line.id_digest] <= PLACES_SHOWN + 1:
            found.append(line)
    return found


def others_of(line: Line, group: list[Line], told: list[Line] | None = None) -> str:
    """第 3 行、第 8 行 and how many more; with `told`, those of it that have another ID number."""
    others = (o for o in told or group if o is not line and not (told and is_same_id(line, o)))
    shown = "、".join(place(other) for other in islice(others, PLACES_SHOWN))
    return shown + (f"等 {len(group) - 1} 行" if len(group) > PLACES_SHOWN + 1 else "")


def is_same_id(one: Line, other: Line) -> bool:
    return bool(one.id_digest) and one.id_digest == other.id_digest


def are_told_apart(line: Line, other: Line) -> bool:
    if line.id_digest and other.id_digest:
        return line.id_digest != other.id_digest
    return bool(line.birth and other.birth) and not same_birth(line.birth, other.birth)  # type: ignore[arg-type]


def refuse_one_member_twice(lines: list[Line]) -> None:
    matched = [line for line in lines if not line.errors]
    for group in repeated(matched, "member"):
        for line in group:
            line.error(
                "name",
                "NAME_NEEDS_ID",
                f"与{others_of(line, group)}指的是同一位已登记的党员。请补上身份证号，或删去一行。",
            )


def give_places(lines: list[Line]) -> None:
    """The branch's own order. A file with the whole branch sets it; others add people at the end."""
    by_branch: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        if line.branch:
            by_branch[line.branch].append(line)
    stored, last = stored_places(list(by_branch))
    for branch, group in by_branch.items():
        if stored[branch] <= {line.member for line in group if line.member and not line.errors}:
            keep_in_order(group)
            continue
        added = last[branch]
        for line in group:
            if line.member is None:
                added += 1
                line.place = added


def keep_in_order(group: list[Line]) -> None:
    """The order of the lines, moving as few people as possible: where somebody left, a gap stays."""
    last = (0, 0)
    for line in group:
        stored = (line.stored_place or 0, line.member or 0)
        if line.member and stored > last:
            line.place, last = line.stored_place, stored
        else:
            line.place = last[0] + 1
            last = (line.place, line.member or 0)


def stored_places(branches: list[int]) -> tuple[dict[int, set[int]], dict[int, int]]:
    stored: dict[int, set[int]] = defaultdict(set)
    last: dict[int, int] = defaultdict(int)
    for piece in pieces(branches):
        present = Member.objects.present().filter(branch__in=piece).order_by()
        for branch, pk in present.values_list("branch_id", "pk"):
            stored[branch].add(pk)
        last.update(present.values_list("branch_id").annotate(Max("place_in_list")))
    return stored, last
