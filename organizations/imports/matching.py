"""Which stored member a line means, and what it would change. Reads only."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from operator import attrgetter

from django.db.models import Q, QuerySet

from organizations.fields import digest
from organizations.imports.ordinary import PRECISE
from organizations.imports.rows import RosterRow, same_birth
from organizations.imports.values import PartDate
from organizations.models import PRECISION_OF, Member, Organization
from organizations.tree import holds, within

AT_ONCE = 2000
REVIEW = "这一行需要上级核对，暂不导入。请把这位党员的情况报区里核对后再办。"
ID_MERGED = (
    "这是合并重复登记以前的号码，这位党员现在登记的是另一个，身份证号这次不改。"
    "请对照身份证核对：表里写错的，改表；登记错的，到这位党员的页面改。"
)
MASKED_UNKNOWN = "号码中间是星号，只能表示“没有改”，"
MASKED_MEND = "请填完整的号码，或清空这一格。"
PLAIN_FIELDS = (
    "name", "sex", "category", "post", "party_group", "joined_party_on", "is_floating", "floating_to",
    "contact_person", "is_home_bound", "is_in_difficulty",
)  # fmt: skip
COMPARED = (*PLAIN_FIELDS, "birth_date", "birth_precision", "id_digest", "phone_digest", "place_in_list")
STATE_OF = (*COMPARED, "branch_id", "left_on", "joined_party_precision")
STATE = attrgetter(*STATE_OF)


def pieces(items: list, size: int = AT_ONCE) -> Iterator[list]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def registered(digests: Iterable[str]) -> Q:
    """Members with one of these ID numbers. The index knows numbers only, and serves whoever says so."""
    return ~Q(id_digest="") & Q(id_digest__among=sorted(digests))


class Known:
    """Members the lines may mean: same ID number anywhere, or same name inside the scope."""

    def __init__(self, rows: list[RosterRow], scope: Organization):
        self.scope = scope
        members = Member.objects.select_related("branch").defer("id_number", "phone")
        self.by_name: dict[str, list[Member]] = defaultdict(list)
        digests = {row.id_digest for row in rows if row.id_digest}
        self.by_digest = kept_records({m.id_digest: m for m in members.filter(registered(digests))}, members)
        inside = members.present().filter(within("branch__path", scope.path)).order_by("pk")
        names = {row.values["name"] for row in rows if "name" in row.values}
        for member in inside.filter(name__among=sorted(names)):
            self.by_name[member.name].append(member)

    def has_any_like(self, row: RosterRow) -> bool:
        return row.id_digest in self.by_digest or row.values.get("name") in self.by_name

    def match(self, row: RosterRow) -> None:
        """Set `row.member`, or put an error or a warning on the row."""
        same_name = self.by_name.get(row.values["name"], [])
        if same_name:
            row.namesakes = sum(m.branch_id == row.branch_pk for m in same_name)
        if row.id_digest in self.by_digest:
            self.match_by_id_number(row, self.by_digest[row.id_digest])
            return
        if not same_name:
            return
        namesakes = [
            m for m in same_name if not (row.id_digest and m.id_digest)
        ]  # two different ID numbers are two people
        here = [m for m in namesakes if m.branch_id == row.branch.pk]
        birth = row.values.get("birth_date") or row.derived.get("birth_date")
        fitting = [m for m in here if birth and m.birth_date and same_birth(birth, birth_of(m))]
        unknown = [m for m in here if not (birth and m.birth_date)]
        candidates = fitting or unknown
        if len(candidates) > 1:
            row.error(
                "name",
                "NAME_NEEDS_ID",
                "这个支部有同名的党员，分不清是哪一位。请补上身份证号或完整的出生日期。",
            )
        elif candidates:
            row.member = candidates[0]
        elif birth and birth[1] == "day" and any(is_born(m, birth[0]) for m in namesakes):
            row.leave_out(
                "branch",
                "TRANSFER_SUSPECTED",
                "疑似调动：本单位另一个支部有同名、同出生日期的党员。这一行不导入，如已调动请办理转接。",
            )
        elif here:
            row.warn(
                "name", "NAME_TWICE", "这个支部已有同名党员，出生日期不同，将作为另一位党员新增。请核对。"
            )

    def compare_masked(self, rows: list[RosterRow]) -> None:
        """Half hidden numbers, as we export them, mean "unchanged": they must fit the member matched."""
        masked = [row for row in rows if row.masked and not (row.errors or row.set_aside)]
        for piece in pieces([row for row in masked if row.member]):
            known = Member.objects.only("id_number", "phone").in_bulk([row.member.pk for row in piece])
            for row in piece:
                refuse_unfitting(row, known[row.member.pk])
        for row in masked:
            if not row.member:
                for name in row.masked:
                    row.error(name, "MASKED_NUMBER", f"{MASKED_UNKNOWN}这里没有登记这位党员。{MASKED_MEND}")

    def match_by_id_number(self, row: RosterRow, member: Member) -> None:
        if member.left_on or not holds(self.scope.path, member.branch.path):
            row.leave_out("", "REVIEW", REVIEW)
        elif member.branch_id != row.branch.pk:
            row.leave_out(
                "branch",
                "TRANSFER_SUSPECTED",
                f"疑似调动：这位党员现在登记在“{member.branch.name}”。这一行不导入，如已调动请办理转接。",
            )
        else:
            row.member = member
            if member.id_digest != row.id_digest:
                row.warn("id_number", "ID_MERGED", ID_MERGED)
                row.values.pop("id_number")
                row.derived = {}
            if member.name != row.values["name"]:
                row.warn(
                    "name",
                    "NAME_CHANGED",
                    f"身份证号与已登记的“{member.name}”相同，姓名不同。如是改名可以导入，否则请核对身份证号。",
                )


def kept_records(found: dict[str, Member], members: QuerySet[Member]) -> dict[str, Member]:
    """A record that gave way to another keeps its number, and means the person of the one that stayed."""
    while gone := {m.merged_into_id for m in found.values() if m.merged_into_id}:
        kept = members.in_bulk(gone)
        found = {told: kept.get(m.merged_into_id, m) for told, m in found.items()}
    return found


def refuse_unfitting(row: RosterRow, known: Member) -> None:
    for name, written in row.masked.items():
        if getattr(known, f"masked_{name}") != written:
            row.error(name, "MASKED_NUMBER", f"{MASKED_UNKNOWN}和已登记的这位党员对不上。{MASKED_MEND}")


def birth_of(member: Member) -> tuple[date, str]:
    return member.birth_date, member.birth_precision


def is_born(member: Member, day: date) -> bool:
    return member.birth_precision == "day" and member.birth_date == day


def changes_of(row: RosterRow) -> dict:
    """What storing this line would change on the matched member, its place in the list apart.

    Empty cells change nothing.
    """
    member, values = row.member, row.values
    changes = {name: values[name] for name in PLAIN_FIELDS if name in values and name not in PRECISION_OF}
    changes = {name: value for name, value in changes.items() if getattr(member, name) != value}
    if not member.sex and "sex" in row.derived:
        changes["sex"] = row.derived["sex"]
    birth = values.get("birth_date") or (None if member.birth_date else row.derived.get("birth_date"))
    for name, day in (("birth_date", birth), ("joined_party_on", values.get("joined_party_on"))):
        if day and is_news(day, (getattr(member, name), getattr(member, PRECISION_OF[name]))):
            changes[name] = day
    if "id_number" in values and row.id_digest != member.id_digest:
        changes["id_number"] = values["id_number"]
    if "phone" in values and digest(values["phone"]) != member.phone_digest:
        changes["phone"] = values["phone"]
    return changes


def is_news(said: PartDate, known: tuple[date | None, str]) -> bool:
    """A month where the day is already known tells nothing new."""
    if known[0] is None or not same_birth(said, known):  # type: ignore[arg-type]
        return True
    return PRECISE[said[1]] > PRECISE[known[1]]


def fingerprint(member: Member) -> str:
    """Changes when anything the import compares has changed since the check."""
    return hashed(STATE(member))


def fingerprint_of(values: Mapping[str, object]) -> str:
    """The fingerprint of a member with these values; dates may be written as text."""
    return hashed(tuple(map(values.get, STATE_OF)))


def fingerprints(columns: Mapping[str, list], many: int) -> Iterator[str]:
    """Those of `many` people in columns."""
    nothing = [None] * many
    return map(hashed, zip(*(columns.get(name, nothing) for name in STATE_OF), strict=True))


def hashed(state: tuple) -> str:
    # Imports from before the last column was there may still be undone: every day was a whole one then.
    told = state[:-1] if state[-1] == "day" else state
    return hashlib.sha256("\x1f".join(map(str, told)).encode()).hexdigest()
